"""What files say, where they may say anything."""


class Problem(Exception):
    """What is wrong and what to do about it; then the file, if it is not the one that is read."""


def check(condition, where, wanted):
    if not condition:
        raise Problem(f"{where} is not {wanted}; let tally write the file anew")


def printable(text):
    """One line that XML can hold and that hides nothing."""
    text = "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)
    return " ".join(text.split()).replace("]]>", "]] >")


class Record:
    """What should be an object of JSON, with the name of its place in the file."""

    def __init__(self, value, where=""):
        self.members, self.where = value if isinstance(value, dict) else {}, where

    def has(self, name):
        return self.members.get(name) is not None

    def member(self, name, kind, wanted):
        value = self.members.get(name)
        check(isinstance(value, kind) and not isinstance(value, bool), self.where + name, wanted)
        return value

    def text(self, name):
        return printable(self.member(name, str, "a text"))

    def number(self, name):
        value = self.member(name, (int, float), "a number")
        check(-1e15 < value < 1e15, self.where + name, "a number of any use")  # nor is NaN
        return float(value)

    def count(self, name):
        value = self.member(name, int, "a whole number")
        check(0 <= value <= 10**9, self.where + name, "a count")
        return value

    def record(self, name):
        return Record(self.members.get(name), f"{self.where}{name}.")

    def records(self, name):
        return [Record(value, f"{self.where}{name}[{i}].")
                for i, value in enumerate(self.member(name, list, "a list"))]
