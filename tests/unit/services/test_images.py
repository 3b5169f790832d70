"""An image of this registry as it is shown: what it is made of, how it stands, its texts, what differs in another."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from orlop.adapters.archives.reader import ProcessArchiveReader
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, ManifestUnknown, RequestInvalid
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.archives import FoundText, Packing, WantedText
from orlop.services.content.differences import Change, ImageDifferences
from orlop.services.content.images import Image, Images
from orlop.services.content.inspection import LISTED
from orlop.services.content.own import OwnContent
from orlop.services.management.operations import Gate
from tests.content import Piece, artifact, blob, image, index, platform_index
from tests.packaged import attested, chart, configured, model
from tests.registry import ALICE, CountedIds, HandClock, Registry, in_memory

APP, V1, V2 = RepositoryName("team/app"), Tag("1"), Tag("2")
STEPS = [{"created_by": "ADD rootfs /"}, {"created_by": "ENV A=1", "empty_layer": True}, {"created_by": "RUN make"}]


class Counting:
    """An archive reader that says how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self._reader = ProcessArchiveReader()

    async def texts(
        self, content: AsyncIterator[bytes], packing: Packing, wanted: tuple[WantedText, ...], asker: str
    ) -> dict[str, FoundText]:
        self.asked += 1
        return await self._reader.texts(content, packing, wanted, asker)


def registry() -> Registry:
    return Registry(in_memory(HandClock()).stores, HandClock(), CountedIds())


def images(registry: Registry, archives: Any = None) -> Images:
    catalog = registry.stores.catalog
    content = OwnContent(
        registry.access, catalog.browse, registry.manifests, registry.referrers, registry.blobs, registry.uploads
    )
    gate = Gate(registry.access, registry.clock)
    reader = archives or ProcessArchiveReader()
    return Images(
        gate, registry.access, content.repository, catalog.holdings, catalog.labels, reader, registry.virtuals
    )


async def shown(registry: Registry, reference: Tag | Digest = V1) -> Image:
    return await images(registry).of(ALICE, APP, reference)


async def compared(registry: Registry, platform: str = "") -> ImageDifferences:
    return await images(registry).differences(ALICE, (APP, V1), (APP, V2), platform)


async def test_an_image_with_what_made_its_layers() -> None:
    here = registry()
    await here.push(APP, configured("app", {"history": STEPS}, ["base", "code"], {"a": "b"}), V1, V2)
    found = await shown(here)
    assert found.inspection.kind is ContentKind.IMAGE
    assert [layer.command for layer in found.inspection.layers] == ["ADD rootfs /", "RUN make"]
    assert found.inspection.annotations == {"a": "b"}
    assert found.standing is not None
    assert (found.standing.tags, found.standing.pushed_by) == ((V1, V2), "alice")
    assert found.labels == {}


async def test_three_hundred_layers() -> None:
    here = registry()
    layers = [f"layer {number}" for number in range(300)]
    steps = [{"created_by": f"RUN {number}"} for number in range(300)]
    await here.push(APP, configured("app", {"history": steps}, layers), V1)
    found = (await shown(here)).inspection
    assert len(found.layers) == 300
    assert found.layers[299].command == "RUN 299"


async def test_an_attestation_belongs_to_its_image() -> None:
    here = registry()
    whole = attested("app")
    await here.push(APP, whole, V1)
    found = (await shown(here)).inspection
    assert [entry.platform for entry in found.platforms if entry.runs] == ["linux/amd64", "linux/arm64"]
    others = [entry for entry in found.platforms if not entry.runs]
    assert [entry.attests for entry in others] == [entry.digest for entry in found.platforms if entry.runs]
    attestation = await shown(here, Digest(others[0].digest))
    assert attestation.inspection.kind is ContentKind.ATTESTATION


async def test_an_index_of_three_hundred() -> None:
    here = registry()
    await here.push(APP, index("all", [image(f"one {number}") for number in range(300)]), V1)
    found = (await shown(here)).inspection
    assert (len(found.platforms), found.truncated) == (LISTED, True)


