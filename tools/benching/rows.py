"""What is measured: the inputs, who counts them, and what is asked of tally."""
import os
import random
import subprocess

MEGA = 10**6


class Goal:
    """A ratio that is asked for."""

    def __init__(self, says, ratio, limit, at_most):
        self.says = says  # "6x DuckDB"
        self.ratio = ratio  # a function of the medians by name; a KeyError where a peer is missing
        self.limit = limit
        self.at_most = at_most

    def met(self, value):
        return value <= self.limit if self.at_most else value >= self.limit


def times_faster(peer, factor, ours="tally"):
    return Goal(f"{factor:g}x {peer}", lambda s: s[peer] / s[ours], factor, at_most=False)


def at_most_times(peer, factor, ours="tally", share=1.0):
    of = peer if share == 1 else f"{share:g} of {peer}"
    return Goal(f"at most {factor:g}x {of}", lambda s: s[ours] / (share * s[peer]), factor,
                at_most=True)


def gigabytes_per_second(size, limit, ours):
    return Goal(f"{limit:g} GB/s", lambda s: size / s[ours] / 1e9, limit, at_most=False)


class Row:
    """One line of the table: `commands` in turns, `goals` of their medians."""

    def __init__(self, name, title, commands, goals, memory_of=(), rounds_factor=1):
        self.name = name
        self.title = title
        self.commands = [command for command in commands if command is not None]
        self.goals = goals
        self.memory_of = memory_of  # names of commands whose memory is compared
        self.rounds_factor = rounds_factor  # more of them for what is over at once


class Inputs:
    """Makes files in a directory, each when it is first asked for."""

    def __init__(self, directory, make_ngrams, scale):
        self.directory = directory
        self.make_ngrams = make_ngrams
        self.scale = scale  # 1: the whole sizes

    def ngrams(self, name, megabytes, *options):
        path = os.path.join(self.directory, name)
        if not os.path.exists(path):
            size = f"{int(megabytes * MEGA * self.scale / 1024)}K"
            subprocess.run([self.make_ngrams, "--bytes", size, *options, "-o", path], check=True)
        return path

    def gzipped(self, path, level="6"):
        packed = path + ".gz"
        if not os.path.exists(packed):
            with open(packed, "wb") as out:
                subprocess.run(["gzip", "-c", f"-{level}", path], stdout=out, check=True)
        return packed

    def key_values(self, name, keys, megabytes):
        """Lines `key;value`, the keys as those of weather stations."""
        path = os.path.join(self.directory, name)
        if not os.path.exists(path):
            chance = random.Random(keys)
            stations = ["".join(chance.choice("abcdefghijklmnopqrstuvwxyz")
                                for _ in range(chance.randrange(4, 24))).capitalize()
                        for _ in range(keys)]
            piece = "".join(f"{chance.choice(stations)};{chance.randrange(-999, 999) / 10}\n"
                            for _ in range(500_000)).encode()
            with open(path, "wb") as out:
                for _ in range(max(1, int(megabytes * MEGA * self.scale / len(piece)))):
                    out.write(piece)
        return path

    def small(self):
        path = os.path.join(self.directory, "small")
        with open(path, "w", encoding="ascii") as out:
            out.write("".join(f"word{i % 37}\t{1900 + i}\t{i}\t1\n" for i in range(55)))
        return path


def sorted_ngrams(inputs, tools):
    file = inputs.ngrams("sorted.tsv", 1700)
    commands = [tools.scan_floor(file), tools.tally([file]), tools.duckdb([file]), tools.mawk(file),
                tools.python_pool(file)]
    return Row("sorted", "n-grams, sorted, 1.7 GB", commands, [
        times_faster("DuckDB", 10), times_faster("mawk", 25),
        times_faster("Python process pool", 100), at_most_times("scan floor", 4)])


def shuffled_ngrams(inputs, tools):
    file = inputs.ngrams("shuffled.tsv", 400, "--shuffled", "--words",
                         str(int(284_000 * inputs.scale)))
    return Row("shuffled", "n-grams, shuffled, 400 MB",
               [tools.tally([file]), tools.duckdb([file])], [times_faster("DuckDB", 6)])


def text(inputs, tools):
    file = inputs.ngrams("text.txt", 800, "--format", "text")
    return Row("text", "words of text, 800 MB",
               [tools.tally([file], "-f", "words"), tools.wc(file)], [times_faster("wc -w", 6)])


def one_gzip(inputs, tools):
    file = inputs.gzipped(inputs.ngrams("packed.tsv", 400))
    return Row("gzip", "one .gz of sorted n-grams, 400 MB",
               [tools.tally([file]), tools.duckdb([file]), tools.igzip([file])],
               [times_faster("DuckDB", 5), at_most_times("igzip", 1.4)])


def many_gzips(inputs, tools):
    files = [inputs.gzipped(inputs.ngrams(f"part{i}.tsv", 50, "--seed", str(i + 1)))
             for i in range(16)]
    return Row("gzips", "16 .gz files of 50 MB", [tools.tally(files), tools.igzip(files)],
               [at_most_times("igzip", 1.2, share=0.5)])


def many_keys(inputs, tools):
    words = str(int(9_700_000 * inputs.scale))
    # 20 M rows of 24 bytes.
    file = inputs.ngrams("keys.tsv", 480, "--shuffled", "--words", words)
    return Row("keys", "20 M lines, 9.7 M keys", [tools.tally([file]), tools.duckdb([file])],
               [times_faster("DuckDB", 4)], memory_of=("tally", "DuckDB"))


def columns(inputs, tools):
    commands, goals = [], []
    for keys in (413, 10_000):
        file = inputs.key_values(f"stations{keys}.txt", keys, 1000)
        name = f"tally, {keys:,} keys"
        commands.append(tools.tally([file], "-f", "columns", "-d", ";", name=name))
        goals.append(gigabytes_per_second(os.path.getsize(file), 4, name))
    return Row("columns", "lines key;value, 1 GB", commands, goals)


def small_file(inputs, tools):
    file = inputs.small()
    return Row("small", "a file of 1 KB", [tools.tally([file]), tools.mawk(file)],
               [at_most_times("mawk", 2)], rounds_factor=10)


def two_workers(inputs, tools):
    file = inputs.ngrams("sorted.tsv", 1700)
    return Row("workers", "2 workers against 1",
               [tools.tally([file], name="tally"), tools.tally([file], name="1 worker", workers=1)],
               [times_faster("1 worker", 1.85)])


def modes(inputs, tools):
    file = inputs.ngrams("sorted.tsv", 1700)
    return Row("modes", "processes against threads",
               [tools.tally([file]), tools.tally([file], "--mode", "thread", name="threads")],
               [at_most_times("threads", 1.05), at_most_times("tally", 1.05, ours="threads")])


ROWS = {row.__name__: row for row in (
    sorted_ngrams, shuffled_ngrams, text, one_gzip, many_gzips, many_keys, columns, small_file,
    two_workers, modes)}
