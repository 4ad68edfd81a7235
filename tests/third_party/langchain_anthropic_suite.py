"""LangChain's own suite for chat models, with Anthropic's API and a platform key.

Images and PDFs stay off because the suite fetches them from the internet.
"""

from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests

from tests.conftest import Caller
from tests.simulated import Simulated

# The canned answers call every other tool of the suite as it should be called.
CUSTOMERS = ("你好啊集团", "こんにちは株式会社")


def call_for(customer: str) -> dict[str, Any]:
    """Return the instruction to answer questions about a customer with a call."""
    arguments = {"customer_name": customer, "description": customer}
    call = {"name": "unicode_customer", "arguments": arguments}
    return {"call": "completion", "message": customer, "calls": [call], "times": None}


class TestChatAnthropic(ChatModelIntegrationTests):
    caller: Caller

    @pytest.fixture
    def kind(self) -> str:
        return "platform"

    @pytest.fixture(autouse=True)
    def service(self, upstream: Simulated, account: Caller) -> None:
        upstream.script(*map(call_for, CUSTOMERS))
        type(self).caller = account

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatAnthropic

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "model": "claude-opus-4-8",
            "base_url": self.caller.gateway.address,
            "api_key": self.caller.key,
            "max_retries": 0,
        }

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "another-model"
