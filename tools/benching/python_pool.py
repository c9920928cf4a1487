"""Usage: python_pool.py PROCESSES FILE
The totals of an n-gram file as many people would have them counted: chunks of 60,000 lines handed to
a pool of processes, whose dictionaries are added up."""
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import islice

LINES_PER_CHUNK = 60_000


def count(lines):
    counts = Counter()
    for line in lines:
        word, _, matches, _ = line.split("\t")
        counts[word] += int(matches)
    return counts


def chunks(file):
    while lines := list(islice(file, LINES_PER_CHUNK)):
        yield lines


def main():
    totals = Counter()
    with open(sys.argv[2], encoding="utf-8") as file, ProcessPoolExecutor(int(sys.argv[1])) as pool:
        for counts in pool.map(count, chunks(file)):
            totals.update(counts)
    with open("python.out", "w", encoding="utf-8") as out:
        for word, total in totals.most_common():
            out.write(f"{word}\t{total}\n")


if __name__ == "__main__":
    main()
