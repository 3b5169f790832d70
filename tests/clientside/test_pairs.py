"""Every registry to every other: a copy has the bytes of the original, and a second one has nothing to send."""

import itertools

import pytest

from orlop.adapters.upstream.registry import RemoteRepository
from orlop.domain.names import RepositoryName
from orlop.services.content.copy import CopyRequest, Outcome, copy
from tests import content
from tests.clientside.clients import client, manifest_of, push, read_all
from tests.needs import find

pytestmark = pytest.mark.slow

#: zot cannot be had by `go install`, so it takes part where somebody has built it.
PEERS = ["orlop", "distribution", "distribution_3", *(["zot"] if find("zot") else [])]

IMAGE = content.platform_index()
SBOM = content.artifact("sbom", subject=IMAGE)


async def check_content(repository: RemoteRepository) -> None:
    """All of the image is there as it was made."""
    assert (await repository.resolve("v1")).digest == IMAGE.digest
    assert [entry.digest async for entry in repository.referrers(IMAGE.digest)] == [SBOM.digest]
    assert "v1" in [tag async for tag in repository.tags()]
    for item in (*IMAGE.everything(), SBOM):
        assert await repository.fetch(item.digest) == manifest_of(item.piece)
        for piece in item.blobs:
            assert await repository.stat_blob(piece.digest) == piece.size
            assert await read_all(repository, piece.digest, piece.size) == piece.content


@pytest.mark.parametrize(("here", "there"), list(itertools.product(PEERS, PEERS)))
async def test_a_copy_is_the_original(request: pytest.FixtureRequest, here: str, there: str) -> None:
    source_host, target_host = (request.getfixturevalue(f"{name}_peer") for name in (here, there))
    asked = CopyRequest(reference="v1", tags=("v1",), referrers=True)
    async with client() as registries:
        source = await registries.repository(source_host, RepositoryName("pairs/source"), writing=True)
        await push(source, IMAGE, "v1")
        await push(source, SBOM)
        target = await registries.repository(target_host, RepositoryName(f"pairs/from-{here}"), writing=True)
        first = await copy(source, target, asked)
        assert set(first.manifests) == {item.digest for item in (*IMAGE.everything(), SBOM)}
        assert set(first.manifests.values()) == {Outcome.COPIED}
        await check_content(target)
        second = await copy(source, target, asked)
        assert set(second.manifests.values()) | set(second.blobs.values()) == {Outcome.PRESENT}
        assert second.copied_bytes == 0
