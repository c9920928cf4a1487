"""What a picture is drawn from, with and to."""
import contextlib
import json
import os
import shutil
import subprocess

from plotting.reading import Problem, printable

TOOLS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..")


def need_gnuplot():
    """Installs it where it is missing."""
    if shutil.which("gnuplot") is None:
        subprocess.run([os.path.join(TOOLS, "install_packages"), "plot"], check=False)
    if shutil.which("gnuplot") is None:
        raise Problem("gnuplot is missing; install it (Debian: apt-get install gnuplot-nox)")


def read_document(path):
    try:
        with open(path, encoding="utf-8-sig") as file:
            return json.load(file)
    except OSError as error:
        raise Problem(f"cannot read it: {error.strerror}; name a file that tally wrote") from error
    except (ValueError, RecursionError) as error:
        raise Problem(f"not JSON: {printable(str(error))}; name a file that tally wrote") from error


def check_target(path, source):
    """Before there is any work done for it."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise Problem("not a regular file; name another", path)
    if os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
        raise Problem("the picture would replace what it shows; name another file", path)
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise Problem("its directory does not exist; make it first", path)


def write_whole(svg, path):
    """Beside its target first, so that the target is never half a picture."""
    target = os.path.realpath(path)
    temporary = f"{target}.{os.getpid()}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(svg)
        os.replace(temporary, target)
    except OSError as error:
        raise Problem(f"cannot write it: {error.strerror}; name another place", path) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
