"""Webhooks of one process: what makes deliveries of events, and what delivers."""

import asyncio
import random
from collections.abc import Callable, Sequence

from orlop.adapters.secret_references import SecretFetcher
from orlop.bootstrap.clocks import RandomIds, SystemClock
from orlop.bootstrap.stores.opening import Stores
from orlop.config import Settings
from orlop.domain.webhooks.facts import Source
from orlop.ports.following import Follower
from orlop.ports.webhooks import Answer, Outgoing, WebhookSender
from orlop.services.following import known
from orlop.services.jobs.lasting_work import LastingWork
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.webhooks.deliver import JOB, Deliverer
from orlop.services.webhooks.intake import Describing, Intake
from orlop.services.webhooks.messages import Messages


def followers(settings: Settings) -> tuple[Follower, ...]:
    """Every follower of this server."""
    sinks = (("syslog", settings.audit.syslog), ("http", settings.audit.http))
    return (
        known.AUDIT_LOG,
        known.WEBHOOKS,
        known.INSIDE,
        known.SCANS,
        known.STATEMENTS,
        known.QUARANTINE,
        known.PROMOTIONS,
        *(known.forwarding(name) for name, where in sinks if where),
    )


def sending(settings: Settings, stores: Stores, counted: Callable[[bool], None]) -> Sequence[LastingWork]:
    """What follows the outbox for webhooks, and what delivers. `counted` is told of each attempt."""
    clock, owner, catalog = SystemClock(), RandomIds().new(), stores.catalog
    deliverer = Deliverer(
        stores.webhooks.queue,
        stores.identity.documents,
        messages(settings),
        clock,
        random.random,
        counted,
        settings.webhooks.keep,
    )
    delivering = LastingWork(JOB, deliverer.step, stores.leases, clock, owner, last=deliverer.close)
    intake = Intake(
        catalog.outbox,
        stores.cursors,
        stores.webhooks.intake,
        SettingsInForce(stores.identity.documents, stores.settings_changes),
        Describing(catalog.manifests, catalog.links, stores.identity.facts),
        clock,
        delivering.call,
    )
    following = LastingWork(known.WEBHOOKS.job, intake.step, stores.leases, clock, owner, news=news_of(stores))
    return (following, delivering)


def messages(settings: Settings) -> Messages:
    """What writes, signs and sends."""
    base = settings.auth.url.rstrip("/") or f"{'https' if settings.tls.cert else 'http'}://{settings.listen}"
    return Messages(_Sender(settings), SecretFetcher(settings.secrets.places), Source(base), SystemClock())


def news_of(stores: Stores) -> Callable[[], object]:
    """A look at whether anything was changed."""
    changes, access, settings = stores.changes, stores.access_changes, stores.settings_changes
    return lambda: (changes.news(), access.news(), settings.news())


class _Sender:
    """See ports.webhooks.WebhookSender. The HTTP client is imported with the first message, not by a start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sender: WebhookSender | None = None

    async def send(self, outgoing: Outgoing) -> Answer:
        if self._sender is None:
            made = await asyncio.to_thread(self._made)
            self._sender = self._sender or made
        return await self._sender.send(outgoing)

    async def close(self) -> None:
        if self._sender is not None:
            await self._sender.close()

    def _made(self) -> WebhookSender:
        from orlop.adapters.webhooks.sender import HttpSender

        return HttpSender(self._settings.outbound.allowed, self._settings.webhooks.proxy)
