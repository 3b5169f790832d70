"""Real registries as upstreams of a server."""

import pytest

from orlop.domain.errors import ManifestUnknown
from orlop.domain.names import RepositoryName
from tests import content
from tests.clientside.clients import client, push
from tests.needs import find
from tests.remotes.scene import pooling

SOURCE = RepositoryName("upstream/app")


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("distribution", marks=pytest.mark.slow),
        pytest.param("distribution_3", marks=pytest.mark.slow),
        # It cannot be had by `go install`, so it takes part where somebody has built it.
        *([pytest.param("zot", marks=pytest.mark.slow)] if find("zot") else []),
        "orlop",
    ],
)
async def test_an_image_with_its_referrers_is_read_through_the_pool(kind: str, request: pytest.FixtureRequest) -> None:
    host: str = request.getfixturevalue(f"{kind}_peer")
    image = content.image("shown", layers=["base", "code"])
    signature = content.artifact("signature", subject=image)
    async with client() as registries:
        repository = await registries.repository(host, SOURCE)
        await push(repository, image, "v1")
        await push(repository, signature)
    async with pooling() as hands:
        remote = await hands.at(f"http://{host}", SOURCE)
        assert (await remote.resolve("v1")).digest == image.digest
        assert (await remote.fetch(image.digest)).content == image.piece.content
        for piece in image.blobs:
            assert await remote.stat_blob(piece.digest) == piece.size
            assert b"".join([part async for part in remote.read_blob(piece.digest, piece.size)]) == piece.content
            assert b"".join([part async for part in remote.read_blob(piece.digest, piece.size, 1)]) == piece.content[1:]
        assert [each.digest async for each in remote.referrers(image.digest)] == [signature.digest]
        assert "v1" in [tag async for tag in remote.tags()]
        with pytest.raises(ManifestUnknown):
            await remote.resolve("absent")
    assert hands.watch.failures == []
