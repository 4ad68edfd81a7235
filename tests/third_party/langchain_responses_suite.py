"""LangChain's own suite for chat models, through the Responses API, on the platform.

The simulator's canned answers call the tools and write the JSON that is asked for.
Images and PDFs are off as in `langchain_suite`.
"""

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

from tests.conftest import Caller
from tests.simulated import Simulated


@pytest.mark.parametrize("kind", ["platform"])
class TestResponses(ChatModelIntegrationTests):
    caller: Caller

    @pytest.fixture(autouse=True)
    def service(self, upstream: Simulated, account: Caller) -> None:
        upstream.script({"call": "completion", "times": None})  # as to a human, at once
        type(self).caller = account

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
    def supports_json_mode(self) -> bool:
        return True
