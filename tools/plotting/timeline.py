"""A trace as a timeline with a lane for each worker, around the first update that was lost."""
from itertools import accumulate

from plotting.picture import (ALARM, BLUE, DOTS, FAINT, FILLED, FRAMED, GRID, INK, LINES, SMALL,
                              Picture, box, plural, shorten, width_of)
from plotting.trace import FIRST_EVENTS, choose_loss, choose_window, read_events

MOST_LANES = 8
SPAN, LOST, BOTH_HOLD, STEM = "#d4e6f3", "#fbdcc4", "#fdf0e4", "#b5b5b5"


def unit_of(time):
    """The largest unit that fits: its nanoseconds, symbol and name."""
    units = ((10**9, "s", "seconds"), (10**6, "ms", "milliseconds"), (10**3, "µs", "microseconds"))
    return next((unit for unit in units if time >= unit[0]), (1, "ns", "nanoseconds"))


def describe_time(time):
    unit, symbol, _ = unit_of(time)
    return f"{time / unit:.3g} {symbol}"


class Timeline:
    """Times of a window as pixels of the canvas, and as what the axis counts."""

    LEFT, RIGHT, WIDTH = 96, 936, 960

    def __init__(self, window, zero):
        self.start, self.end = window
        self.zero = zero
        self.unit, _, self.unit_name = unit_of((self.end - self.start) / 10)

    def clamp(self, time):
        return min(max(time, self.start), self.end)

    def x(self, time):
        share = (self.clamp(time) - self.start) / (self.end - self.start)
        return self.LEFT + share * (self.RIGHT - self.LEFT)

    def units(self, time):
        return (self.clamp(time) - self.zero) / self.unit

    def across(self, y):
        """The line over all of it at this height, for LINES."""
        start, end = self.units(self.start), self.units(self.end)
        return start, y, end - start, 0

    def visible(self, events):
        return [event for event in events if event.start < self.end and event.end > self.start]


def place(rows, limit, left, right, stem):
    """The first row with room for this, below a stem that crosses those before, or None."""
    def is_free(row, left, right):
        return all(right <= start or end <= left for start, end in row)

    for number in range(limit):
        if number == len(rows):
            rows.append([])
        if is_free(rows[number], left, right):
            rows[number].append((left, right))
            for crossed in rows[:number]:
                crossed.append((stem - 3, stem + 3))
            return number
        if not is_free(rows[number], stem - 3, stem + 3):
            return None
    return None


class Lane:
    """What one worker did: boxes for spans, dots below for instants, and names where they fit."""

    LINE = 14
    # From the dots down, in pixels:
    BOX_TOP, BOX_MIDDLE, BOX_BOTTOM, ABOVE, BELOW = -27, -15, -3, -36, 11

    def __init__(self, worker, spans, instants, loss, timeline):
        self.spans, self.instants, self.timeline = spans, instants, timeline
        self.lost = next((span for span in loss if span.worker == worker), None)
        self.texts = [(Timeline.LEFT - 12, self.BOX_MIDDLE if spans else 0, f"worker {worker}",
                       11.5, INK, "right", self.lost is not None)]  # for Picture.text()
        self.stems = []  # (time, length)
        self.above, self.below = [], []  # rows of names, as intervals
        # Above spans come the names that do not fit into them; the lost one chooses first.
        for span in sorted(spans, key=lambda span: span != self.lost):
            self.place_span_name(span)
        # Below come those of instants, too; all below their boxes, if the lost one is not narrow.
        ends, of_loss, is_narrow = {span.end for span in spans}, (), False
        if self.lost:
            of_loss = self.lost.start, self.lost.end
            is_narrow = timeline.x(self.lost.end) - timeline.x(self.lost.start) < 150
        for event in sorted(instants, key=lambda event: event.start not in of_loss):
            self.place_name(event, (event.start in ends) !=
                            (is_narrow and event.start in of_loss))
        # From the top to the dots, and to the bottom.
        self.base = 14 + self.LINE * len(self.above) - (self.BOX_TOP if spans else 0)
        self.height = self.base + 12 + self.LINE * len(self.below)

    def place_span_name(self, span):
        left, right = self.timeline.x(span.start), self.timeline.x(span.end)
        x, y = (left + right) / 2, self.BOX_MIDDLE
        text = shorten(span.name, SMALL, 240)
        width = width_of(text, SMALL) + 8
        if width > right - left:
            is_whole = self.timeline.start <= span.start and span.end <= self.timeline.end
            x, y = min(max(x, Timeline.LEFT + width / 2), Timeline.RIGHT - width / 2), self.ABOVE
            if not is_whole and span != self.lost or place(
                    self.above, 1, x - width / 2, x + width / 2, x) is None:
                return
        self.texts.append((x, y, text, SMALL, INK, "center", span == self.lost))

    def place_name(self, event, prefers_end):
        """With its end or its start at its dot."""
        x = self.timeline.x(event.start)
        text = shorten(event.name, SMALL, 240)
        width = width_of(text, SMALL) + 10
        for ends_at_dot in (prefers_end, not prefers_end):
            left, right = (x - width, x + 3) if ends_at_dot else (x - 3, x + width)
            if left < Timeline.LEFT or right > Timeline.RIGHT + 14:
                continue
            row = place(self.below, 4, left, right, x)
            if row is not None:
                y = self.BELOW + self.LINE * row
                self.stems.append((event.start, y + 4))
                self.texts.append((x - 5, y, text, SMALL, FAINT, "right") if ends_at_dot else
                                  (x + 5, y, text, SMALL, FAINT, "left"))
                return

    def layers(self, top):
        """For Picture.plot(): x in units of the axis, y in pixels from the top of all lanes."""
        units, base = self.timeline.units, top + self.base
        boxes = {False: [], True: []}  # whether lost
        for span in self.spans:
            boxes[span == self.lost].append(box(units(span.start), units(span.end),
                                                base + self.BOX_TOP, base + self.BOX_BOTTOM))
        return [([self.timeline.across(base)], LINES.format(STEM)),
                ([(units(time), base, 0, length) for time, length in self.stems],
                 LINES.format(STEM)),
                (boxes[False], FRAMED.format(SPAN, BLUE, 1)),
                (boxes[True], FRAMED.format(LOST, ALARM, 2.5)),
                ([(units(event.start), base) for event in self.instants], DOTS.format(FAINT))]


