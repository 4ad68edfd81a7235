"""Tracebacks of exceptions that were handled."""


def clear_tracebacks(error: BaseException | None) -> None:
    """Clear the tracebacks of an exception and its causes, so that frames can be freed.

    For an exception that was handled. A frame that keeps the exception it raises forms
    a cycle with it, which may hold bodies and events of megabytes, and the garbage
    collector counts objects, not bytes.
    """
    while error:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
