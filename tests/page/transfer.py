"""Files that are dropped on the page, or pasted into it."""

import base64

from tests.page.conftest import Page

SCRIPT = """
const [selector, type, files] = arguments;
const transfer = new DataTransfer();
for (const [name, mediaType, base64] of files) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  transfer.items.add(new File([bytes], name, {type: mediaType}));
}
const given = {bubbles: true, cancelable: true};
const event = type === "paste"
  ? new ClipboardEvent(type, {...given, clipboardData: transfer})
  : new DragEvent(type, {...given, dataTransfer: transfer});
document.querySelector(selector).dispatchEvent(event);
"""


def transfer(
    page: Page, selector: str, *files: tuple[str, str, bytes], by: str = "drop"
) -> None:
    """Have an element see files, each (name, media type, content), as users give them.

    by: "drop" or "paste".
    """
    encoded = [
        (name, media_type, base64.b64encode(content).decode())
        for name, media_type, content in files
    ]
    page.run(SCRIPT, selector, by, encoded)
