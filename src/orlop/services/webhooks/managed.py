"""Webhooks beyond what every setting has: what became of deliveries, tries, and having things sent again.

A caller who may see a hook at its place sees its deliveries, as far as they may know what these tell of; one who may
change it tries it and has things sent again. What became of the deliveries of one that was removed is seen by those who
rule or audit the registry: who has its place and name by now is somebody else.
"""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import Conflict, NotFound
from orlop.domain.events import OF_CONTENT
from orlop.domain.pages import Page, PageRequest
from orlop.domain.settings import checked_name, checked_path
from orlop.domain.webhooks.facts import TEST, Facts
from orlop.domain.webhooks.hook import WEBHOOKS
from orlop.domain.webhooks.schedule import LIVES, Health
from orlop.ports.catalog import by
from orlop.ports.clock import Ids
from orlop.ports.settings import Document, Documents
from orlop.ports.webhooks import Attempt, Delivery, DeliveryLog, DeliveryState, NewDelivery
from orlop.services.management.operations import Administered, Gate
from orlop.services.management.pages import seen
from orlop.services.settings.kept import existing, missing
from orlop.services.webhooks.messages import Messages, hook_of, read

#: The lane of tries, which is no repository: they are in nobody's order.
_TRIES = ""


class Delivered(msgspec.Struct, frozen=True):
    """A delivery with its last attempts."""

    delivery: Delivery
    attempts: tuple[Attempt, ...]


class ManagedWebhooks:
    """See the module. What a caller may not see is not there for them (NotFound, Denied)."""

    def __init__(self, gate: Gate, documents: Documents, log: DeliveryLog, messages: Messages, ids: Ids) -> None:
        self._gate = gate
        self._documents = documents
        self._log = log
        self._messages = messages
        self._ids = ids

    async def health(self, caller: Caller, name: str, path: str) -> Health:
        """How a hook fares. Raises NotFound."""
        await self._gate.check_setting(caller, WEBHOOKS.read, checked_path(path), seeing=True)
        return await self._log.health((await existing(self._documents, WEBHOOKS, name, path)).identity)

    async def page(self, caller: Caller, name: str, path: str, page: PageRequest, *, dead: bool) -> Page[Delivery]:
        """Deliveries of a hook, newest first; also of one that was removed."""
        await self._gate.check_setting(caller, WEBHOOKS.read, checked_path(path), seeing=True)
        seeing = await self._gate.administers(caller)
        document = await self._documents.get(WEBHOOKS.kind, name, path)
        if document is not None:
            identity = document.identity
        elif not seeing.everything or not (identity := await self._log.last(_key(name, path))):
            return Page(())
        return await seen(
            lambda part: self._log.page(identity, part, dead=dead),
            page,
            lambda delivery: str(delivery.id),
            lambda delivery: _knows(seeing, delivery),
        )

    async def get(self, caller: Caller, id: int) -> Delivered:  # noqa: A002
        """One of them. Raises NotFound."""
        return Delivered(await self._seen(caller, id), await self._log.attempts(id))

    async def test(self, caller: Caller, name: str, path: str) -> Delivered:
        """Send something that tells of nothing, now, whether or not the hook is paused or disabled. Raises NotFound."""
        await self._gate.check_setting(caller, WEBHOOKS.change, checked_path(path))
        document = await existing(self._documents, WEBHOOKS, name, path)
        hook = read(document)
        now = self._gate.now()
        facts = msgspec.json.encode(Facts(event=0, at=now, kind=TEST, actor=caller.subject.name))
        new = NewDelivery(document.identity, _TRIES, 0, TEST, facts)
        answer, attempt = await self._messages.send(hook, f"test_{self._ids.new()}", facts, 1)
        state = DeliveryState.DELIVERED if answer.fine else DeliveryState.DEAD
        return Delivered(await self._log.tried(new, attempt, state, by(caller, now)), (attempt,))

    async def redeliver(self, caller: Caller, id: int) -> Delivery:  # noqa: A002
        """Have something sent again, under the id that it had. Raises NotFound, Conflict."""
        there = await self._seen(caller, id)
        await self._gate.check_setting(caller, WEBHOOKS.change, there.path)
        if there.kind == TEST:
            raise Conflict(f"delivery {id} was a test; test the webhook again")
        if await hook_of(self._documents, there.hook) is None:
            raise missing(WEBHOOKS, there.name, there.path)
        now = self._gate.now()
        again = await self._log.redeliver(id, now + LIVES, by(caller, now))
        if again is None:
            raise _no_delivery(id)
        return again

    async def resume(self, caller: Caller, name: str, path: str) -> None:
        """Go on with a hook that was paused, or that rests. Raises NotFound."""
        await self._gate.check_setting(caller, WEBHOOKS.change, checked_path(path))
        hook = await existing(self._documents, WEBHOOKS, name, path)
        await self._log.resume(hook.identity, by(caller, self._gate.now()))

    async def close(self) -> None:
        """Let go of connections."""
        await self._messages.close()

    async def _seen(self, caller: Caller, id: int) -> Delivery:  # noqa: A002
        seeing = await self._gate.administers(caller)
        there = await self._log.get(id)
        if there is None or not seeing.setting(WEBHOOKS.read, there.path) or not _knows(seeing, there):
            raise _no_delivery(id)
        if not seeing.everything and await hook_of(self._documents, there.hook) is None:
            raise _no_delivery(id)
        return there


def _knows(seeing: Administered, delivery: Delivery) -> bool:
    """Whether somebody may know what a delivery tells of: content as those who pull, all else as the audit log."""
    if seeing.everything or delivery.kind == TEST:
        return True
    if delivery.kind in OF_CONTENT:
        return seeing.reads(delivery.lane)
    return bool(delivery.lane) and (seeing.repository(delivery.lane) or seeing.namespace(delivery.lane))


def _key(name: str, path: str) -> str:
    return Document(WEBHOOKS.kind, checked_name(WEBHOOKS.kind, name), b"", path=checked_path(path)).key


def _no_delivery(id: int) -> NotFound:  # noqa: A002
    return NotFound(f"there is no delivery {id}, or not any more", {"id": id})
