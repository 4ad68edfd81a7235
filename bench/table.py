"""The figures of all loads, as a table: ratios to the bare relay first."""

import statistics
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .loads import LOADS

Rounds = list[dict[str, float | None]]


class Row(NamedTuple):
    """load, figure: what is shown; goal: for the gateway's ratio to the relay."""

    load: str
    figure: str
    label: str
    goal: float | None = None


ROWS = (
    Row("one", "first_ms", "first piece, ms", 1.3),
    Row("one", "first_p99_ms", "first piece p99, ms"),
    Row("one", "cpu_ms_a_request", "server CPU a request, ms", 1.3),
    Row("fifty", "pieces_a_second", "pieces a second"),
    Row("fifty", "cpu_s_10k_pieces", "CPU s for 10,000 pieces", 1.3),
    Row("fifty", "first_ms", "first piece, ms"),
    Row("burst", "pieces_a_second", "pieces a second"),
    Row("burst", "cpu_ms_a_request", "CPU a request, ms", 1.3),
    Row("short", "cpu_s_10k_pieces", "CPU s for 10,000 pieces"),
    Row("long", "cpu_s_10k_pieces", "CPU s for 10,000 pieces"),
    Row("slow", "lag_p50_ms", "lag behind schedule p50, ms"),
    Row("slow", "lag_p99_ms", "lag behind schedule p99, ms", 1.3),
    Row("slow", "pss_kb_a_stream", "memory (PSS) a stream, kB", 1.3),
    Row("slow", "rss_kb_a_stream", "memory (RSS) a stream, kB"),
    Row("slow", "cpu_s_10k_pieces", "CPU s for 10,000 pieces", 1.3),
    Row("instant", "first_ms", "first piece, ms (goal 1000)"),
    Row("instant", "first_p99_ms", "first piece p99, ms"),
    Row("accounts", "of_ideal", "time, of the ideal (goal 1.1)"),
    Row("start", "start_s", "exec to the first GET /ping, s (goal 1)"),
    Row("start", "idle_pss_mb", "memory (PSS) at rest, MB (goal 80)"),
    Row("line", "line_cpu_percent", "CPU of 2,000 in line, %"),
    Row("stall", "alone_p99_ms", "lag p99 of 100 streams alone, ms"),
    Row("stall", "beside_p50_ms", "beside heavy requests: lag p50, ms"),
    Row("stall", "beside_p99_ms", "lag p99, ms"),
    Row("stall", "grown_p99_ms", "more than alone, p99, ms (goal 100)"),
    Row("stall", "heavy_s", "how long the heavy requests took, s"),
    Row("crowd", "lag_p50_ms", "lag behind schedule p50, ms"),
    Row("crowd", "lag_p99_ms", "lag behind schedule p99, ms (goal 250)"),
    Row("crowd", "pss_kb_a_stream", "memory (PSS) a stream, kB", 1.3),
    Row("crowd", "cpu_s_10k_pieces", "CPU s for 10,000 pieces", 1.3),
    Row("crowd", "idle_mb", "memory (PSS) before it, MB"),
    Row("crowd", "left_mb", "65 s after it, MB"),
    Row("crowd", "left_descriptors", "descriptors then"),
)


def median(rounds: Rounds, figure: str) -> float | None:
    found = [value for one in rounds if (value := one.get(figure)) is not None]
    return statistics.median(found) if found else None


def ratio(rounds: Rounds, base: Rounds, figure: str) -> float | None:
    """The median of the rounds' ratios: what else the machine did is in both."""
    pairs = zip(rounds, base, strict=False)
    found = [
        one[figure] / other[figure]
        for one, other in pairs
        if one.get(figure) and other.get(figure)
    ]
    return statistics.median(found) if found else None


def lines(
    results: Mapping[str, Mapping[str, Rounds]], names: list[str]
) -> Iterable[str]:
    """A block for each load: the ratios to the relay, then the figures."""
    titles = {load.name: load.title for load in LOADS}
    for name, found in results.items():
        yield from _block(name, titles.get(name, ""), found, names)


def _block(
    load: str, title: str, found: Mapping[str, Rounds], names: list[str]
) -> Iterable[str]:
    rounds = max(map(len, found.values()))
    yield ""
    head = f"{load}{': ' * bool(title)}{title} ({rounds} rounds)"
    yield f"{head:60}" + "".join(f"{name:>10}" for name in names)
    for row in ROWS:
        if row.load == load:
            yield from _row(row, found, names)


def _row(row: Row, found: Mapping[str, Rounds], names: list[str]) -> Iterable[str]:
    goal = f" (goal {row.goal})" if row.goal else ""
    base = found.get("relay", [])
    ratios = [ratio(found.get(name, []), base, row.figure) for name in names]
    values = [median(found.get(name, []), row.figure) for name in names]
    if any(base):
        yield f"  {row.label + ', ratio' + goal:58}" + "".join(map(_cell, ratios))
    yield f"  {row.label:58}" + "".join(map(_cell, values))


def _cell(value: float | None) -> str:
    if value is None:
        return f"{'–':>10}"
    return f"{value:>10,.0f}" if value >= 1000 else f"{value:>10.3g}"
