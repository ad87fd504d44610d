"""The table of docs/THIRD-PARTY-SERVERS.md."""

import datetime
from pathlib import Path

BEGIN, END = "<!-- written by scripts/servers -->", "<!-- end -->"


def table(outcomes: list, conditions: str) -> str:
    """Returns the report in Markdown."""
    lines = [conditions, "", "| server | package | its eras | second start | answers compared | result |",
             "|---|---|---|---|---:|---|"]
    for one in outcomes:
        second = "direct" if one.direct else "by its finder"
        cells = (one.server.name, one.server.shown, one.eras, second, str(one.compared), result(one))
        lines.append(f"| {' | '.join(cells)} |")
    explained = reasons(outcomes)
    if explained:
        lines += ["", "| server | client | where | why |", "|---|---|---|---|"]
        lines += [f"| {name} | {era} | {place} | {reason} |" for name, era, place, reason in explained]
    return "\n".join(lines) + "\n"


def result(outcome) -> str:
    """Returns the verdict on one server."""
    if outcome.failure:
        return f"**failed**: {outcome.failure}"
    unexplained = sum(1 for one in outcome.differences if not one.reason)
    if unexplained:
        return f"**{unexplained} unexplained differences**"
    return "equal, but for what is explained" if outcome.differences else "equal"


def reasons(outcomes: list) -> list:
    """Returns each explained difference once, whatever the run."""
    rows = {}
    for outcome in outcomes:
        for one in outcome.differences:
            if one.reason:
                places = rows.setdefault((outcome.server.name, one.era, one.reason), [])
                if one.place not in places:
                    places.append(one.place)
    return [(name, era, shown(places), reason) for (name, era, reason), places in rows.items()]


def shown(places: list) -> str:
    """Returns places for a cell."""
    text = ", ".join(f"`{place}`" for place in places[:3])
    return text if len(places) <= 3 else f"{text} and {len(places) - 3} more"


def write(file: Path, text: str) -> None:
    """Replaces the part of `file` between the two marks."""
    whole = file.read_text()
    before, rest = whole.split(BEGIN, 1)
    _old, after = rest.split(END, 1)
    file.write_text(f"{before}{BEGIN}\n{text}{END}{after}")


def today() -> str:
    """Returns the date in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()
