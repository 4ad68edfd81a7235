"""Findings of the doctor: what was looked at, how it is, and what to do."""

from typing import Literal, NamedTuple

Status = Literal["ok", "warning", "error"]


class Finding(NamedTuple):
    """Outcome of a check.

    check: its name; stable, for scripts.
    status: "error" if something does not work, "warning" if it may not.
    message: what was found.
    cure: what to do; "" if nothing has to be done.
    """

    check: str
    status: Status
    message: str
    cure: str = ""


def ok(check: str, message: str) -> Finding:
    return Finding(check, "ok", message)


def warning(check: str, message: str, cure: str) -> Finding:
    return Finding(check, "warning", message, cure)


def error(check: str, message: str, cure: str) -> Finding:
    return Finding(check, "error", message, cure)
