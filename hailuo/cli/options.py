"""Options that several commands share."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from .gateways import Location

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def with_location(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --url and --key, and pass them as its *location*."""

    @click.option(
        "--url",
        default="",
        envvar="HAILUO_URL",
        help="Address of the gateway; by default http://localhost:PORT.",
    )
    @click.option(
        "--key",
        default="",
        help="Key of the gateway; by default the first of HAILUO_API_KEY. On a machine "
        "of several users better in the variable, since they can see options.",
    )
    @wraps(command)
    def wrapped(url: str, key: str, **options: Any) -> Any:
        return command(location=Location(url, key), **options)

    return wrapped
