"""A run of an agent that calls three functions and answers, in the same words for all.

The functions are `weather` and `local_time` of a city, each telling "Paris: sunny" and
"Rome: noon"; the answer is a text, or a REPORT.
"""

import json
from typing import Any

import pytest

from tests.conftest import SECRET, Caller
from tests.simulated import Simulated
from tests.tools.model_outputs import array, says

QUESTION = f"How is it in Paris, and how late in Rome? {SECRET}"
ANSWER = "Sunny in Paris, and noon in Rome. 🐚"
REPORT = {"city": "Rome", "hours": 12}
SCHEMA: dict[str, Any] = {
    "title": "Report",
    "description": "The time in a city",
    "type": "object",
    "properties": {"city": {"type": "string"}, "hours": {"type": "integer"}},
    "required": ["city", "hours"],
    "additionalProperties": False,
}
ROUNDS = (
    (("weather", {"city": "Paris"}), ("local_time", {"city": "Rome"})),
    (("weather", {"city": "Rome"}),),
)
RESULTS = ("Paris: sunny", "Rome: noon", "Rome: sunny")

FORMS = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
APIS = pytest.mark.parametrize("api", ["chat", "responses"])
OUTPUTS = pytest.mark.parametrize("output", ["text", "report"])


def weather(city: str) -> str:
    """Return the weather of a city."""
    return f"{city}: sunny"


def local_time(city: str) -> str:
    """Return the time in a city."""
    return f"{city}: noon"


def calls(account: Caller, *wanted: tuple[str, Any]) -> dict[str, Any]:
    """Return an instruction for the model to call functions."""
    if account.call == "chat":
        return says(f"OPEN\n{array(*wanted)}\nCLOSE")
    listed = [
        {"name": name, "arguments": arguments, "id": f"{name}_{arguments['city']}"}
        for name, arguments in wanted
    ]
    return {"call": "completion", "calls": listed}


def script_calls(upstream: Simulated, account: Caller) -> None:
    upstream.script(*(calls(account, *each) for each in ROUNDS))


def script_answer(upstream: Simulated, account: Caller, output: str) -> None:
    """Script a text, or a report that fits after one repair and in a code fence."""
    texts = [ANSWER]
    if output == "report":
        texts = ['{"city": "Rome"}', f"```json\n{json.dumps(REPORT)}\n```"]
    upstream.script(*({"call": account.call, "text": text} for text in texts))


def check_rounds(upstream: Simulated, output: str) -> None:
    """Check that the model was told each result once, in one turn each."""
    answers = upstream.report()["answers"]
    assert len(answers) == len(ROUNDS) + (2 if output == "report" else 1)
    asked = answers[len(ROUNDS)]
    told = asked["message"] if asked["call"] == "chat" else str(asked["form"])
    assert [told.count(result) for result in RESULTS] == [1] * len(RESULTS)
