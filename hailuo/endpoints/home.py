"""GET /: a description of the gateway, with an example call."""

from flask import Blueprint, Response, jsonify, render_template_string, request

from ..setting_values import shown
from ..settings import DEFAULT_API_KEY, Settings
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
    """Return an example call for a shell."""
    body = '{"model": "hailuo", "messages": [{"role": "user", "content": "Hello!"}]}'
    return (
        f"curl {base_url}/chat/completions \\\n"
        f'  -H "Content-Type: application/json" \\\n'
        f'  -H "Authorization: Bearer {key}" \\\n'
        f"  -d '{body}'"
    )


def about(settings: Settings, base_url: str) -> dict[str, str]:
    """Describe the gateway, without any key but the default one."""
    has_default_key = DEFAULT_API_KEY in settings.api_keys
    return {
        "name": "hailuo",
        "description": "An OpenAI-compatible gateway in front of Hailuo AI, "
        "for personal use.",
        "upstream": upstream(settings),
        "base_url": base_url,
        "try": curl(base_url, DEFAULT_API_KEY if has_default_key else "YOUR_KEY"),
    }


def upstream(settings: Settings) -> str:
    """Describe what answers."""
    if settings.simulated:
        return (
            "No Hailuo token was found, so a built-in simulator answers instead of "
            "Hailuo AI: put a _token into HAILUO_TOKENS or the tokens file and restart."
        )
    return f"Answers come from {shown(settings.origin)}."


def greeting(settings: Settings) -> str:
    """Return the description for the log at startup."""
    description = about(settings, f"http://localhost:{settings.port}/v1")
    return f"{description['upstream']} Try:\n{description['try']}"


@bp.get("/")
def index() -> Response:
    """Return the description as a page or as JSON."""
    settings = app_state.get_state().settings
    description = about(settings, f"{request.host_url}v1")
    media_type = request.accept_mimetypes.best_match(
        ["text/html", "application/json"], default="text/html"
    )
    if media_type == "application/json":
        return jsonify(description)
    return Response(
        render_template_string(PAGE, about=description), mimetype="text/html"
    )
