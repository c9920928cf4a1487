"""Whole commands, timed in turns: A B C A B C ..., so that a noisy minute hits all of them."""
import os
import statistics
import subprocess
import threading
import time


class Failed(Exception):
    """A command that did not end as it should."""


class Timing:
    """What the rounds of one command took, in seconds, and its own processes' largest memory."""

    def __init__(self):
        self.seconds = []
        self.cpu_seconds = []

    def median(self):
        return statistics.median(self.seconds)

    def to_json(self):
        return {
            "median_s": self.median(),
            "min_s": min(self.seconds),
            "max_s": max(self.seconds),
            "cpu_s": statistics.median(self.cpu_seconds),
            "runs_s": self.seconds,
        }


def run_once(command, timing=None):
    """From the start of the process to its end, with its output in a file or nowhere."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        command.arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, cwd=command.directory, env=command.environment)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode != 0:
        raise Failed(f"{command.shown()} ended with {process.returncode}: "
                     f"{errors.decode(errors='replace').strip()}")
    if timing is not None:
        timing.seconds.append(seconds)
        timing.cpu_seconds.append(usage.ru_utime + usage.ru_stime)


def measure(commands, rounds):
    """A Timing for each, after a round that does not count. Some are too slow for every round."""
    timings = [Timing() for _ in commands]
    for command in commands:
        if command.most_rounds is None:
            run_once(command)
    for round_number in range(rounds):
        for command, timing in zip(commands, timings):
            if command.most_rounds is None or round_number < command.most_rounds:
                run_once(command, timing)
    return timings


def peak_memory(command):
    """The most that all its processes had at once, in bytes: shared pages count once. Looking at it
    takes time, so this is a run of its own."""
    peak = 0
    process = subprocess.Popen(
        command.arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, cwd=command.directory, env=command.environment,
        start_new_session=True)
    ended = threading.Event()
    waiter = threading.Thread(target=lambda: (process.wait(), ended.set()))
    waiter.start()
    while not ended.wait(0.01):
        peak = max(peak, sum(map(proportional_bytes, session_of(process.pid))))
    waiter.join()
    if process.returncode != 0:
        raise Failed(f"{command.shown()} ended with {process.returncode}")
    return peak


def session_of(leader):
    """The processes of a session."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.getsid(int(name)) == leader:
                    found.append(int(name))
            except OSError:
                pass  # it has ended
    return found


def proportional_bytes(pid):
    """Without mapped files: these are the cache's, and go when somebody else needs the memory."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            sizes = dict(line.split(":", 1) for line in rollup if ":" in line[:20])
    except OSError:
        return 0
    return sum(int(sizes[kind].split()[0]) * 1024 for kind in ("Pss_Anon", "Pss_Shmem"))
