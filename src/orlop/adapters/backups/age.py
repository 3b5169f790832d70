"""Streams encrypted and decrypted in the format of age (age-encryption.org/v1), by the library pyrage.

The library reads and writes files, so it works in a thread, which asks the event loop for each piece.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeAlias

import pyrage

from orlop.config.errors import ConfigurationInvalid
from orlop.domain.errors import ContentCorrupt, Denied

#: The library says no types: `pyrage.x25519.Recipient` and `Identity`.
Recipient: TypeAlias = Any
Identity: TypeAlias = Any

#: Bytes that one call of the library is given, and that a piece of what comes out has.
_PIECE = 1 << 20
#: What it costs in bytes: a header of some 200 for one recipient, with a stanza of random length that nobody reads; a
#: nonce of 16, and a tag of 16 for each 64 KiB.
_CHUNK, _TAG, _NONCE = 64 * 1024, 16, 16
_HEADER = range(100, 1_200)
_FOR_EACH = 200


def parse_recipient(text: str) -> Recipient:
    """Raises ConfigurationInvalid."""
    try:
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError as cause:
        raise ConfigurationInvalid(f"{text[:80]!r} is no recipient of age: these begin with age1") from cause


def parse_identities(text: str) -> tuple[Identity, ...]:
    """Identities as `age-keygen` writes them, with lines of comments. Raises ConfigurationInvalid."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        found = tuple(pyrage.x25519.Identity.from_str(line) for line in lines)
    except pyrage.IdentityError as cause:
        raise ConfigurationInvalid(
            "this is no identity of age: these are lines that begin with AGE-SECRET-KEY-1, as age-keygen writes them"
        ) from cause
    if not found:
        raise ConfigurationInvalid("there is no identity of age: these are lines that begin with AGE-SECRET-KEY-1")
    return found


def new_identity() -> Identity:
    """A new one."""
    return pyrage.x25519.Identity.generate()


def locked(identity: Identity, passphrase: str) -> bytes:
    """An identity, encrypted with a passphrase (scrypt)."""
    content: bytes = pyrage.passphrase.encrypt(f"{identity}\n".encode(), passphrase)
    return content


def unlocked(content: bytes, passphrase: str) -> Identity:
    """What `locked` made. Raises Denied for another passphrase, ContentCorrupt."""
    try:
        text = pyrage.passphrase.decrypt(content, passphrase)
    except pyrage.DecryptError as cause:
        raise Denied("this is not the passphrase of these backups") from cause
    try:
        return pyrage.x25519.Identity.from_str(text.decode("ascii", "replace").strip())
    except pyrage.IdentityError as cause:
        raise ContentCorrupt("what the passphrase opens is no identity of age") from cause


def fits(stored: int, plain: int, recipients: int) -> bool:
    """Whether so many bytes can be `plain` ones, encrypted: the exact number is random."""
    payload = plain + _NONCE + _TAG * max(1, -(-plain // _CHUNK))
    return _HEADER.start <= stored - payload < _HEADER.stop + _FOR_EACH * recipients


def most(plain: int, recipients: int) -> int:
    """How many bytes it takes at most."""
    return plain + _NONCE + _TAG * max(1, -(-plain // _CHUNK)) + _HEADER.stop + _FOR_EACH * recipients


def roughly(stored: int) -> int:
    """About how many bytes are in there; never less than none."""
    body = max(0, stored - _NONCE - 200)
    return max(0, body - _TAG * -(-body // (_CHUNK + _TAG)))


async def encrypted(pieces: AsyncIterable[bytes], recipients: Sequence[Recipient]) -> AsyncGenerator[bytes, None]:
    """A stream, for all of these to read. Raises what `pieces` raises."""
    async for piece in _through(pieces, lambda source, drain: pyrage.encrypt_io(source, drain, list(recipients))):
        yield piece


async def decrypted(
    pieces: AsyncIterable[bytes], identities: Sequence[Identity], what: str, *, ours: bool
) -> AsyncGenerator[bytes, None]:
    """What was encrypted for one of these; what has come by then is right, also where it raises.

    `ours`: it was encrypted for one of these, so what they do not open was changed. Raises Denied where it was
    encrypted for others, ContentCorrupt, and what `pieces` raises.
    """
    try:
        async for piece in _through(pieces, lambda source, drain: pyrage.decrypt_io(source, drain, list(identities))):
            yield piece
    except (pyrage.DecryptError, OSError) as cause:  # the latter where a piece behind the header is wrong
        if "matching keys" in str(cause) and not ours:
            raise Denied(f"{what} is encrypted for somebody else") from cause
        raise ContentCorrupt(f"{what} cannot be decrypted: its bytes are not those that were written") from cause


async def _through(
    pieces: AsyncIterable[bytes], work: Callable[["_Source", "_Drain"], None]
) -> AsyncGenerator[bytes, None]:
    loop, outbox = asyncio.get_running_loop(), asyncio.Queue[bytes | None](maxsize=2)
    turn = _Turn(loop)
    source, drain = _Source(turn, pieces), _Drain(turn, outbox)

    def run() -> None:
        try:
            work(source, drain)
            drain.flush()
        except BaseException:
            if source.failure is not None:
                raise source.failure from None
            raise
        finally:
            # Whoever reads hears that it is over; where nobody does any more, there is room or no loop to ask.
            with suppress(asyncio.CancelledError, RuntimeError):
                turn.ask(outbox.put(None))

    thread = loop.run_in_executor(None, run)
    try:
        while (piece := await outbox.get()) is not None:
            yield piece
        await thread
    finally:
        turn.end()
        while not thread.done():
            while not outbox.empty():
                outbox.get_nowait()
            await asyncio.wait([thread], timeout=0.05)
        if not thread.cancelled():
            thread.exception()


class _Turn:
    """What a thread asks of the event loop, one thing at a time; `end` breaks it off."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asked: Future[Any] | None = None
        self._ended = False

    def ask(self, what: Any) -> Any:
        """In the thread. Raises CancelledError once it has ended."""
        if self._ended:
            what.close()
            raise asyncio.CancelledError
        self._asked = asyncio.run_coroutine_threadsafe(what, self._loop)
        if self._ended:
            self._asked.cancel()
        return self._asked.result()

    def end(self) -> None:
        """In the loop."""
        self._ended = True
        if self._asked is not None:
            self._asked.cancel()


class _Source:
    """A file that is read, for the library."""

    def __init__(self, turn: _Turn, pieces: AsyncIterable[bytes]) -> None:
        self._turn = turn
        self._pieces = aiter(pieces)
        self._left = b""
        self.failure: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        while not self._left:
            try:
                self._left = self._turn.ask(self._next())
            except _Over:
                return b""
            except BaseException as failure:
                self.failure = failure
                raise
        if size < 0:
            size = len(self._left)
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    async def _next(self) -> bytes:
        async for piece in self._pieces:
            if piece:
                return piece
        raise _Over


class _Over(Exception):
    """There is no more."""


class _Drain:
    """A file that is written, by the library."""

    def __init__(self, turn: _Turn, outbox: "asyncio.Queue[bytes | None]") -> None:
        self._turn = turn
        self._outbox = outbox
        self._gathered = bytearray()

    def write(self, content: bytes) -> int:
        self._gathered += content
        if len(self._gathered) >= _PIECE:
            self.flush()
        return len(content)

    def flush(self) -> None:
        if self._gathered:
            piece, self._gathered = bytes(self._gathered), bytearray()
            self._turn.ask(self._outbox.put(piece))
