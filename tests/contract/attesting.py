"""What every catalog keeps to about keys that sign for the registry, and about what waits to be signed
(ports.attesting)."""

import asyncio

import msgspec
import pytest

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.domain.durations import MINUTE
from orlop.domain.errors import Conflict, Stale
from orlop.domain.events import EventKind
from orlop.ports.attesting import AttestationKey, StatementBacklog, WantedStatement
from orlop.ports.catalog import By, Catalog
from orlop.ports.clock import SECOND
from orlop.ports.following import Follower, Stream
from orlop.ports.jobs import Lease
from tests.content import image
from tests.contract.scene import APP, LIB, START

ONE = image("one")
ROOT, ORLOP = By("root", START), By("orlop", START)
FOLLOWER = Follower("said", Stream.OUTBOX, "said", "follow-said")


def key(number: int, at: int = START) -> AttestationKey:
    """A key as its row: nobody looks into it here."""
    return AttestationKey(f"sha256:{number:064x}", b"public %d" % number, b"private %d" % number, at)


def shown(of: AttestationKey, until: int = 0) -> AttestationKey:
    return msgspec.structs.replace(of, private=b"", retired_at=until)


async def told(catalog: Catalog, *kinds: EventKind) -> list[tuple[str, str]]:
    return [(event.kind, event.subject) for event in await catalog.outbox.events(0, 1_000) if event.kind in kinds]


class AttestationKeysKit:
    """Needs the fixture `catalog`: an empty one, for each test."""

    async def test_one_signs_and_those_before_it_stay_known_without_what_they_signed_with(
        self, catalog: Catalog
    ) -> None:
        keys = catalog.attestation_keys
        assert (await keys.public(), await keys.current()) == ((), None)
        await keys.replace("", key(1), ROOT)
        assert await keys.current() == key(1)
        assert await keys.public() == (shown(key(1)),)
        later = START + SECOND
        await keys.replace(key(1).id, key(2, later), By("root", later))
        assert await keys.current() == key(2, later)
        assert await keys.public() == (shown(key(2, later)), shown(key(1), later))
        await keys.replace(key(2).id, None, By("root", later + 1))
        assert await keys.current() is None
        assert [one.retired_at for one in await keys.public()] == [later + 1, later]
        assert await told(catalog, EventKind.SIGNING_KEY_ADDED, EventKind.SIGNING_KEY_RETIRED) == [
            ("signing-key.added", key(1).id),
            ("signing-key.retired", key(1).id),
            ("signing-key.added", key(2).id),
            ("signing-key.retired", key(2).id),
        ]

    async def test_a_key_that_was_retired_never_signs_again(self, catalog: Catalog) -> None:
        keys = catalog.attestation_keys
        await keys.replace("", key(1), ROOT)
        await keys.replace(key(1).id, key(2), ROOT)
        with pytest.raises(Conflict, match="signed before and was retired"):
            await keys.replace(key(2).id, key(1), ROOT)
        assert await keys.current() == key(2), "and the one that signs goes on"
        with pytest.raises(Conflict, match="signed before"):
            await keys.replace(key(2).id, key(2), ROOT)
        assert await keys.current() == key(2)

    async def test_of_several_who_change_it_at_once_one_does(self, catalog: Catalog) -> None:
        keys = catalog.attestation_keys
        for current in ("", key(0).id):
            if current:
                await keys.replace((await keys.public())[0].id, key(0), ROOT)
            first = 10 if current else 20
            tries = [keys.replace(current, key(first + number), ROOT) for number in range(4)]
            came = await asyncio.gather(*tries, return_exceptions=True)
            assert [type(one) for one in came if one is not None] == [Stale] * 3
        signing = [one for one in await keys.public() if not one.retired_at]
        assert len(signing) == 1

    async def test_a_key_that_is_printed_is_not_told(self, catalog: Catalog) -> None:
        await catalog.attestation_keys.replace("", key(1), ROOT)
        found = await catalog.attestation_keys.current()
        assert found is not None
        assert b"private" in found.private
        assert "private" not in f"{found!r} {found}"


def wanted(number: int) -> WantedStatement:
    return WantedStatement(APP if number % 2 else LIB, ONE.digest, f"type {number}", b'{"number":%d}' % number)


