"""The programs that tally is measured against, and how each is told to do the same work.

What a peer writes is not sorted where tally's output is: that is the peer's advantage."""
import contextlib
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.realpath(__file__))


class Command:
    """A process to be timed. `most_rounds`: for one that takes minutes; it gets no warm-up."""

    def __init__(self, name, arguments, directory, environment=None, most_rounds=None):
        self.name = name
        self.arguments = arguments
        self.directory = directory
        self.environment = {**os.environ, "LC_ALL": "C", **(environment or {})}
        self.most_rounds = most_rounds

    def shown(self):
        return " ".join(self.arguments)


class Toolbox:
    """Makes the commands of one run of the benchmark; None where a peer is missing."""

    def __init__(self, directory, tally, scan_floor, duckdb_modules, workers):
        self.directory = directory
        self.tally_binary = tally
        self.scan_floor_binary = scan_floor
        self.duckdb_modules = duckdb_modules
        self.workers = workers

    def tally(self, files, *options, name="tally", workers=None):
        arguments = [self.tally_binary, "count", "-q", "-j", str(workers or self.workers), "-o",
                     "tally.out", *options, *files]
        return self._command(name, arguments)

    def scan_floor(self, file):
        return self._command("scan floor", [self.scan_floor_binary, str(self.workers), file])

    def duckdb(self, files):
        """For n-grams of version 2."""
        if self.duckdb_modules is None:
            return None
        columns = "{'k': 'VARCHAR', 'year': 'INTEGER', 'm': 'UBIGINT', 'v': 'UBIGINT'}"
        listed = ", ".join(f"'{file}'" for file in files)
        query = (f"COPY (SELECT k, sum(m) FROM read_csv([{listed}], delim='\t', header=false, "
                 f"quote='', escape='', columns={columns}) GROUP BY k) "
                 "TO 'duckdb.out' (DELIMITER '\t', HEADER false, QUOTE '', ESCAPE '')")
        return self._command(
            "DuckDB", ["node", os.path.join(HERE, "duckdb.cjs"), str(self.workers), query],
            {"NODE_PATH": self.duckdb_modules})

    def mawk(self, file):
        program = "{ n[$1] += $3 } END { for (k in n) printf \"%s\\t%.0f\\n\", k, n[k] }"
        return self._present("mawk", ["mawk", "-F\t", program, file])

    def python_pool(self, file):
        script = os.path.join(HERE, "python_pool.py")
        return self._command("Python process pool", ["python3", script, str(self.workers), file],
                             most_rounds=3)

    def wc(self, file):
        return self._present("wc -w", ["wc", "-w", file])

    def igzip(self, files):
        script = 'for file; do igzip -dc "$file" || exit; done'
        return self._present("igzip", ["sh", "-c", script, "sh", *files], needs="igzip")

    def same_lines(self):
        """Whether the outputs of tally and DuckDB hold the same lines, once both are there."""
        sort = "LC_ALL=C sort -S 1G"
        script = f"[ -e duckdb.out ] || exit 0; {sort} tally.out > a; {sort} duckdb.out | cmp -s a -"
        return subprocess.run(["sh", "-c", script], cwd=self.directory, check=False).returncode == 0

    def forget_outputs(self):
        for name in ("tally.out", "duckdb.out", "python.out"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.directory, name))

    def _present(self, name, arguments, needs=None):
        return self._command(name, arguments) if shutil.which(needs or arguments[0]) else None

    def _command(self, name, arguments, environment=None, most_rounds=None):
        return Command(name, arguments, self.directory, environment, most_rounds)


def install_duckdb(directory):
    """The folder of node modules with DuckDB in it, installed once; None where that fails."""
    modules = os.path.join(directory, "node_modules")
    if not shutil.which("npm"):
        subprocess.run([os.path.join(HERE, "..", "install_packages"), "duckdb"], check=False)
    if not shutil.which("npm"):
        return None
    if not os.path.isdir(os.path.join(modules, "@duckdb", "node-api")):
        os.makedirs(directory, exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--prefix", directory, "@duckdb/node-api"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False)
        if done.returncode != 0:
            return None
    return modules
