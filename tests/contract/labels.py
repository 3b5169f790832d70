"""What every catalog keeps to about labels (ports.labels.LabelStore)."""

import pytest

from orlop.domain.access.spans import EVERYTHING, NameSpan, after, below
from orlop.domain.errors import ManifestUnknown, NameUnknown, NotFound, RequestInvalid, Stale
from orlop.domain.events import EventKind
from orlop.domain.labels import LabelChange, Term, version_of
from orlop.ports.catalog import Catalog, Terms
from orlop.ports.clock import HOUR
from orlop.ports.labels import LabelledRepository
from orlop.ports.trash import Asked
from tests.content import image
from tests.contract.scene import APP, LIB, WEB, Scene

ONE, TWO = image("one"), image("two")
PROD, ANY = Term("stage", "prod"), Term("stage")


class LabelsKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_labels_are_those_of_a_repository_or_of_a_manifest_of_it(self, catalog: Catalog) -> None:
        scene, labels = Scene(catalog), catalog.labels
        await scene.push(APP, ONE)
        assert await labels.change(APP, None, LabelChange(sets={"team": "a", "stage": "prod"}), scene.by()) == {
            "stage": "prod",
            "team": "a",
        }
        await labels.change(APP, ONE.digest, LabelChange(sets={"stage": "dev", "cve": ""}), scene.by())
        await labels.change(APP, ONE.digest, LabelChange(sets={"stage": "prod"}, removes=("cve",)), scene.by())
        assert await labels.of(APP, None) == {"stage": "prod", "team": "a"}
        assert await labels.of(APP, ONE.digest) == {"stage": "prod"}
        told = [event for event in await catalog.outbox.events(0, 100) if event.kind.startswith("label.")]
        assert [(event.kind, event.digest, event.subject, event.detail) for event in told] == [
            (EventKind.LABEL_SET, "", "stage", "stage=prod"),
            (EventKind.LABEL_SET, "", "team", "team=a"),
            (EventKind.LABEL_SET, ONE.digest, "cve", "cve="),
            (EventKind.LABEL_SET, ONE.digest, "stage", "stage=dev"),
            (EventKind.LABEL_REMOVED, ONE.digest, "cve", "cve="),
            (EventKind.LABEL_SET, ONE.digest, "stage", "stage=prod"),
        ]
        assert await scene.findings() == []

    async def test_what_changes_nothing_is_no_event(self, catalog: Catalog) -> None:
        scene, labels = Scene(catalog), catalog.labels
        await scene.push(APP, ONE)
        for _ in range(2):
            await labels.change(APP, None, LabelChange(sets={"stage": "prod"}), scene.by())
        assert len([event for event in await catalog.outbox.events(0, 100) if event.kind.startswith("label.")]) == 1

    async def test_they_go_with_what_they_are_on(self, catalog: Catalog) -> None:
        scene, labels = Scene(catalog), catalog.labels
        for repository in (APP, LIB):
            await scene.push(repository, ONE)
            await labels.change(repository, None, LabelChange(sets={"stage": "prod"}), scene.by())
            await labels.change(repository, ONE.digest, LabelChange(sets={"stage": "prod"}), scene.by())
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        assert [
            (found.repository, found.digest) for found in await labels.having((PROD,), EVERYTHING, ("", ""), 9)
        ] == [
            (APP, None),
            (LIB, None),
            (LIB, ONE.digest),
        ]
        await scene.push(APP, ONE)
        assert await labels.of(APP, ONE.digest) == {}, "what is pushed anew has none"
        await catalog.repositories.remove(LIB, scene.by())
        await scene.push(LIB, ONE)
        assert await labels.of(LIB, None) == {}
        assert await labels.of(LIB, ONE.digest) == {}
        assert await scene.findings() == []

    async def test_they_lie_in_the_trash_with_what_they_are_on_and_come_back(self, catalog: Catalog) -> None:
        scene, labels, kept = Scene(catalog), catalog.labels, Terms(trash=HOUR)
        await scene.push(APP, ONE)
        await labels.change(APP, None, LabelChange(sets={"stage": "prod"}), scene.by())
        await labels.change(APP, ONE.digest, LabelChange(sets={"stage": "prod", "cve": "none"}), scene.by())
        for remove in (
            lambda: catalog.manifests.delete(APP, ONE.digest, scene.by(), kept),
            lambda: catalog.repositories.remove(APP, scene.by(), kept),
        ):
            await remove()
            assert ONE.digest not in {found.digest for found in await labels.having((ANY,), EVERYTHING, ("", ""), 9)}
            await catalog.trash.restore(Asked(APP, digest=ONE.digest), scene.by())
            assert await labels.of(APP, ONE.digest) == {"stage": "prod", "cve": "none"}
            assert await scene.findings() == []
        assert await labels.of(APP, None) == {}, "of the repository, one image alone was taken out"
        await catalog.repositories.remove(APP, scene.by())
        await catalog.trash.restore(Asked(APP), scene.by())
        assert await labels.of(APP, None) == {"stage": "prod"}
        await catalog.manifests.delete(APP, ONE.digest, scene.by(), kept)
        await catalog.trash_end.discard(EVERYTHING, 9, scene.by())
        await catalog.trash_end.purge(9, scene.by())
        await scene.push(APP, ONE)
        assert await labels.of(APP, ONE.digest) == {}
        assert await scene.findings() == []

    async def test_there_is_none_for_what_is_not_there(self, catalog: Catalog) -> None:
        scene, labels = Scene(catalog), catalog.labels
        await scene.push(APP, ONE)
        change = LabelChange(sets={"stage": "prod"})
        with pytest.raises(NameUnknown):
            await labels.change(WEB, None, change, scene.by())
        with pytest.raises(NameUnknown):
            await labels.of(WEB, None)
        with pytest.raises(ManifestUnknown):
            await labels.change(APP, TWO.digest, change, scene.by())
        with pytest.raises(ManifestUnknown):
            await labels.of(APP, TWO.digest)
        with pytest.raises(NotFound, match="team/app has no label stage"):
            await labels.change(APP, None, LabelChange(removes=("stage",)), scene.by())

    async def test_a_change_is_of_what_was_seen(self, catalog: Catalog) -> None:
        scene, labels = Scene(catalog), catalog.labels
        await scene.push(APP, ONE)
        before = await labels.change(APP, None, LabelChange(sets={"a": "1"}, expected=0), scene.by())
        for stale in (0, version_of({"a": "2"})):
            with pytest.raises(Stale, match="the labels of team/app were changed meanwhile"):
                await labels.change(APP, None, LabelChange(sets={"b": ""}, whole=True, expected=stale), scene.by())
        whole = LabelChange(sets={"b": ""}, whole=True, expected=version_of(before))
        assert await labels.change(APP, None, whole, scene.by()) == {"b": ""}
        with pytest.raises(RequestInvalid, match="team/app would have 65 labels, and 64 are allowed"):
            await labels.change(APP, None, LabelChange(sets={f"k{n}": "" for n in range(64)}), scene.by())
        assert await labels.of(APP, None) == {"b": ""}

    async def test_lists_of_what_has_labels_go_on_where_they_ended(self, catalog: Catalog) -> None:
        scene, labels = Scene(catalog), catalog.labels
        for repository in (APP, LIB, WEB):
            for what in (ONE, TWO):
                await scene.push(repository, what)
                await labels.change(repository, what.digest, LabelChange(sets={"stage": "prod"}), scene.by())
        await labels.change(APP, None, LabelChange(sets={"stage": "dev", "team": "a"}), scene.by())
        await labels.change(LIB, ONE.digest, LabelChange(sets={"team": "a"}), scene.by())
        digests = sorted((ONE.digest, TWO.digest))
        every = [(APP, digest) for digest in digests] + [(LIB, digest) for digest in digests]
        found: list[tuple[str, str | None]] = []
        at = ("", "")
        while page := await labels.having((PROD,), below("team"), at, 3):
            found += [(one.repository, one.digest) for one in page]
            at = (page[-1].repository, page[-1].digest or "")
        assert found == every

        async def having(*terms: Term) -> list[tuple[str, str | None]]:
            page = await labels.having(terms, EVERYTHING, ("", ""), 9)
            return [(one.repository, one.digest) for one in page]

        assert await having(ANY) == [(APP, None), *every, *((WEB, digest) for digest in digests)]
        assert await having(ANY, Term("team", "a"), Term("team")) == [(APP, None), (LIB, ONE.digest)]
        assert await having(PROD, Term("team", "b")) == []

    async def test_repositories_are_listed_with_labels_of_their_own(self, catalog: Catalog) -> None:
        scene, labels = Scene(catalog), catalog.labels
        for repository in (APP, LIB, WEB):
            await scene.push(repository, ONE)
        await labels.change(LIB, ONE.digest, LabelChange(sets={"team": "a"}), scene.by())
        for repository in (WEB, APP):
            await labels.change(repository, None, LabelChange(sets={"team": "a", "b": repository}), scene.by())
        found = [LabelledRepository(name, {"b": name, "team": "a"}) for name in (APP, WEB)]
        assert await labels.repositories(EVERYTHING, 9) == tuple(found)
        assert await labels.repositories(EVERYTHING, 1) == tuple(found[:1])
        assert await labels.repositories(NameSpan(after(APP), EVERYTHING.high), 9) == tuple(found[1:])
