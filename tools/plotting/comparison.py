"""What `tally compare` measured: a panel of bars for each task."""
import math

from plotting.picture import (ALARM, BLUE, DASHES, FAINT, FILLED, GREY, INK, LINES, ORANGE, Picture,
                              box, plural, shorten, width_of, wrap)
from plotting.reading import check, printable

COLOURS = {"serial": GREY, "thread": ORANGE, "process": BLUE}
SHIFTS = {"serial": 0, "thread": -0.2, "process": 0.2}  # off the number of workers
BAR = 0.38  # of the room between two numbers of workers


class Bar:
    """A row: what some workers of one mode took, in milliseconds, unless they failed."""

    def __init__(self, row):
        self.mode, self.workers = row.text("mode"), row.count("workers")
        check(self.mode in COLOURS, f"{row.where}mode", "serial, thread or process")
        self.failed = not row.has("median_ms")
        if not self.failed:
            self.median, self.low, self.high = (
                max(row.number(name), 0) for name in ("median_ms", "min_ms", "max_ms"))
            self.speedup = row.number("speedup") if row.has("speedup") else None


class Panel:
    """A task, and its axes: where its bars stand, and which scale fits them."""

    HEIGHT = 165

    def __init__(self, task):
        rows = [Bar(row) for row in task.records("rows")]
        self.bars = [bar for bar in rows if not bar.failed]
        self.failed = [bar for bar in rows if bar.failed]
        self.name, self.summary = task.text("name"), task.text("summary")
        errors = [error for error in task.member("errors", list, "a list")
                  if isinstance(error, str)]
        not_shown = task.text("not_shown")
        self.note = printable(" ".join([
            task.text("verdict"), not_shown,
            "; ".join(errors)]))
        self.counts = sorted({bar.workers for bar in rows if bar.mode != "serial"})
        self.slots = 1 + len(self.counts)

        medians = [bar.median for bar in self.bars] or [0]
        self.log = max(medians) > 50 * min(medians)
        self.low, self.high = 0, max((bar.high for bar in self.bars), default=0) or 1
        if self.log:
            least = max(min(bar.low for bar in self.bars), self.high / 1e6)
            self.low = 10 ** math.floor(math.log10(least / 2))
            self.high = self.low * (self.high / self.low) ** 1.14
        else:
            self.high *= 1.14

    def x(self, bar):
        return 0 if bar.mode == "serial" else 1 + self.counts.index(bar.workers) + SHIFTS[bar.mode]

    def pixels(self, x, y):
        """Of the canvas."""
        if self.log:
            share = math.log(max(y, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = y / self.high
        return (self.left + (x + 0.5) / self.slots * (self.right - self.left),
                self.bottom - share * self.HEIGHT)

    def draw_axes(self, picture, left, top, right):
        self.left, self.top, self.right, self.bottom = left, top, right, top + self.HEIGHT
        self.bar_pixels = BAR * (right - left) / self.slots
        picture.axes(left, top, right, self.bottom, border=3)
        # Where numbers of workers would touch, some are left out.
        step = math.ceil(30 * self.slots / (right - left))
        names = ["serial", *self.counts]
        ticks = ", ".join(f"'{names[i]}' {i}" for i in range(0, self.slots, step))
        picture.add(f"set xtics ({ticks}) scale 0 nomirror",
                    f"set xrange [-0.5:{self.slots - 0.5}]",
                    "set logscale y" if self.log else "unset logscale y",
                    f"set yrange [{self.low:.9g}:{self.high:.9g}]",
                    "set ytics autofreq nomirror format '%g'" if self.bars else "unset ytics")
        picture.text(left - 34, top - 12, "ms, log scale" if self.log else "ms", 10, FAINT)
        middle, _ = self.pixels(self.slots / 2, 1)  # of the numbers
        picture.text(middle, self.bottom + 29, "workers", 10, FAINT, "center")

    def label_bars(self, picture):
        """How many times as fast as serial they are, if that fits above all; and which failed."""
        faster = [bar for bar in self.bars if bar.speedup is not None and bar.mode != "serial"]
        for digits in (2, 1):
            texts = [f"{bar.speedup:.{digits}f}" if bar.speedup >= 0.1 else f"{bar.speedup:.1g}"
                     for bar in faster]
            if all(width_of(text, 9) < self.bar_pixels + 2 for text in texts):
                for bar, text in zip(faster, texts):
                    x, y = self.pixels(self.x(bar), bar.high)
                    picture.text(x, y - 7, text, 9, align="center")
                break
        for bar in self.failed:
            x, y = self.pixels(self.x(bar), 0)
            picture.text(x, y - 5, "✕ failed", 10, ALARM, rotated=True)
        if not self.bars:
            picture.text((self.left + self.right) / 2, (self.top + self.bottom) / 2 - 20,
                         "nothing was measured", 11, FAINT, "center")

    def layers(self):
        """For Picture.plot()."""
        layers = []
        for mode, colour in COLOURS.items():
            rows = [box(self.x(bar) - BAR / 2, self.x(bar) + BAR / 2, self.low,
                        max(bar.median, self.low)) for bar in self.bars if bar.mode == mode]
            layers.append((rows, FILLED.format(colour)))
        level = [(-0.5, bar.median, self.slots, 0) for bar in self.bars if bar.mode == "serial"]
        layers.append((level, DASHES.format(GREY)))
        whiskers = []
        cap = min(0.06, 5 * BAR / self.bar_pixels)
        for bar in self.bars:
            x, low = self.x(bar), max(bar.low, self.low)
            whiskers += [(x, low, 0, bar.high - low),
                         (x - cap, low, 2 * cap, 0), (x - cap, bar.high, 2 * cap, 0)]
        return [*layers, (whiskers, LINES.format(INK))]


def draw_legend(picture, document):
    picture.text(14, 20, "tally compare", 14, bold=True)
    x = 38 + width_of("tally compare", 14)
    for mode, colour in COLOURS.items():
        picture.swatch(x, 14, colour)
        picture.text(x + 17, 20, mode, 11)
        x += 35 + width_of(mode, 11)
    caption = (f"Bars: median of {plural(document.count('runs'), 'run')} on "
               f"{plural(document.count('cpus'), 'CPU')}. Whiskers: fastest and slowest "
               "run. Numbers: how many times as fast as serial, which is the dashed line.")
    picture.lines_of_text(14, 41, wrap(caption, picture.width - 28, 2), FAINT)


def draw_comparison(document):
    panels = [Panel(task) for task in document.records("tasks")]
    check(panels, "tasks", "a list of at least one task")
    columns = {1: 1, 2: 2, 4: 2}.get(len(panels), 3)
    width = {1: 620, 2: 430, 3: 340}[columns]
    summaries = [wrap(panel.summary, width - 28, 2) for panel in panels]
    notes = [wrap(panel.note, width - 28, 5) for panel in panels]
    axes_from = 44 + 14 * max(map(len, summaries))
    notes_from = axes_from + Panel.HEIGHT + 46
    height = notes_from + 14 * max(map(len, notes)) + 12
    head = 72
    picture = Picture(columns * width, head + math.ceil(len(panels) / columns) * height)
    draw_legend(picture, document)
    for i, panel in enumerate(panels):
        left, top = i % columns * width + 14, head + i // columns * height
        picture.text(left, top + 10, shorten(panel.name, 13, width - 28), 13, bold=True)
        picture.lines_of_text(left, top + 27, summaries[i], FAINT)
        picture.lines_of_text(left, top + notes_from, notes[i])
        panel.draw_axes(picture, left + 34, top + axes_from, left + width - 28)
        panel.label_bars(picture)
        picture.plot(panel.layers())
    return picture
