"""What every driver keeps to about secrets and their use (ports.identity.Secrets, Uses)."""

import msgspec
import pytest

from orlop.domain.access import Action, Limit
from orlop.domain.errors import Conflict, NotFound, PageInvalid
from orlop.domain.events import Event, EventKind
from orlop.domain.pages import Page, PageRequest
from orlop.ports.clock import HOUR
from orlop.ports.identity import Secret
from tests.contract.cast import PAGE, TEAM, Cast

LIMITS = (Limit(frozenset({Action.PULL, Action.LIST}), TEAM), Limit(frozenset(), TEAM))


class SecretsKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_what_is_issued_is_found_with_its_owner(self, cast: Cast) -> None:
        ann = await cast.user("ann")
        await cast.news()
        async with cast.moved(moves=False):
            made = await cast.secret("ann", "abc", name="laptop", limits=LIMITS, expires_at=cast.at + HOUR)
        assert made == Secret(
            id=made.id,
            account="ann",
            kind="token",
            name="laptop",
            lookup="abc",
            hash="hash of abc",
            limits=LIMITS,
            created_at=cast.at,
            created_by="admin",
            expires_at=cast.at + HOUR,
        )
        assert await cast.identity.secrets.find("abc") == (made, ann)
        assert await cast.identity.secrets.find("ab") is None
        assert await cast.news() == [(EventKind.SECRET_ISSUED, "ann", f"token {made.id} (laptop)")]

    async def test_no_limits_are_others_than_limits_to_nothing(self, cast: Cast) -> None:
        await cast.user("ann")
        for lookup, limits in (("as its owner", None), ("nothing", ())):
            await cast.secret("ann", lookup, limits=limits)
            found = await cast.identity.secrets.find(lookup)
            assert found is not None
            assert found[0].limits == limits

    async def test_an_account_has_at_most_so_many_of_a_kind(self, cast: Cast) -> None:
        await cast.robot("robot+ci")
        for lookup in ("one", "two"):
            await cast.secret("robot+ci", lookup, "robot")
        await cast.secret("robot+ci", "other", "refresh")
        async with cast.unchanged():
            with pytest.raises(Conflict):
                await cast.identity.secrets.add(
                    Secret(account="robot+ci", kind="robot", lookup="three", hash=""), cast.by(), at_most=2
                )
            with pytest.raises(Conflict):
                await cast.secret("robot+ci", "one")
            with pytest.raises(NotFound):
                await cast.secret("robot+cd", "four")

    async def test_those_of_an_account_come_in_the_order_of_their_numbers(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.user("bob")
        secrets = [await cast.secret(name, f"{name}{number}") for number in range(3) for name in ("ann", "bob")]
        of_ann = tuple(secrets[::2])
        assert await cast.identity.secrets.of("ann", PAGE) == Page(of_ann)
        assert await cast.identity.secrets.of("ann", PageRequest(2)) == Page(of_ann[:2], more=True)
        assert await cast.identity.secrets.of("ann", PageRequest(2, str(of_ann[1].id))) == Page(of_ann[2:])
        assert await cast.identity.secrets.of("eve", PAGE) == Page(())
        with pytest.raises(PageInvalid):
            await cast.identity.secrets.of("ann", PageRequest(2, "x"))

    async def test_what_is_revoked_is_gone(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.user("bob")
        gone, kept = await cast.secret("ann", "gone", name="old"), await cast.secret("ann", "kept")
        await cast.news()
        async with cast.unchanged():
            for account, number in (("bob", gone.id), ("ann", gone.id + 999), ("eve", gone.id)):
                with pytest.raises(NotFound):
                    await cast.identity.secrets.revoke(account, number, cast.by())
        async with cast.moved():
            await cast.identity.secrets.revoke("ann", gone.id, cast.by())
        assert await cast.identity.secrets.find("gone") is None
        assert (await cast.identity.secrets.of("ann", PAGE)).items == (kept,)
        assert await cast.news() == [(EventKind.SECRET_REVOKED, "ann", f"token {gone.id} (old)")]
        assert (await cast.secret("ann", "next")).id > kept.id

    async def test_of_one_that_expires_soon_its_owner_is_warned_once(self, cast: Cast) -> None:
        await cast.user("ann")
        at = {"over": -1, "now": 0, "soon": 5, "sooner": 4, "later": HOUR, "at the end": 10}
        made = {name: await cast.secret("ann", name, expires_at=cast.at + when) for name, when in at.items()}
        await cast.secret("ann", "never")
        await cast.secret("ann", "refresh", "refresh", expires_at=cast.at + 5)
        seen = (await cast.catalog.outbox.events(0, 1000))[-1].id
        async with cast.moved(moves=False):
            first = await cast.identity.secrets.expiring(cast.at + 10, cast.at, 1)
            rest = await cast.identity.secrets.expiring(cast.at + 10, cast.at, 9)
            assert await cast.identity.secrets.expiring(cast.at + 10, cast.at, 9) == ()
        warned = [msgspec.structs.replace(made[name], warned_at=cast.at) for name in ("sooner", "soon")]
        assert [*first, *rest] == warned
        assert set(warned) <= set((await cast.identity.secrets.of("ann", PAGE)).items)
        told = await cast.catalog.outbox.events(seen, 1000)
        assert [msgspec.structs.replace(event, id=0) for event in told] == [
            Event(at=cast.at, kind=EventKind.SECRET_EXPIRING, actor="orlop", subject="ann", detail=f"token {secret.id}")
            for secret in warned
        ]

    async def test_what_of_robots_expires_is_told_with_their_namespace_warned_of_or_not(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.robot("robot+ci", namespace="team")
        await cast.robot("robot+all")
        at = {"over": -1, "now": 0, "soon": 5, "sooner": 4, "later": HOUR}
        for name, when in at.items():
            await cast.secret("robot+ci", name, "robot", expires_at=cast.at + when)
        await cast.secret("robot+ci", "never", "robot")
        await cast.secret("robot+all", "first", "robot", expires_at=cast.at + 1)
        await cast.secret("ann", "token", expires_at=cast.at + 3)
        await cast.identity.secrets.expiring(cast.at + 10, cast.at, 9)
        found = await cast.identity.secrets.robots_ending(cast.at + 10, cast.at, 9)
        assert [(secret.account, secret.lookup, namespace) for secret, namespace in found] == [
            ("robot+all", "first", ""),
            ("robot+ci", "sooner", "team"),
            ("robot+ci", "soon", "team"),
        ]
        assert await cast.identity.secrets.robots_ending(cast.at + 10, cast.at, 2) == found[:2]

    async def test_the_last_use_is_recorded_and_nothing_else(self, cast: Cast) -> None:
        ann = await cast.user("ann")
        secret = await cast.secret("ann", "abc")
        events = await cast.catalog.outbox.events(0, 1000)
        async with cast.moved(moves=False):
            await cast.identity.uses.record({secret.id: (50, "::1"), 9999: (5, "")}, {ann.id: (60, "192.0.2.1")})
            await cast.identity.uses.record({secret.id: (40, "::2")}, {ann.id: (59, "::2"), 9999: (1, "")})
            await cast.identity.uses.record({}, {}, {ann.id: "198.51.100.7", 9999: "::3"})
            await cast.identity.uses.record({}, {})
        assert await cast.identity.secrets.find("abc") == (
            msgspec.structs.replace(secret, used_at=50, used_from="::1"),
            msgspec.structs.replace(ann, used_at=60, used_from="192.0.2.1", signed_in_from="198.51.100.7"),
        )
        assert await cast.catalog.outbox.events(0, 1000) == events
