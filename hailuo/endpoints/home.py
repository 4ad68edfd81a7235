"""GET / says what this is and how to call it."""

from flask import Blueprint, Response, jsonify, render_template_string, request

from ..settings import DEFAULT_API_KEY, Settings, shown
from . import app_state

bp = Blueprint("home", __name__)

PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>hailuo</title>
<style>
body { font: 16px/1.5 sans-serif; max-width: 44em; margin: 3em auto; padding: 0 1em }
pre { background: #f3f3f3; padding: 1em; overflow: auto }
</style>
<h1>hailuo</h1>
<p>{{ about.description }}</p>
<p>{{ about.upstream }}</p>
<p>Base URL for any OpenAI client: <code>{{ about.base_url }}</code>. Try it:</p>
<pre>{{ about.try }}</pre>
"""


def curl(base_url: str, key: str) -> str:
    """A line to paste."""
    body = '{"model": "hailuo", "messages": [{"role": "user", "content": "Hello!"}]}'
    return (
        f"curl {base_url}/chat/completions \\\n"
        f'  -H "Content-Type: application/json" \\\n'
        f'  -H "Authorization: Bearer {key}" \\\n'
        f"  -d '{body}'"
    )


def about(settings: Settings, base_url: str) -> dict[str, str]:
    """Never with a key of somebody's own."""
    known = DEFAULT_API_KEY in settings.api_keys
    return {
        "name": "hailuo",
        "description": "An OpenAI-compatible gateway in front of Hailuo AI, "
        "for personal use.",
        "upstream": upstream(settings),
        "base_url": base_url,
        "try": curl(base_url, DEFAULT_API_KEY if known else "YOUR_KEY"),
    }


def upstream(settings: Settings) -> str:
    if settings.simulated:
        return (
            "No Hailuo token was found, so a built-in simulator answers, not "
            "Hailuo AI: put a _token into HAILUO_TOKENS or the tokens file and restart."
        )
    return f"Answers come from {shown(settings.origin)}."


def greeting(settings: Settings) -> str:
    """For the log, when the gateway starts."""
    said = about(settings, f"http://localhost:{settings.port}/v1")
    return f"{said['upstream']} Try:\n{said['try']}"


@bp.get("/")
def index() -> Response:
    settings = app_state.get_state().settings
    said = about(settings, f"{request.host_url}v1")
    wanted = request.accept_mimetypes.best_match(
        ["text/html", "application/json"], default="text/html"
    )
    if wanted == "application/json":
        return jsonify(said)
    return Response(render_template_string(PAGE, about=said), mimetype="text/html")
