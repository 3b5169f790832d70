"""What every catalog keeps to about pushes that are refused (ports.catalog.Terms).

Every mutator meets every refusal in every state of the repository: the one that applies is raised and nothing is
changed; those that do not apply change nothing about the push.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest

from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, ManifestBlobUnknown, RegistryError, SettingsMoved, Stale
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.catalog import Catalog, ManifestPush, Terms, UploadCommit
from tests.content import blob, image, index
from tests.contract.scene import APP, LIB, V1, V2, Scene, copy_of

ONE = image("one", ["base", "code"])
TWO = image("two", ["base", "other"])
BASE, OTHER = blob("base"), blob("other")
UNTAG = Denied("no untag")

CREATE, CONTENT, TAG, OVERWRITE = (Denied(f"no {what}") for what in ("create", "content", "tag", "overwrite"))

#: Each refusal alone.
SINGLE: dict[RegistryError, Terms] = {
    CREATE: Terms(create=CREATE),
    CONTENT: Terms(content=CONTENT),
    TAG: Terms(tag={V1: TAG}),
    OVERWRITE: Terms(overwrite={V1: OVERWRITE}),
}


class Case(NamedTuple):
    """A push, what is there before, and which refusals apply to it."""

    name: str
    prepare: Callable[[Scene], Awaitable[object]]
    push: Callable[[Scene, Terms], Awaitable[object]]
    apply: tuple[RegistryError, ...]


async def _nothing(_scene: Scene) -> None:
    """An empty catalog."""


async def _elsewhere(scene: Scene) -> None:
    await scene.push(LIB, ONE, V1)


async def _blobs(scene: Scene) -> None:
    await scene.hold(APP, *ONE.blobs)


async def _untagged(scene: Scene) -> None:
    await scene.push(APP, ONE)


async def _tagged(scene: Scene) -> None:
    await scene.push(APP, ONE, V1)


async def _of_another(scene: Scene) -> None:
    await scene.push(APP, TWO, V1)
    await scene.push(APP, ONE)


async def _of_another_alone(scene: Scene) -> None:
    await scene.push(APP, TWO, V1)
    await scene.hold(APP, *ONE.blobs)


async def _put(scene: Scene, terms: Terms) -> None:
    await scene.catalog.manifests.put(
        ManifestPush(APP, ONE.digest, ONE.content, ONE.manifest, (V1,), terms=terms), scene.by()
    )


async def _put_untagged(scene: Scene, terms: Terms) -> None:
    await scene.catalog.manifests.put(ManifestPush(APP, ONE.digest, ONE.content, ONE.manifest, terms=terms), scene.by())


async def _put_under_another(scene: Scene, terms: Terms) -> None:
    await scene.catalog.manifests.put(
        ManifestPush(APP, ONE.digest, ONE.content, ONE.manifest, (V2,), terms=terms), scene.by()
    )


async def _mount(scene: Scene, terms: Terms) -> None:
    await scene.catalog.links.mount(BASE.digest, LIB, APP, scene.by(), terms)


async def _mount_from_anywhere(scene: Scene, terms: Terms) -> None:
    await scene.catalog.links.mount(BASE.digest, None, APP, scene.by(), terms)


async def _mount_of_what_nobody_holds(scene: Scene, terms: Terms) -> None:
    assert await scene.catalog.links.mount(OTHER.digest, LIB, APP, scene.by(), terms) is None


async def _both_hold(scene: Scene) -> None:
    await scene.hold(LIB, BASE)
    await scene.hold(APP, BASE)


async def _another_holds(scene: Scene) -> None:
    await scene.hold(LIB, BASE)
    await scene.hold(APP, blob("code"))


async def _commit(scene: Scene, terms: Terms) -> None:
    upload = await scene.claimed(APP, BASE.digest)
    commit = UploadCommit(upload, copy_of(upload, BASE), promoted=True, terms=terms)
    try:
        await scene.catalog.uploads.commit(commit, scene.by())
    except RegistryError:
        assert await scene.catalog.uploads.get(APP, upload.id, scene.at) == upload, "it is still claimed"
        await scene.catalog.expiry.cancel(APP, upload.id, scene.at)
        await scene.catalog.expiry.forget(upload.id, scene.at)
        raise


async def _commit_of_what_is_stored(scene: Scene, terms: Terms) -> None:
    upload = await scene.claimed(APP, BASE.digest)
    stored = await scene.catalog.links.stored(BASE.digest)
    assert stored is not None
    commit = UploadCommit(upload, stored, promoted=False, terms=terms)
    try:
        await scene.catalog.uploads.commit(commit, scene.by())
    finally:
        await scene.catalog.expiry.forget(upload.id, scene.at + 10**12)


CASES = [
    Case("put: everything is there", _tagged, _put, ()),
    Case("put: the tag is new", _untagged, _put, (TAG,)),
    Case("put: the tag is another's", _of_another, _put, (OVERWRITE,)),
    Case("put: the manifest is new", _blobs, _put_untagged, (CONTENT,)),
    Case("put: manifest and tag are new", _blobs, _put, (CONTENT, TAG)),
    Case("put: the manifest is new, the tag is another's", _of_another_alone, _put, (CONTENT, OVERWRITE)),
    Case("put: the repository is new", _elsewhere, _put, (CREATE, CONTENT, TAG)),
    Case("put: the refusals are of another tag", _untagged, _put_under_another, ()),
    Case("mount: the repository is new", _elsewhere, _mount, (CREATE, CONTENT)),
    Case("mount: from anywhere into a new one", _elsewhere, _mount_from_anywhere, (CREATE, CONTENT)),
    Case("mount: the blob is new", _another_holds, _mount, (CONTENT,)),
    Case("mount: the blob is there", _both_hold, _mount, ()),
    Case("mount: there is nothing to mount", _nothing, _mount_of_what_nobody_holds, ()),
    Case("commit: the repository is new", _nothing, _commit, (CREATE, CONTENT)),
    Case("commit: the repository is new, the blob is stored", _elsewhere, _commit_of_what_is_stored, (CREATE, CONTENT)),
    Case("commit: the blob is new", _another_holds, _commit, (CONTENT,)),
    Case("commit: the blob is there", _both_hold, _commit, ()),
]


class RefusalKit:
    """Needs the fixture `catalog`: an empty one."""

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
    @pytest.mark.parametrize("refusal", SINGLE, ids=str)
    async def test_a_refusal_that_applies_is_raised_and_nothing_is_kept(
        self, catalog: Catalog, case: Case, refusal: RegistryError
    ) -> None:
        scene = Scene(catalog)
        await case.prepare(scene)
        if refusal in case.apply:
            async with scene.unchanged():
                with pytest.raises(RegistryError) as raised:
                    await case.push(scene, SINGLE[refusal])
            assert raised.value is refusal
        elif case.push is _put and case.prepare is _elsewhere:
            with pytest.raises(ManifestBlobUnknown):  # it was let in, and the repository holds none of its blobs
                await case.push(scene, SINGLE[refusal])
        else:
            await case.push(scene, SINGLE[refusal])
        assert await scene.findings() == []

    @pytest.mark.parametrize(
        "case", [case for case in CASES if case.apply and case.push is not _put], ids=lambda case: case.name
    )
    async def test_terms_of_settings_that_are_others_by_now_let_nothing_be_written(
        self, catalog: Catalog, case: Case
    ) -> None:
        scene = Scene(catalog)
        await case.prepare(scene)
        async with scene.unchanged():
            with pytest.raises(SettingsMoved):
                await case.push(scene, Terms(settings=7))

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
    async def test_of_all_refusals_the_first_that_applies_is_raised(self, catalog: Catalog, case: Case) -> None:
        scene = Scene(catalog)
        await case.prepare(scene)
        everything = Terms(CREATE, CONTENT, tag={V1: TAG}, overwrite={V1: OVERWRITE})
        if not case.apply:
            await case.push(scene, everything)
            return
        async with scene.unchanged():
            with pytest.raises(RegistryError) as raised:
                await case.push(scene, everything)
        assert raised.value is case.apply[0]

    async def test_one_tag_of_several_that_is_refused_refuses_all(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, TWO, V2)
        await scene.hold(APP, *ONE.blobs)
        push = ManifestPush(
            APP, ONE.digest, ONE.content, ONE.manifest, (V1, V2), terms=Terms(overwrite={V2: OVERWRITE})
        )
        async with scene.unchanged():
            with pytest.raises(Denied):
                await catalog.manifests.put(push, scene.by())

    async def test_a_refused_tag_tells_nothing_of_what_the_repository_holds(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, TWO)
        push = ManifestPush(APP, ONE.digest, ONE.content, ONE.manifest, (V1,), terms=Terms(tag={V1: TAG}))
        with pytest.raises(Denied):
            await catalog.manifests.put(push, scene.by())

    async def test_a_manifest_goes_only_with_tags_that_may_go(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1, V2)
        await scene.push(APP, TWO, Tag("edge"))
        asked: list[Tag] = []

        def untag(tag: Tag) -> RegistryError | None:
            asked.append(tag)
            return UNTAG if tag == V2 else None

        terms = Terms(untag=untag)

        async with scene.unchanged():
            with pytest.raises(Denied) as refused:
                await catalog.manifests.delete(APP, ONE.digest, scene.by(), terms)
        assert refused.value is UNTAG
        assert asked == [V1, V2], "all that point at it, and no other"
        await catalog.manifests.delete(APP, TWO.digest, scene.by(), terms)
        async with scene.unchanged():
            with pytest.raises(Denied):
                await catalog.manifests.untag(APP, V2, scene.by(), terms)
        await catalog.manifests.untag(APP, V2, scene.by())
        await catalog.manifests.delete(APP, ONE.digest, scene.by(), terms)
        assert await scene.findings() == []

    async def test_a_tag_is_set_and_removed_only_if_it_is_what_was_expected(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.hold(APP, *TWO.blobs)

        def push(digest: Digest | None, tag: Tag = V1) -> ManifestPush:
            terms = Terms(expected={tag: digest})
            return ManifestPush(APP, TWO.digest, TWO.content, TWO.manifest, (tag,), terms=terms)

        async with scene.unchanged():
            for wrong in (push(None), push(TWO.digest), push(ONE.digest, V2)):
                with pytest.raises(Stale):
                    await catalog.manifests.put(wrong, scene.by())
            for expected in (None, TWO.digest):
                with pytest.raises(Stale):
                    await catalog.manifests.untag(APP, V1, scene.by(), Terms(expected={V1: expected}))
        await catalog.manifests.put(push(ONE.digest), scene.by())
        with pytest.raises(Stale):
            await catalog.manifests.put(push(ONE.digest), scene.by())
        await catalog.manifests.put(push(TWO.digest), scene.by())
        await catalog.manifests.put(push(None, V2), scene.by())
        await catalog.manifests.untag(APP, V1, scene.by(), Terms(expected={V1: TWO.digest}))
        assert await scene.findings() == []

    async def test_an_index_and_what_it_names_go_only_with_tags_that_may_go(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        both = index("both", [ONE, TWO])
        await scene.push(APP, both, V1)
        await scene.put(APP, ONE, V2)
        for tag, manifest in ((V1, both), (V2, ONE)):
            async with scene.unchanged():
                with pytest.raises(Denied):
                    await catalog.manifests.delete(APP, manifest.digest, scene.by(), Terms(untag={tag: UNTAG}.get))
            await catalog.manifests.delete(APP, manifest.digest, scene.by(), Terms())

    async def test_holders_are_those_of_the_named_that_hold_it(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        both = (LIB, RepositoryName("none"), APP)
        assert await catalog.links.holders(BASE.digest, both) == ()
        await scene.hold(APP, BASE)
        await scene.hold(LIB, BASE, OTHER)
        assert set(await catalog.links.holders(BASE.digest, both)) == {APP, LIB}
        assert await catalog.links.holders(BASE.digest, (APP,)) == (APP,)
        assert await catalog.links.holders(BASE.digest, ()) == ()
        assert await catalog.links.holders(OTHER.digest, both) == (LIB,)
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        assert await catalog.links.holders(BASE.digest, both) == (LIB,)