def make_lanes(spans, instants, loss, timeline):
    """One for each worker; of many, for those of the loss and some that have something to show."""
    workers = {event.worker for event in (*spans, *instants)}
    spans, instants = timeline.visible(spans), timeline.visible(instants)
    if len(workers) > MOST_LANES:
        important = {span.worker for span in loss}
        workers = sorted({event.worker for event in (*spans, *instants)},
                         key=lambda worker: (worker not in important, worker))[:MOST_LANES]
    return [Lane(worker, *([event for event in events if event.worker == worker]
                           for events in (spans, instants)), loss, timeline)
            for worker in sorted(workers)]


def draw_heading(picture, loss, timeline, spans, instants):
    """Below the title: what the picture shows of the trace."""
    noted = instants or spans
    if not loss:
        shown = min(len(noted), FIRST_EVENTS)
        what = f"the first {shown} of" if shown < len(noted) else "all"
        picture.text(16, 42, f"{what} {plural(len(noted), 'event')}", 12, FAINT)
        return
    loaded, stored = loss[0].name.split(" -> ")
    picture.text(16, 42, shorten(f"lost: both loaded {loaded}, both stored {stored}", 13, 600), 13,
                 ALARM, bold=True)
    since = loss[0].start - min(spans[0].start, noted[0].start)
    where = f"{describe_time(since)} after its first" if since > 0 else "from its first on"
    right = picture.width - 24
    picture.text(right, 20, f"{describe_time(timeline.end - timeline.start)} of a trace of "
                 f"{plural(len(noted), 'event')}, {where}", colour=FAINT, align="right")
    picture.swatch(right - 12, 36, BOTH_HOLD)
    picture.text(right - 18, 42, "both have loaded, neither has stored", colour=FAINT,
                 align="right")


def draw_trace(document):
    title, spans, instants = read_events(document)
    loss = choose_loss(spans)
    timeline = Timeline(choose_window(spans, instants, loss), (loss or instants or spans)[0].start)
    lanes = make_lanes(spans, instants, loss, timeline)

    head = 60
    *tops, height = accumulate((lane.height for lane in lanes), initial=0)
    picture = Picture(timeline.WIDTH, head + height + 48)
    picture.text(16, 20, shorten(title, 14, 500), 14, bold=True)
    draw_heading(picture, loss, timeline, spans, instants)
    note = "the first of the two loads" if loss else "the first event"
    workers = len({event.worker for event in (*spans, *instants)})
    if len(lanes) < workers:
        note += f"; {len(lanes)} of {workers} workers"
    picture.axes(timeline.LEFT, head, timeline.RIGHT, head + height, border=1)
    start, end = timeline.units(timeline.start), timeline.units(timeline.end)
    picture.add(f"set xrange [{start:.9g}:{end:.9g}]", f"set yrange [{height}:0]",
                "unset ytics", "unset grid", "set xtics autofreq format '%g'")
    picture.text((timeline.LEFT + timeline.RIGHT) / 2, head + height + 32,
                 f"{timeline.unit_name} since {note}", colour=FAINT, align="center")

    layers = []
    if loss:
        held = loss[1].start, min(span.end for span in loss)
        layers.append(([box(*map(timeline.units, held), 0, height)], FILLED.format(BOTH_HOLD)))
    layers.append((list(map(timeline.across, tops)), LINES.format(GRID)))
    for lane, top in zip(lanes, tops):
        for x, y, *text in lane.texts:
            picture.text(x, head + top + lane.base + y, *text)
        layers += lane.layers(top)
    picture.plot(layers)
    return picture