async def test_of_an_index_of_large_manifests_no_more_is_read_than_fits() -> None:
    here = registry()
    large = [image(f"one {number}", annotations={"a": "x" * 1024 * 1024}) for number in range(12)]
    await here.push(APP, index("all", large), V1)
    found = (await shown(here)).inspection
    assert [entry.read for entry in found.platforms] == [True] * 7 + [False] * 5
    assert [entry.size is None for entry in found.platforms] == [False] * 7 + [True] * 5
    assert (found.unread, found.truncated) == (5, False)


async def test_a_config_that_rots_is_missing_and_the_rest_is_shown() -> None:
    here = registry()
    app = configured("app", {"history": STEPS}, ["base", "code"])
    await here.push(APP, app, V1)
    config = await here.stores.catalog.links.find(APP, app.blobs[0].digest)
    assert config is not None
    await here.stores.remover.remove(config.blob.key)
    for _ in range(2):  # once it is there by name alone, and then it is known not to be
        found = (await shown(here)).inspection
        assert found.config is None
        assert [layer.command for layer in found.layers] == [None, None]
    assert [one.digest for one in found.missing] == [app.blobs[0].digest]


async def test_referrers_are_a_tree() -> None:
    here = registry()
    app, other = image("app"), image("other")
    sbom = artifact("sbom", subject=app, artifact_type="application/spdx+json")
    signature = artifact("signature", subject=sbom, artifact_type="application/vnd.cncf.notary.signature")
    old = image("old", layers=[blob("payload", media_type="application/vnd.dev.cosign.simplesigning.v1+json")])
    for each, tag in ((app, V1), (other, V2), (old, Tag(f"sha256-{app.digest.hex}.sig"))):
        await here.push(APP, each, tag)
    for each in (sbom, signature):
        await here.push(APP, each)
    found = (await shown(here)).inspection.referrers
    assert [(one.digest, one.kind, one.tag) for one in found] == [
        (sbom.digest, ContentKind.SBOM, ""),
        (old.digest, ContentKind.SIGNATURE, f"sha256-{app.digest.hex}.sig"),
    ]
    assert [(one.digest, one.kind) for one in found[0].referrers] == [(signature.digest, ContentKind.SIGNATURE)]
    assert (await shown(here, V2)).inspection.referrers == []


async def test_referrers_are_bounded() -> None:
    here = registry()
    app = image("app")
    await here.push(APP, app, V1)
    for number in range(LISTED + 3):
        await here.push(APP, artifact(f"sbom {number}", subject=app))
    found = (await shown(here)).inspection
    assert (len(found.referrers), found.truncated) == (LISTED, True)
    chain = [image("first")]
    for number in range(8):
        chain.append(artifact(f"link {number}", subject=chain[-1]))
    await here.push(APP, chain[0], V2)
    for each in chain[1:]:
        await here.push(APP, each)
    depth, level = 0, (await shown(here, V2)).inspection.referrers
    while level:
        depth, level = depth + 1, level[0].referrers
    assert depth == 4


async def test_what_is_not_there_is_unknown() -> None:
    here = registry()
    await here.push(APP, image("app"), V1)
    for reference in (V2, image("other").digest):
        with pytest.raises(ManifestUnknown):
            await shown(here, reference)


async def test_what_differs_between_two_images() -> None:
    here = registry()
    run = {"Env": ["A=1", "B=2"], "Cmd": ["serve"], "Labels": {"l": "1"}}
    before = configured("one", {"os": "linux", "config": run}, ["base", "code"], {"a": "1", "same": "x"})
    changed = {"Env": ["A=1", "B=3", "C=4"], "Cmd": ["serve", "-v"], "Labels": {}}
    after = configured("two", {"os": "linux", "config": changed}, ["base", "more", "code 2"], {"same": "x"})
    await here.push(APP, before, V1)
    await here.push(APP, after, V2)
    found = await compared(here)
    assert [layer.digest for layer in found.shared] == [blob("base").digest]
    assert [layer.digest for layer in found.removed] == [blob("code").digest]
    assert [layer.digest for layer in found.added] == [blob("more").digest, blob("code 2").digest]
    assert found.env == [Change("B", "2", "3"), Change("C", None, "4")]
    assert found.config == [Change("cmd", '["serve"]', '["serve","-v"]')]
    assert (found.labels, found.annotations) == ([Change("l", "1", None)], [Change("a", "1", None)])
    assert (found.platform, found.platforms, found.same) == ("", [], False)
    assert (found.size_before, found.size_after) == tuple(
        sum(piece.size for piece in each.blobs) for each in (before, after)
    )


