"""Form fields of a chat message (protocol.md 4)."""

import json
import re
from typing import Any, NamedTuple, Self

from ..server import Request
from .accounts import Account
from .envelope import forbidden
from .multipart import parts
from .signing import chat_digest

FIELDS = ["characterID", "msgContent", "chatID", "searchMode"]
CHARACTER_ID = "1"
SEARCH_MODE = "0"
TEXT, IMAGE, DOCUMENT = 1, 2, 6  # formType
ANY_FORM_TYPE = ("image/avif",)  # the upstream's formType for it is unknown
IMAGE_TYPE = re.compile(  # protocol.md 5
    r"image/(x-)?(jpe?g|png|gif|bmp|webp|tiff|svg\+xml|heic|heif|ico(n)?)"
)
ENTRY_KEYS = ["name", "formType", "content", "fileID"]


class ChatForm(NamedTuple):
    """Fields of a chat message.

    message: msgContent; chat_id: "0" for a new conversation; form: JSON text that names
    files, "" if there are none.
    """

    character_id: str
    message: str
    chat_id: str
    search_mode: str
    form: str

    @classmethod
    def read(cls, request: Request) -> Self:
        """Return the form of *request*.

        raises: Forbidden if its fields are not those of the protocol, in its order.
        """
        fields = parts(request)
        names = [part.name for part in fields]
        if names not in (FIELDS, [*FIELDS, "form"]):
            raise forbidden(f"the form fields are {names}")
        if any(part.filename is not None for part in fields):
            raise forbidden("a form field was sent as a file")
        try:
            values = [part.value.decode() for part in fields]
        except UnicodeDecodeError:
            raise forbidden("a form field is not UTF-8") from None
        return cls(*values, *[""] * (5 - len(values)))

    def digest(self) -> str:
        return chat_digest(self.character_id, self.message, self.chat_id, self.form)

    def check(self, account: Account) -> None:
        """Check every value.

        raises: Forbidden.
        """
        if self.character_id != CHARACTER_ID:
            raise forbidden(f"characterID is {self.character_id!r}")
        if not self.message.strip():
            raise forbidden("msgContent is empty")
        if self.search_mode != SEARCH_MODE:
            raise forbidden(f"searchMode is {self.search_mode!r}")
        if not self.chat_id.isascii() or not self.chat_id.isdigit():
            raise forbidden(f"chatID is {self.chat_id!r}")
        if self.form:
            self._check_entries(self.entries(), account)

    def entries(self) -> list[Any]:
        """Return the entries of the form field; [] without one."""
        try:
            entries = json.loads(self.form or "[]")
        except ValueError:
            raise forbidden("form is not JSON") from None
        if not isinstance(entries, list):
            raise forbidden("form is not a JSON array")
        return entries

    def _check_entries(self, entries: list[Any], account: Account) -> None:
        last = {"name": "", "formType": TEXT, "content": self.message}
        if len(entries) < 2 or entries[-1] != last:
            raise forbidden("form does not list files followed by the message")
        for entry in entries[:-1]:
            if (
                not isinstance(entry, dict)
                or list(entry) != ENTRY_KEYS
                or entry["name"]
            ):
                raise forbidden(f"form has an invalid entry {entry!r}")
            if entry["formType"] not in (IMAGE, DOCUMENT):
                raise forbidden(f"form has a file of formType {entry['formType']!r}")
            _check_file(entry, account)


def _check_file(entry: dict[str, Any], account: Account) -> None:
    """Check that the account has uploaded the file with this name and type."""
    file = account.files.get(entry["fileID"])
    if file is None:
        raise forbidden(
            f"form names the file {entry['fileID']!r}, which was not uploaded"
        )
    if entry["content"] != file.name:
        raise forbidden(f"form calls {file.name!r} {entry['content']!r}")
    form_type = IMAGE if IMAGE_TYPE.fullmatch(file.media_type) else DOCUMENT
    if entry["formType"] != form_type and file.media_type not in ANY_FORM_TYPE:
        raise forbidden(f"formType of {file.media_type} is {entry['formType']}")
