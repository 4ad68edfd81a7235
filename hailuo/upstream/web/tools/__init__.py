"""Function calling for a service that only answers with text (tools.md 2).

The functions are described in the message (prompt.py). The model writes its calls at
the end of its answer (notation.py), where they are hidden from the client
(stream_filter.py), read (parser.py), checked (calls.py) and, if they cannot be
executed, asked for once more in a turn that the client does not see (answer.py).
"""

from .answer import ToolUse, with_calls
from .calls import OfferedTools
from .notation import Notation
from .prompt import ToolPrompt

__all__ = ["Notation", "OfferedTools", "ToolPrompt", "ToolUse", "with_calls"]