class StatementsKit:
    """Needs the fixture `opened`: an empty catalog."""

    async def _lease(self, opened: OpenCatalog, owner: str = "me", *, now: int = START) -> Lease:
        lease = await opened.leases.acquire(FOLLOWER.job, owner, now=now, until=now + SECOND)
        assert lease is not None
        return lease

    async def test_what_waits_comes_with_the_cursor_or_not_at_all(self, opened: OpenCatalog) -> None:
        statements, lease = opened.catalog.statements, await self._lease(opened)
        await statements.wait([wanted(1), wanted(2)], START, FOLLOWER, 0, 7, lease)
        assert await opened.cursors.position(FOLLOWER) == 7
        with pytest.raises(Stale):
            await statements.wait([wanted(3)], START, FOLLOWER, 0, 9, lease)
        await self._lease(opened, "somebody else", now=START + SECOND)
        with pytest.raises(Stale):
            await statements.wait([wanted(4)], START, FOLLOWER, 7, 9, lease)
        assert [one.wanted for one in await statements.due(START, 10)] == [wanted(1), wanted(2)]
        assert [one.wanted for one in await statements.due(START, 1)] == [wanted(1)]
        assert await statements.due(START - 1, 10) == ()

    async def test_the_first_signature_is_the_one_that_counts(self, opened: OpenCatalog) -> None:
        statements = opened.catalog.statements
        await statements.wait([wanted(1)], START, FOLLOWER, 0, 1, await self._lease(opened))
        (waiting,) = await statements.due(START, 1)
        assert (waiting.key, waiting.signature) == ("", b"")
        await opened.catalog.attestation_keys.replace("", key(1), ROOT)
        came = await asyncio.gather(*(statements.sign(waiting, key(1).id, b"by %d" % n) for n in range(4)))
        assert len({(one.key, one.signature) for one in came if one is not None}) == 1
        (again,) = await statements.due(START, 1)
        assert again == came[0]

    async def test_a_key_that_signs_no_more_has_no_signature_kept(self, opened: OpenCatalog) -> None:
        statements, keys = opened.catalog.statements, opened.catalog.attestation_keys
        await statements.wait([wanted(1)], START, FOLLOWER, 0, 1, await self._lease(opened))
        (waiting,) = await statements.due(START, 1)
        for current, following in (("", key(1)), (key(1).id, key(2)), (key(2).id, None)):
            await keys.replace(current, following, ROOT)
            assert await statements.sign(waiting, current or "nobody's", b"late") == waiting
        assert await statements.due(START, 1) == (waiting,)

    async def test_what_cannot_be_signed_or_attached_now_is_due_later(self, opened: OpenCatalog) -> None:
        statements = opened.catalog.statements
        await statements.wait([wanted(1), wanted(2)], START, FOLLOWER, 0, 1, await self._lease(opened))
        first, second = await statements.due(START, 2)
        await statements.later(first, START + MINUTE, "the quota is full", refused=True)
        await statements.later(second, START + MINUTE, "it is away", refused=False)
        assert await statements.due(START, 2) == ()
        assert [one.tries for one in await statements.due(START + MINUTE, 2)] == [1, 0]
        assert await statements.backlog() == StatementBacklog(2, START, "the quota is full")

    async def test_each_is_attached_or_given_up_once_which_is_told(self, opened: OpenCatalog) -> None:
        statements, catalog = opened.catalog.statements, opened.catalog
        assert await statements.backlog() == StatementBacklog()
        await statements.wait([wanted(1), wanted(2)], START, FOLLOWER, 0, 1, await self._lease(opened))
        first, second = await statements.due(START, 2)
        await catalog.attestation_keys.replace("", key(1), ROOT)
        signed = await statements.sign(first, key(1).id, b"signature")
        assert signed is not None
        assert sorted(await asyncio.gather(*(statements.attached(signed, ORLOP) for _ in range(3)))) == [
            *(False, False),
            True,
        ]
        assert await statements.give_up(second, "it is gone", ORLOP)
        assert not await statements.give_up(second, "it is gone", ORLOP)
        assert await statements.sign(second, key(1).id, b"late") is None
        assert await statements.due(START, 2) == ()
        kinds = EventKind.IMAGE_ATTESTED, EventKind.ATTESTATION_FAILED
        assert await told(catalog, *kinds) == [("image.attested", "type 1"), ("attestation.failed", "type 2")]
        events = [event for event in await catalog.outbox.events(0, 100) if event.kind in kinds]
        assert [(event.repository, event.digest, event.detail) for event in events] == [
            (APP, ONE.digest, f"signed with {key(1).id}"),
            (LIB, ONE.digest, "it is gone"),
        ]
