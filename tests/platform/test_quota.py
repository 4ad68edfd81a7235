"""What is left of a subscription, from the answers of old and new servers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.errors import UpstreamProtocolError
from hailuo.upstream import Quota
from hailuo.upstream.platform import quota

NOW = 1_795_694_400.0
HOUR_MS = 3_600_000
TIMES = {
    "start_time": 1000 * NOW - 4 * HOUR_MS,
    "end_time": 1000 * NOW + HOUR_MS,
    "remains_time": HOUR_MS,
    "weekly_end_time": 1000 * NOW + 48 * HOUR_MS,
    "weekly_remains_time": 48 * HOUR_MS,
}


def entry(name: str, window: Any = None, week: Any = None, **fields: Any) -> Any:
    return {
        "model_name": name,
        **TIMES,
        "current_interval_remaining_percent": window,
        "current_weekly_remaining_percent": week,
        **fields,
    }


def read(*entries: Any) -> Quota | None:
    return quota.read({"model_remains": list(entries)}, NOW)


def percents(*entries: Any) -> tuple[float | None, float | None] | None:
    found = read(*entries)
    return found and (found.window_percent, found.week_percent)


@pytest.mark.parametrize("count", [630, 370], ids=["left", "used"])
def test_percentage_counts_whatever_the_usage_count_means(count: int):
    counts = {
        "current_interval_total_count": 1_000,
        "current_interval_usage_count": count,
        "current_interval_status": 1,
    }
    assert read(entry("general", 63, 80, **counts), entry("video", 0, 0)) == Quota(
        asked_at=NOW,
        window_percent=63,
        window_resets_at=NOW + 3_600,
        week_percent=80,
        week_resets_at=NOW + 48 * 3_600,
    )


def test_least_of_several_chat_models_counts():
    models = [entry("MiniMax-M2", 90, 50), entry("MiniMax-M2.5", 40, 60)]
    assert percents(*models, entry("speech-hd", 3, 3)) == (40, 60)


@pytest.mark.parametrize(
    "entries",
    [[], [entry("video", 0, 0)], [entry("general")], [entry("speech-02-hd", 5, 5)]],
    ids=["none", "video", "without percentages", "speech"],
)
def test_quota_is_unknown_without_an_entry_for_chat(entries: list[Any]):
    assert read(*entries) is None


def test_window_without_a_limit_has_no_percentage():
    unlimited = entry("general", 63, 100, current_weekly_status=3)
    assert percents(unlimited) == (63, None)
    outside = entry("MiniMax-M2", 100, 100, current_interval_status=3)
    assert percents(outside | {"current_weekly_status": 3}) is None


@pytest.mark.parametrize(
    ("stated", "percent"),
    [(0, 0), (0.4, 0.4), (-3, 0), (250, 100), ("63", None), (True, None), ([], None)],
)
def test_odd_percentages(stated: Any, percent: float | None):
    assert percents(entry("general", stated, 80)) == (percent, 80)


@pytest.mark.parametrize(
    ("times", "resets_at"),
    [
        ({"remains_time": None}, NOW + 3_600),
        ({"remains_time": 60_000, "end_time": 0}, NOW + 60),
        ({"remains_time": None, "end_time": None}, None),
        ({"remains_time": -1}, None),
        ({"remains_time": 1e15}, None),
        ({"remains_time": None, "end_time": NOW}, None),
    ],
    ids=["end", "remains", "none", "over", "far", "seconds"],
)
def test_end_of_the_window(times: Any, resets_at: float | None):
    found = read(entry("general", 63, 80, **times))
    assert found and found.window_resets_at == resets_at


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(list(entry("general"))), inner, max_size=9)
    ),
    max_leaves=9,
)
ENTRIES = st.fixed_dictionaries(
    {"model_name": st.sampled_from(["general", "MiniMax-M2", "video", 3])},
    optional={name: JSON for name in entry("") if name != "model_name"},
)


@given(JSON | st.fixed_dictionaries({"model_remains": JSON | st.lists(ENTRIES)}))
def test_no_answer_breaks_it(answer: Any):
    try:
        found = quota.read(answer, NOW)
    except UpstreamProtocolError:
        return
    if found:
        assert json.dumps(found, allow_nan=False)
        assert 0 < (found.opens_in_s(NOW) or 1) < 700_000


class TestOpening:
    """When a plan that is used up can be used again."""

    @pytest.mark.parametrize(
        ("window", "week", "opens_in_s"),
        [
            (0, 80, 60),
            (0, 0, 600),
            (40, 0, 600),
            (40, 80, 60),
            (0, None, 60),
            (None, None, 60),
        ],
    )
    def test_opening_is_when_all_that_is_used_up_begins_again(
        self, window: float | None, week: float | None, opens_in_s: float
    ):
        found = Quota(NOW, window, NOW + 60, week, NOW + 600)
        assert found.opens_in_s(NOW) == opens_in_s

    def test_opening_is_unknown_without_a_time_or_after_it(self):
        assert Quota(NOW, 0, None, 0, NOW + 600).opens_in_s(NOW) is None
        assert Quota(NOW, 0, NOW + 60).opens_in_s(NOW + 60) is None
        assert Quota(NOW, 0).opens_in_s(NOW) is None
