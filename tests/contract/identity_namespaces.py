"""What every driver keeps to about namespaces and the end of repositories (ports.identity.Namespaces)."""

import msgspec
import pytest

from orlop.domain.access import Place, PlaceKind, Visibility
from orlop.domain.blob import BlobState
from orlop.domain.errors import Conflict, Denied, NameUnknown, NotFound, Stale
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import Terms
from orlop.ports.clock import HOUR
from orlop.ports.identity import DeletedNamespace, Document, Namespace
from orlop.ports.trash import Asked
from tests.content import artifact, blob, image, index
from tests.contract.cast import PAGE, TEAM, Cast
from tests.contract.scene import APP, LIB, V1, V2, Scene
from tests.contract.trash import LARGE, broken_off

ONE = image("one")


class NamespacesKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_the_root_is_there_and_says_nothing(self, cast: Cast) -> None:
        root = Namespace(path="", created_by="orlop")
        assert await cast.identity.namespaces.get("") == root
        assert await cast.identity.namespaces.page("", PAGE) == Page(())
        with pytest.raises(Conflict):
            await cast.identity.namespaces.remove("", cast.by())
        async with cast.moved():
            await cast.namespace("", Visibility.INTERNAL, "ours")
        changed = await cast.identity.namespaces.get("")
        assert changed == Namespace(
            path="", visibility=Visibility.INTERNAL, description="ours", created_by="orlop", version=2
        )
        assert await cast.news() == [(EventKind.NAMESPACE_CHANGED, "", "visibility internal, description")]

    async def test_one_is_made_with_those_above_it_and_changed(self, cast: Cast) -> None:
        async with cast.moved():
            made = await cast.namespace("team/backend", Visibility.PUBLIC)
        assert made == Namespace(
            path="team/backend", visibility=Visibility.PUBLIC, created_at=cast.at, created_by="admin"
        )
        above = await cast.identity.namespaces.get("team")
        assert above == Namespace(path="team", created_at=cast.at, created_by="admin")
        changed = await cast.namespace("team/backend", None, "the others")
        assert (changed.visibility, changed.description, changed.version) == (None, "the others", 2)
        async with cast.unchanged():
            assert await cast.namespace("team/backend", None, "the others") == changed
        assert await cast.news() == [
            (EventKind.NAMESPACE_CHANGED, "team/backend", "made, visibility public"),
            (EventKind.NAMESPACE_CHANGED, "team/backend", "visibility from above, description"),
        ]

    async def test_a_push_makes_those_above_its_repository(self, cast: Cast) -> None:
        async with cast.moved(moves=False):
            await Scene(cast.catalog, at=cast.at).hold(RepositoryName("a/b/app"), blob("one"))
        made = [Namespace(path=path, created_at=cast.at, created_by="alice") for path in ("a", "a/b")]
        assert (await cast.identity.namespaces.page("", PAGE)).items == tuple(made)
        changed = await cast.namespace("a/b", Visibility.PUBLIC)
        assert (changed.created_by, changed.version) == ("alice", 2)

    async def test_what_is_not_as_expected_stays_as_it_is(self, cast: Cast) -> None:
        namespaces = cast.identity.namespaces
        await cast.namespace("team")
        async with cast.unchanged():
            with pytest.raises(Conflict) as refusal:
                await namespaces.put(Namespace(path="team"), cast.by(), expected=0)
            assert not isinstance(refusal.value, Stale)
            for path, expected in (("team", 2), ("new", 1)):
                with pytest.raises(Stale):
                    await namespaces.put(Namespace(path=path, description="x"), cast.by(), expected=expected)
        made = await namespaces.put(Namespace(path="new"), cast.by(), expected=0)
        changed = await namespaces.put(Namespace(path="new", description="x"), cast.by(), expected=made.version)
        assert changed.version == made.version + 1

    async def test_pages_hold_everything_below_by_path(self, cast: Cast) -> None:
        for path in ("team/b/c", "team-b/x", "team/a", "teams", "team0"):
            await cast.namespace(path)

        async def paths(below: str, page: PageRequest = PAGE) -> list[str]:
            return [one.path for one in (await cast.identity.namespaces.page(below, page)).items]

        assert await paths("") == ["team", "team-b", "team-b/x", "team/a", "team/b", "team/b/c", "team0", "teams"]
        assert await paths("team") == ["team/a", "team/b", "team/b/c"]
        assert await paths("team", PageRequest(1, "team/a")) == ["team/b"]
        assert await paths("team", PageRequest(9, "a")) == ["team/a", "team/b", "team/b/c"]
        assert await paths("teams") == []
        assert (await cast.identity.namespaces.page("team", PageRequest(2))).more
        assert not (await cast.identity.namespaces.page("team", PageRequest(3))).more

    async def test_an_empty_one_goes_with_the_grants_on_it(self, cast: Cast) -> None:
        await cast.user("ann")
        await cast.namespace("team", Visibility.PUBLIC)
        gone = await cast.grant("ann", place=TEAM)
        kept = [
            await cast.grant("ann", place=Place(PlaceKind.NAMESPACE, "team/backend")),
            await cast.grant("ann", place=Place(PlaceKind.REPOSITORIES, "team")),
        ]
        await cast.news()
        async with cast.moved():
            await cast.identity.namespaces.remove("team", cast.by())
        now = await cast.kept()
        assert [one.path for one in now.namespaces] == [""]
        assert now.grants == tuple(kept)
        assert await cast.identity.facts.open_namespaces("", 9) == ()
        assert await cast.news() == [
            (EventKind.GRANT_REMOVED, "ann", str(gone)),
            (EventKind.NAMESPACE_DELETED, "team", ""),
        ]
        with pytest.raises(NotFound):
            await cast.identity.namespaces.remove("team", cast.by())
        assert (await cast.namespace("team")).version == 1

    async def test_what_it_had_lies_in_the_trash_as_long_as_it_is_kept(self, cast: Cast) -> None:
        trash = cast.catalog.namespace_trash
        await cast.user("ann")
        await cast.namespace("team", Visibility.PUBLIC, "ours")
        grant = await cast.grant("ann", place=TEAM, tags="v*")
        await cast.identity.documents.put(Document("tag-rule", "fixed", b'{"tags": ["v*"]}', path="team"), cast.by())
        await cast.identity.namespaces.remove("team", cast.by(), HOUR)
        found = await trash.newest("team")
        assert found is not None
        number, body = found
        gone = msgspec.json.decode(body, type=DeletedNamespace)
        assert (gone.visibility, gone.description) == (Visibility.PUBLIC, "ours")
        assert [(one.kind, one.name, one.path, one.body) for one in gone.documents] == [
            ("tag-rule", "fixed", "team", b'{"tags": ["v*"]}')
        ]
        assert [(one.principal, one.role, one.tags) for one in gone.grants] == [("ann", grant.role, "v*")]
        await trash.restored(number, cast.by())
        assert await trash.newest("team") is None
        with pytest.raises(NotFound):
            await trash.restored(number, cast.by())
        await cast.namespace("team")
        await cast.identity.namespaces.remove("team", cast.by())
        assert await trash.newest("team") is None
        await cast.namespace("team")
        await cast.identity.namespaces.remove("team", cast.by(), HOUR)
        cast.at += HOUR
        assert (await cast.catalog.trash_end.purge(9, cast.by())).entries == 1
        assert await trash.newest("team") is None

    async def test_one_that_holds_something_stays(self, cast: Cast) -> None:
        await cast.namespace("team/backend")
        await cast.namespace("robots")
        await cast.robot("robot+ci", "robots")
        await Scene(cast.catalog).hold(RepositoryName("repositories/app"), blob("one"))
        async with cast.unchanged():
            for path in ("team", "robots", "repositories"):
                with pytest.raises(Conflict):
                    await cast.identity.namespaces.remove(path, cast.by())
        await cast.namespace("repositories-b")
        await cast.identity.namespaces.remove("repositories-b", cast.by())


