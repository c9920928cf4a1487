"""One run of tally under fire, and whether it ended as it should."""
import os
import signal
import subprocess
import threading
import time

DEADLINE_S = 120
MASTER_DIES_WITHIN_S = 1


class Wrong(Exception):
    """A run that did not end as it should."""


def run_once(tally, directory, work, chance):
    """Returns the kinds of things that were done."""
    mode = chance.choice(["process", "process", "process", "thread", "serial"])
    command = [tally, "count", *work.arguments, "--mode", mode, "-o", "out"]
    command += ["-j", str(chance.choice([1, 2, 3, 7])), "--progress", "always"]
    command += ["--chunk-size", chance.choice(["1", "5K", "64K", "1M", "8M"])]
    command += ["--stall-timeout", "2"] if mode == "process" else []
    command += work.files
    fate = Fate(chance, mode)
    with subprocess.Popen(
        command,
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": directory},
        start_new_session=True,
    ) as process:
        threading.Thread(target=feed, args=(process, work.standard_input), daemon=True).start()
        fire = threading.Thread(target=fate.fire_at, args=(process,))
        fire.start()
        out, err = read_to_end(process, command)
        fire.join()
    where = f"{' '.join(command)}\n  {fate.told()}\n  {err.decode(errors='replace')[-2000:]}"
    check_nothing_is_left(process, directory, work, where)
    check_result(process.returncode, out, read_output(directory), work, fate, where)
    return work.kinds + [f"mode {mode}"] + fate.done


def feed(process, data):
    try:
        process.stdin.write(data or b"")
        process.stdin.close()
    except OSError:
        pass  # it ended before


def read_to_end(process, command):
    # Not communicate(): standard input is somebody else's.
    pieces = {}

    def read(name, stream):
        pieces[name] = stream.read()

    readers = [
        threading.Thread(target=read, args=(name, stream))
        for name, stream in (("out", process.stdout), ("err", process.stderr))
    ]
    for reader in readers:
        reader.start()
    try:
        process.wait(DEADLINE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise Wrong(f"it hangs: {' '.join(command)}") from None
    for reader in readers:
        reader.join(MASTER_DIES_WITHIN_S)
        if reader.is_alive():
            raise Wrong(f"a worker outlives it: {' '.join(command)}")
    return pieces["out"], pieces["err"]


def read_output(directory):
    try:
        with open(os.path.join(directory, "out"), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


class Fate:
    """What is done to a run from outside."""

    def __init__(self, chance, mode):
        self.chance = chance
        self.done = []
        self.ends_master = False
        roll = chance.random()
        if roll < 0.08:
            self.plan = [chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])]
            self.ends_master = True
        elif mode == "process" and roll < 0.8:
            fatal = [signal.SIGKILL] * 4 + [signal.SIGSEGV, signal.SIGABRT, signal.SIGSTOP]
            self.plan = [chance.choice(fatal) for _ in range(chance.choice([1, 2, 5]))]
        else:
            self.plan = []

    def told(self):
        return ", ".join(self.done) or "nothing was done to it"

    def fire_at(self, process):
        for signal_number in self.plan:
            time.sleep(self.chance.random() ** 3 * 0.3)
            victim = process.pid if self.ends_master else self.some_worker(process)
            if victim is None or process.poll() is not None:
                return
            try:
                os.kill(victim, signal_number)
            except ProcessLookupError:
                continue
            who = "master" if self.ends_master else "worker"
            self.done.append(f"{signal.Signals(signal_number).name} to the {who}")

    def some_worker(self, process):
        """Waits for one; None where the run ends without another."""
        while process.poll() is None:
            try:
                with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
                    workers = children.read().split()
            except OSError:
                return None
            if workers:
                return int(self.chance.choice(workers))
            time.sleep(0.0002)
        return None


def check_nothing_is_left(process, directory, work, where):
    try:
        os.killpg(process.pid, 0)
        raise Wrong(f"a process is left: {where}")
    except ProcessLookupError:
        pass
    expected = {name for name in work.files if name != "-"} | {"out"}
    left = set(os.listdir(directory)) - expected
    if left:
        raise Wrong(f"files are left, {left}: {where}")


def check_result(status, out, output, work, fate, where):
    if out != b"":
        raise Wrong(f"it printed something: {where}")
    if status == 0:
        if work.expected is None:
            raise Wrong(f"it took a damaged file for whole: {where}")
        if output != work.expected:
            raise Wrong(f"it counted wrong: {where}")
        return
    if output is not None and not (fate.ends_master and output == work.expected):
        raise Wrong(f"it failed and has an output: {where}")
    allowed = {1} if work.expected is None else set()
    if fate.ends_master:
        allowed |= {-number for number in fate.plan}
    if len(fate.done) >= 3:
        allowed.add(3)  # three deaths with one chunk
    if status not in allowed:
        raise Wrong(f"it ended with {status}: {where}")
    if status > 0:
        fate.done.append(f"exit status {status}")
