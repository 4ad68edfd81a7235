"""Read all that has arrived on a non-blocking socket at once, without fragments.

`recv` allocates as many bytes as it may read, and keeps what it has read. The hole
behind a small piece is too small for the next read, so the heap would grow: in a soak
over TLS from 74 to 84 MB, of which 17 were in use. So bytes are read into buffers that
are used again, and copied.
"""

import socket
import ssl

from .transport_errors import TRANSPORT_ERRORS

MAX_BATCH = 2_097_152  # bytes read at once, so that no stream blocks the others
MAX_RECORD = 16_384  # of TLS; of one that does not fit, the rest would not be polled

NOT_YET = (BlockingIOError, ssl.SSLWantReadError)

_free: list[bytearray] = []  # one for each thread that has read at the same time


def read_batch(sock: socket.socket) -> tuple[bytes, Exception | None]:
    """Return the bytes that have arrived, and the error behind them, if any.

    The bytes are b"" at the end, or before an error; one of NOT_YET means that nothing,
    or only a part of a TLS record, has arrived.
    """
    try:
        buffer = _free.pop()
    except IndexError:
        buffer = bytearray(MAX_BATCH + MAX_RECORD)
    view, size, failure = memoryview(buffer), 0, None
    try:
        while size < MAX_BATCH and (count := sock.recv_into(view[size:])):
            size += count
            if not isinstance(sock, ssl.SSLSocket):  # which gives a record at a time
                break
    except (*NOT_YET, *TRANSPORT_ERRORS) as error:
        failure = error.with_traceback(None)  # which would hold this frame in a cycle
    batch = bytes(view[:size])
    _free.append(buffer)
    return batch, failure
