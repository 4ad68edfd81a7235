"""The monitoring kit: alerts, dashboard, and the metrics that they name."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hailuo.accounts.pool import Pool
from hailuo.accounts.pool_metrics import PoolCollector
from hailuo.accounts.shared.metrics import SharedPoolMetrics
from hailuo.metrics import Metrics
from hailuo.upstream import registry
from tests.served import ROOT

FOLDER = ROOT / "deploy" / "monitoring"
ALERTS, CONFIG = FOLDER / "alerts.yml", FOLDER / "prometheus.yml"
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))
PARTS = re.compile(r"_(bucket|sum|count)$")  # of a histogram


def promtool(*arguments: str | Path) -> None:
    """Run promtool, which must succeed."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("NO promtool HERE: alerts and dashboard are NOT TESTED")
    done = subprocess.run(
        [program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def metrics() -> set[str]:
    """Return the names of all metrics of the gateway."""
    metrics = Metrics()
    SharedPoolMetrics(metrics)
    metrics.register(PoolCollector(Pool(registry.identify, 15)))
    names = re.findall(r"^# TYPE (\w+)", metrics.text().decode(), re.MULTILINE)
    return {name for name in names if not name.endswith("_created")}


def queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_promtool_accepts_the_alerts():
    promtool("check", "rules", ALERTS)


def test_promtool_accepts_the_configuration():
    promtool("check", "config", "--syntax-only", CONFIG)


def test_alerts_fire_when_they_should():
    promtool("test", "rules", ROOT / "tests" / "deploy" / "alerts_test.yml")


def test_promtool_accepts_the_queries_of_the_dashboard(tmp_path: Path):
    """As rules, which promtool can check; JSON is YAML, too."""
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, query in enumerate(queries())
    ]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", file)


def test_alerts_and_dashboard_use_metrics_that_exist(metrics: set[str]):
    alerts = ALERTS.read_text("utf-8")
    for text in (alerts, *queries()):
        used = re.findall(r"\b(?:hailuo|process)_\w+", text)
        assert used
        assert {PARTS.sub("", name) for name in used} <= metrics


def test_every_metric_is_on_the_dashboard(metrics: set[str]):
    shown = " ".join(queries())
    own = {name for name in metrics if name.startswith("hailuo_")}
    assert {name for name in own if name not in shown} == set()


def test_every_metric_is_documented(metrics: set[str]):
    page = (ROOT / "docs" / "monitoring.md").read_text("utf-8")
    told = re.findall(r"`(hailuo_\w+)`", page.partition("\n## Metrics\n")[2])
    assert {*told} == {name for name in metrics if name.startswith("hailuo_")}


def test_every_alert_is_documented():
    page = (ROOT / "docs" / "monitoring.md").read_text("utf-8")
    alerts = re.findall(r"- alert: (\w+)", ALERTS.read_text("utf-8"))
    assert re.findall(r"^\| `(Hailuo\w+)` \|", page, re.MULTILINE) == alerts


def test_panels_of_the_dashboard_do_not_overlap():
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken and max(x for x, _ in cells) < 24
        taken |= cells


def test_compose_mounts_and_scrapes_what_is_there():
    compose = (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
    mounted = re.findall(r'"\./(monitoring/[^:]+):', compose)
    assert len(mounted) == 5
    assert all((ROOT / "deploy" / path).is_file() for path in mounted)
    config = CONFIG.read_text("utf-8")
    (names,) = re.findall(r"names: \[(.+)\]", config)
    services = re.findall(r"^  (\w+):", compose.partition("\nservices:\n")[2], re.M)
    assert {*names.split(", ")} <= {*services}
    (secret,) = re.findall(r"credentials_file: /run/secrets/(\w+)", config)
    assert f"secrets: [{secret}]" in compose and f"\n  {secret}:\n" in compose
