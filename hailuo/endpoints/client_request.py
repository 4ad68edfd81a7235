"""A client's request for an answer, as its view and the gateway share it."""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from flask import Request

from .. import json_schema
from ..accounts.candidates import Candidates
from ..concurrency.watch import Watch
from ..errors import GatewayError
from ..files import Source
from ..gateway import Gateway
from ..gateway.attachments import Attachment, attached
from ..gateway.request_state import RequestState
from ..settings import Settings
from ..upstream import Answer, Question
from . import app_state, auth, content_parts
from .middleware import access_log
from .middleware.access_log import RequestLog
from .validation import DEFAULT_MODEL


class ClientRequest(NamedTuple):
    """An authenticated request for an answer.

    candidates: the accounts that may serve it.
    """

    request: Request
    settings: Settings
    gateway: Gateway
    candidates: Candidates
    watch: Watch
    log: RequestLog

    def prove(self) -> None:
        """Have credentials of the client's own confirmed. raises: as auth.prove()."""
        auth.prove(self.request, self.candidates, self.gateway, self.watch)

    def enqueue(self) -> RequestState:
        """Enter the queue for an account, and have the request log follow the state.

        Call it when the request has been read: places are given in the order of calls.
        """
        state = self.log.state = self.gateway.request_state(self.candidates)
        return state

    def ask(self, question: Question, sources: Sequence[Source]) -> Answer:
        """Enter the queue; return the answer, which first gathers the files.

        sources: the files of the newest message.
        raises: BadRequest when no candidate can answer; as prove() and the first steps
            of Gateway.answer() and attached().
        """
        if question.model == DEFAULT_MODEL:
            question = question._replace(model="")  # no upstream knows it
        if _is_costly(question):
            self.prove()
        request_state = self.enqueue()

        def ask(files: Sequence[Attachment]) -> Answer:
            return self.gateway.answer(
                request_state, question._replace(files=files), self.watch
            )

        rules = content_parts.rules(
            self.settings, trusted=not self.candidates.from_caller
        )
        fetches = bool(sources) and self.gateway.fetches_images(self.candidates)
        return attached(sources, rules, self.watch, ask, fetches)


def _is_costly(question: Question) -> bool:
    """Return whether a question causes work that an unknown client must not cause."""
    schemas = [tool.parameters for tool in question.tools]
    if question.format and question.format.schema is not None:
        schemas.append(question.format.schema)
    return json_schema.are_large(schemas) or any(
        message.files for message in question.messages
    )


def begin(request: Request) -> ClientRequest:
    """Authenticate *request*; a large body is read only with confirmed credentials.

    raises: Unauthorized, BadRequest; as auth.prove().
    """
    app = app_state.get_state()
    client_request = ClientRequest(
        request,
        app.settings,
        app.gateway,
        auth.candidates(request, app.settings, app.pool),
        watch(request, app.settings),
        access_log.request_log(request),
    )
    if auth.is_large(request):
        client_request.prove()
    return client_request


@contextmanager
def field_names(names: Mapping[str, str]) -> Iterator[None]:
    """Name fields in errors as the client's API does.

    names: by the names of Chat Completions, which upstreams use.
    """
    try:
        yield
    except GatewayError as error:
        rename_field(error, names)
        raise


def rename_field(error: GatewayError, names: Mapping[str, str]) -> None:
    """Name the field of *error* as *names* do."""
    error.param = names.get(error.param or "", error.param)


def watch(request: Request, settings: Settings) -> Watch:
    """Return the watch over the client's connection and the clock.

    gunicorn hands out the client's socket. Other servers do not, and a TLS connection
    cannot be peeked into: there only the clock is watched.
    """
    connection = request.environ.get("gunicorn.socket")
    return Watch(
        None if isinstance(connection, ssl.SSLSocket) else connection,
        heartbeat_s=settings.heartbeat_s,
        idle_s=settings.idle_timeout_s,
        owner=auth.credential(request),
    )