async def test_of_two_indexes_the_images_for_one_platform_differ() -> None:
    here = registry()
    one, other = platform_index("one"), attested("two", ("arm64", "s390x"))
    await here.push(APP, one, V1)
    await here.push(APP, other, V2)
    found = await compared(here)
    assert found.platform == "linux/arm64"
    assert [layer.digest for layer in found.added] == [blob("two-arm64").digest]
    assert [(change.name, change.before is None, change.after is None) for change in found.platforms] == [
        ("linux/amd64", False, True),
        ("linux/arm64", False, False),
        ("linux/s390x", True, False),
    ]
    assert (await compared(here, "linux/arm64")).platform == "linux/arm64"
    with pytest.raises(RequestInvalid):
        await compared(here, "linux/amd64")


async def test_an_index_is_compared_with_an_image_by_its_platform() -> None:
    here = registry()
    await here.push(APP, platform_index("one"), V1)
    await here.push(APP, configured("two", {"os": "linux", "architecture": "arm64"}, ["base"]), V2)
    found = await compared(here)
    assert (found.platform, found.shared[0].digest) == ("linux/arm64", blob("base").digest)


async def test_the_texts_of_a_chart_are_read_once() -> None:
    here, reader = registry(), Counting()
    files = {"values.yaml": "replicas: 1\n", "README.md": "# App\n", "charts/sub/values.yaml": "of: another"}
    await here.push(APP, chart("app", files), V1)
    service = images(here, reader)
    for _ in range(2):
        found = await service.texts(ALICE, APP, V1)
        assert found.values == FoundText("replicas: 1\n")
        assert found.readme == FoundText("# App\n", html="<h3>App</h3>\n")
    assert reader.asked == 1


@pytest.mark.parametrize("packing", [".tar", ".tar+gzip", ".raw"])
async def test_the_card_of_a_model(packing: str) -> None:
    here = registry()
    await here.push(APP, model("llama", "# Card\n", packing=packing), V1)
    found = await images(here).texts(ALICE, APP, V1)
    assert found.readme is not None
    assert (found.readme.text, found.problem) == ("# Card\n", "")
    assert [layer.path for layer in (await shown(here)).inspection.layers] == ["model.safetensors", "README.md"]


async def test_what_nobody_can_read_says_why() -> None:
    here = registry()
    await here.push(APP, model("llama", "# Card\n", packing=".tar+zstd"), V1)
    await here.push(APP, chart("app", content=b"no archive"), V2)
    service = images(here)
    assert "tar+zstd" in (await service.texts(ALICE, APP, V1)).problem
    assert "damaged" in (await service.texts(ALICE, APP, V2)).problem


class Without:
    """The content of a repository that names its blobs and holds none of them."""

    def __init__(self, content: Any) -> None:
        self._content = content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def stat_blob(self, digest: Digest) -> int | None:
        return None

    async def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncIterator[bytes]:
        raise BlobUnknown(f"the blob {digest} is not held here")
        yield b""


async def test_texts_that_were_read_for_one_repository_are_not_told_of_another_that_holds_none() -> None:
    here, reader = registry(), Counting()
    await here.push(APP, chart("app", {"values.yaml": "password: known\n"}), V1)
    shown = images(here, reader)
    assert (await shown.texts(ALICE, APP, V1)).values is not None
    opened = shown._opened
    shown._opened = lambda repository, caller: Without(opened(repository, caller))  # type: ignore[assignment,return-value]
    found = await shown.texts(ALICE, APP, V1)
    assert (found.values, found.readme) == (None, None)
    assert "not held here" in found.problem


async def test_an_image_has_no_texts() -> None:
    here, reader = registry(), Counting()
    await here.push(APP, image("app", layers=[Piece("x", "application/x", b"x")]), V1)
    found = await images(here, reader).texts(ALICE, APP, V1)
    assert (found.values, found.readme, found.problem, reader.asked) == (None, None, "", 0)
