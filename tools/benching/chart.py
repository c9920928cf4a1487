"""The bars of a run: how long tally and its peers took, row by row, on one scale of seconds."""
import math

from plotting.picture import (BLUE, FAINT, FILLED, GREY, GRID, INK, LINES, Picture, box, plural,
                              shorten, width_of, wrap)
from plotting.reading import check

FLOOR = "#c4c4c4"
FLOOR_NAME = "scan floor"  # no peer, but what reading the bytes costs
COLOURS = {"tally": BLUE, "others": GREY, FLOOR_NAME: FLOOR}
WIDTH, LEFT, RIGHT = 860, 176, 700  # of the picture; the bars are between the other two
LINE, BAR = 19, 13  # pixels from bar to bar, and of a bar
HEAD, FOOT = 96, 38


def shown_time(seconds):
    """With three digits."""
    value, unit = (seconds, "s") if seconds >= 0.1 else (seconds * 1e3, "ms")
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f} {unit}"


def shown_times(factor):
    return f"{factor:.{0 if factor >= 20 else 1 if factor >= 1.95 else 2}f}×"


class Bar:
    def __init__(self, command):
        self.name, program = command.text("name"), command.text("command").split(" ")[0]
        self.is_ours = program.split("/")[-1] == "tally"
        self.median, self.low, self.high = (
            command.number(name) for name in ("median_s", "min_s", "max_s"))
        check(0 < self.low <= self.median <= self.high, f"{command.where}median_s",
              "a time between min_s and max_s")

    def kind(self):
        return "tally" if self.is_ours else self.name if self.name in COLOURS else "others"


class Row:
    """A title and its bars, the first of tally's is what the others are compared with."""

    def __init__(self, row):
        self.title = row.text("title")
        self.bars = [Bar(command) for command in row.records("commands")]
        check(self.bars, f"{row.where}commands", "a list of at least one command")
        self.ours = next((bar for bar in self.bars if bar.name == "tally"), None)

    def height(self):
        return 26 + LINE * len(self.bars) + 8

    def label(self, bar):
        if self.ours is None or bar is self.ours:
            return shown_time(bar.median)
        return f"{shown_time(bar.median)}   {shown_times(bar.median / self.ours.median)}"


class Chart:
    """Seconds from left to right, logarithmic; pixels from top to bottom, negative."""

    def __init__(self, rows):
        bars = [bar for row in rows for bar in row.bars]
        self.rows = rows
        # Powers of ten, of the edges; a bar is at least half of one long.
        self.first = math.log10(min(bar.low for bar in bars)) - 0.5
        self.last = math.ceil(math.log10(max(bar.high for bar in bars)))
        self.bottom = HEAD + sum(row.height() for row in rows)
        self.picture = Picture(WIDTH, self.bottom + FOOT)
        self.boxes = {kind: [] for kind in COLOURS}
        self.whiskers = []

    def x(self, seconds):
        """In pixels."""
        return LEFT + (math.log10(seconds) - self.first) / (self.last - self.first) * (RIGHT - LEFT)

    def draw_axes(self):
        decades = range(math.ceil(self.first), self.last + 1)
        names = [f"{10 ** (n + 3):g} ms" if n < 0 else f"{10 ** n:g} s" for n in decades]
        ticks = ", ".join(f"'{name}' 1e{n}" for name, n in zip(names, decades))
        self.picture.axes(LEFT, HEAD, RIGHT, self.bottom, border=0)
        self.picture.add("set logscale x", f"set xrange [{10 ** self.first:.9g}:1e{self.last}]",
                         f"set yrange [{-self.bottom}:{-HEAD}]", f"set xtics ({ticks}) scale 0",
                         "unset ytics",
                         f"set grid xtics linetype 1 linewidth 1 linecolor rgb '{GRID}'")

    def draw_row(self, row, top):
        self.picture.text(14, top + 12, shorten(row.title, 12, WIDTH - 28), 12, bold=True)
        for i, bar in enumerate(row.bars):
            y = top + 26 + LINE * i + LINE / 2
            name = shorten(bar.name, 10.5, LEFT - 24)
            self.picture.text(LEFT - 7, y, name, align="right", bold=bar.is_ours)
            self.boxes[bar.kind()].append(
                box(10 ** self.first, bar.median, -y - BAR / 2, -y + BAR / 2))
            self.whiskers.append((bar.low, -y, bar.high - bar.low, 0))
            self.picture.text(self.x(bar.high) + 7, y, row.label(bar), bold=bar.is_ours)

    def draw(self):
        self.draw_axes()
        top = HEAD
        for row in self.rows:
            self.draw_row(row, top)
            top += row.height()
        self.picture.plot([*((boxes, FILLED.format(COLOURS[kind]))
                             for kind, boxes in self.boxes.items()),
                           (self.whiskers, LINES.format(INK))])


def draw_head(picture, document):
    title = "tally and its peers"
    picture.text(14, 20, title, 14, bold=True)
    x = 38 + width_of(title, 14)
    for kind, colour in COLOURS.items():
        picture.swatch(x, 14, colour)
        picture.text(x + 17, 20, kind, 11)
        x += 35 + width_of(kind, 11)
    quick = document.members.get("quick") is True
    sizes = " An eighth of the sizes that the titles name." if quick else ""
    caption = ("Seconds of whole runs on files in memory, log scale: shorter is faster. Bars: median; "
               "lines: fastest to slowest run; ×: how many times tally's time. Scan floor: only "
               f"counts the newlines.{sizes}")
    picture.lines_of_text(14, 41, wrap(caption, WIDTH - 28, 2), FAINT)
    picture.text(14, 75, shorten(where_and_when(document), 10.5, WIDTH - 28), colour=FAINT)


def where_and_when(document):
    """As far as it was noted."""
    noted = []
    if document.has("machine"):
        machine = document.record("machine")
        noted = [machine.text("cpu"), plural(machine.count("cpus"), "CPU"),
                 f"{machine.number('memory_bytes') / 2**30:.0f} GiB", machine.text("system")]
    noted += [document.text(name) for name in ("version", "date") if document.has(name)]
    return " · ".join(noted) or "machine and date were not noted"


def draw_chart(document):
    """Of a Record of what --json keeps."""
    rows = [Row(row) for row in document.records("rows")]
    check(rows, "rows", "a list of at least one row")
    chart = Chart(rows)
    draw_head(chart.picture, document)
    chart.draw()
    return chart.picture
