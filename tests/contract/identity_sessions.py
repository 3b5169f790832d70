"""What every driver keeps to about keys, failed attempts and sessions (ports.identity.SigningKeys and on)."""

import asyncio
from collections.abc import Mapping

import pytest

from orlop.domain.errors import Conflict, NotFound
from orlop.domain.events import EventKind
from orlop.ports.clock import HOUR
from orlop.ports.identity import Attempts
from tests.contract.cast import Cast


class KeysKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_a_key_is_added_unless_there_is_a_newer_one(self, cast: Cast) -> None:
        keys, first = cast.identity.keys, cast.key("b", active_at=10)
        async with cast.moved():
            assert await keys.add(first, cast.by(), unless_newer_than=10) == (first,)
        async with cast.unchanged():
            assert await keys.add(cast.key("a", active_at=20), cast.by(), unless_newer_than=9) == (first,)
        second = cast.key("a", active_at=20)
        assert await keys.add(second, cast.by(), unless_newer_than=10) == (second, first)
        cast.at += 1
        third = cast.key("0", active_at=30)
        assert await keys.add(third, cast.by(), unless_newer_than=20) == (second, first, third)
        assert await keys.all() == (second, first, third)
        cast.at -= 1
        events = await cast.catalog.outbox.events(0, 9)
        assert [(event.kind, event.subject) for event in events] == [(EventKind.KEY_ADDED, name) for name in "ba0"]
        assert not any("private" in event.detail for event in events)
        async with cast.unchanged():
            with pytest.raises(Conflict):
                await keys.add(first, cast.by(), unless_newer_than=99)

    async def test_keys_that_verify_nothing_any_more_are_forgotten(self, cast: Cast) -> None:
        keys = cast.identity.keys
        old, new = cast.key("old", active_at=10), cast.key("new", active_at=20)
        for key in (old, new):
            await keys.add(key, cast.by(), unless_newer_than=key.active_at)
        async with cast.unchanged():
            await keys.forget(old.expires_at, cast.by())
        async with cast.moved():
            await keys.forget(old.expires_at + 1, cast.by())
        assert await keys.all() == (new,)


class AttemptsKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_failures_are_counted_by_key_until_they_are_cleared(self, cast: Cast) -> None:
        attempts = cast.identity.attempts
        assert await attempts.get(["ann", "::1"]) == {}
        assert await attempts.failed(["ann", "::1"], 10, forget_before=0) == {
            "ann": Attempts(1, 10),
            "::1": Attempts(1, 10),
        }
        assert await attempts.failed(["::1", "bob", "bob"], 11, forget_before=0) == {
            "::1": Attempts(2, 11),
            "bob": Attempts(1, 11),
        }
        assert await attempts.get(["::1", "ann", "eve"]) == {"::1": Attempts(2, 11), "ann": Attempts(1, 10)}
        await attempts.clear(["::1", "eve"])
        assert await attempts.get(["::1", "ann", "bob"]) == {"ann": Attempts(1, 10), "bob": Attempts(1, 11)}
        assert await attempts.get([]) == {}

    async def test_old_failures_do_not_count(self, cast: Cast) -> None:
        attempts = cast.identity.attempts
        await attempts.failed(["ann"], 10, forget_before=0)
        assert await attempts.failed(["ann"], 20, forget_before=10) == {"ann": Attempts(2, 20)}
        assert await attempts.failed(["ann"], 30, forget_before=21) == {"ann": Attempts(1, 30)}

    async def test_an_attempt_is_counted_in_one_step_with_a_look_at_those_before(self, cast: Cast) -> None:
        attempts = cast.identity.attempts
        await attempts.failed(["ann"], 5, forget_before=0)
        seen: list[dict[str, Attempts]] = []

        def free(found: Mapping[str, Attempts]) -> bool:
            seen.append(dict(found))
            return found["ann"].failures < 2

        assert await attempts.claim(["ann", "::1"], 10, free, forget_before=0) == {"ann": Attempts(1, 5)}
        counted = {"ann": Attempts(2, 10), "::1": Attempts(1, 10)}
        assert await attempts.get(["ann", "::1", "eve"]) == counted
        assert await attempts.claim(["ann", "::1", "eve"], 11, free, forget_before=0) is None
        assert await attempts.get(["ann", "::1", "eve"]) == counted
        assert seen == [{"ann": Attempts(1, 5)}, counted]

    async def test_an_attempt_is_taken_back(self, cast: Cast) -> None:
        attempts = cast.identity.attempts
        await attempts.failed(["ann"], 5, forget_before=0)
        before = await attempts.claim(["ann", "bob"], 10, lambda _: True, forget_before=0)
        assert before is not None
        await attempts.take_back("ann", 10, before.get("ann"))
        await attempts.take_back("bob", 10, before.get("bob"))
        await attempts.take_back("eve", 10, None)
        assert await attempts.get(["ann", "bob", "eve"]) == {"ann": Attempts(1, 5)}
        await attempts.claim(["ann", "bob"], 20, lambda _: True, forget_before=0)
        await attempts.failed(["ann"], 21, forget_before=0)
        await attempts.take_back("ann", 20, Attempts(1, 5))
        assert await attempts.get(["ann", "bob"]) == {"ann": Attempts(2, 21), "bob": Attempts(1, 20)}

    async def test_of_many_attempts_at_once_no_more_are_counted_than_are_free(self, cast: Cast) -> None:
        attempts = cast.identity.attempts

        def free(found: Mapping[str, Attempts]) -> bool:
            return found.get("ann", Attempts(0, 0)).failures < 5

        keys = ["address", "ann"]
        claims = [attempts.claim(keys[:: 1 - 2 * (n % 2)], 10, free, forget_before=0) for n in range(60)]
        done = await asyncio.gather(*claims)
        assert sum(each is not None for each in done) == 5
        assert await attempts.get(keys) == dict.fromkeys(keys, Attempts(5, 10))

    async def test_keys_may_be_anything(self, cast: Cast) -> None:
        attempts = cast.identity.attempts
        keys = ["", "\0", "x" * 100_000, "\ud800", "ä'\"%"]
        assert await attempts.failed(keys, 10, forget_before=0) == dict.fromkeys(keys, Attempts(1, 10))
        assert await attempts.get(keys) == dict.fromkeys(keys, Attempts(1, 10))
        await attempts.clear(keys)
        assert await attempts.get(keys) == {}

    async def test_who_remembers_for_longer_still_does(self, cast: Cast) -> None:
        attempts = cast.identity.attempts
        await attempts.failed(["address"], cast.at, forget_before=0)
        await attempts.failed(["ann"], cast.at + HOUR, forget_before=cast.at + HOUR)
        assert await attempts.failed(["address"], cast.at + HOUR, forget_before=0) == {
            "address": Attempts(2, cast.at + HOUR)
        }


class SessionsKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_a_session_is_found_with_its_account(self, cast: Cast) -> None:
        ann = await cast.user("ann")
        await cast.news()
        async with cast.moved(moves=False):
            made = await cast.session(
                "ann", "one", provider="google", provider_session="s1", address="::1", agent="Firefox"
            )
            await cast.session("ann", "two")
        assert await cast.identity.sessions.get("one") == (made, ann)
        assert await cast.identity.sessions.get("on") is None
        assert await cast.news() == [
            (EventKind.SESSION_STARTED, "ann", "by google"),
            (EventKind.SESSION_STARTED, "ann", "by password"),
        ]
        async with cast.unchanged():
            with pytest.raises(NotFound):
                await cast.session("bob", "three")
            with pytest.raises(Conflict):
                await cast.session("ann", "one")

    async def test_those_of_an_account_come_newest_first(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.user("bob")
        made = []
        for number, name in enumerate(("ann", "bob", "ann")):
            cast.at += 1
            made.append(await cast.session(name, str(number)))
        assert await cast.identity.sessions.of("ann") == (made[2], made[0])
        assert await cast.identity.sessions.of("eve") == ()

    async def test_those_end_that_match_everything_that_is_given(self, cast: Cast) -> None:
        sessions = cast.identity.sessions
        for name in ("ann", "bob"):
            await cast.user(name)
            await cast.session(name, f"{name} by password")
            for provider in ("google", "github"):
                await cast.session(name, f"{name} {provider}", provider=provider, provider_session=f"of {name}")
        await cast.news()

        async def left() -> set[str]:
            return {session.id for name in ("ann", "bob") for session in await sessions.of(name)}

        async with cast.unchanged():
            assert await sessions.end(id="ann google", account="bob", by=cast.by()) == 0
            assert await sessions.end(provider="google", provider_session="of eve", by=cast.by()) == 0
            with pytest.raises(ValueError, match="which sessions"):
                await sessions.end(by=cast.by())
        async with cast.moved():
            assert await sessions.end(id="ann google", by=cast.by()) == 1
        assert await cast.news() == [(EventKind.SESSION_ENDED, "ann", "by google")]
        assert await sessions.end(provider="google", provider_session="of bob", by=cast.by()) == 1
        assert await left() == {"ann by password", "ann github", "bob by password", "bob github"}
        assert await sessions.end(provider_session="of ann", by=cast.by()) == 1
        assert await sessions.end(provider="github", by=cast.by()) == 1
        assert await left() == {"ann by password", "bob by password"}
        assert await sessions.end(account="bob", by=cast.by()) == 1
        assert await left() == {"ann by password"}

    async def test_all_that_somebody_is_signed_in_with_ends_at_once(self, cast: Cast) -> None:
        ann = await cast.user("ann")
        await cast.user("bob")
        kept = await cast.secret("ann", "token")
        login = await cast.secret("ann", "login", "refresh")
        others = await cast.secret("bob", "other", "refresh")
        for name, session in (("ann", "one"), ("ann", "two"), ("bob", "three")):
            await cast.session(name, session)
        await cast.news()
        async with cast.moved():
            assert await cast.identity.sessions.end_logins("ann", cast.by()) == 2
        assert await cast.news() == [
            (EventKind.SESSION_ENDED, "ann", "by password"),
            (EventKind.SESSION_ENDED, "ann", "by password"),
            (EventKind.SECRET_REVOKED, "ann", f"refresh {login.id}"),
        ]
        now = await cast.kept()
        assert now.secrets == {"ann": (kept,), "bob": (others,)}
        assert [session.id for each in now.sessions.values() for session in each] == ["three"]
        account = await cast.identity.accounts.get("ann")
        assert account is not None
        assert account.epoch != ann.epoch
        async with cast.unchanged():
            assert await cast.identity.sessions.end_logins("eve", cast.by()) == 0

    async def test_those_that_are_over_are_forgotten(self, cast: Cast) -> None:
        await cast.user("ann")
        over = await cast.session("ann", "over")
        cast.at += 1
        kept = await cast.session("ann", "kept")
        await cast.identity.sessions.forget(over.expires_at)
        assert len(await cast.identity.sessions.of("ann")) == 2
        async with cast.moved(moves=False):
            await cast.identity.sessions.forget(over.expires_at + 1)
        assert await cast.identity.sessions.of("ann") == (kept,)
