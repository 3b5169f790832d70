"""Webhooks as a list: each that the caller may see, with how it fares."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.pages import Page, PageRequest
from orlop.domain.webhooks.hook import WEBHOOKS, Webhook
from orlop.domain.webhooks.schedule import WELL, Health
from orlop.ports.settings import Document, Documents
from orlop.ports.webhooks import DeliveryLog
from orlop.services.management.operations import Gate
from orlop.services.management.pages import seen
from orlop.services.webhooks.messages import Unreadable, read

#: Hooks that something is wrong with, of which it is told at once.
MOST = 1_000


class FaringHook(msgspec.Struct, frozen=True):
    """A webhook and how it fares. `dead`: deliveries that were given up, up to ports.webhooks.DEAD_MAX."""

    path: str
    name: str
    hook: Webhook | None
    """None: a newer release wrote it."""
    health: Health
    dead: int

    @property
    def key(self) -> str:
        """What names it in lists."""
        return f"{self.path}:{self.name}"


class WebhookList:
    """In two queries, however many there are on a page."""

    def __init__(self, gate: Gate, documents: Documents, log: DeliveryLog) -> None:
        self._gate = gate
        self._documents = documents
        self._log = log

    async def page(self, caller: Caller, page: PageRequest) -> Page[FaringHook]:
        """By path and name, as far as the caller may see them."""
        seeing = await self._gate.administers(caller)
        found = await seen(
            lambda part: self._documents.page(WEBHOOKS.kind, part),
            page,
            lambda document: document.key,
            lambda document: seeing.setting(WEBHOOKS.read, document.path),
        )
        troubled = {each.hook: (each.health, each.dead) for each in await self._log.troubled(MOST)}
        return Page(tuple(_faring(each, *troubled.get(each.identity, (WELL, 0))) for each in found.items), found.more)


def _faring(document: Document, health: Health, dead: int) -> FaringHook:
    try:
        hook = read(document)
    except Unreadable:
        hook = None
    return FaringHook(document.path, document.name, hook, health, dead)
