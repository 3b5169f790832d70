"""Backups that nobody reads without a key: every file of a place is encrypted on its way there, by age.

backups/sealed.json       for whom, in clear
backups/identity.age      with a passphrase: the key that opens everything else, encrypted with it
<key>.age                 whatever lies there otherwise; `age -d -i key.txt FILE` opens it without Orlop
"""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import msgspec

from orlop.adapters.backups import age
from orlop.adapters.backups.marked import MARKER, SizedTarget
from orlop.domain.backup import BACKUPS, Sealing, name_of
from orlop.domain.errors import ContentCorrupt, Denied, NotFound
from orlop.ports.backup import BackupTarget, StoredKey

_IDENTITY, _SUFFIX = f"{BACKUPS}identity.age", ".age"
#: Of the marker or the identity, in bytes.
_SMALL = 64 * 1024


class _Marker(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    recipients: tuple[str, ...]
    passphrase: bool = False


async def sealed(target: SizedTarget, sealing: Sealing, *, writing: bool) -> BackupTarget:
    """The place as `sealing` says: as it is where nothing is encrypted, and nothing is to be.

    Raises Denied where the keys do not open what lies there, or not all of it would be encrypted for the same;
    ConfigurationInvalid, ContentCorrupt, Unavailable.
    """
    marker = await _marker(target)
    if marker is None:
        if not (writing and sealing.seals):
            return target
        async for stored in target.keys(BACKUPS):
            if name_of(stored.key) is not None:
                raise Denied("the backups there are not encrypted: name another place for those that are")
        return _begun(target, sealing)
    if marker.passphrase and sealing.passphrase:
        opened = age.unlocked(await _small(target, _IDENTITY), sealing.passphrase)
        if marker.recipients != (str(opened.to_public()),):
            raise ContentCorrupt(f"{MARKER} names somebody whom the passphrase does not open")
        return SealedTarget(target, (opened.to_public(),), (opened,))
    identities = age.parse_identities(sealing.identity) if sealing.identity else ()
    wanted = tuple(sorted({str(age.parse_recipient(text)) for text in sealing.recipients})) if writing else ()
    if wanted and wanted != tuple(sorted(marker.recipients)):
        raise Denied(f"the backups there are encrypted for {_words(marker)}: name the same, or another place")
    # What is written is never for somebody whom the file alone names: whoever can write there could add himself.
    own = {str(identity.to_public()) for identity in identities}
    if wanted or own.issuperset(marker.recipients) or (own and not writing):
        return SealedTarget(target, tuple(map(age.parse_recipient, marker.recipients)), identities)
    how = f"for {_words(marker)}: name --identity FILE"
    if marker.passphrase:
        how = "with a passphrase: name --passphrase-file FILE"
    elif writing:
        how = f"for {_words(marker)}: name them with --encrypt-to"
    raise Denied(f"the backups there are encrypted {how}")


def _begun(target: SizedTarget, sealing: Sealing) -> "SealedTarget":
    """A place that has no backup yet."""
    if sealing.recipients:
        recipients = sorted({str(age.parse_recipient(text)) for text in sealing.recipients})
        marker = _Marker(format=1, recipients=tuple(recipients))
        identities = age.parse_identities(sealing.identity) if sealing.identity else ()
        return SealedTarget(target, tuple(map(age.parse_recipient, recipients)), identities, first=marker)
    identity = age.new_identity()
    public = identity.to_public()
    marker = _Marker(format=1, recipients=(str(public),), passphrase=True)
    return SealedTarget(target, (public,), (identity,), first=marker, lock=age.locked(identity, sealing.passphrase))


class SealedTarget:
    """See ports.backup.BackupTarget."""

    def __init__(
        self,
        target: SizedTarget,
        recipients: Sequence[age.Recipient],
        identities: Sequence[age.Identity],
        *,
        first: _Marker | None = None,
        lock: bytes = b"",
    ) -> None:
        """`first` is written before anything else, with the identity that a passphrase locks."""
        self._target = target
        self._recipients = recipients
        self._identities = identities
        self._first = first
        self._lock = lock
        public = {str(one) for one in recipients}
        self._ours = any(str(identity.to_public()) in public for identity in identities)

    async def write(self, key: str, pieces: AsyncIterable[bytes], size: int) -> None:
        """See BackupTarget."""
        async with aclosing(age.encrypted(pieces, self._recipients)) as content:
            await self._target.write(f"{key}{_SUFFIX}", content, age.most(size, len(self._recipients)))

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        """See BackupTarget. Raises Denied without an identity that opens it."""
        if not self._identities:
            raise Denied("the backups there are encrypted: name --identity FILE to read them")
        async with aclosing(self._target.read(f"{key}{_SUFFIX}")) as pieces:
            async for piece in age.decrypted(pieces, self._identities, key, ours=self._ours):
                yield piece

    async def present(self, keys: Sequence[StoredKey]) -> frozenset[str]:
        """See BackupTarget. Sizes are compared as far as they tell: encrypted, some hundred bytes are random."""
        sizes = await self._target.sizes([f"{one.key}{_SUFFIX}" for one in keys])
        return frozenset(
            one.key
            for one in keys
            if (there := sizes.get(f"{one.key}{_SUFFIX}")) is not None
            and age.fits(there, one.size, len(self._recipients))
        )

    async def keys(self, under: str) -> AsyncIterator[StoredKey]:
        """See BackupTarget. Sizes are about those of what is in there."""
        async for stored in self._target.keys(under):
            if stored.key.endswith(_SUFFIX) and stored.key != _IDENTITY:
                yield StoredKey(stored.key.removesuffix(_SUFFIX), age.roughly(stored.size))

    async def settle(self) -> None:
        """See BackupTarget."""
        await self._target.settle()

    async def remove(self, key: str) -> None:
        """See BackupTarget."""
        await self._target.remove(f"{key}{_SUFFIX}")

    @asynccontextmanager
    async def occupied(self) -> AsyncIterator[None]:
        """See BackupTarget. Raises Conflict, too, where somebody else began to encrypt there meanwhile."""
        async with self._target.occupied():
            if self._first is not None:
                await self._mark(self._first)
            yield

    async def _mark(self, marker: _Marker) -> None:
        there = await _marker(self._target)
        if there is None:
            # First what opens everything: a marker alone would say that there is such a thing.
            if self._lock:
                await self._target.write(_IDENTITY, _once(self._lock), len(self._lock))
                await self._target.settle()
            content = msgspec.json.format(msgspec.json.encode(marker)) + b"\n"
            await self._target.write(MARKER, _once(content), len(content))
            await self._target.settle()
        elif there != marker:
            raise Denied("somebody else has begun to encrypt backups there meanwhile: run this again")
        self._first = None


async def _marker(target: BackupTarget) -> _Marker | None:
    try:
        content = await _small(target, MARKER)
    except NotFound:
        return None
    try:
        found = msgspec.json.decode(content, type=_Marker)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise ContentCorrupt(f"{MARKER} cannot be read: {cause}") from cause
    if found.format != 1:
        raise ContentCorrupt(f"{MARKER} has format {found.format}, and this program knows 1")
    return found


async def _small(target: BackupTarget, key: str) -> bytes:
    content = b""
    async with aclosing(target.read(key)) as pieces:
        async for piece in pieces:
            content += piece
            if len(content) > _SMALL:
                raise ContentCorrupt(f"{key} has more than {_SMALL} bytes")
    return content


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


def _words(marker: _Marker) -> str:
    return " and ".join(marker.recipients)
