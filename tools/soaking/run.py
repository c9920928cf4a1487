"""One run of tally under fire, and whether it ended as it should."""
import os
import random
import re
import signal
import subprocess
import threading
import time

from soaking.fate import Fate
from soaking.traces import GONE_WITHIN_S, Surroundings, descriptors_too_many, is_full, make_small

DEADLINE_S = 120
INPUT_KINDS = {"file", "gzip file", "pipe", "gzip pipe"}
DEATHS_TOLD = re.compile(rb"to be (?:counted|merged) again")


class Wrong(Exception):
    """A run that did not end as it should."""


class Run:
    """`tally count` in a process group of its own."""

    def __init__(self, tally, directory, are_apart, work, chance):
        self.directory = directory
        self.work = work
        self.mode = chance.choice(["process", "process", "process", "thread", "serial"])
        # How often these are asked depends on the time that things take; what comes after does not.
        self.fate = Fate(random.Random(chance.random()), self.mode)
        self.chance = random.Random(chance.random())
        # An output to a pipe that nobody reads has it wait, to be looked at, before it ends.
        self.to_pipe = chance.random() < 0.2
        self.dribbles = chance.random() < 0.5
        command = [tally, "count", *work.arguments, "--mode", self.mode, "--progress", "always"]
        command += ["-j", str(chance.choice([1, 2, 3, 7]))]
        command += ["--chunk-size", chance.choice(["1", "5K", "64K", "1M", "8M"])]
        command += ["--stall-timeout", "2"] if self.mode == "process" else []
        command += [] if self.to_pipe else ["-o", "out"]
        self.command = command + work.files
        self.surroundings = Surroundings(directory, are_apart)
        self.out = self.err = b""
        self.status = None

    def go(self):
        """Returns the kinds of things that were done, and how often."""
        output, output_of_tally = os.pipe()
        if self.to_pipe:
            make_small(output)
        with os.fdopen(output, "rb") as output, subprocess.Popen(
            self.surroundings.command(self.command),
            cwd=self.directory,
            stdin=subprocess.PIPE,
            stdout=output_of_tally,
            stderr=subprocess.PIPE,
            env=self.surroundings.environment(),
            start_new_session=True,
        ) as process:
            os.close(output_of_tally)
            feeder = threading.Thread(target=self.feed, args=(process,))
            feeder.start()
            fire = threading.Thread(target=self.fate.fire_at, args=(process,))
            fire.start()
            try:
                self.read_to_end(process, output)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                fire.join()
                feeder.join()
        self.check_nothing_is_left(process.pid)
        self.check_result()
        return self.counts()

    def feed(self, process):
        data = self.work.standard_input or b""
        piece = max(len(data) // 20, 1) if self.dribbles else max(len(data), 1)
        try:
            for begin in range(0, len(data), piece):
                process.stdin.write(data[begin : begin + piece])
                process.stdin.flush()
                if self.dribbles:
                    time.sleep(self.chance.random() * 0.01)
        except BrokenPipeError:
            pass  # it ended before
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass  # so what was left to write is not wanted

    def read_to_end(self, process, output):
        # Not communicate(): standard input is somebody else's.
        pieces = {}

        def read(name, stream):
            pieces[name] = stream.read()

        def start_to_read(name, stream):
            reader = threading.Thread(target=read, args=(name, stream), daemon=True)
            reader.start()
            return reader

        readers = [start_to_read("err", process.stderr)]
        if self.to_pipe:
            self.look_at_the_end(process, output)
        readers.append(start_to_read("out", output))
        try:
            self.status = process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise Wrong(f"it hangs: {self.where()}") from None
        for reader in readers:
            reader.join(GONE_WITHIN_S)
            if reader.is_alive():
                raise Wrong(f"a worker outlives it: {self.where()}")
        self.out, self.err = pieces["out"], pieces["err"]

    def look_at_the_end(self, process, output):
        """Until it waits for somebody to read its output: then it has no other use for anything."""
        deadline = time.monotonic() + DEADLINE_S
        while process.poll() is None and time.monotonic() < deadline:
            if is_full(output):
                break
            time.sleep(0.001)
        else:
            return
        if self.fate.ends_master:
            return  # it may be gone at any time
        if too_many := descriptors_too_many(process.pid):
            raise Wrong(f"descriptors are left, {too_many}: {self.where()}")
        self.work.kinds.append("descriptors at the end")

    def where(self):
        err = self.err.decode(errors="replace")[-2000:]
        return f"{' '.join(self.command)}\n  {self.fate.told()}\n  {err}"

    def check_nothing_is_left(self, session):
        left = self.surroundings.left(session)
        expected = {name for name in self.work.files if name != "-"} | {"out", *Surroundings.NAMES}
        left += sorted(set(os.listdir(self.directory)) - expected)
        if left:
            raise Wrong(f"{', '.join(left)} left: {self.where()}")

    def output(self):
        if self.to_pipe:
            return self.out or None
        try:
            with open(os.path.join(self.directory, "out"), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def check_result(self):
        fate, expected, output = self.fate, self.work.expected, self.output()
        if self.out != b"" and not self.to_pipe:
            raise Wrong(f"it printed something: {self.where()}")
        if self.status == 0:
            if expected is None:
                raise Wrong(f"it took a damaged file for whole: {self.where()}")
            if (output or b"") != expected:
                raise Wrong(f"it counted wrong: {self.where()}")
            return
        was_cut_short = fate.ends_master and expected is not None
        if output is not None and not (was_cut_short and self.may_be_there(output)):
            raise Wrong(f"it failed and has an output: {self.where()}")
        allowed = {1} if expected is None else set()
        if fate.ends_master:
            allowed |= {-number for number in fate.plan}
        if fate.shots >= 3:
            allowed.add(3)  # three deaths with one chunk
        if self.status not in allowed:
            raise Wrong(f"it ended with {self.status}: {self.where()}")

    def may_be_there(self, output):
        """Of a master that was ended: all of a file or nothing, but any part of what goes to a
        pipe."""
        return self.work.expected.startswith(output) if self.to_pipe else output == self.work.expected

    def counts(self):
        counts = {kind: 1 for kind in (*self.work.kinds, f"mode {self.mode}")}
        for done in self.fate.done:
            counts[done] = counts.get(done, 0) + 1
        deaths = len(DEATHS_TOLD.findall(self.err))
        if self.status == 0:
            counts["deaths of workers survived"] = deaths
            if deaths:
                for kind in counts.keys() & INPUT_KINDS:
                    counts[f"runs with deaths survived, of a {kind}"] = 1
        elif self.status > 0:
            counts[f"refused with status {self.status}"] = 1
        else:
            counts["masters ended"] = 1
        return counts
