"""What every driver keeps to about accounts and passwords (ports.identity.Accounts, Passwords)."""

import pytest

from orlop.domain.access import SubjectKind
from orlop.domain.errors import Conflict, NotFound, Stale, Unauthorized
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest
from orlop.ports.identity import Account, AccountChange, PasswordRecord, Secret, Session
from tests.contract.cast import PAGE, Cast


class AccountsKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_those_of_a_provider_are_listed_by_name_and_no_others(self, cast: Cast) -> None:
        for name in ("zoe", "ann", "bob", "cleo"):
            await cast.user(name, source="ldap", external=f"id of {name}")
        await cast.user("eve", source="other", external="id of ann")
        await cast.user("local")
        external = cast.identity.external
        first = await external.of_source("ldap", PageRequest(size=2))
        rest = await external.of_source("ldap", PageRequest(size=2, after="bob"))
        assert [[account.name for account in page.items] for page in (first, rest)] == [["ann", "bob"], ["cleo", "zoe"]]
        assert (first.more, rest.more) == (True, False)
        assert [account.external for account in first.items] == ["id of ann", "id of bob"]
        assert (await external.of_source("local", PageRequest())).items == ()
        assert (await external.of_source("nobody", PageRequest())).items == ()

    async def test_what_is_made_is_there_with_what_only_the_catalog_can_say(self, cast: Cast) -> None:
        asked = Account(
            name="ann",
            display="Ann",
            email="ann@example.org",
            source="ldap",
            external="uuid-1",
            authority="dc=corp",
            disabled="on leave",
            must_change=True,
            expires_at=cast.at + 5,
            has_password=True,
            second_factors=("totp",),
            version=9,
            used_at=4,
        )
        async with cast.moved():
            made = await cast.identity.accounts.add(asked, cast.by())
        assert made.id > 0
        assert made == Account(
            id=made.id,
            name="ann",
            display="Ann",
            email="ann@example.org",
            source="ldap",
            external="uuid-1",
            authority="dc=corp",
            disabled="on leave",
            must_change=True,
            expires_at=cast.at + 5,
            created_at=cast.at,
            created_by="admin",
            epoch=cast.at,
        )
        assert await cast.identity.accounts.get("ann") == made
        assert await cast.identity.external.external("ldap", "dc=corp", "uuid-1") == made
        assert await cast.news() == [(EventKind.ACCOUNT_CREATED, "ann", "user of ldap")]

    async def test_nobody_is_there_who_was_not_made(self, cast: Cast) -> None:
        await cast.user("ann")
        assert await cast.identity.accounts.get("an") is None
        assert await cast.identity.external.external("local", "", "") is None
        assert await cast.identity.external.external("ldap", "", "ann") is None
        with pytest.raises(NotFound):
            await cast.identity.accounts.change("an", AccountChange(email="x"), cast.by())
        with pytest.raises(NotFound):
            await cast.identity.accounts.remove("an", cast.by())

    async def test_a_provider_of_another_identity_says_it_of_somebody_else(self, cast: Cast) -> None:
        external = cast.identity.external
        old = await cast.user("old", source="corp", external="1", authority="https://old")
        unknown = await cast.user("unknown", source="corp", external="2")
        assert await external.external("corp", "https://new", "1") is None
        assert await external.external("corp", "https://old", "1") == old
        assert await external.external("corp", "https://new", "2") == unknown, "whose authority nobody knows"
        new = await cast.user("new", source="corp", external="1", authority="https://new")
        assert await external.external("corp", "https://new", "1") == new
        await cast.news()
        with pytest.raises(Conflict):
            await cast.identity.accounts.change("old", AccountChange(authority="https://new"), cast.by())
        async with cast.moved():
            changed = await cast.identity.accounts.change("unknown", AccountChange(authority="https://new"), cast.by())
        assert changed.authority == "https://new"
        assert await external.external("corp", "https://new", "2") == changed
        assert await cast.news() == [(EventKind.ACCOUNT_CHANGED, "unknown", "vouched for by https://new")]

    async def test_a_name_is_taken_once_and_so_is_what_a_provider_says(self, cast: Cast) -> None:
        await cast.user("ann", source="ldap", external="uuid-1")
        async with cast.unchanged():
            with pytest.raises(Conflict):
                await cast.user("ann")
            with pytest.raises(Conflict):
                await cast.user("anna", source="ldap", external="uuid-1")
        await cast.user("anna", source="oidc", external="uuid-1")
        await cast.user("bob")
        await cast.user("eve")

    async def test_numbers_are_never_given_again(self, cast: Cast) -> None:
        first = await cast.user("ann")
        await cast.identity.accounts.remove("ann", cast.by())
        second = await cast.user("ann")
        assert second.id > first.id
        assert await cast.identity.facts.of(first.id) is None

    async def test_pages_are_of_one_kind_by_name(self, cast: Cast) -> None:
        users = [await cast.user(name) for name in ("eve", "ann", "bob")]
        robots = [
            await cast.robot("robot+b", "team"),
            await cast.robot("robot+a", "team"),
            await cast.robot("robot+c", "team/x"),
            await cast.robot("robot+d"),
        ]
        accounts, by_name = cast.identity.accounts, sorted(users, key=lambda account: account.name)
        assert (await accounts.page(SubjectKind.USER, PAGE)).items == tuple(by_name)
        assert await accounts.page(SubjectKind.USER, PageRequest(1)) == Page((by_name[0],), more=True)
        assert await accounts.page(SubjectKind.USER, PageRequest(9, "ann")) == Page(tuple(by_name[1:]))
        assert [one.name for one in (await accounts.page(SubjectKind.ROBOT, PAGE)).items] == [
            f"robot+{letter}" for letter in "abcd"
        ]
        of_team = await accounts.page(SubjectKind.ROBOT, PageRequest(1), namespace="team")
        assert of_team == Page((robots[1],), more=True)
        assert (await accounts.page(SubjectKind.ROBOT, PAGE, namespace="")).items == (robots[3],)
        assert (await accounts.page(SubjectKind.USER, PAGE, namespace="")).items == ()

    async def test_a_change_changes_what_it_names_and_raises_the_version(self, cast: Cast) -> None:
        before = await cast.user("ann", display="Ann", email="ann@example.org")
        await cast.news()
        async with cast.moved():
            after = await cast.identity.accounts.change(
                "ann", AccountChange(email="new@example.org", disabled="left"), cast.by(), expected=1
            )
        assert (after.display, after.email, after.disabled) == ("Ann", "new@example.org", "left")
        assert (after.id, after.version) == (before.id, 2)
        assert await cast.identity.accounts.get("ann") == after
        assert await cast.news() == [(EventKind.ACCOUNT_CHANGED, "ann", "email, disabled: left")]
        back = await cast.identity.accounts.change("ann", AccountChange(disabled="", expires_at=7), cast.by())
        assert (back.disabled, back.expires_at, back.version) == ("", 7, 3)
        assert await cast.news() == [(EventKind.ACCOUNT_CHANGED, "ann", "expires, enabled")]

    async def test_a_change_to_what_is_so_already_changes_nothing(self, cast: Cast) -> None:
        made = await cast.user("ann", display="Ann")
        async with cast.unchanged():
            assert await cast.identity.accounts.change("ann", AccountChange(display="Ann"), cast.by()) == made

    async def test_a_change_of_what_was_changed_meanwhile_is_refused(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.identity.accounts.change("ann", AccountChange(email="x"), cast.by())
        async with cast.unchanged():
            with pytest.raises(Stale):
                await cast.identity.accounts.change("ann", AccountChange(email="y"), cast.by(), expected=1)
            with pytest.raises(Stale):
                await cast.identity.accounts.remove("ann", cast.by(), expected=1)

    async def test_with_an_account_goes_everything_that_is_its_own(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.user("bob")
        await cast.group("devs", "ann", "bob")
        gone = [await cast.grant("ann", "owner"), await cast.grant("ann", "publisher", tags="v*")]
        kept = [await cast.grant("bob"), await cast.grant("group:devs")]
        await cast.secret("ann", "lookup")
        await cast.session("ann", "session")
        await cast.news()
        async with cast.moved():
            await cast.identity.accounts.remove("ann", cast.by(), expected=1)
        now = await cast.kept()
        assert [account.name for account in now.accounts] == ["bob"]
        assert now.members == {"devs": ("bob",)}
        assert now.grants == tuple(kept)
        assert await cast.identity.secrets.find("lookup") is None
        assert await cast.identity.sessions.get("session") is None
        assert await cast.news() == [
            *((EventKind.GRANT_REMOVED, "ann", str(grant)) for grant in gone),
            (EventKind.ACCOUNT_DELETED, "ann", ""),
        ]


class PasswordsKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_a_password_is_set_and_removed(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.news()
        record = await cast.identity.passwords.get("ann")
        assert record is not None
        assert (record.hash, record.factors, record.account.has_password) == (None, b"", False)
        async with cast.moved():
            await cast.identity.passwords.set("ann", "$argon2id$1", must_change=True, by=cast.by())
        account = await cast.identity.accounts.get("ann")
        assert account is not None
        assert (account.has_password, account.must_change, account.version) == (True, True, 2)
        assert await cast.identity.passwords.get("ann") == PasswordRecord(account, "$argon2id$1", b"")
        await cast.identity.passwords.set("ann", "$argon2id$2", must_change=False, by=cast.by())
        await cast.identity.passwords.set("ann", None, must_change=False, by=cast.by())
        record = await cast.identity.passwords.get("ann")
        assert record is not None
        assert (record.hash, record.account.has_password, record.account.must_change) == (None, False, False)
        told = await cast.news()
        assert told == [
            (EventKind.PASSWORD_SET, "ann", "set, to be changed at the next sign-in"),
            (EventKind.PASSWORD_SET, "ann", "set"),
            (EventKind.PASSWORD_SET, "ann", "removed"),
        ]

    async def test_a_new_password_ends_what_rests_on_the_old_one(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.user("bob")
        kept = await cast.secret("ann", "token")
        await cast.secret("ann", "refresh", "refresh")
        others = await cast.secret("bob", "other", "refresh")
        await cast.session("ann", "one")
        await cast.session("bob", "two")
        await cast.identity.passwords.set("ann", "$argon2id$", must_change=False, by=cast.by())
        now = await cast.kept()
        assert now.secrets == {"ann": (kept,), "bob": (others,)}
        assert [session.id for each in now.sessions.values() for session in each] == ["two"]

    async def test_a_first_second_factor_ends_what_rests_on_the_password_alone(self, cast: Cast) -> None:
        ann = await cast.user("ann")
        kept = await cast.secret("ann", "token")
        await cast.secret("ann", "refresh", "refresh")
        for session in ("one", "two"):
            await cast.session("ann", session)

        async def left() -> tuple[set[str], tuple[Secret, ...], int]:
            now, account = await cast.kept(), await cast.identity.accounts.get("ann")
            assert account is not None
            return {each.id for each in now.sessions["ann"]}, now.secrets["ann"], account.epoch

        await cast.identity.passwords.set_factors("ann", b"1", ["totp"], cast.by(), session="two")
        sessions, secrets, epoch = await left()
        assert (sessions, secrets) == ({"two"}, (kept,))
        assert epoch != ann.epoch
        await cast.session("ann", "three")
        await cast.identity.passwords.set_factors("ann", b"2", ["totp", "passkey"], cast.by())
        await cast.identity.passwords.set_factors("ann", b"", [], cast.by())
        assert await left() == ({"two", "three"}, (kept,), epoch), "a further one, and one less, end nothing"

    async def test_no_epoch_comes_twice_whatever_the_clock_says(self, cast: Cast) -> None:
        epochs = [(await cast.user("ann")).epoch]
        for at in (cast.at, cast.at, cast.at - 50, cast.at + 1, cast.at + 1):
            cast.at = at
            await cast.identity.passwords.set("ann", "$argon2id$", must_change=False, by=cast.by())
            account = await cast.identity.accounts.get("ann")
            assert account is not None
            epochs.append(account.epoch)
        cast.at += 100
        await cast.identity.accounts.remove("ann", cast.by())
        epochs.append((await cast.user("ann")).epoch)
        assert len(set(epochs)) == len(epochs), epochs

    async def test_nothing_begins_in_an_epoch_that_is_over(self, cast: Cast) -> None:
        ann = await cast.user("ann")
        session = Session(id="one", account="ann", created_at=cast.at, expires_at=cast.at + 1)
        login = Secret(account="ann", kind="refresh", lookup="one", hash="hash")
        await cast.identity.passwords.set("ann", "$argon2id$", must_change=False, by=cast.by())
        async with cast.unchanged():
            with pytest.raises(Unauthorized):
                await cast.identity.sessions.add(session, cast.by(), epoch=ann.epoch)
            with pytest.raises(Unauthorized):
                await cast.identity.secrets.add(login, cast.by(), at_most=9, epoch=ann.epoch)
        now = await cast.identity.accounts.get("ann")
        assert now is not None
        await cast.identity.sessions.add(session, cast.by(), epoch=now.epoch)
        await cast.identity.secrets.add(login, cast.by(), at_most=9, epoch=now.epoch)

    async def test_second_factors_are_kept_as_they_come(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.news()
        async with cast.moved():
            await cast.identity.passwords.set_factors("ann", b'{"totp":1}', ["totp", "passkey"], cast.by())
        record = await cast.identity.passwords.get("ann")
        assert record is not None
        assert record.factors == b'{"totp":1}'
        assert record.account.second_factors == ("totp", "passkey")
        await cast.identity.passwords.set_factors("ann", b"", [], cast.by())
        account = await cast.identity.accounts.get("ann")
        assert account is not None
        assert (account.second_factors, account.version) == ((), 3)
        assert await cast.news() == [
            (EventKind.FACTORS_SET, "ann", "totp, passkey"),
            (EventKind.FACTORS_SET, "ann", "none"),
        ]

    async def test_nobody_has_none(self, cast: Cast) -> None:
        assert await cast.identity.passwords.get("ann") is None
        with pytest.raises(NotFound):
            await cast.identity.passwords.set("ann", None, must_change=False, by=cast.by())
        with pytest.raises(NotFound):
            await cast.identity.passwords.set_factors("ann", b"", [], cast.by())
