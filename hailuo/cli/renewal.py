"""Renewal of all tokens of a gateway, with its progress."""

import threading
from concurrent.futures import Future, wait
from typing import Any

from .gateways import Gateway
from .output import note, progress

POLL_INTERVAL_S = 0.5  # of the progress


def renew_all(gateway: Gateway) -> dict[str, Any]:
    """Renew all tokens in another thread, showing the progress meanwhile.

    After Ctrl-C, renewals in this process are finished all the same: a new token whose
    old one is invalid already has to be written.
    """
    future: Future[dict[str, Any]] = Future()

    def run() -> None:
        try:
            future.set_result(gateway.call("POST", "/v1/token/refresh"))
        except Exception as error:  # noqa: BLE001 - raised by the caller
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        with progress("Renewing") as show:
            while not wait([future], POLL_INTERVAL_S).done:
                running = gateway.call("GET", "/v1/refresh-status").get("running")
                if running:
                    show(**running)
    except KeyboardInterrupt:
        if gateway.via == "file":
            note("The renewals are finished first.")
            wait([future])
        raise
    return future.result()
