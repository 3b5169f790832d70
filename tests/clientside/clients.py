"""Clients as tests use them: impatient, without proxies, with credential files of their own; and content to push."""

import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from orlop.adapters.management.saved import CredentialFile
from orlop.adapters.upstream.client import ClientOptions, RegistryClient, open_client
from orlop.adapters.upstream.credentials import CredentialFiles, CredentialSource
from orlop.adapters.upstream.patience import Patience, Surroundings
from orlop.adapters.upstream.sign_ins import SignIns
from orlop.domain.digest import Digest
from orlop.ports.upstream import BlobOpener, ContentRepository, ManifestContent
from tests.content import Piece, Pushable

IMPATIENT = Patience(attempts=4, first_delay=0.001, longest_delay=0.01, connect_timeout=5, read_timeout=5)


class Waits:
    """Sleeps not at all, and notes how long it was asked to."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Note."""
        self.seconds.append(seconds)


@asynccontextmanager
async def client(
    *,
    environment: dict[str, str] | None = None,
    waits: Waits | None = None,
    trusted_realms: Iterable[str] = (),
    patience: Patience = IMPATIENT,
    home: Path = Path("/nonexistent"),
    proxy: str | None = None,
    verify_tls: bool = True,
    signed_in: bool = False,
    notes: list[str] | None = None,
) -> AsyncGenerator[RegistryClient, None]:
    """A client until the block ends; `signed_in`: also with what `orlop login` keeps; `notes` gets what it tells."""
    tell = ([] if notes is None else notes).append
    surroundings = Surroundings(time.monotonic, time.time, (waits or Waits()).sleep, lambda: 0.5, tell)
    options = ClientOptions(patience=patience, trusted_realms=frozenset(trusted_realms), verify_tls=verify_tls)
    files = CredentialFiles(environment or {}, home)
    credentials: CredentialSource = files
    if signed_in:
        saved = CredentialFile(environment or {}, home)
        credentials = SignIns(saved, files, lambda name: str(options.base_url(name).origin()), ambient="oidc")
    async with open_client(options, credentials, surroundings, lambda scheme, host: proxy) as opened:
        yield opened


def opener(content: bytes) -> BlobOpener:
    """Opens bytes in memory, in pieces of 64 KiB."""

    async def read(offset: int) -> AsyncGenerator[bytes, None]:
        for start in range(offset, len(content), 65_536):
            yield content[start : start + 65_536]

    return read


async def push(repository: ContentRepository, what: Pushable, *tags: str) -> None:
    """Push an image with everything under it."""
    for item in what.everything():
        for piece in item.blobs:
            await repository.push_blob(piece.digest, piece.size, opener(piece.content))
        await repository.put_manifest(manifest_of(item.piece), tags if item is what else ())


def manifest_of(piece: Piece) -> ManifestContent:
    """A piece of test content as a manifest."""
    return ManifestContent(piece.digest, piece.media_type, piece.content)


async def read_all(repository: ContentRepository, digest: Digest, size: int, offset: int = 0) -> bytes:
    """A blob from an offset on."""
    async with aclosing(repository.read_blob(digest, size, offset)) as pieces:
        return b"".join([piece async for piece in pieces])
