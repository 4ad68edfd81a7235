"""Control interface for tests: JSON requests under /simulator/.

    POST   /simulator/script    add an instruction or a list of them (see `script`)
    GET    /simulator/report    everything recorded so far (see `report`)
    GET    /simulator/wait      ?for=CONDITION&at_least=n | at_most=n | exactly=n
                                [&user=…][&call=…][&timeout_s=10]
                                → {"met": true, "value": n} as soon as it holds, or
                                false after the timeout
    POST   /simulator/release   → {"released": n}: resume all that hold
    POST   /simulator/reset     [{"tokens": true}] clear script, report and
                                conversations, cut open answers; revoke all tokens, too
    POST   /simulator/tokens    {"user": "1001", "expires_in_s": 60} → {"token": "…"}
    DELETE /simulator/tokens    {"token": "…"} or {"user": "…"}: revoke
    POST   /simulator/plans     {"key": "sk-cp-sim-1", "window_left": 0, …}: a new plan
                                of a subscription key (see `platform.plans.Plan`)
    POST   /simulator/devices   {"older_s": 10800}: age every registered device

The conditions, each the number of:

    requests        requests received [user, call]
    finished        requests handled [user, call]
    answers         chat answers begun [user]
    ended           chat answers ended [user]
    open_answers    chat answers in progress [user]
    held            answers waiting for release
    conversations   conversations not deleted [user]
    violations      violations reported
    connections     open connections, including the one that asks
"""

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

from . import script
from .report import Report
from .server import Reply, Request, json_reply
from .simulator import Refused, Route, Simulator

DEFAULT_TIMEOUT_S = 10.0
Query = dict[str, str]


def _count(records: Iterable[Any], query: Query) -> int:
    wanted = [(name, query[name]) for name in ("user", "call") if name in query]
    return sum(
        all(getattr(record, name) == value for name, value in wanted)
        for record in records
    )


def _count_ended(records: Iterable[Any], query: Query) -> int:
    return _count((record for record in records if record.ended is not None), query)


CONDITIONS: dict[str, Callable[[Report, Query], int]] = {
    "requests": lambda report, query: _count(report.requests, query),
    "finished": lambda report, query: _count_ended(report.requests, query),
    "answers": lambda report, query: _count(report.answers, query),
    "ended": lambda report, query: _count_ended(report.answers, query),
    "open_answers": lambda report, query: _count(report.open, query),
    "held": lambda report, query: len(report.held),
    "conversations": lambda report, query: sum(
        len(ids)
        for user, ids in report.conversations.items()
        if query.get("user") in (None, user)
    ),
    "violations": lambda report, query: len(report.violations),
    "connections": lambda report, query: report.open_connections,
}


async def add_script(simulator: Simulator, request: Request) -> Reply:
    body = _json(request)
    try:
        instructions = [
            script.parse(raw) for raw in (body if isinstance(body, list) else [body])
        ]
    except (script.InvalidInstruction, TypeError) as error:
        raise _bad_request(str(error)) from None
    simulator.script.add(instructions)
    return json_reply({"added": len(instructions)})


async def report(simulator: Simulator, request: Request) -> Reply:
    return json_reply(simulator.report.as_json())


async def wait(simulator: Simulator, request: Request) -> Reply:
    query = {name: unquote(value) for name, value in request.query}
    count = CONDITIONS.get(query.get("for", ""))
    if count is None:
        raise _bad_request(f"for must be one of {', '.join(CONDITIONS)}")

    def value() -> int:
        return count(simulator.report, query)

    def holds() -> bool:
        counted = value()
        low = int(query.get("exactly", query.get("at_least", 0)))
        high = int(query.get("exactly", query.get("at_most", counted)))
        return low <= counted <= high

    timeout_s = float(query.get("timeout_s", DEFAULT_TIMEOUT_S))
    met = await simulator.report.wait_until(holds, timeout_s)
    return json_reply({"met": met, "value": value()})


async def release(simulator: Simulator, request: Request) -> Reply:
    return json_reply({"released": simulator.report.release()})


async def reset(simulator: Simulator, request: Request) -> Reply:
    if request.body and _json(request).get("tokens"):
        simulator.accounts.revoke_all_tokens()
    simulator.script.clear()
    simulator.cut_answers()
    simulator.report.clear()
    return json_reply({})


async def mint_token(simulator: Simulator, request: Request) -> Reply:
    body = _json(request)
    if not isinstance(body.get("user"), str) or not body["user"].isdigit():
        raise _bad_request('user must be an account id, such as "1001"')
    return json_reply({"token": simulator.accounts.mint(**body)})


async def revoke_tokens(simulator: Simulator, request: Request) -> Reply:
    body = _json(request)
    user = body.get("user")
    tokens = simulator.accounts.tokens(user) if user else [body.get("token")]
    for token in tokens:
        simulator.accounts.revoke(token)
    return json_reply({"revoked": len(tokens)})


async def set_plan(simulator: Simulator, request: Request) -> Reply:
    try:
        simulator.plans.set(**_json(request))
    except (TypeError, ValueError) as error:
        raise _bad_request(str(error)) from None
    return json_reply({})


async def age_devices(simulator: Simulator, request: Request) -> Reply:
    simulator.accounts.age_devices(_json(request)["older_s"])
    return json_reply({})


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except ValueError:
        raise _bad_request("the body is not JSON") from None


def _bad_request(message: str) -> Refused:
    return Refused(json_reply({"error": message}, 400))


ROUTES = (
    Route("POST", "/simulator/script", "", add_script),
    Route("GET", "/simulator/report", "", report),
    Route("GET", "/simulator/wait", "", wait),
    Route("POST", "/simulator/release", "", release),
    Route("POST", "/simulator/reset", "", reset),
    Route("POST", "/simulator/tokens", "", mint_token),
    Route("DELETE", "/simulator/tokens", "", revoke_tokens),
    Route("POST", "/simulator/plans", "", set_plan),
    Route("POST", "/simulator/devices", "", age_devices),
)
