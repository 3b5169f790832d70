"""Advisories as artifacts: what is fetched of them, and who has to have signed them."""

import json
from pathlib import Path
from typing import Any

import pytest

from orlop.adapters.signatures.keys import is_signed
from orlop.domain.digest import digest_of
from orlop.domain.inside.sources import AdvisoryFeed
from orlop.ports.advisories import SourceFailed
from orlop.services.advisories.artifacts import LAYERS, PAYLOAD, SIGNATURES, ArtifactFetcher
from tests.unit.advisories.artifacts import Artifacts, Key, payload

_OSV, _KEV = {"osv.json": b"first"}, {"kev.json": b"second"}


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "layout")


async def _fetched(artifacts: Artifacts, state: str = "", **feed: Any) -> tuple[list[bytes], str]:
    fetcher = ArtifactFetcher(artifacts.opened, is_signed, size=1 << 20)
    made = AdvisoryFeed(url="oci:advisories/osv:latest", **feed)
    async with fetcher.fetch(made, "osv", state, lambda _: None) as found:
        return [file.read() for file in found.files], found.state


async def test_a_layer_that_was_taken_in_is_not_fetched_again(artifacts: Artifacts) -> None:
    await artifacts.publish(_OSV)
    files, state = await _fetched(artifacts)
    assert files == [b"first"]
    assert await _fetched(artifacts, state) == ([], state)
    await artifacts.publish(_OSV | _KEV)
    digest = digest_of(b"first")
    (artifacts.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")).unlink()
    files, again = await _fetched(artifacts, state)
    assert files == [b"second"], "what is known is not even there any more"
    assert await _fetched(artifacts, again) == ([], again)
    await artifacts.publish(_OSV)
    assert (await _fetched(artifacts, "no state of an artifact"))[0] == [b"first"]


async def test_a_source_that_is_pruned_is_fetched_as_a_whole(artifacts: Artifacts) -> None:
    await artifacts.publish(_OSV)
    _, state = await _fetched(artifacts, prune=True)
    assert await _fetched(artifacts, state, prune=True) == ([], state)
    await artifacts.publish(_OSV | _KEV)
    assert sorted((await _fetched(artifacts, state, prune=True))[0]) == [b"first", b"second"]


async def test_the_same_files_are_the_same_artifact(artifacts: Artifacts, tmp_path: Path) -> None:
    other = Artifacts(tmp_path / "other")
    assert await artifacts.publish(_OSV | _KEV) == await other.publish(_KEV | _OSV)


@pytest.mark.parametrize("kind", ["ecdsa", "ed25519", "rsa"])
async def test_what_the_key_signed_is_taken(artifacts: Artifacts, kind: str) -> None:
    key, digest = Key(kind), await artifacts.publish(_OSV)
    signed, other = payload(digest), Key()
    await artifacts.sign(digest, (signed + b" ", other.sign(signed + b" ")), (signed, key.sign(signed)))
    assert (await _fetched(artifacts, key=key.public))[0] == [b"first"]


async def test_what_is_not_signed_is_refused(artifacts: Artifacts) -> None:
    digest = await artifacts.publish(_OSV)
    with pytest.raises(SourceFailed, match=f"is not signed: there is no sha256-{digest[7:]}.sig"):
        await _fetched(artifacts, key=Key().public)


async def test_what_is_signed_wrongly_is_refused(artifacts: Artifacts) -> None:
    key, other, digest = Key(), Key(), await artifacts.publish(_OSV)
    signed, elsewhere = payload(digest), payload(digest_of(b"another artifact"))
    no_digest = json.dumps({"critical": {"type": "x"}}).encode()
    deep = b"[" * 30_000
    huge = signed + b" " * PAYLOAD
    for wrong in (
        (signed, other.sign(signed)),
        (elsewhere, key.sign(elsewhere)),
        (signed, key.sign(elsewhere)),
        (signed, "not base64!"),
        (signed, ""),
        (no_digest, key.sign(no_digest)),
        (deep, key.sign(deep)),
        (huge, key.sign(huge)),
    ):
        await artifacts.sign(digest, wrong)
        with pytest.raises(SourceFailed, match="is not signed by the key of the source; nothing of it is taken"):
            await _fetched(artifacts, key=key.public)


async def test_a_signature_that_is_there_for_another_state_is_refused(artifacts: Artifacts) -> None:
    key, digest = Key(), await artifacts.publish(_OSV)
    await artifacts.sign(digest, (payload(digest), key.sign(payload(digest))))
    _, state = await _fetched(artifacts, key=key.public)
    await artifacts.publish(_OSV | _KEV)
    with pytest.raises(SourceFailed, match="is not signed: there is no"):
        await _fetched(artifacts, state, key=key.public)


@pytest.mark.parametrize("kind", ["rsa-small", "nonsense", "private"])
async def test_what_is_no_key_for_signatures_signed_nothing(artifacts: Artifacts, kind: str) -> None:
    digest = await artifacts.publish(_OSV)
    small, signed = Key("rsa-small"), payload(digest)
    await artifacts.sign(digest, (signed, small.sign(signed)))
    key = {"rsa-small": small.public, "nonsense": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}
    with pytest.raises(SourceFailed, match="is not signed by the key"):
        await _fetched(artifacts, key=key.get(kind, "-----BEGIN PRIVATE KEY-----\n"))


async def test_signatures_are_looked_at_up_to_a_bound(artifacts: Artifacts) -> None:
    key, digest = Key(), await artifacts.publish(_OSV)
    signed = payload(digest)
    others = [(signed, "AAAA")] * SIGNATURES
    await artifacts.sign(digest, *others, (signed, key.sign(signed)))
    with pytest.raises(SourceFailed, match="is not signed by the key"):
        await _fetched(artifacts, key=key.public)
    await artifacts.sign(digest, *others[1:], (signed, key.sign(signed)))
    assert (await _fetched(artifacts, key=key.public))[0] == [b"first"]


async def test_what_is_no_artifact_of_files_is_refused(artifacts: Artifacts) -> None:
    def layer(size: int, digest: str = str(digest_of(b"x"))) -> dict[str, Any]:
        return {"mediaType": "application/octet-stream", "digest": digest, "size": size}

    for layers, why in (
        ([], "is no artifact with 1 to"),
        ([layer(1)] * (LAYERS + 1), "is no artifact with 1 to"),
        ([layer(-1)], "cannot be fetched: layers.0..size is not"),
        ([layer(2 << 20)], "has more than 1 MiB, which is not taken"),
        ([layer(1)], "cannot be fetched: blob"),
        ([layer(1, "sha256:nothing")], "cannot be fetched"),
    ):
        artifacts.write(layers)
        with pytest.raises(SourceFailed, match=why):
            await _fetched(artifacts)


async def test_a_layer_of_another_size_or_content_is_refused(artifacts: Artifacts) -> None:
    await artifacts.publish(_OSV)
    blob = artifacts.folder / "blobs" / "sha256" / digest_of(b"first").removeprefix("sha256:")
    for content in (b"first and more", b"fir", b"FIRST"):
        blob.write_bytes(content)
        with pytest.raises(SourceFailed, match="cannot be fetched"):
            await _fetched(artifacts)
