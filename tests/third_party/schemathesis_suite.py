"""Schemathesis: requests of every form that /openapi.json allows, and of others.

No request may end in a 500 or in a status, a type or a form that is not described.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks

from hailuo.endpoints.openapi import DOCUMENT
from tests.served import KEY, Served
from tests.simulated import Simulated

schema = schemathesis.openapi.from_dict(json.loads(DOCUMENT))
CHECKS = [
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
]


@pytest.fixture(scope="module")
def gateway(
    serve: Callable[..., Served],
    simulator: Simulated,
    tmp_path_factory: pytest.TempPathFactory,
) -> Served:
    """Return a gateway whose pool may be changed, with two accounts that stay.

    One is a platform key, since images take one, and only its plan has a quota.
    """
    for call in ("chat", "completion"):
        simulator.script({"call": call, "times": None})  # answered at once
    simulator.script({"call": "msg_tts", "times": None, "polls": 0})
    file = tmp_path_factory.mktemp("schemathesis") / "tokens.json"
    file.write_text(json.dumps([simulator.token("6001")]))
    staying = f"{simulator.token('6003')},sk-cp-sim-6003"
    return serve(HAILUO_TOKENS=staying, HAILUO_TOKENS_FILE=file)


@schema.parametrize()
@settings(
    max_examples=30,  # besides hundreds of requests at the borders of each schema
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # a failure is plain without shrinking
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_described(case: Any, gateway: Served):
    answer = case.call(
        base_url=f"http://127.0.0.1:{gateway.port}",
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=60,
    )
    assert answer.status_code != 500
    case.validate_response(answer, checks=CHECKS)
