"""Names of the platform's models, and the lists of those that each key may use.

    lists = ModelLists(client)
    lists.canonical("minimax/minimax-m3")      # "MiniMax-M3"
    lists.lacking(accounts, "MiniMax-M3", default, watch)

A key's plan decides which models it may use, so the platform is asked for each key,
once in ten minutes (platform.md, Chat).
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

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
from .. import Credential
from . import protocol
from .client import Client

LIST_TTL_S = 600.0
LISTING_RETRY_S = 60.0  # pause before a list that could not be had is asked for again
LISTING_S = 5.0  # maximum time for a list, which a question may have to wait for
MAX_ASKED = 8  # keys whose lists one request asks for
MAX_SHOWN = 50  # names in a message

log = logging.getLogger(__name__)


def is_of(family: str, model: str) -> bool:
    """Return whether a model is of a family, which is the beginning of its names."""
    return model.lower().startswith(family.lower())


def own_name(family: str, model: str) -> str:
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
        self._names: dict[str, str] = {}  # that were ever listed, by lower case

    def canonical(self, model: str) -> str:
        """Return a model's own name, "" for a name that is not the platform's.

        A name is the platform's if a key's list holds it, in any case and after any
        prefix such as minimax/, or if it begins like the platform's.
        """
        name = model.rpartition("/")[2]
        for spelling in (model, name):
            if listed := self._names.get(spelling.lower()):
                return listed
        if is_of(protocol.OWN_MODELS, name):
            return protocol.OWN_MODELS + name[len(protocol.OWN_MODELS) :]
        return ""

    def lacking(
        self, accounts: Sequence[Credential], model: str, default: str, watch: Watch
    ) -> Sequence[Credential]:
        """Return the accounts whose lists lack the model that a question is for.

        Lists that cannot be had are taken to hold it, and so are all if none holds the
        default. For the default alone, none is asked for.
        model: as the client names it, "" for none.
        default: the model for names that are not the platform's.
        raises: ModelUnknown for a name of the platform's that no list holds;
            ClientDisconnected.
        """
        lists = self._known([account.token for account in accounts], model, watch)
        name = self.canonical(model)
        wanted = name or self.canonical(default) or default
        lacking = [
            account
            for account in accounts
            if (names := lists.get(account.token)) and wanted not in names
        ]
        if len(lacking) < len(accounts) or not accounts:
            return lacking
        if not name:
            return []
        raise _unknown(model, lists)

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
        """Ask the platform for a key's list. raises: as Client.ask()."""
        answer = self._client.ask(
            "GET", protocol.MODELS, key, watch=watch, total_s=LISTING_S
        )
        listed = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(listed, list):
            raise UpstreamProtocolError("the platform's list of models is malformed")
        models = [model for model in listed if isinstance(model, dict)]
        names = [untrusted_json.identifier(model, "id") for model in models]
        names = list(filter(None, names))
        self._names.update({name.lower(): name for name in names})
        return names

    def _known(
        self, keys: Sequence[str], model: str, watch: Watch
    ) -> Mapping[str, Sequence[str]]:
        """Return the lists of keys, empty where one cannot be had.

        Of those that are not cached, MAX_ASKED are asked for at once; none if the
        client names no model.
        """
        lists = {key: self._lists_or_none.cached(key) for key in keys}
        missing = [key for key in keys if lists[key] is None] if model else []
        futures = {key: self._lists_or_none.start(key) for key in missing[:MAX_ASKED]}
        lists.update({key: _result(futures[key], watch) for key in futures})
        return {key: names for key, names in lists.items() if names}

    def _list_if_possible(self, key: str) -> Sequence[str]:
        try:
            return self._lists.get(key)
        except GatewayError as error:
            log.warning("the models of a platform key cannot be listed: %s", error)
            return ()


def _result(future: "Future[Sequence[str]]", watch: Watch | None) -> Sequence[str]:
    return wait_for(future, watch) if watch else future.result()


def _unknown(model: str, lists: Mapping[str, Sequence[str]]) -> ModelUnknown:
    listed = dict.fromkeys(name for names in lists.values() for name in names)
    shown = ", ".join([*listed][:MAX_SHOWN])
    return ModelUnknown(
        f'the platform has no model "{model}" for this plan; there are: {shown}',
        param="model",
    )
