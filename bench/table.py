"""Table of all figures, with ratios to the bare relay."""

import statistics
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .loads import LOADS

Rounds = list[dict[str, float | None]]


class Row(NamedTuple):
    """Row of the table: a figure of a load.

    goal: for the gateway's ratio to the relay.
    """

    load: str
    figure: str
    label: str
    goal: float | None = None


ROWS = (
    Row("one", "first_ms", "time to first piece, ms", 1.3),
    Row("one", "first_p99_ms", "time to first piece p99, ms"),
    Row("one", "cpu_ms_a_request", "server CPU per request, ms", 1.3),
    Row("one", "reused_percent", "calls on a reused connection, %"),
    Row("fifty", "pieces_a_second", "pieces per second"),
    Row("fifty", "cpu_s_10k_pieces", "server CPU per 10,000 pieces, s", 1.3),
    Row("fifty", "first_ms", "time to first piece, ms"),
    Row("fifty", "reused_percent", "calls on a reused connection, %"),
    Row("responses", "cpu_s_10k_pieces", "server CPU per 10,000 pieces, s"),
    Row("responses", "first_ms", "time to first piece, ms"),
    Row("tools", "cpu_ms_a_request", "server CPU per request, ms"),
    Row("burst", "pieces_a_second", "pieces per second"),
    Row("burst", "cpu_ms_a_request", "server CPU per request, ms", 1.3),
    Row("short", "cpu_s_10k_pieces", "server CPU per 10,000 pieces, s"),
    Row("long", "cpu_s_10k_pieces", "server CPU per 10,000 pieces, s"),
    Row("slow", "lag_p50_ms", "lag behind schedule p50, ms"),
    Row("slow", "lag_p99_ms", "lag behind schedule p99, ms", 1.3),
    Row("slow", "pss_kb_a_stream", "memory (PSS) per stream, kB", 1.3),
    Row("slow", "rss_kb_a_stream", "memory (RSS) per stream, kB"),
    Row("slow", "cpu_s_10k_pieces", "server CPU per 10,000 pieces, s", 1.3),
    Row("instant", "first_ms", "time to first piece, ms (goal 1000)"),
    Row("instant", "first_p99_ms", "time to first piece p99, ms"),
    Row("accounts", "of_ideal", "duration / ideal duration (goal 1.1)"),
    Row("pool", "of_ideal", "duration / ideal duration"),
    Row("pool", "cpu_ms_a_request", "server CPU per request, ms"),
    Row("start", "start_s", "start until first GET /ping, s (goal 1)"),
    Row("start", "idle_pss_mb", "idle memory (PSS), MB (goal 80)"),
    Row("queue", "queue_cpu_percent", "server CPU with 2,000 queued, %"),
    Row("stall", "alone_p99_ms", "lag of 100 streams alone p99, ms"),
    Row("stall", "beside_p50_ms", "lag beside heavy requests p50, ms"),
    Row("stall", "beside_p99_ms", "lag beside heavy requests p99, ms"),
    Row("stall", "grown_p99_ms", "added lag p99, ms (goal 100)"),
    Row("stall", "heavy_s", "duration of the heavy requests, s"),
    Row("crowd", "lag_p50_ms", "lag behind schedule p50, ms"),
    Row("crowd", "lag_p99_ms", "lag behind schedule p99, ms (goal 250)"),
    Row("crowd", "pss_kb_a_stream", "memory (PSS) per stream, kB", 1.3),
    Row("crowd", "cpu_s_10k_pieces", "server CPU per 10,000 pieces, s", 1.3),
    Row("crowd", "idle_mb", "memory (PSS) before the peak, MB"),
    Row("crowd", "left_mb", "memory (PSS) 65 s after the peak, MB"),
    Row("crowd", "left_descriptors", "open descriptors 65 s after the peak"),
)


def median(rounds: Rounds, figure: str) -> float | None:
    values = [value for figures in rounds if (value := figures.get(figure)) is not None]
    return statistics.median(values) if values else None


def ratio(rounds: Rounds, base: Rounds, figure: str) -> float | None:
    """Return the median of each round's ratio, which cancels the machine's noise."""
    pairs = zip(rounds, base, strict=False)
    ratios = [
        value / base_value
        for figures, base_figures in pairs
        if (value := figures.get(figure)) and (base_value := base_figures.get(figure))
    ]
    return statistics.median(ratios) if ratios else None


def lines(
    results: Mapping[str, Mapping[str, Rounds]], names: list[str]
) -> Iterable[str]:
    """Yield a block for each load, with ratios to the relay and figures."""
    titles = {load.name: load.title for load in LOADS}
    for name, rounds in results.items():
        yield from _block(name, titles.get(name, ""), rounds, names)


def _block(
    load: str, title: str, results: Mapping[str, Rounds], names: list[str]
) -> Iterable[str]:
    rounds = max(map(len, results.values()))
    yield ""
    head = f"{load}{': ' * bool(title)}{title} ({rounds} rounds)"
    yield f"{head:60}" + "".join(f"{name:>10}" for name in names)
    for row in ROWS:
        if row.load == load:
            yield from _row(row, results, names)


def _row(row: Row, results: Mapping[str, Rounds], names: list[str]) -> Iterable[str]:
    goal = f" (goal {row.goal})" if row.goal else ""
    base = results.get("relay", [])
    ratios = [ratio(results.get(name, []), base, row.figure) for name in names]
    values = [median(results.get(name, []), row.figure) for name in names]
    if any(base):
        yield f"  {row.label + ', ratio' + goal:58}" + "".join(map(_cell, ratios))
    yield f"  {row.label:58}" + "".join(map(_cell, values))


def _cell(value: float | None) -> str:
    if value is None:
        return f"{'–':>10}"
    return f"{value:>10,.0f}" if value >= 1000 else f"{value:>10.3g}"
