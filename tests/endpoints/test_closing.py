"""Closing a streamed response closes its stream, whoever else refers to it."""

import io
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client, EnvironBuilder

from hailuo import create_app
from hailuo.gateway import Gateway
from hailuo.settings import Settings
from hailuo.spool import SPOOL
from tests.conftest import SECRET
from tests.served import KEY
from tests.simulated import Simulated
from tests.voice import sounds

CHAT = {"stream": True, "messages": [{"role": "user", "content": SECRET}]}
SPEECH = {"input": "Hello there.", "voice": "alloy"}
REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"json": CHAT}),
    "messages": ("/v1/messages", {"json": CHAT | {"max_tokens": 9}}),
    "speech": ("/v1/audio/speech", {"json": SPEECH}),
    "speech events": ("/v1/audio/speech", {"json": SPEECH | {"stream_format": "sse"}}),
    "transcription": ("/v1/audio/transcriptions", {"data": {"stream": "true"}}),
}


@pytest.fixture
def app(upstream: Simulated, tmp_path: Path) -> Flask:
    settings = Settings(
        origin=upstream.origin,
        tokens=tuple(upstream.tokens[:1]),
        tokens_file=str(tmp_path / "none.json"),
    )
    return create_app(settings)


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The gateway's streams; as they are held here, nothing collects them."""
    streams: list[Any] = []

    def holding(method: Any) -> Any:
        def held(*arguments: Any) -> Any:
            streams.append(method(*arguments))
            return streams[-1]

        return held

    for name in ("answer", "speak", "transcribe"):
        monkeypatch.setattr(Gateway, name, holding(getattr(Gateway, name)))
    return streams


@pytest.mark.parametrize("name", REQUESTS)
def test_closing_a_response_returns_its_account_and_its_files(
    app: Flask, streams: list[Any], name: str
):
    path, fields = REQUESTS[name]
    if name == "transcription":
        recording = io.BytesIO(sounds.wav(sounds.tone(1)))
        fields = {"data": {**fields["data"], "file": (recording, "a.wav")}}
    local: Any = {"REMOTE_ADDR": "127.0.0.1"}
    builder = EnvironBuilder(
        path,
        method="POST",
        headers={"Authorization": f"Bearer {KEY}"},  # type: ignore[dict-item]
        environ_base=local,
        **fields,
    )
    body: Any
    body, status, _ = Client(app).run_wsgi_app(builder.get_environ())
    builder.close()
    assert status == "200 OK"
    pieces = iter(body)
    next(pieces)
    pool = app.extensions["hailuo"].pool
    assert pool.in_use == 1

    body.close()

    assert pool.in_use == 0
    assert SPOOL.used_bytes == 0
    assert len(streams) == 1 and next(streams[0], None) is None
