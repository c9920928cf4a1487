"""What `tally race` noted: its events, the first update that was lost, and when to look."""
import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from operator import attrgetter

from plotting.reading import Problem, check

FIRST_EVENTS = 12  # in a picture where nothing was lost
FEW = 6  # updates beside those of a loss


@dataclass(frozen=True)
class Event:
    start: int  # nanoseconds of the trace
    end: int    # the same for an instant
    worker: int
    object: int
    name: str   # of a span: "LOADED -> STORED"


def read_events(document):
    """The name of the trace; its spans and instants, by time."""
    title, events = "a trace", {"X": [], "i": []}
    for event in document.records("traceEvents"):
        phase = event.text("ph")
        arguments = event.record("args")
        if phase == "M" and event.members.get("name") == "process_name":
            title = arguments.text("name")
        if phase not in events:
            continue
        start = round(event.number("ts") * 1000)
        length = round(event.number("dur") * 1000) if phase == "X" else 0
        check(length >= 0, f"{event.where}dur", "a length of time")
        events[phase].append(Event(start, start + length, event.count("tid"),
                                   arguments.count("object"), event.text("name")))
    if not any(events.values()):
        raise Problem("this trace has no events; trace an experiment that notes some, such as "
                      "lost-update")
    by_time = attrgetter("start", "end", "worker")
    return title, *(sorted(events[phase], key=by_time) for phase in "Xi")


def find_losses(spans):
    """Pairs of the same update of one object by two workers that loaded before either stored."""
    open_spans = defaultdict(list)
    for span in spans:
        if span.name.count(" -> ") == 1:
            key = span.object, span.name
            open_spans[key] = [other for other in open_spans[key] if other.end > span.start]
            yield from ((other, span) for other in open_spans[key] if other.worker != span.worker)
            open_spans[key].append(span)


def choose_loss(spans):
    """The first with little in between, or else that with the least; (): nothing was lost."""
    starts = [span.start for span in spans]
    best, least = (), math.inf
    for first, second in find_losses(spans):
        # A worker that was off the CPU between load and store has let the others do a lot.
        crowd = (bisect_right(starts, max(first.end, second.end)) -
                 bisect_left(starts, first.start) - 2)
        if crowd < least:
            best, least = (first, second), crowd
        if crowd <= FEW:
            break
    return best


def choose_window(spans, instants, loss):
    """From when to when the picture goes: a loss and a little around it, or the first events."""
    if not loss:
        shown = (instants or spans)[:FIRST_EVENTS]
        start, end = shown[0].start, max(event.end for event in shown)
        margin = max((end - start) * 0.05, 1)
        return start - margin, end + margin
    start, end = loss[0].start, max(span.end for span in loss)
    around, margin = (end - start) * 0.9, (end - start) * 0.08
    before = [span.start for span in spans if span.start < start][-3:]
    after = [span.end for span in spans if span.start > end][:3]
    return (max(start - around, min(before, default=start) - margin),
            min(end + around, max(after, default=end) + margin))