class EmptiedNamespaceKit:
    """Needs the fixture `cast`: on an empty catalog."""

    @pytest.mark.parametrize("keep", [0, HOUR])
    async def test_it_goes_after_a_repository_whose_removal_was_broken_off(self, cast: Cast, keep: int) -> None:
        scene = Scene(cast.catalog, at=cast.at)
        await scene.push(APP, LARGE, V1)
        await broken_off(cast.catalog, cast.catalog.repositories.remove(APP, cast.by(), Terms(trash=keep)))
        await cast.identity.namespaces.remove("team", cast.by(), HOUR)
        assert await scene.findings() == []
        if keep:
            await cast.catalog.trash.restore(Asked(APP), cast.by())
            assert await cast.catalog.manifests.resolve(APP, V1) is not None
            assert await scene.findings() == []


class RepositoriesKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_a_repository_goes_only_with_tags_that_may_go(self, cast: Cast) -> None:
        scene = Scene(cast.catalog, at=cast.at)
        await scene.push(APP, ONE, V1, V2)
        refused = {V2: Denied("no untag")}
        async with scene.unchanged(), cast.unchanged():
            with pytest.raises(Denied) as raised:
                await cast.catalog.repositories.remove(APP, cast.by(), Terms(untag=refused.get))
        assert raised.value is refused[V2]
        await cast.catalog.manifests.untag(APP, V2, scene.by())
        await cast.catalog.repositories.remove(APP, cast.by(), Terms(untag=refused.get))
        assert await scene.findings() == []

    async def test_a_repository_goes_with_everything_in_it_and_nothing_else(self, cast: Cast) -> None:
        scene = Scene(cast.catalog, at=cast.at)
        sbom = artifact("sbom", subject=ONE)
        both = index("both", [ONE, image("two", ["base"])])
        await scene.push(LIB, ONE, V1)
        await cast.namespace(APP.namespace)
        before = await scene.view()
        await scene.push(APP, both, V1, V2)
        await scene.push(APP, sbom)
        await scene.hold(APP, blob("loose"))
        await cast.catalog.pulls.record([(await scene.pull(APP, V1), 3, cast.at)])
        await cast.catalog.manifests.untag(APP, V2, scene.by())
        seen = (await cast.catalog.outbox.events(0, 1000))[-1].id
        held = {link[1] for link in (await scene.view()).loose if link[0] == APP}
        async with cast.moved():
            await cast.catalog.repositories.remove(APP, cast.by())
        told = await cast.catalog.outbox.events(seen, 1000)
        now = await scene.view()
        assert (now.repositories, now.tags, now.manifests, now.loose) == (
            before.repositories,
            before.tags,
            before.manifests,
            before.loose,
        )
        shared = {piece.digest for piece in ONE.blobs}
        assert {r.blob.key.digest for r in now.blobs if r.state is BlobState.CONDEMNED} == held - shared
        assert {event.digest for event in told if event.kind is EventKind.BLOB_UNLINKED} == held
        assert {event.digest for event in told if event.kind is EventKind.BLOB_CONDEMNED} == held - shared
        (last,) = [event for event in told if event.kind is EventKind.REPOSITORY_DELETED]
        assert (last.repository, last.detail) == (APP, f"with 1 tag, 4 manifests and {len(held)} blobs")
        assert await scene.findings() == []
        assert await cast.catalog.history.history(APP, V1, 9) == ()
        with pytest.raises(NameUnknown):
            await cast.catalog.repositories.remove(APP, cast.by())

    async def test_one_of_that_name_can_be_made_anew(self, cast: Cast) -> None:
        scene = Scene(cast.catalog, at=cast.at)
        await scene.push(APP, ONE, V1)
        await cast.catalog.repositories.remove(APP, cast.by())
        await scene.push(APP, ONE, V2)
        view = await scene.view()
        assert view.tags == {APP: {V2: ONE.digest}}
        assert BlobState.CONDEMNED not in {record.state for record in view.blobs}
        assert await scene.findings() == []
        await cast.catalog.repositories.remove(APP, cast.by())
        assert await scene.findings() == []
        assert (await cast.catalog.vitals.totals()).repositories == 0

    async def test_it_is_remembered_when_it_was_deleted(self, cast: Cast) -> None:
        scene, facts = Scene(cast.catalog, at=cast.at), cast.identity.facts
        for turn in range(2):
            await scene.push(APP, ONE, V1)
            before = await facts.place(APP)
            assert before.exists
            assert before.deleted_at_version < before.version or turn
            await cast.catalog.repositories.remove(APP, cast.by())
            after = await facts.place(APP)
            assert not after.exists
            assert after.deleted_at_version == after.version > before.version
        assert (await facts.place(LIB)).deleted_at_version == 0

    async def test_an_empty_repository_goes_too(self, cast: Cast) -> None:
        scene = Scene(cast.catalog, at=cast.at)
        await scene.hold(APP, blob("one"))
        await cast.catalog.links.unlink(APP, blob("one").digest, scene.by())
        await cast.catalog.repositories.remove(APP, cast.by())
        assert await scene.findings() == []
        with pytest.raises(NameUnknown):
            await cast.catalog.repositories.remove(RepositoryName("never"), cast.by())
