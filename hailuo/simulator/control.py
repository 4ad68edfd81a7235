"""What tests may ask of the simulator, all JSON, all under /simulator/.

    POST   /simulator/script    an instruction or a list of them (see `script`)
    GET    /simulator/report    what was seen (see `report`)
    GET    /simulator/wait      ?for=CONDITION&at_least=n | at_most=n | exactly=n
                                [&user=…][&call=…][&timeout_s=10]
                                → {"met": true, "value": n} as soon as it holds, with
                                false when it did not in time
    POST   /simulator/release   → {"released": n}: all that hold go on
    POST   /simulator/reset     [{"tokens": true}] script, report and conversations are
                                forgotten, open answers are cut; with tokens: those too
    POST   /simulator/tokens    {"user": "1001", "expires_in_s": 60} → {"token": "…"}
    DELETE /simulator/tokens    {"token": "…"} or {"user": "…"}: no longer good
    POST   /simulator/devices   {"older_s": 10800}: every device ages by so much

Conditions that can be waited for, each a number:

    requests        seen so far [user, call]
    finished        requests whose handling has ended [user, call]
    answers         chat answers that have begun [user]
    ended           chat answers that have ended [user]
    open_answers    being written now [user]
    held            waiting for release
    conversations   not removed [user]
    violations      noted
    connections     open now (the asking one included)
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from . import script
from .report import Report
from .server import Reply, Request, json_reply
from .simulator import Refused, Route, Simulator

WAIT_S = 10.0
Ask = dict[str, str]


def _of(ask: Ask, seen: Any) -> bool:
    return all(
        getattr(seen, name) == ask[name] for name in ("user", "call") if name in ask
    )


CONDITIONS: dict[str, Callable[[Report, Ask], int]] = {
    "requests": lambda report, ask: sum(_of(ask, seen) for seen in report.requests),
    "finished": lambda report, ask: sum(
        _of(ask, seen) and seen.ended is not None for seen in report.requests
    ),
    "answers": lambda report, ask: sum(_of(ask, seen) for seen in report.answers),
    "ended": lambda report, ask: sum(
        _of(ask, seen) and seen.ended is not None for seen in report.answers
    ),
    "open_answers": lambda report, ask: sum(_of(ask, seen) for seen in report.open),
    "held": lambda report, ask: len(report.held),
    "conversations": lambda report, ask: sum(
        len(ids)
        for user, ids in report.conversations.items()
        if ask.get("user") in (None, user)
    ),
    "violations": lambda report, ask: len(report.violations),
    "connections": lambda report, ask: report.open_connections,
}


async def add_script(simulator: Simulator, request: Request) -> Reply:
    given = _json(request)
    try:
        read = [
            script.read(raw) for raw in (given if isinstance(given, list) else [given])
        ]
    except (script.UpstreamProtocolError, TypeError) as error:
        raise _bad(str(error)) from None
    simulator.script.add(read)
    return json_reply({"added": len(read)})


async def report(simulator: Simulator, request: Request) -> Reply:
    return json_reply(simulator.report.as_json())


async def wait(simulator: Simulator, request: Request) -> Reply:
    ask = {name: unquote(value) for name, value in request.query}
    count = CONDITIONS.get(ask.get("for", ""))
    if count is None:
        raise _bad(f"for is one of {', '.join(CONDITIONS)}")

    def value() -> int:
        return count(simulator.report, ask)

    def holds() -> bool:
        low = int(ask.get("exactly", ask.get("at_least", 0)))
        high = int(ask.get("exactly", ask.get("at_most", value())))
        return low <= value() <= high

    timeout_s = float(ask.get("timeout_s", WAIT_S))
    met = await simulator.report.until(holds, timeout_s)
    return json_reply({"met": met, "value": value()})


async def release(simulator: Simulator, request: Request) -> Reply:
    return json_reply({"released": simulator.report.release()})


async def reset(simulator: Simulator, request: Request) -> Reply:
    if request.body and _json(request).get("tokens"):
        simulator.accounts.forget_tokens()
    simulator.script.clear()
    simulator.cut_answers()
    simulator.report.clear()
    return json_reply({})


async def mint(simulator: Simulator, request: Request) -> Reply:
    asked = _json(request)
    if not isinstance(asked.get("user"), str) or not asked["user"].isdigit():
        raise _bad('user is an account\'s id, such as "1001"')
    return json_reply({"token": simulator.accounts.mint(**asked)})


async def revoke(simulator: Simulator, request: Request) -> Reply:
    asked = _json(request)
    user = asked.get("user")
    tokens = simulator.accounts.tokens(user) if user else [asked.get("token")]
    for token in tokens:
        simulator.accounts.revoke(token)
    return json_reply({"revoked": len(tokens)})


async def devices(simulator: Simulator, request: Request) -> Reply:
    simulator.accounts.age_devices(_json(request)["older_s"])
    return json_reply({})


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except ValueError:
        raise _bad("the body is not JSON") from None


def _bad(message: str) -> Refused:
    return Refused(json_reply({"error": message}, 400))


ROUTES = (
    Route("POST", "/simulator/script", "", add_script),
    Route("GET", "/simulator/report", "", report),
    Route("GET", "/simulator/wait", "", wait),
    Route("POST", "/simulator/release", "", release),
    Route("POST", "/simulator/reset", "", reset),
    Route("POST", "/simulator/tokens", "", mint),
    Route("DELETE", "/simulator/tokens", "", revoke),
    Route("POST", "/simulator/devices", "", devices),
)
