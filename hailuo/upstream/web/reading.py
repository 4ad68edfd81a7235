"""An answer's stream, read into a Transcript (protocol.md 4)."""

from ...errors import UpstreamError, UpstreamProtocolError
from ...net.stream import Stream
from .. import TICK, Answer
from .chat import AnswerParser


def read_chat_id(stream: Stream, transcript: AnswerParser) -> None:
    """Whose caller left early has a conversation all the same: read what it is called.

    A moment is all it takes; who left while the headers were awaited left before that.
    """
    for received in () if transcript.chat_id else stream._drained():
        try:
            transcript.feed(received)
        except UpstreamError:
            return
        if transcript.chat_id:
            return


def pieces(stream: Stream, transcript: AnswerParser) -> Answer:
    """Each piece as it arrives, the last one with its finish.

    What an event brings is given before the failure of the one behind it is raised, so
    that it does not matter how the bytes were cut.
    """
    for received in stream:
        if not received:
            yield TICK
            continue
        failure: UpstreamError | None = None
        try:
            transcript.feed(received)
        except UpstreamError as error:
            failure = error
        if piece := transcript.take():
            yield piece
        if failure:
            raise failure
        if transcript.ended:
            return
    raise UpstreamProtocolError("the upstream's answer stopped before its end")
