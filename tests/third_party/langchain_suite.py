"""LangChain's own suite for chat models, run against the gateway on the simulator.

Functions and structured output are those that the gateway emulates for web accounts.
Images and PDFs stay off because the suite fetches them from the internet; `tests/files`
shows them.
"""

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

from tests.conftest import Caller
from tests.simulated import Simulated


class TestChatOpenAI(ChatModelIntegrationTests):
    caller: Caller

    @pytest.fixture(autouse=True)
    def service(self, upstream: Simulated, account: Caller) -> None:
        upstream.script({"call": "chat", "times": None})  # as to a human, at once
        type(self).caller = account

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        gateway = self.caller.gateway
        return {
            "model": "hailuo",
            "base_url": gateway.base_url,
            "api_key": self.caller.key,
            "max_retries": 0,
            "stream_usage": True,  # which is off where a base URL is set
        }

    @property
    def model_override_value(self) -> str:
        return "another-model"

    @property
    def has_tool_choice(self) -> bool:
        return True

    @property
    def supports_json_mode(self) -> bool:
        return True
