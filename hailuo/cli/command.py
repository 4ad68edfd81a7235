"""The commands, and how their failures are shown.

Nothing that they print holds a secret, error messages and tracebacks included.
"""

import os
import sys
import traceback
from io import StringIO
from typing import Any

import click

from .. import __version__
from ..errors import GatewayError
from ..logs import redact
from ..masking import conceal
from ..setting_values import MAX_PORT, words
from ..settings import DEFAULT_API_KEY
from .ask import ask
from .doctor import doctor
from .tokens import tokens


class Command(click.Group):
    """Group of commands whose failures are a redacted message and an exit code."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run a command, and exit with its code."""
        keys = words(os.environ.get("HAILUO_API_KEY", ""))
        conceal(key for key in keys if key != DEFAULT_API_KEY)
        options["standalone_mode"] = False
        try:
            code = super().main(*arguments, **options)
        except click.ClickException as error:
            message = StringIO()
            error.show(message)
            click.echo(redact(message.getvalue()), err=True, nl=False)
            code = error.exit_code
        except GatewayError as error:
            click.echo(f"Error: {redact(error.message)}", err=True)
            code = 1
        except click.Abort:
            raise KeyboardInterrupt from None
        except Exception:  # noqa: BLE001 - a traceback may quote a secret
            click.echo(redact(traceback.format_exc()), err=True, nl=False)
            code = 1
        sys.exit(code)


@click.group("hailuo", cls=Command, commands=[tokens, ask, doctor])
@click.version_option(__version__, message="%(prog)s %(version)s")
def hailuo() -> None:
    """Run and use a gateway in front of Hailuo AI.

    Settings are environment variables; `hailuo doctor` checks them.
    """


@hailuo.command()
@click.option("--port", type=click.IntRange(1, MAX_PORT), help="Overrides PORT.")
def serve(port: int | None) -> None:
    """Start the gateway, with a simulator if there is no token."""
    from .. import __main__

    if port:
        os.environ["PORT"] = str(port)
    __main__.main()
