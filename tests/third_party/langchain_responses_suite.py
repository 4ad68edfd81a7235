"""LangChain's own suite for chat models, through the Responses API, on the platform.

The simulator's canned answers call the tools. Images and PDFs are off as in
`langchain_suite`, and so is structured output, which is refused.
"""

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

from tests.conftest import Caller
from tests.simulated import Simulated

ANSWER = "Hello, I am Hailuo, and this is an answer that is long enough to stream."
NAMES = ("你好啊集团", "こんにちは株式会社")  # which the canned answers do not find


def unicode_call(name: str) -> dict[str, Any]:
    arguments = {"customer_name": name, "description": "A company"}
    call = {"name": "unicode_customer", "arguments": arguments}
    return {"call": "completion", "calls": [call]}


@pytest.mark.parametrize("kind", ["platform"])
class TestResponses(ChatModelIntegrationTests):
    caller: Caller

    @pytest.fixture(autouse=True)
    def service(
        self, upstream: Simulated, account: Caller, request: pytest.FixtureRequest
    ) -> None:
        type(self).caller = account
        test = request.node.name
        if "unicode" in test:
            upstream.script(*(unicode_call(name) for name in NAMES))
        elif "tool" not in test and "agent" not in test:
            upstream.script({"call": "completion", "text": ANSWER, "times": None})

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "model": "hailuo",
            "base_url": self.caller.gateway.base_url,
            "api_key": self.caller.key,
            "max_retries": 0,
            "use_responses_api": True,
        }

    @property
    def model_override_value(self) -> str:
        return "another-model"

    @property
    def has_structured_output(self) -> bool:
        return False

    @property
    def supports_json_mode(self) -> bool:
        return False
