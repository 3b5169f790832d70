"""What every driver keeps to about groups, their members and providers (ports.identity.Groups, Members, External…)."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from orlop.domain.access import SubjectKind
from orlop.domain.errors import Conflict, NotFound, Stale
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest
from orlop.ports.identity import AccountChange, Group
from tests.contract.cast import PAGE, Cast

Fetch = Callable[[PageRequest], Awaitable[Page[Any]]]


class GroupsKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_what_is_made_is_there(self, cast: Cast) -> None:
        async with cast.moved():
            made = await cast.identity.groups.add(
                Group(name="devs", description="those who build", members=7, version=7), cast.by()
            )
        assert made == Group(
            id=made.id, name="devs", description="those who build", created_at=cast.at, created_by="admin"
        )
        assert await cast.identity.groups.get("devs") == made
        assert await cast.identity.groups.get("dev") is None
        assert await cast.news() == [(EventKind.GROUP_CREATED, "devs", "")]
        async with cast.unchanged():
            with pytest.raises(Conflict):
                await cast.identity.groups.add(Group(name="devs"), cast.by())

    async def test_pages_are_by_name_with_the_number_of_members(self, cast: Cast) -> None:
        await cast.user("ann")
        made = [await cast.group("ops"), await cast.group("devs", "ann")]
        assert [group.members for group in made] == [0, 1]
        assert await cast.identity.groups.page(PAGE) == Page((made[1], made[0]))
        assert await cast.identity.groups.page(PageRequest(1)) == Page((made[1],), more=True)
        assert await cast.identity.groups.page(PageRequest(1, "devs")) == Page((made[0],))

    async def test_every_list_has_a_bound_in_bytes_and_one_entry_at_least(self, cast: Cast) -> None:
        names = ["ann", "bob", "eve"]
        for name in names:
            await cast.user(name, source="ldap", external=name)
        for name in names:
            await cast.robot(f"robot+{name}", "team")
            await cast.group(f"g-{name}", *names)
            await cast.namespace(f"team/{name}")
            await cast.grant(name)
            await cast.secret("ann", f"lookup {name}")
        identity = cast.identity
        lists: list[tuple[Fetch, Callable[[Any], str]]] = [
            (partial(identity.accounts.page, SubjectKind.USER), lambda item: item.name),
            (partial(identity.accounts.page, SubjectKind.ROBOT, namespace="team"), lambda item: item.name),
            (partial(identity.external.of_source, "ldap"), lambda item: item.name),
            (identity.groups.page, lambda item: item.name),
            (partial(identity.members.of_group, "g-ann"), str),
            (partial(identity.namespaces.page, "team"), lambda item: item.path),
            (identity.grants.page, lambda item: str(item.grant.id)),
            (partial(identity.secrets.of, "ann"), lambda item: str(item.id)),
        ]
        for fetch, key in lists:
            whole = await fetch(PAGE)
            assert len(whole.items) == len(names)
            seen: list[Any] = []
            for _ in whole.items:
                page = await fetch(PageRequest(100, key(seen[-1]) if seen else "", bytes=1))
                assert len(page.items) == 1
                seen += page.items
                assert page.more is (len(seen) < len(whole.items))
            assert tuple(seen) == whole.items

    async def test_members_come_and_go(self, cast: Cast) -> None:
        for name in ("ann", "bob", "eve"):
            await cast.user(name)
        await cast.group("devs", "ann")
        await cast.news()
        async with cast.moved():
            await cast.identity.members.set("devs", add=["eve", "bob", "ann"], remove=["ann", "zoe"], by=cast.by())
        assert await cast.news() == [(EventKind.GROUP_CHANGED, "devs", "added bob, eve")]
        async with cast.moved():
            await cast.identity.members.set("devs", add=["bob"], remove=["ann"], by=cast.by())
        assert await cast.news() == [(EventKind.GROUP_CHANGED, "devs", "removed ann")]
        group = await cast.identity.groups.get("devs")
        assert group is not None
        assert (group.members, group.version) == (2, 4)
        assert await cast.identity.members.of_group("devs", PageRequest(1)) == Page(("bob",), more=True)
        assert await cast.identity.members.of_group("devs", PageRequest(9, "bob")) == Page(("eve",))
        async with cast.unchanged():
            await cast.identity.members.set("devs", add=["bob"], remove=["ann"], by=cast.by())

    async def test_groups_of_an_account_come_in_order(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.user("bob")
        for name in ("ops", "devs"):
            await cast.group(name, "ann")
        assert await cast.identity.members.of_account("ann") == ("devs", "ops")
        assert await cast.identity.members.of_account("bob") == ()

    async def test_who_is_not_there_is_in_no_group(self, cast: Cast) -> None:
        await cast.group("devs")
        async with cast.unchanged():
            for adding in (
                cast.identity.members.set("devs", add=["ann"], by=cast.by()),
                cast.identity.members.set("ops", by=cast.by()),
                cast.identity.members.of_group("ops", PAGE),
                cast.identity.members.of_account("ann"),
                cast.identity.groups.remove("ops", cast.by()),
            ):
                with pytest.raises(NotFound):
                    await adding

    async def test_with_a_group_go_its_memberships_and_grants(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.group("devs", "ann")
        await cast.group("ops", "ann")
        gone, kept = await cast.grant("group:devs"), await cast.grant("group:ops")
        await cast.news()
        async with cast.unchanged():
            with pytest.raises(Stale):
                await cast.identity.groups.remove("devs", cast.by(), expected=1)
        async with cast.moved():
            await cast.identity.groups.remove("devs", cast.by(), expected=2)
        now = await cast.kept()
        assert [group.name for group in now.groups] == ["ops"]
        assert now.grants == (kept,)
        assert await cast.identity.members.of_account("ann") == ("ops",)
        assert await cast.news() == [
            (EventKind.GRANT_REMOVED, "group:devs", str(gone)),
            (EventKind.GROUP_DELETED, "devs", ""),
        ]


class ProvidersKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def people(self, cast: Cast) -> None:
        """Two of a directory, one of another, one of ours."""
        await cast.user("ann", source="ldap", external="1")
        await cast.user("bob", source="ldap", external="2")
        await cast.user("eve", source="oidc", external="1")
        await cast.user("zoe")

    async def test_groups_become_what_the_provider_says(self, cast: Cast) -> None:
        await self.people(cast)
        await cast.news()
        async with cast.moved():
            await cast.identity.external.synchronise("ldap", "", {"ops": [], "devs": ["ann", "bob"]}, [], cast.by())
        assert await cast.news() == [
            (EventKind.GROUP_CREATED, "devs", ""),
            (EventKind.GROUP_CHANGED, "devs", "added ann, bob"),
            (EventKind.GROUP_CREATED, "ops", ""),
        ]
        await cast.identity.external.synchronise("ldap", "", {"devs": ["bob"], "all": ["ann"]}, [], cast.by())
        now = await cast.kept()
        assert now.members == {"all": ("ann",), "devs": ("bob",)}
        assert {group.source for group in now.groups} == {"ldap"}
        async with cast.unchanged():
            await cast.identity.external.synchronise("ldap", "", {"devs": ["bob"], "all": ["ann"]}, [], cast.by())

    async def test_a_group_that_is_gone_there_stays_empty_while_a_grant_names_it(self, cast: Cast) -> None:
        await self.people(cast)
        await cast.identity.external.synchronise("ldap", "", {"devs": ["ann"], "ops": ["bob"]}, [], cast.by())
        grant = await cast.grant("group:devs")
        await cast.news()
        await cast.identity.external.synchronise("ldap", "", {}, [], cast.by())
        now = await cast.kept()
        assert (now.members, now.grants) == ({"devs": ()}, (grant,))
        assert set(await cast.news()) == {
            (EventKind.GROUP_CHANGED, "devs", "removed ann"),
            (EventKind.GROUP_CHANGED, "ops", "removed bob"),
            (EventKind.GROUP_DELETED, "ops", ""),
        }
        async with cast.unchanged():
            await cast.identity.external.synchronise("ldap", "", {}, [], cast.by())

    async def test_a_provider_touches_nothing_of_others(self, cast: Cast) -> None:
        await self.people(cast)
        await cast.group("staff", "zoe")
        await cast.identity.external.of_account("oidc", "eve", ["users"], cast.by())
        async with cast.unchanged():
            await cast.identity.external.synchronise(
                "ldap", "", {"staff": ["ann"], "users": ["ann", "eve"]}, ["zoe", "eve"], cast.by()
            )
            await cast.identity.external.of_account("ldap", "ann", ["staff", "users"], cast.by())
        await cast.identity.external.synchronise("ldap", "", {"devs": ["ann", "eve", "zoe", "nobody"]}, [], cast.by())
        assert (await cast.kept()).members == {"devs": ("ann",), "staff": ("zoe",), "users": ("eve",)}

    async def test_a_provider_touches_nobody_whom_another_identity_of_it_vouched_for(self, cast: Cast) -> None:
        await cast.user("old", source="ldap", external="1", authority="dc=old")
        await cast.user("new", source="ldap", external="1", authority="dc=new")
        members = {"devs": ["old", "new"]}
        await cast.identity.external.synchronise("ldap", "dc=new", members, ["old"], cast.by())
        kept = await cast.kept()
        assert kept.members == {"devs": ("new",)}
        assert {account.name: account.disabled for account in kept.accounts} == {"old": "", "new": ""}

    async def test_who_is_gone_there_is_disabled_until_they_are_back(self, cast: Cast) -> None:
        await self.people(cast)
        await cast.identity.accounts.change("bob", AccountChange(disabled="by hand"), cast.by())
        await cast.news()
        async with cast.moved():
            await cast.identity.external.synchronise("ldap", "", {}, ["ann", "bob"], cast.by())
        disabled = {account.name: account.disabled for account in (await cast.kept()).accounts}
        assert disabled == {"ann": "ldap does not know it any more", "bob": "by hand", "eve": "", "zoe": ""}
        async with cast.unchanged():
            await cast.identity.external.synchronise("ldap", "", {}, ["ann", "bob"], cast.by())
        async with cast.moved():
            await cast.identity.external.synchronise("ldap", "", {}, [], cast.by())
        disabled = {account.name: account.disabled for account in (await cast.kept()).accounts}
        assert disabled == {"ann": "", "bob": "by hand", "eve": "", "zoe": ""}
        assert await cast.news() == [
            (EventKind.ACCOUNT_CHANGED, "ann", "disabled: ldap does not know it any more"),
            (EventKind.ACCOUNT_CHANGED, "ann", "enabled"),
        ]

    async def test_the_groups_of_one_account_become_what_its_provider_says(self, cast: Cast) -> None:
        await self.people(cast)
        await cast.group("staff", "ann")
        await cast.identity.external.synchronise("ldap", "", {"devs": ["ann", "bob"], "ops": []}, [], cast.by())
        await cast.news()
        async with cast.moved():
            await cast.identity.external.of_account("ldap", "ann", ["ops", "new", "staff"], cast.by())
        assert (await cast.kept()).members == {"devs": ("bob",), "new": ("ann",), "ops": ("ann",), "staff": ("ann",)}
        assert set(await cast.news()) == {
            (EventKind.GROUP_CHANGED, "devs", "removed ann"),
            (EventKind.GROUP_CREATED, "new", ""),
            (EventKind.GROUP_CHANGED, "new", "added ann"),
            (EventKind.GROUP_CHANGED, "ops", "added ann"),
        }
        async with cast.unchanged():
            await cast.identity.external.of_account("ldap", "ann", ["ops", "new", "staff"], cast.by())
            for source, account in (("ldap", "eve"), ("ldap", "nobody"), ("oidc", "ann")):
                with pytest.raises(NotFound):
                    await cast.identity.external.of_account(source, account, ["devs"], cast.by())
        await cast.identity.external.of_account("ldap", "ann", [], cast.by())
        assert (await cast.kept()).members == {"devs": ("bob",), "new": (), "ops": (), "staff": ("ann",)}

    async def test_nobody_else_fills_a_group_of_a_provider(self, cast: Cast) -> None:
        await self.people(cast)
        await cast.identity.external.synchronise("ldap", "", {"devs": ["ann"]}, [], cast.by())
        async with cast.unchanged():
            with pytest.raises(Conflict):
                await cast.identity.members.set("devs", add=["zoe"], by=cast.by())
