"""Speech of an upstream, in the format and at the speed that the client wants."""

from contextlib import closing

from .. import audio
from ..accounts.account import Account
from ..concurrency.watch import Watch
from ..upstream import AudioStream, Speech, Upstream


def speak_natively_or_transcode(
    upstream: Upstream, account: Account, speech: Speech, watch: Watch
) -> AudioStream:
    """Yield speech, transcoded where the upstream cannot make it as it is wanted."""
    native = upstream.native_speech(speech)
    with closing(upstream.speak(account, native, watch)) as stream:
        if native == speech:
            yield from stream
        else:
            speed = speech.speed / native.speed
            yield from audio.transcode(stream, speech.format, speed)
