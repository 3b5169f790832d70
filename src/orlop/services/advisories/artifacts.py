"""Advisories as artifacts of registries: a manifest whose layers are files, taken if the right key signed it.

Signatures are those of `cosign sign --key` (cosign's specs/SIGNATURE_SPEC.md): an image under the tag
`sha256-HEX.sig`, whose layers are payloads that name the digest, each with its signature as an annotation.
"""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from tempfile import TemporaryFile
from typing import IO

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestUnknown, NameUnknown, RegistryError
from orlop.domain.inside.sources import AdvisoryFeed, ArtifactPlace
from orlop.ports.advisories import Fetched, SignatureCheck, SourceFailed
from orlop.ports.upstream import ContentSource, ManifestContent

#: Layers of an artifact, bytes of all of them, signatures that are looked at, and bytes of a payload.
LAYERS, SIZE, SIGNATURES, PAYLOAD = 256, 4 * 1024 * 1024 * 1024, 64, 64 * 1024
_SIGNATURE = "dev.cosignproject.cosign/signature"

#: Opens the repository that an artifact lies in, for a source whose setting has this identity. Raises RegistryError.
Opener = Callable[[AdvisoryFeed, ArtifactPlace, str], Awaitable[ContentSource]]


class _Layer(msgspec.Struct):
    digest: str
    size: int
    annotations: dict[str, str] = {}


class _Manifest(msgspec.Struct):
    layers: tuple[_Layer, ...] = ()


class _Image(msgspec.Struct, rename={"digest": "docker-manifest-digest"}):
    digest: str


class _Critical(msgspec.Struct):
    image: _Image
    type: str


class _Payload(msgspec.Struct):
    critical: _Critical


class _State(msgspec.Struct):
    """What was taken in: the digest of the manifest, and those of its layers."""

    manifest: str = ""
    layers: tuple[str, ...] = ()


_manifest, _payload = msgspec.json.Decoder(_Manifest), msgspec.json.Decoder(_Payload)


class ArtifactFetcher:
    """See ports.advisories.AdvisoryFetcher. A layer that was taken in is not fetched again, unless the source is
    pruned: then what it has is looked at as a whole."""

    def __init__(self, opener: Opener, check: SignatureCheck, *, size: int = SIZE) -> None:
        self._opener = opener
        self._check = check
        self._size = size

    @asynccontextmanager
    async def fetch(
        self, feed: AdvisoryFeed, identity: str, state: str, told: Callable[[int], None]
    ) -> AsyncIterator[Fetched]:
        """See AdvisoryFetcher."""
        place, known = feed.artifact, _known(state)
        async with AsyncExitStack() as stack:
            try:
                content = await self._opener(feed, place, identity)
                found = await content.fetch(place.reference)
                if feed.key:
                    await self._check_signed(content, found.digest, feed)
                layers = _layers(found, feed.origin)
                now = _State(str(found.digest), tuple(layer.digest for layer in layers))
                there = set() if feed.prune and known.manifest != found.digest else set(known.layers)
                wanted = [layer for layer in layers if layer.digest not in there]
                if sum(layer.size for layer in wanted) > self._size:
                    raise SourceFailed(f"{feed.origin} has more than {self._size >> 20} MiB, which is not taken")
                files: list[IO[bytes]] = []
                came = 0
                for layer in wanted:
                    files.append(stack.enter_context(TemporaryFile()))  # noqa: SIM115 - the stack closes it
                    await _into(content, layer, files[-1], partial(_add, told, came))
                    came += layer.size
            except SourceFailed:
                raise
            except RegistryError as error:
                raise SourceFailed(f"{feed.origin} cannot be fetched: {error.message}") from error
            yield Fetched(tuple(files), msgspec.json.encode(now).decode())

    async def _check_signed(self, content: ContentSource, digest: Digest, feed: AdvisoryFeed) -> None:
        """Raises SourceFailed unless the key of the source signed this digest."""
        tag = f"{digest.replace(':', '-')}.sig"
        try:
            signatures = _layers(await content.fetch(tag), feed.origin)[:SIGNATURES]
        except (ManifestUnknown, NameUnknown) as error:
            raise SourceFailed(f"{feed.origin} is not signed: there is no {tag}") from error
        for layer in signatures:
            if layer.size > PAYLOAD:
                continue
            payload = b""
            async with aclosing(content.read_blob(Digest(layer.digest), layer.size)) as pieces:
                async for piece in pieces:
                    payload += piece
            try:
                signature = base64.b64decode(layer.annotations.get(_SIGNATURE, ""), validate=True)
                said = _payload.decode(payload).critical
            except (binascii.Error, msgspec.DecodeError, RecursionError):
                continue
            if said.image.digest == digest and await asyncio.to_thread(self._check, feed.key, payload, signature):
                return
        raise SourceFailed(f"{feed.origin} is not signed by the key of the source; nothing of it is taken")


async def _into(content: ContentSource, layer: _Layer, file: IO[bytes], told: Callable[[int], None]) -> None:
    came = 0
    async with aclosing(content.read_blob(Digest(layer.digest), layer.size)) as pieces:
        async for piece in pieces:
            came += len(piece)
            await asyncio.to_thread(file.write, piece)
            told(came)
    file.seek(0)


def _add(told: Callable[[int], None], before: int, size: int) -> None:
    told(before + size)


def _layers(found: ManifestContent, origin: str) -> Sequence[_Layer]:
    """Raises SourceFailed, DigestInvalid."""
    try:
        layers = _manifest.decode(found.content).layers
    except (msgspec.DecodeError, RecursionError) as error:
        raise SourceFailed(f"{origin} is no artifact with layers") from error
    if not layers or len(layers) > LAYERS or any(layer.size < 0 for layer in layers):
        raise SourceFailed(f"{origin} is no artifact with 1 to {LAYERS} layers")
    for layer in layers:
        Digest(layer.digest)
    return layers


def _known(state: str) -> _State:
    try:
        return msgspec.json.decode(state, type=_State) if state else _State()
    except msgspec.DecodeError:
        return _State()
