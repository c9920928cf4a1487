"""What a run of tally could leave behind: processes, shared memory, files, open descriptors."""
import fcntl
import os
import shutil
import subprocess
import sys
import termios
import time

MARK = "TALLY_SOAK_RUN"  # in the environment of all processes of a run
SMALL_PIPE_BYTES = 4096
GONE_WITHIN_S = 1  # whoever adopts the workers of a killed master takes a moment to bury them


class Surroundings:
    """Of one run: what it sees as /tmp and /dev/shm is a directory of its own, where that is
    allowed, so that whatever is left there is its own, too."""

    NAMES = ("tmp", "shm")

    def __init__(self, directory, are_apart):
        self.directory = directory
        self.are_apart = are_apart
        self.mark = os.path.basename(directory)
        self.segments = set(sysv_objects())
        for name in self.NAMES:
            os.mkdir(os.path.join(directory, name))

    @staticmethod
    def may_be_apart():
        """To mount something takes root, or a user namespace that lets anyone be it."""
        command = ["unshare", "--mount", "mount", "--bind", "/dev", "/mnt"]
        return shutil.which("unshare") is not None and (
            subprocess.run(command, capture_output=True, check=False).returncode == 0
        )

    def command(self, command):
        if not self.are_apart:
            return command
        script = 'mount --bind "$0" /tmp && mount --bind "$1" /dev/shm && shift && exec "$@"'
        places = [os.path.join(self.directory, name) for name in self.NAMES]
        return ["unshare", "--mount", "sh", "-c", script, *places, *command]

    def environment(self):
        return {**os.environ, MARK: self.mark, "TMPDIR": os.path.join(self.directory, "tmp")}

    def left(self, session):
        """In words; empty where nothing is."""
        left = [f"the process {pid}" for pid in self.processes_left(session)]
        for name in self.NAMES:
            left += [f"{name}/{file}" for file in os.listdir(os.path.join(self.directory, name))]
        left += [f"System V {thing}" for thing in set(sysv_objects()) - self.segments]
        return left

    def processes_left(self, session):
        end = time.monotonic() + GONE_WITHIN_S
        while (pids := self.processes(session)) and time.monotonic() < end:
            time.sleep(0.001)
        return pids

    def processes(self, session):
        """All of its session, zombies too, and those that have left it."""
        mark = f"{MARK}={self.mark}".encode()
        pids = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
                    of_session = int(stat.read().rpartition(")")[2].split()[3]) == session
                with open(f"/proc/{pid}/environ", "rb") as environment:
                    of_run = mark in environment.read().split(b"\0")
            except OSError:
                continue  # it is gone, or another user's
            if of_session or of_run:
                pids.append(pid)
        return pids


def sysv_objects():
    """Those that other living processes made are theirs."""
    for kind in ("shm", "sem", "msg"):
        with open(f"/proc/sysvipc/{kind}", encoding="utf-8") as table:
            columns, *rows = (line.split() for line in table)
        for row in rows:
            creator = row[columns.index("cpid")] if "cpid" in columns else "0"
            if not os.path.exists(f"/proc/{creator}"):
                yield f"{kind} {row[1]}"


def make_small(pipe):
    """A pipe that holds a page, so that more output than that has whoever writes it wait."""
    f_setpipe_sz = 1031
    fcntl.fcntl(pipe, f_setpipe_sz, SMALL_PIPE_BYTES)


def is_full(pipe):
    waiting = fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4)
    return int.from_bytes(waiting, sys.byteorder) >= SMALL_PIPE_BYTES


def descriptors_too_many(pid):
    """Of a process at its end: what it was started with, and a duplicate of its standard input and
    output, is all that it should have open; a list of what else there is."""
    open_now = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        open_now[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
    standard = [open_now.get(fd) for fd in range(3)]
    others = [name for fd, name in sorted(open_now.items()) if fd > 2]
    return [name for name in others if name not in standard or others.count(name) > 1]
