"""What comes behind a request's headers, and what can go wrong with it.

WSGI middleware around the input: a body that is malformed, breaks off or stops coming
raises one of our failures wherever it is read, and so leaves as a 400 or a 408.
"""

from collections.abc import Iterable
from typing import IO, Any

from gunicorn.http.errors import ParseException

from ..errors import BadRequest, CallerLeft
from ..fairness import TimeSlice
from .paths import Application


class Dawdled(BadRequest):
    """The body stopped coming."""

    status = 408
    code = "request_timeout"


class Bodies:
    """Watches over the body of every request.

    idle_s: seconds without a byte, in either direction, after which a caller is given
        up: who vanished, or stopped reading, must not keep a place or an account.
    """

    def __init__(self, application: Application, idle_s: float) -> None:
        self._application = application
        self._idle_s = idle_s

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        caller = environ.get("gunicorn.socket")
        if caller is not None:
            caller.settimeout(self._idle_s)
        environ["wsgi.input"] = Body(environ["wsgi.input"])
        return self._application(environ, start_response)


class Body:
    """A server's input, with our failures."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._time_slice = TimeSlice()

    def read(self, size: int = -1) -> bytes:
        """raises: BadRequest, Dawdled, CallerLeft."""
        self._time_slice.yield_if_over()
        try:
            return self._stream.read(size)
        except ParseException:
            message = "the body is not what HTTP calls chunked"
            raise BadRequest(message, code="invalid_body") from None
        except TimeoutError:
            raise Dawdled("the body stopped coming") from None
        except OSError:
            raise CallerLeft("the caller has hung up") from None
