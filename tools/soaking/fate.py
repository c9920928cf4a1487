"""What is done to a run from outside."""
import os
import signal
import time

LONGEST_S = 0.3


class Fate:
    """Kills and stops of workers, or an end to the master, at random moments."""

    def __init__(self, chance, mode):
        self.chance = chance
        self.done = []
        self.ends_master = False
        self.shots = 0  # that could kill a worker
        roll = chance.random()
        if roll < 0.08:
            self.plan = [chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])]
            self.ends_master = True
        elif mode == "process" and roll < 0.8:
            some = [signal.SIGKILL] * 5 + [signal.SIGSEGV, signal.SIGABRT, signal.SIGSTOP, signal.SIGCONT]
            self.plan = [chance.choice(some) for _ in range(chance.choice([1, 2, 5]))]
        else:
            self.plan = []

    def told(self):
        return ", ".join(self.done) or "nothing was done to it"

    def fire_at(self, process):
        while process.poll() is None and not is_tally(process.pid):
            time.sleep(0.0002)  # it is still being started
        for signal_number in self.plan:
            time.sleep(self.chance.random() ** 3 * LONGEST_S)
            victim = process.pid if self.ends_master else self.some_worker(process)
            if victim is None or process.poll() is not None:
                return
            self.send(victim, signal_number)

    def send(self, victim, signal_number):
        who = "master" if self.ends_master else "worker"
        try:
            if signal_number == signal.SIGCONT:  # what was stopped, for a while
                os.kill(victim, signal.SIGSTOP)
                time.sleep(self.chance.random() * LONGEST_S)
            os.kill(victim, signal_number)
        except ProcessLookupError:
            return
        self.shots += signal_number != signal.SIGCONT and not self.ends_master
        name = signal.Signals(signal_number).name
        self.done.append(f"{'SIGSTOP, then ' if name == 'SIGCONT' else ''}{name} to the {who}")

    def some_worker(self, process):
        """Waits for one; None where the run ends without another."""
        while process.poll() is None:
            try:
                with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as children:
                    workers = [int(pid) for pid in children.read().split()]
            except OSError:
                return None
            if workers := [pid for pid in workers if is_alive(pid)]:
                return self.chance.choice(workers)
            time.sleep(0.0002)
        return None


def is_tally(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "tally"
    except OSError:
        return False


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
