"""Texts that fit, and a picture that gnuplot draws."""
import os
import re
import subprocess
import unicodedata
from bisect import bisect
from itertools import accumulate

from plotting.reading import Problem

INK, FAINT, GRID = "#222222", "#5a5a5a", "#dddddd"
SMALL = 10.5  # the size of most texts
# The strong colours are those that Okabe and Ito chose for eyes of every kind.
GREY, ORANGE, BLUE, ALARM = "#8c8c8c", "#e69f00", "#0072b2", "#d55e00"

FILLED = "boxxyerror fillstyle solid noborder fillcolor rgb '{}'"  # of box()
FRAMED = "boxxyerror fillstyle solid border rgb '{1}' fillcolor rgb '{0}' linewidth {2}"
LINES = "vectors nohead linewidth 1 linecolor rgb '{}'"  # x y dx dy
DASHES = LINES + " dashtype (4,4)"
DOTS = "points pointtype 7 pointsize 0.35 linecolor rgb '{}'"  # x y


def box(left, right, low, high):
    return ((left + right) / 2, (low + high) / 2, left, right, low, high)


def width_of(text, size):
    """A guess: gnuplot measures no text for an SVG. It is for a wide font, DejaVu Sans."""
    return size * sum(map(ems, text))


def ems(c):
    if unicodedata.east_asian_width(c) in "WF":
        return 1.05
    return 0.38 if c in " ijltfrI.,:;'|!()[]-/" else 0.95 if c in "mwMW@%" else 0.66


def shorten(text, size, width):
    if width_of(text, size) <= width:
        return text
    fits = bisect(list(accumulate(map(ems, text))), width / size - ems("…"))
    return text[:fits].rstrip() + "…"


def wrap(text, width, limit):
    """At most so many lines of size SMALL; the last one tells if there was more."""
    lines = []
    for word in text.split():
        if lines and (len(lines) == limit or width_of(f"{lines[-1]} {word}", SMALL) <= width):
            lines[-1] += " " + word
        else:
            lines.append(word)
    return [shorten(line, SMALL, width) for line in lines]


def plural(count, noun):
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class Picture:
    """A gnuplot script that grows. Places on it are pixels from the top left corner."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.blocks = 0  # of numbers
        self.lines = [
            f"set terminal svg noenhanced fixed size {width},{height}"
            " font 'sans-serif,10' background rgb 'white'",
            "set encoding utf8", "set multiplot", "unset key", "set tics scale 0.5 nomirror",
            f"set tics textcolor rgb '{FAINT}'", "unset mxtics",
            f"set grid ytics noxtics nomytics linetype 1 linewidth 1 linecolor rgb '{GRID}'"]

    def add(self, *lines):
        self.lines += lines

    def at(self, x, y):
        return f"screen {x / self.width:.6f},{1 - y / self.height:.6f}"

    def text(self, x, y, text, size=SMALL, colour=INK, align="left", bold=False, rotated=False):
        """Its middle is at the height `y`."""
        # gnuplot takes all between single quotes as it is, but for a single quote.
        literal = "'" + text.replace("'", "''") + "'"
        font = f"sans-serif{':Bold' if bold else ''},{size}"
        self.add(f"set label {literal} at {self.at(x, y)} {align} font '{font}' front"
                 f" textcolor rgb '{colour}'{' rotate by 90' if rotated else ''}")

    def lines_of_text(self, x, y, lines, colour=INK):
        for i, line in enumerate(lines):
            self.text(x, y + 14 * i, line, colour=colour)

    def swatch(self, x, y, colour):
        self.add(f"set object rectangle from {self.at(x, y)} to {self.at(x + 12, y + 12)}"
                 f" fillstyle solid noborder fillcolor rgb '{colour}'")

    def axes(self, left, top, right, bottom, border):
        self.add(f"set lmargin at screen {left / self.width:.6f}",
                 f"set rmargin at screen {right / self.width:.6f}",
                 f"set tmargin at screen {1 - top / self.height:.6f}",
                 f"set bmargin at screen {1 - bottom / self.height:.6f}",
                 f"set border {border} linewidth 1 linecolor rgb '{FAINT}'")

    def plot(self, layers):
        """Layers are (rows of numbers, style), from back to front. Texts so far belong to it."""
        clauses = []
        for rows, style in layers:
            if rows:
                self.blocks += 1
                self.add(f"$rows{self.blocks} << END",
                         *(" ".join(f"{number:.9g}" for number in row) for row in rows), "END")
                clauses.append(f"$rows{self.blocks} with {style}")
        # Where there is nothing to show, the axes and texts are shown.
        self.add("plot " + ", ".join(clauses or ["NaN"]), "unset label", "unset object")

    def render(self):
        """The bytes of the SVG."""
        script = "\n".join(self.lines + ["unset multiplot", ""])
        # Neither what a user prefers (~/.gnuplot) nor a locale is to show in a picture.
        run = subprocess.run(["gnuplot", "--default-settings"], input=script.encode(),
                             capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
        if run.returncode != 0 or not run.stdout.rstrip().endswith(b"</svg>"):
            said = " ".join(run.stderr.decode(errors="replace").split())
            raise Problem(f"gnuplot failed ({said[:300]}); report this as a bug, with the file")
        # Its names for fonts are not those of SVG. A text has no '<', so none is taken for a tag.
        return re.sub(rb'(<g [^<>]*font-family="sans-serif):Bold"', rb'\1" font-weight="bold"',
                      run.stdout)
