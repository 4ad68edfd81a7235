"""Names of the platform's models, and the lists of those that each key may use.

    lists = ModelLists(client)
    lists.choose(accounts, "minimax/minimax-m3", default, watch).model  # "MiniMax-M3"

A key's plan decides which models it may use, so the platform is asked for each key,
once in ten minutes (platform.md, Chat). A list counts for requests with its own key
alone: what a stranger's key lists changes nothing for others.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from itertools import chain, islice
from typing import Any

from ...concurrency.cache import SingleFlightCache
from ...concurrency.gather import wait_for
from ...concurrency.watch import Watch
from ...errors import (
    ClientDisconnected,
    GatewayError,
    ModelUnknown,
    TokenRejected,
    UpstreamProtocolError,
)
from ...net import untrusted_json
from .. import Credential, ModelChoice
from . import protocol
from .client import Client

LIST_TTL_S = 600.0
LISTING_RETRY_S = 60.0  # pause before a list that could not be had is asked for again
LISTING_S = 5.0  # maximum time for a list, which a question may have to wait for
MAX_ASKED = 8  # keys whose lists one request asks for
MAX_NAMES = 1_000  # of a list; the longest known one has 8
MAX_SHOWN = 50  # names in a message

log = logging.getLogger(__name__)


def is_of(family: str, model: str) -> bool:
    """Return whether a model is of a family, which is the beginning of its names."""
    return model.lower().startswith(family.lower())


def own_name(model: str, listed: Collection[str]) -> str:
    """Return the platform's own name of a model, "" for a name that is not its.

    A name is the platform's if it is listed, in any case and after any prefix such as
    minimax/, or if it begins like the platform's.
    """
    name = model.rpartition("/")[2]
    by_lower_case = {each.lower(): each for each in listed}
    for spelling in (model, name):
        if spelling in listed:
            return spelling
        if own := by_lower_case.get(spelling.lower()):
            return own
    if is_of(protocol.OWN_MODELS, name):
        return protocol.OWN_MODELS + name[len(protocol.OWN_MODELS) :]
    return ""


def name_in_family(family: str, model: str) -> str:
    """Return a model's own name, in lower case; "" if it is not of a family.

    model: its name in any case and after any prefix such as minimax/.
    """
    name = model.rpartition("/")[2].lower()
    return name if name.startswith(family) else ""


class ModelLists:
    """Lists of models, by key."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lists = SingleFlightCache(self.ask, LIST_TTL_S)
        self._lists_or_none = SingleFlightCache(self._list_if_possible, LISTING_RETRY_S)

    def choose(
        self, accounts: Sequence[Credential], model: str, default: str, watch: Watch
    ) -> ModelChoice:
        """Return the model that a name stands for, and the accounts that lack it.

        Lists that cannot be had are taken to hold it, and so are all if none holds the
        default. For the default alone, none is asked for; otherwise those that are old
        or unknown are, and an old one that holds the model is not waited for.
        model: as the client names it, "" for none.
        default: the model for names that are not the platform's.
        raises: ModelUnknown for a name of the platform's that no list holds;
            ClientDisconnected.
        """
        running = self._renewals(accounts) if model else {}
        for key, future in running.items():
            if self._lists_or_none.last(key) is None:
                wait_for(future, watch)
        choice = self._choice(accounts, model, default)
        if choice.lacking and running:  # as an old list says
            for future in running.values():
                wait_for(future, watch)
            choice = self._choice(accounts, model, default)
        if len(choice.lacking) < len(accounts) or not accounts:
            return choice
        if choice.is_named:
            raise _unknown(model, _names(self._known(accounts, model)))
        return choice._replace(lacking=[])

    def union(self, keys: Sequence[str], watch: Watch | None) -> Sequence[str]:
        """Return the models that any of the keys may use.

        raises: as ask(), when no list can be had; TokenRejected if all keys are
            rejected; ClientDisconnected.
        """
        names: dict[str, None] = {}
        failures: list[GatewayError] = []
        for future in [self._lists.start(key) for key in keys[:MAX_ASKED]]:
            try:
                names |= dict.fromkeys(_result(future, watch))
            except ClientDisconnected:
                raise
            except GatewayError as error:
                failures.append(error)
        if failures and len(failures) == len(keys[:MAX_ASKED]):
            failures.sort(key=lambda error: isinstance(error, TokenRejected))
            raise failures[0]
        return list(names)

    def ask(self, key: str, watch: Watch | None = None) -> Sequence[str]:
        """Ask the platform for a key's list, cut off after MAX_NAMES.

        raises: as Client.ask().
        """
        answer = self._client.ask(
            "GET", protocol.MODELS, key, watch=watch, total_s=LISTING_S
        )
        listed = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(listed, list):
            raise UpstreamProtocolError("the platform's list of models is malformed")
        names = filter(None, map(_name, listed))
        return tuple(islice(dict.fromkeys(names), MAX_NAMES))

    def _choice(
        self, accounts: Sequence[Credential], model: str, default: str
    ) -> ModelChoice:
        """Return the model and the accounts that lack it, as the known lists say."""
        lists = self._known(accounts, model)
        listed = _names(lists)
        named = own_name(model, listed)
        chosen = named or own_name(default, listed) or default
        lacking = [
            account
            for account in accounts
            if (names := lists.get(account.token)) and chosen not in names
        ]
        return ModelChoice(chosen, bool(named), lacking)

    def _known(
        self, accounts: Sequence[Credential], model: str
    ) -> Mapping[str, Sequence[str]]:
        """Return the lists that are known, by key; old ones only if they are renewed.

        They are for a question that names a model.
        """
        known = self._lists_or_none.last if model else self._lists_or_none.cached
        lists = {account.token: known(account.token) for account in accounts}
        return {key: names for key, names in lists.items() if names}

    def _renewals(
        self, accounts: Sequence[Credential]
    ) -> Mapping[str, "Future[Sequence[str]]"]:
        """Begin to ask for lists that are old or unknown; return these, by key."""
        keys = [account.token for account in accounts]
        old = [key for key in keys if self._lists_or_none.cached(key) is None]
        return {key: self._lists_or_none.start(key) for key in old[:MAX_ASKED]}

    def _list_if_possible(self, key: str) -> Sequence[str]:
        """Return a key's list; where it cannot be had, the last one, () for none."""
        try:
            return self._lists.get(key)
        except TokenRejected:
            return ()
        except GatewayError as error:
            log.warning("the models of a platform key cannot be listed: %s", error)
            return self._lists.last(key) or ()


def _result(future: "Future[Sequence[str]]", watch: Watch | None) -> Sequence[str]:
    return wait_for(future, watch) if watch else future.result()


def _name(listed: Any) -> str:
    """Return the name of a listed model, "" for one that cannot be a name."""
    try:
        return untrusted_json.identifier(listed, "id")
    except (AttributeError, UpstreamProtocolError):
        return ""


def _names(lists: Mapping[str, Sequence[str]]) -> Collection[str]:
    return dict.fromkeys(chain.from_iterable(lists.values()))


def _unknown(model: str, listed: Iterable[str]) -> ModelUnknown:
    shown = ", ".join(islice(listed, MAX_SHOWN))
    return ModelUnknown(
        f'the platform has no model "{model}" for this plan; there are: {shown}',
        param="model",
    )
