"""A real browser: what pages of others read of the gateway, and what they cannot."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.served import Served

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="CHROMIUM IS NOT INSTALLED")

# The page has the browser ask, as a picture does, without telling who asks; then it
# reads what it can get, from the browser's cache at best.
PAGE = """<!doctype html><meta charset="utf-8"><pre id="told"></pre><script>
const told = document.getElementById("told");
async function read(path) {
  const address = "%(gateway)s" + path;
  const texts = [];
  try { await fetch(address, {mode: "no-cors"}); } catch (error) {}
  for (const cache of ["force-cache", "default"]) {
    try {
      const answer = await fetch(address, {cache});
      texts.push([answer.status, await answer.text()]);
    } catch (error) { texts.push([0, String(error)]); }
  }
  return texts;
}
Promise.all(["/metrics", "/ping"].map(read)).then(all => {
  told.textContent = JSON.stringify(all);
});
</script>"""


class Page(BaseHTTPRequestHandler):
    page = ""

    def do_GET(self) -> None:
        body = self.page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Callable[[str, str], str]]:
    """seen(html, host): what a page shows that is served under a host's name."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def seen(html: str, host: str) -> str:
        server.RequestHandlerClass = type("Page", (Page,), {"page": html})
        done = subprocess.run(
            [
                str(CHROMIUM),
                *("--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
                *("--no-proxy-server", "--virtual-time-budget=20000"),
                f"--user-data-dir={tmp_path / 'profile'}",
                f"--host-resolver-rules=MAP {host} 127.0.0.1",
                f"http://{host}:{server.server_port}/",
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout

    yield seen
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("host", "may"), [("foreign.example", False), ("page.localhost", True)]
)
def test_metrics_are_for_pages_of_this_machine(
    gateway: Served, seen: Callable[[str, str], str], host: str, may: bool
):
    shown = seen(PAGE % {"gateway": gateway.address}, host)
    found = re.search(r'<pre id="told">(\[.*?)</pre>', shown, re.DOTALL)
    assert found, shown
    metrics, ping = json.loads(found[1])
    assert [200, "pong"] in ping, "it reaches the gateway at all"
    assert ("hailuo_" in json.dumps(metrics)) is may, metrics
