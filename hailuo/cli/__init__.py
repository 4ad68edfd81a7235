"""The command `hailuo`: serve, tokens, ask, doctor."""

import sys

INTERRUPTED = 130  # exit code after Ctrl-C, as shells have it


def main() -> None:
    """Run the command; Ctrl-C ends it quietly, also while it is being loaded."""
    try:
        from .command import hailuo

        hailuo()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(INTERRUPTED)
