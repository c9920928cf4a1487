"""Where and when something was measured."""
import datetime
import os
import platform
import re
import subprocess


def value_in(path, name):
    """Of the first line `name: value`."""
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(rf"^{name}\s*:\s*(.+)$", file.read(), re.MULTILINE)
    except OSError:
        return None
    return found.group(1).strip() if found else None


def system():
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = platform.system()
    return f"{name}, Linux {'.'.join(platform.release().split('.')[:2])}"


def version_of(tally):
    """In one line."""
    said = subprocess.run([tally, "--version"], stdout=subprocess.PIPE, text=True, check=True)
    return ", ".join(said.stdout.splitlines())


def where_and_when(tally):
    kib = (value_in("/proc/meminfo", "MemTotal") or "0").split()[0]
    return {
        "version": version_of(tally),
        "date": datetime.date.today().isoformat(),
        "machine": {
            "cpu": value_in("/proc/cpuinfo", "model name") or platform.machine(),
            "cpus": len(os.sched_getaffinity(0)),
            "memory_bytes": int(kib) * 1024,
            "system": system(),
        },
    }
