"""The table of a run, and the same as JSON."""
from benching.measuring import peak_memory


def value_of(goal, seconds):
    """None where a peer is missing."""
    try:
        return goal.ratio(seconds)
    except KeyError:
        return None


def judge(row, timings):
    """A record of the row: what each command took, and which goals are met."""
    seconds = {command.name: timing.median() for command, timing in zip(row.commands, timings)}
    goals = []
    for goal in row.goals:
        value = value_of(goal, seconds)
        goals.append({"goal": goal.says, "value": value,
                      "met": None if value is None else goal.met(value)})
    record = {
        "name": row.name,
        "title": row.title,
        "commands": [{"name": command.name, "command": command.shown(), **timing.to_json()}
                     for command, timing in zip(row.commands, timings)],
        "goals": goals,
    }
    if row.memory_of:
        peaks = {command.name: peak_memory(command) for command in row.commands
                 if command.name in row.memory_of}
        for command in record["commands"]:
            if command["name"] in peaks:
                command["peak_memory_bytes"] = peaks[command["name"]]
        ours, *others = (peaks.get(name) for name in row.memory_of)
        for name, other in zip(row.memory_of[1:], others):
            goals.append({"goal": f"less memory than {name}",
                          "value": None if other is None else other / ours,
                          "met": None if other is None else ours < other})
    return record


def lines_of(record):
    """For people."""
    yield record["title"]
    for command in record["commands"]:
        spread = f"{command['min_s']:.3f}..{command['max_s']:.3f}"
        memory = command.get("peak_memory_bytes")
        more = "" if memory is None else f"{memory / 1e6:8.0f} MB"
        yield f"  {command['name']:<22}{command['median_s']:>9.3f} s  {spread:<16}{more}"
    for goal in record["goals"]:
        if goal["value"] is None:
            yield f"  goal: {goal['goal']:<28} not measured"
        else:
            verdict = "met" if goal["met"] else "MISSED"
            yield f"  goal: {goal['goal']:<28}{goal['value']:>8.2f}  {verdict}"


def lines_of_earlier(document):
    """Of a Record of what --json keeps, which anybody may have changed since."""
    for row in document.records("rows"):
        yield from lines_of({
            "title": row.text("title"),
            "commands": [{"name": command.text("name"),
                          **{name: command.number(name) for name in ("median_s", "min_s", "max_s")},
                          **({"peak_memory_bytes": command.number("peak_memory_bytes")}
                             if command.has("peak_memory_bytes") else {})}
                         for command in row.records("commands")],
            "goals": [{"goal": goal.text("goal"),
                       "value": goal.number("value") if goal.has("value") else None,
                       "met": goal.members.get("met") is True}
                      for goal in row.records("goals")]})
