"""`hailuo ask`: a question to a running gateway, the answer as it arrives."""

import base64
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from . import chat_stream
from .chat_stream import Answer, Part
from .gateways import Failure, Location, running
from .options import as_json, with_location
from .output import note, print_json, safe_for_terminal

STDIN = "-"
WEB = ("http://", "https://")


@click.command()
@click.argument("question", metavar="[QUESTION|-]...", nargs=-1)
@click.option("--model", default="hailuo", show_default=True, help="Any model's name.")
@click.option(
    "--file",
    "files",
    metavar="PATH|URL",
    multiple=True,
    help="A document or an image to attach; may be repeated.",
)
@click.option(
    "--reasoning", is_flag=True, help="Print the model's reasoning, too, to stderr."
)
@with_location
@as_json
def ask(
    location: Location,
    question: Sequence[str],
    model: str,
    files: Sequence[str],
    reasoning: bool,
    as_json: bool,
) -> None:
    """Ask a question, and print the answer as it arrives.

    "-" stands for the text of standard input, which is also read without a question.
    Ctrl-C stops the answer. The exit code is 1 if it fails or breaks off.
    """
    content = _content(_text(question), files)
    gateway = running(location)
    answer = Answer()
    try:
        with closing(chat_stream.ask(gateway, model, content)) as parts:
            for part in parts:
                answer.add(part)
                if not as_json:
                    _show(part, reasoning)
    except Failure:
        if answer.text and not as_json:
            click.echo(err=True)  # the message is on a line of its own
        raise
    if as_json:
        print_json(answer.described())
        return
    click.echo()
    for title, url in answer.sources:
        note(safe_for_terminal(f"Source: {title} {url}"))
    if answer.ending in ("length", "content_filter"):
        note(f"The answer is not complete ({answer.ending}).")


def _text(question: Sequence[str]) -> str:
    """Return the question from the arguments and standard input."""
    if not question and sys.stdin.isatty():
        raise click.UsageError('give a question: hailuo ask "…"')
    parts = question or (STDIN,)
    text = " ".join(sys.stdin.read() if part == STDIN else part for part in parts)
    if not text.strip():
        raise click.UsageError("the question is empty")
    return text


def _content(text: str, files: Sequence[str]) -> str | list[dict[str, Any]]:
    """Return the content of a message, with attachments before its text."""
    if not files:
        return text
    return [*map(_attachment, files), {"type": "text", "text": text}]


def _attachment(file: str) -> dict[str, Any]:
    """Return a file as a part of a message. raises: Failure if it cannot be read."""
    if file.startswith(WEB):
        return {"type": "file", "file_url": {"url": file}}
    path = Path(file)
    try:
        data = base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise Failure(f"{file} cannot be read ({error.strerror})") from None
    uri = f"data:application/octet-stream;base64,{data}"
    return {"type": "file", "file": {"filename": path.name, "file_data": uri}}


def _show(part: Part, reasoning: bool) -> None:
    """Print a part of an answer at once. reasoning: whether to print that, too."""
    thoughts = part.reasoning if reasoning else ""
    for text, stream in ((thoughts, sys.stderr), (part.text, sys.stdout)):
        safe = safe_for_terminal(text) if stream.isatty() else text
        click.echo(safe, file=stream, nl=False)
