"""POST /v1/responses; GET and DELETE /v1/responses/{id}; GET …/input_items."""

from collections.abc import Generator, Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, request

from ...concurrency.watch import HEARTBEAT, Heartbeat
from ...errors import BadRequest, GatewayError
from ...upstream import Answer, Piece
from .. import app_state, auth, json_body
from ..client_request import begin, field_names, rename_field
from ..middleware.access_log import RequestLog
from ..sse import PING, event_response
from ..validation import invalid_field
from ..whole_answers import whole_response
from .events import ResponseEvents
from .item_list import item_list
from .request import FIELD_NAMES, ResponseRequest, read_request
from .stored import StoredResponse, StoredResponses

bp = Blueprint("responses", __name__, url_prefix="/responses")


class UnknownResponse(BadRequest):
    """No response of this id is stored for the client's credential."""

    status = 404
    code = "response_not_found"


@bp.post("")
def create() -> Response:
    """Answer, with a single response or with events."""
    client_request = begin(request)
    stored = own_responses()
    body = json_body.read(request, client_request.settings)
    response_request = read_request(body, stored)
    with field_names(FIELD_NAMES):
        pieces = client_request.ask(response_request.question, response_request.sources)
        answer = StoredAnswer(response_request, stored)
        if response_request.stream:
            return streamed(pieces, answer, client_request.log)
        return whole_response(pieces, answer.whole)


@bp.get("/<id>")
def get_response(id: str) -> Response:
    """Return a stored response. raises: UnknownResponse."""
    if request.args.get("stream") == "true":
        raise invalid_field("stream", "false: a stored response is sent as a whole")
    return jsonify(find(id).response)


@bp.delete("/<id>")
def delete_response(id: str) -> Response:
    """Delete a stored response. raises: UnknownResponse."""
    authenticate()
    if not own_responses().delete(id):
        raise unknown(id)
    return jsonify({"id": id, "object": "response", "deleted": True})


@bp.get("/<id>/input_items")
def list_input_items(id: str) -> Response:
    """List the items that a stored response answers. raises: UnknownResponse."""
    return jsonify(item_list(find(id), request.args))


def find(id: str) -> StoredResponse:
    """Return a stored response. raises: UnknownResponse, Unauthorized."""
    authenticate()
    stored = own_responses().find(id)
    if stored is None:
        raise unknown(id)
    return stored


def authenticate() -> None:
    """Raise Unauthorized unless the request has a credential that is accepted here."""
    state = app_state.get_state()
    auth.candidates(request, state.settings, state.pool)


def own_responses() -> StoredResponses:
    """Return the stored responses of the client's credential."""
    store = app_state.get_state().response_store
    return StoredResponses(store, auth.normalized_credential(request))


def unknown(id: str) -> UnknownResponse:
    return UnknownResponse(
        f'the response "{id[:100]}" is not stored (any more), or it was made with '
        "another key",
        param="response_id",
    )


class StoredAnswer:
    """Encoder of an answer, which is stored with its last piece if the client wants."""

    def __init__(
        self, response_request: ResponseRequest, stored: StoredResponses
    ) -> None:
        self._request = response_request
        self._stored = stored
        self._events = ResponseEvents(response_request.head, response_request.style)

    def begin(self) -> bytes:
        """Return the events before the first piece."""
        return self._events.begin()

    def piece(self, piece: Piece) -> bytes:
        """Return the events of a piece."""
        events = self._events.piece(piece)
        if self._events.response and self._request.store:
            self._stored.save(self._events.response, self._request.items)
        return events

    def failure(self, error: GatewayError) -> bytes:
        """Return the events of a failure, which end the stream."""
        rename_field(error, FIELD_NAMES)
        return self._events.failure(error)

    def whole(self, pieces: Sequence[Piece]) -> dict[str, Any]:
        """Return the whole response."""
        for piece in pieces:
            self.piece(piece)
        return self._events.response or {}


def streamed(pieces: Answer, answer: StoredAnswer, request_log: RequestLog) -> Response:
    """Return the answer as events, sent as they arrive.

    The first piece is awaited here, so that a failure before it sets the status.
    """
    first = next(pieces)
    return event_response(
        events(first, pieces, answer), pieces.close, request_log, answer.failure
    )


def events(
    piece: Piece | Heartbeat, pieces: Answer, answer: StoredAnswer
) -> Generator[bytes, None, None]:
    """Yield the events of an answer, and pings, also for a piece without any event.

    piece: the first item of *pieces*.
    """
    begin = answer.begin()
    yield begin if piece is HEARTBEAT else begin + answer.piece(piece)
    for piece in pieces:
        yield PING if piece is HEARTBEAT else answer.piece(piece) or PING
