"""What every driver keeps to about grants and documents (ports.identity.Grants, Documents)."""

import pytest

from orlop.domain.access import ROLES, Action, Conditions, Effect, Grant, Place, PlaceKind, Window
from orlop.domain.errors import Conflict, NotFound, PageInvalid, Stale
from orlop.domain.events import EventKind
from orlop.domain.pages import Page, PageRequest
from orlop.ports.identity import Document, GrantRecord, Namespace, NewGrant
from tests.contract.cast import PAGE, REGISTRY, TEAM, Cast

BELOW = Place(PlaceKind.NAMESPACE, "team/backend")
PATTERN = Place(PlaceKind.REPOSITORIES, "*/api-*")


class GrantsKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_what_is_granted_is_kept_as_it_was_said(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.news()
        conditions = Conditions(("10.0.0.0/8",), True, (Window((0, 4), 60, 120),))
        async with cast.moved():
            made = await cast.identity.grants.add(
                NewGrant(
                    effect=Effect.DENY,
                    principal="ann",
                    role="publisher",
                    place=PATTERN,
                    tags="v*",
                    conditions=conditions,
                    expires_at=cast.at + 1,
                ),
                cast.by(),
            )
        actions = ROLES["publisher"].actions
        number = made.grant.id
        assert made == GrantRecord(
            Grant(number, Effect.DENY, "ann", "publisher", actions, PATTERN, "v*", conditions, cast.at + 1),
            cast.at,
            "admin",
        )
        assert await cast.identity.grants.get(number) == made
        assert await cast.identity.grants.get(number + 99) is None
        assert await cast.news() == [
            (EventKind.GRANT_ADDED, "ann", f"grant {number} denies ann the role publisher on */api-*, tags v*")
        ]

    async def test_a_grant_is_for_somebody_and_of_a_role(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.group("devs")
        async with cast.unchanged():
            for principal, role in (("bob", "reader"), ("devs", "reader"), ("group:ann", "reader"), ("ann", "cook")):
                with pytest.raises(NotFound):
                    await cast.grant(principal, role)

    async def test_what_becomes_of_a_grant_is_told_with_its_place(self, cast: Cast) -> None:
        await cast.user("ann")
        team = NewGrant(principal="ann", role="reader", place=Place(PlaceKind.NAMESPACE, "team"))
        pattern = NewGrant(principal="ann", role="reader", place=Place(PlaceKind.REPOSITORIES, "team/*-dev"))
        everything = NewGrant(principal="ann", role="reader", place=Place(PlaceKind.REGISTRY))
        made = [await cast.identity.grants.add(grant, cast.by()) for grant in (team, pattern, everything)]
        await cast.identity.grants.remove(made[0].grant.id, cast.by())
        await cast.identity.accounts.remove("ann", cast.by())
        events = await cast.catalog.outbox.events(0, 100)
        told = [(event.kind, event.repository) for event in events if event.kind.value.startswith("grant.")]
        assert told == [
            (EventKind.GRANT_ADDED, "team"),
            (EventKind.GRANT_ADDED, "team/*-dev"),
            (EventKind.GRANT_ADDED, ""),
            (EventKind.GRANT_REMOVED, "team"),
            (EventKind.GRANT_REMOVED, "team/*-dev"),
            (EventKind.GRANT_REMOVED, ""),
        ]

    async def test_a_grant_is_there_once_word_for_word(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.group("ann")
        first = await cast.grant("ann", conditions=Conditions(only_by_digest=True))
        async with cast.unchanged():
            with pytest.raises(Conflict) as refusal:
                await cast.grant("ann", conditions=Conditions(only_by_digest=True))
        assert refusal.value.detail == {"id": first.id}
        others = [
            await cast.grant("ann"),
            await cast.grant("group:ann"),
            await cast.grant("ann", effect=Effect.DENY),
            await cast.grant("ann", "owner"),
            await cast.grant("ann", place=BELOW),
            await cast.grant("ann", tags="v*"),
            await cast.grant("ann", expires_at=1),
        ]
        assert len({first.id, *(grant.id for grant in others)}) == 8

    async def test_pages_are_by_number_of_one_principal_or_place(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.group("devs")
        made = [
            await cast.grant(who, "reader", place) for place in (TEAM, REGISTRY, BELOW) for who in ("ann", "group:devs")
        ]

        async def page(request: PageRequest = PAGE, **of: object) -> Page[Grant]:
            found = await cast.identity.grants.page(request, **of)  # type: ignore[arg-type]
            return Page(tuple(record.grant for record in found.items), found.more)

        assert await page() == Page(tuple(made))
        assert await page(PageRequest(2)) == Page(tuple(made[:2]), more=True)
        assert await page(PageRequest(2, str(made[3].id))) == Page(tuple(made[4:]))
        assert await page(principal="ann") == Page(tuple(made[::2]))
        assert await page(PageRequest(1, str(made[1].id)), principal="group:devs") == Page((made[3],), more=True)
        assert await page(place=TEAM) == Page(tuple(made[:2]))
        assert await page(place=REGISTRY) == Page(tuple(made[2:4]))
        assert await page(PageRequest(1), place=BELOW) == Page((made[4],), more=True)
        assert await page(principal="ann", place=BELOW) == Page((made[4],))
        assert await page(principal="group:devs", place=BELOW) == Page((made[5],))
        for nothing in ({"principal": "bob"}, {"principal": "group:ann"}, {"place": PATTERN}):
            assert await page(**nothing) == Page(())  # type: ignore[arg-type]
        with pytest.raises(PageInvalid):
            await page(PageRequest(1, "-1"))

    async def test_a_grant_is_removed_by_its_number(self, cast: Cast) -> None:
        await cast.user("ann")
        gone, kept = await cast.grant("ann"), await cast.grant("ann", "owner")
        await cast.news()
        async with cast.moved():
            await cast.identity.grants.remove(gone.id, cast.by())
        assert (await cast.kept()).grants == (kept,)
        assert await cast.news() == [(EventKind.GRANT_REMOVED, "ann", str(gone))]
        async with cast.unchanged():
            with pytest.raises(NotFound):
                await cast.identity.grants.remove(gone.id, cast.by())

    async def test_what_may_cover_a_repository_is_of_the_registry_of_what_is_above_or_a_pattern(
        self, cast: Cast
    ) -> None:
        await cast.user("ann")
        places = [
            PATTERN,
            BELOW,
            TEAM,
            REGISTRY,
            Place(PlaceKind.NAMESPACE, "team/backend/app"),
            Place(PlaceKind.NAMESPACE, "team-b"),
            Place(PlaceKind.REPOSITORIES, "other/*"),
        ]
        made = {place: await cast.grant("ann", "reader", place) for place in places}

        async def covering(repository: str, limit: int = 100) -> set[Place]:
            found = await cast.identity.grants.covering(repository, limit)
            assert [record.grant for record in found] == [
                g for g in made.values() if g.place in {r.grant.place for r in found}
            ]
            return {record.grant.place for record in found}

        patterns = {places[0], places[6]}
        assert await covering("team/backend/app") == {REGISTRY, TEAM, BELOW, *patterns}
        assert await covering("team/app") == {REGISTRY, TEAM, *patterns}
        assert await covering("team") == {REGISTRY, *patterns}
        assert len(await covering("team/backend/app", 2)) == 2


class DocumentsKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_a_document_is_made_replaced_and_removed(self, cast: Cast) -> None:
        documents = cast.identity.documents
        async with cast.moved():
            first = await documents.put(Document("trust", "ci", b"{}", 7, 7, "x"), cast.by(), expected=0)
        assert first == Document("trust", "ci", b"{}", 1, cast.at, "admin", made=first.made)
        assert await documents.get("trust", "ci") == first
        async with cast.moved():
            second = await documents.put(Document("trust", "ci", b"[]"), cast.by(), expected=1)
        assert (second.body, second.version, second.identity) == (b"[]", 2, first.identity)
        async with cast.unchanged():
            assert await documents.put(Document("trust", "ci", b"[]"), cast.by()) == second
        async with cast.moved():
            await documents.remove("trust", "ci", cast.by(), expected=2)
        assert await documents.get("trust", "ci") is None
        assert await cast.news() == [
            (EventKind.DOCUMENT_CHANGED, "trust ci", "version 1"),
            (EventKind.DOCUMENT_CHANGED, "trust ci", "version 2"),
            (EventKind.DOCUMENT_DELETED, "trust ci", ""),
        ]
        anew = await documents.put(Document("trust", "ci", b"{}"), cast.by(), expected=0)
        assert anew.key == first.key
        assert anew.identity > first.identity, "what belongs to the one is not the other's"

    async def test_documents_are_found_by_their_place(self, cast: Cast) -> None:
        documents = cast.identity.documents
        placed = [("", "b"), ("", "a"), ("team", "a"), ("team/app", "z"), ("team-b", "a"), ("team/app/x", "a")]
        for path, name in placed:
            await documents.put(Document("rule", name, b"{}", path=path), cast.by(), expected=0)
        await documents.put(Document("other", "a", b"{}", path="team"), cast.by())
        inorder = sorted(placed)

        async def pages(path: str | None, size: int) -> list[tuple[str, str]]:
            found, after, more = [], "", True
            while more:
                page = await documents.page("rule", PageRequest(size, after), path)
                found += page.items
                after, more = found[-1].key if found else "", page.more
            return [(document.path, document.name) for document in found]

        for size in (1, 2, 100):
            assert await pages(None, size) == inorder
            assert await pages("", size) == [("", "a"), ("", "b")]
            assert await pages("team", size) == [("team", "a")]
            assert await pages("none", size) == []
        for path, above in (
            ("team/app", [("", "a"), ("", "b"), ("team", "a"), ("team/app", "z")]),
            ("team/app/other", [("", "a"), ("", "b"), ("team", "a"), ("team/app", "z")]),
            ("team-b/x", [("", "a"), ("", "b"), ("team-b", "a")]),
            ("", [("", "a"), ("", "b")]),
        ):
            found = await documents.covering("rule", path)
            assert [(document.path, document.name) for document in found] == above
        assert await documents.paths("none", 2) == ()
        assert await documents.paths("rule", 100) == tuple(path for path, _ in inorder)
        assert await documents.paths("rule", 2) == ("", "")
        assert await documents.paths("other", 2) == ("team",)
        assert await documents.get("rule", "z") is None
        assert (await documents.get("rule", "z", "team/app")) is not None
        with pytest.raises(NotFound):
            await documents.remove("rule", "z", cast.by())
        await documents.remove("rule", "z", cast.by(), path="team/app")
        assert await documents.get("rule", "z", "team/app") is None

    async def test_settings_go_with_their_namespace_and_nobody_elses_do(self, cast: Cast) -> None:
        documents = cast.identity.documents
        await cast.identity.namespaces.put(Namespace(path="team"), cast.by())
        for path in ("", "team", "team/app", "team-b", "team0"):
            await documents.put(Document("rule", "a", b"{}", path=path), cast.by(), expected=0)
        await cast.news()
        await cast.identity.namespaces.remove("team", cast.by())
        assert [document.path for document in await documents.all("rule")] == ["", "team-b", "team0"]
        assert await cast.news() == [
            (EventKind.DOCUMENT_DELETED, "rule a", ""),
            (EventKind.DOCUMENT_DELETED, "rule a", ""),
            (EventKind.NAMESPACE_DELETED, "team", ""),
        ]

    async def test_a_setting_that_gives_no_rights_lets_rights_be_remembered(self, cast: Cast) -> None:
        documents = cast.identity.documents
        version = await cast.identity.facts.version()
        made = await documents.put(Document("rule", "a", b"{}", path="team"), cast.by(), rights=False)
        await documents.put(Document("rule", "a", b"[]", path="team"), cast.by(), rights=False)
        await documents.remove("rule", "a", cast.by(), path=made.path, rights=False)
        assert await cast.identity.facts.version() == version
        assert len(await cast.news()) == 3

    async def test_what_is_not_as_expected_stays_as_it_is(self, cast: Cast) -> None:
        documents = cast.identity.documents
        await cast.document("trust", "ci")
        async with cast.unchanged():
            with pytest.raises(Conflict) as refusal:
                await documents.put(Document("trust", "ci", b"1"), cast.by(), expected=0)
            assert not isinstance(refusal.value, Stale)
            for name, expected in (("ci", 2), ("new", 1)):
                with pytest.raises(Stale):
                    await documents.put(Document("trust", name, b"1"), cast.by(), expected=expected)
            with pytest.raises(Stale):
                await documents.remove("trust", "ci", cast.by(), expected=2)
            for kind, name in (("trust", "cd"), ("role", "ci")):
                with pytest.raises(NotFound):
                    await documents.remove(kind, name, cast.by())

    async def test_all_of_a_kind_come_by_name(self, cast: Cast) -> None:
        made = [await cast.document("trust", name) for name in ("b", "a", "c")]
        await cast.document("provider", "a")
        assert await cast.identity.documents.all("trust") == (made[1], made[0], made[2])
        assert await cast.identity.documents.all("role") == ()

    async def test_a_grant_has_the_actions_that_its_role_has_now(self, cast: Cast) -> None:
        ann = await cast.user("ann")
        await cast.document("role", "puller", b'{"actions":["pull","list"],"description":"pulls"}')
        grant = await cast.grant("ann", "puller")
        assert grant.actions == {Action.PULL, Action.LIST}
        for body, actions in ((b'{"actions":["pull","fly"]}', {Action.PULL}), (b"[]", set())):
            await cast.document("role", "puller", body)
            record = await cast.identity.grants.get(grant.id)
            facts = await cast.identity.facts.of(ann.id)
            assert record is not None
            assert facts is not None
            assert (record.grant,) == facts.grants
            assert record.grant.actions == actions

    async def test_a_role_stays_while_a_grant_names_it(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.document("role", "puller", b'{"actions":["pull"]}')
        await cast.document("trust", "puller")
        grant = await cast.grant("ann", "puller")
        async with cast.unchanged():
            with pytest.raises(Conflict):
                await cast.identity.documents.remove("role", "puller", cast.by())
        await cast.identity.documents.remove("trust", "puller", cast.by())
        await cast.identity.grants.remove(grant.id, cast.by())
        await cast.identity.documents.remove("role", "puller", cast.by())
