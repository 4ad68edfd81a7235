"""An OpenAI-compatible gateway in front of Hailuo AI."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from .accounts.interfaces import CredentialStore
    from .accounts.pool import Pool
    from .endpoints.request_stats import RequestStats
    from .endpoints.response_store import Store
    from .gateway.conversations import ConversationOwners
    from .metrics import Metrics
    from .settings import Settings

    Stores = tuple[Pool, CredentialStore, ConversationOwners, Store, RequestStats]

__version__ = "0.2.0"

MAX_SPOOLED_FILES = 20  # of the maximum size, for all requests together


def create_app(settings: "Settings | None" = None) -> "Flask":
    """Create the gateway's WSGI application, without starting threads.

    Its parts are imported here, not above: the simulator and the child processes are
    modules of this package too, and start faster without them.

    settings: read from the environment by default.
    raises: WrongSettings.
    """
    from . import endpoints
    from .accounts.pool_metrics import PoolCollector
    from .accounts.proofs import Proofs
    from .accounts.quota import QuotaPoller
    from .accounts.refresh import TokenRefresher
    from .endpoints.app_state import AppState
    from .gateway import Gateway
    from .gateway.catalog import Catalog
    from .gateway.shutdown import GracefulShutdown
    from .masking import conceal
    from .metrics import Metrics
    from .net.client import HttpClient
    from .settings import Settings
    from .spool import SPOOL
    from .units import MB
    from .upstream import registry

    settings = settings or Settings.read(os.environ)
    conceal(settings.secrets)
    SPOOL.limit_bytes = MAX_SPOOLED_FILES * settings.max_file_mb * MB
    metrics = Metrics()
    http = HttpClient(settings.proxy, metrics.count_call)
    upstreams = registry.build(settings, http)
    if settings.redis_url:
        stores = _stores_in_redis(settings, metrics)
    else:
        stores = _stores_in_memory(settings)
    pool, credentials, owners, responses, stats = stores
    credentials.load()
    metrics.register(PoolCollector(pool))
    interval_s = settings.token_refresh_interval_s
    refresher = TokenRefresher(pool, credentials, upstreams, interval_s, metrics)
    shutdown = GracefulShutdown(pool, upstreams)
    proofs = Proofs(pool, upstreams)
    gateway = Gateway(
        pool,
        upstreams,
        shutdown,
        metrics,
        proofs,
        owners,
        prefer_native=settings.prefer == "auto",
    )
    catalog = Catalog(upstreams, proofs)
    app = endpoints.App(__name__, static_folder=None)
    state = AppState(
        settings,
        pool,
        credentials,
        refresher,
        QuotaPoller(pool, upstreams),
        gateway,
        catalog,
        shutdown,
        metrics,
        stats,
        responses,
    )
    endpoints.init_app(app, state)
    return app


def _stores_in_memory(settings: "Settings") -> "Stores":
    """Return what this process keeps for itself; the tokens are in a file."""
    from .accounts.credential_store import FileCredentialStore
    from .accounts.pool import Pool
    from .accounts.tokens_file import TokensFile
    from .endpoints.request_stats import RequestStats
    from .endpoints.response_store import MemoryStore
    from .gateway.conversations import OwnersInMemory
    from .upstream import registry

    pool = Pool(registry.identify, settings.queue_timeout_s)
    file = TokensFile(settings.tokens_file)
    credentials = FileCredentialStore(pool, file, settings.tokens)
    responses = MemoryStore(settings.responses_ttl_s)
    return pool, credentials, OwnersInMemory(), responses, RequestStats(pool)


def _stores_in_redis(settings: "Settings", metrics: "Metrics") -> "Stores":
    """Return what several processes share (machines.md). It alone imports redis-py."""
    from .accounts.shared import shared_pool
    from .accounts.shared.client import SharedClient
    from .accounts.shared.timings import Timings
    from .accounts.tokens_file import TokensFile
    from .endpoints.shared_responses import SharedStore
    from .endpoints.shared_stats import SharedStats
    from .gateway.shared_conversations import SharedOwners
    from .upstream import registry

    url, prefix = settings.redis_url, settings.redis_prefix
    client = SharedClient(url, prefix, Timings(settings.lease_s), metrics)
    pool, credentials, background = shared_pool(
        client,
        registry.identify,
        settings.queue_timeout_s,
        TokensFile(settings.tokens_file),
        settings.tokens,
    )
    responses = SharedStore(client, settings.responses_ttl_s)
    stats = SharedStats(pool, client)
    background.passengers.append(stats.publication)
    return pool, credentials, SharedOwners(client), responses, stats
