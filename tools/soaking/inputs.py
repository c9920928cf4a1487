"""Random inputs, and what has to come out of them, worked out the slow and obvious way."""
import gzip
import os
import zlib
from collections import Counter

WORDS = ["to", "be", "or", "Not", "queſtion", "naïve", "x" * 15, "y" * 16, "z" * 17, "long" * 30, "日本"]
SPACES = [" ", "\n", "  ", "\t", "\u00a0", "\u2003", "\r\n", "\u3000"]


class Work:
    """The arguments of a run and its inputs; `expected` is its output, or None where it must fail."""

    def __init__(self, arguments, expected):
        self.arguments = arguments
        self.expected = expected
        self.files = []  # names, or "-"
        self.standard_input = None  # bytes
        self.kinds = []  # of the inputs, to be told at the end


def make_work(chance, directory):
    make = chance.choice([lines, words, columns, ngrams_v2, ngrams_v3])
    arguments, texts_and_counts = make(chance)
    counts = Counter()
    for _, part in texts_and_counts:
        counts.update(part)
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    work = Work(arguments, b"".join(b"%s\t%d\n" % row for row in rows))
    work.kinds.append(make.__name__)
    for number, (text, _) in enumerate(texts_and_counts):
        bring(chance, directory, work, number, text)
    return work


def bring(chance, directory, work, number, text):
    """As a plain file, a compressed one, or, once a run, the standard input."""
    packed = chance.random() < 0.4
    data = pack(chance, text) if packed else text
    if packed and len(data) > 30 and chance.random() < 0.1:
        data = damage(chance, data)
        work.expected = None
        work.kinds.append("damaged gzip")
    if work.standard_input is None and chance.random() < 0.4:
        work.standard_input = data
        work.files.append("-")
        work.kinds.append("gzip pipe" if packed else "pipe")
    else:
        work.files.append(f"in{number}")
        with open(os.path.join(directory, f"in{number}"), "wb") as file:
            file.write(data)
        work.kinds.append("gzip file" if packed else "file")


def pack(chance, text):
    cuts = sorted(chance.randrange(len(text) + 1) for _ in range(chance.choice([0, 0, 1, 3])))
    members = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)])]
    padding = bytes(chance.choice([0, 0, 7, 600]))
    return b"".join(gzip.compress(member, chance.choice([0, 1, 6])) for member in members) + padding


def damage(chance, data):
    """Cut off within a member, or with another bit in it, or followed by what is no gzip."""
    kind = chance.choice(["cut", "flip", "garbage"])
    if kind == "garbage":
        return data + b"garbage"
    while True:
        place = chance.randrange(2, len(data))  # without these two bytes it is no gzip
        if kind == "cut":
            damaged = data[:place]
        else:
            flipped = bytes([data[place] ^ 1 << chance.randrange(8)])
            damaged = data[:place] + flipped + data[place + 1 :]
        if not is_whole(damaged):
            return damaged


def is_whole(data):
    """Where a member ends, nothing is missing; and some bits of a header mean nothing."""
    try:
        gzip.decompress(data)
    except (EOFError, OSError, zlib.error):
        return False
    return True


def some_texts(chance, make_one):
    return [make_one() for _ in range(chance.choice([1, 1, 2, 5]))]


def size(chance):
    return chance.choice([0, 1, 50, 3000, 40000, 150000])


def lines(chance):
    def one():
        keys = [b"line %d" % (i * chance.choice([1, 7])) for i in range(chance.choice([1, 50, 20000]))]
        keys += ["é\u202e\x1b".encode(), b"", b"\xff\xfe", b"k" * 5000]
        rows = [chance.choice(keys) for _ in range(size(chance))]
        end = b"\n" if rows and (rows[-1] == b"" or chance.random() < 0.7) else b""
        # A text that ends in an empty line without a newline has no such line.
        newline = chance.choice([b"\n", b"\r\n"])
        return newline.join(rows) + (newline if end else b""), Counter(rows)

    return ["-f", "lines"], some_texts(chance, one)


def words(chance):
    def one():
        tokens = [chance.choice(WORDS) for _ in range(size(chance))]
        text = "".join(token + chance.choice(SPACES) for token in tokens)
        return text.encode(), Counter(token.encode() for token in text.split())

    return ["-f", "words"], some_texts(chance, one)


def columns(chance):
    delimiter = chance.choice([";", ",", "\t", "|"])

    def one():
        counts = Counter()
        rows = []
        for _ in range(size(chance)):
            key = f"key {chance.randrange(chance.choice([5, 30000]))}".encode()
            value = chance.choice([0, 1, 7, 10**12])
            counts[key] += value
            rows.append(b"%d%s%s%srest\n" % (value, delimiter.encode(), key, delimiter.encode()))
        return b"".join(rows), counts

    return ["-f", "columns", "-d", delimiter, "-k", "2", "-v", "1"], some_texts(chance, one)


def ngrams_v2(chance):
    def one():
        counts = Counter()
        rows = []
        for _ in range(size(chance)):
            ngram = f"word{chance.randrange(chance.choice([3, 9000]))}_NOUN".encode()
            year, match = chance.randrange(1500, 2009), chance.randrange(10**6)
            if 1800 <= year <= 1900:
                counts[ngram] += match
            rows.append(b"%s\t%d\t%d\t%d\n" % (ngram, year, match, match // 3))
        return b"".join(rows), counts

    return ["-f", "ngram", "--years", "1800-1900"], some_texts(chance, one)


def ngrams_v3(chance):
    def one():
        counts = Counter()
        rows = []
        for _ in range(size(chance) // 10):
            ngram = f"a,b {chance.randrange(5000)}".encode()
            fields = [ngram]
            for year in range(1990, 1990 + chance.randrange(1, 12)):
                match = chance.randrange(10**5)
                counts[ngram] += match
                fields.append(b"%d,%d,1" % (year, match))
            rows.append(b"\t".join(fields) + b"\n")
        return b"".join(rows), counts

    return ["-f", "ngram"], some_texts(chance, one)
