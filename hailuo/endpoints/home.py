"""GET /: the page, or a description of the gateway as JSON, with an example call."""

from pathlib import Path, PurePath
from typing import Any

from flask import (
    Blueprint,
    Response,
    jsonify,
    render_template,
    request,
    send_from_directory,
)
from werkzeug.exceptions import NotFound

from ..setting_values import shown
from ..settings import DEFAULT_API_KEY, Settings
from . import app_state, auth

PAGE = Path(__file__).parent.parent / "page"
ASSETS = ("*.css", "*.svg", "js/*.js")  # its public files
PAGE_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' blob:",
            "media-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    ),
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}

bp = Blueprint("home", __name__, template_folder=str(PAGE))


def curl(base_url: str, key: str) -> str:
    """Return an example call for a shell."""
    body = '{"model": "hailuo", "messages": [{"role": "user", "content": "Hello!"}]}'
    return (
        f"curl {base_url}/chat/completions \\\n"
        f'  -H "Content-Type: application/json" \\\n'
        f'  -H "Authorization: Bearer {key}" \\\n'
        f"  -d '{body}'"
    )


def about(settings: Settings, base_url: str) -> dict[str, Any]:
    """Describe the gateway, without any key but the default one."""
    has_default_key = DEFAULT_API_KEY in settings.api_keys
    return {
        "name": "hailuo",
        "description": "An OpenAI-compatible gateway in front of Hailuo AI, "
        "for personal use.",
        "upstream": upstream(settings),
        "simulated": settings.simulated,
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
    return f"Answers come from {shown(settings.preferred_origin)}."


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
    offered = DEFAULT_API_KEY in settings.api_keys and auth.is_local(request)
    page = render_template(
        "index.html",
        about=description,
        default_key=DEFAULT_API_KEY if offered else "",
    )
    return Response(page, mimetype="text/html", headers=PAGE_HEADERS)


@bp.get("/page/<path:name>")
def asset(name: str) -> Response:
    """Return a style sheet, a script or the icon of the page."""
    if not any(map(PurePath(name).match, ASSETS)):
        raise NotFound
    return send_from_directory(PAGE, name)
