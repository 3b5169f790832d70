"""Text files of the user: read whole with a bound, replaced whole or not at all, and only if nobody changed them."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

import msgspec

from orlop.domain.errors import RegistryError
from orlop.faces.cli.running import UsageError
from orlop.services.references.occurrences import MAX_TEXT, SourceInvalid


class FileRefused(RegistryError):
    """A file cannot be replaced, or must not be."""


class TextFile(msgspec.Struct, frozen=True):
    """A file as it was when it was read."""

    path: Path
    """As it was named."""
    content: bytes
    text: str
    """`content` in UTF-8, a byte order mark and the ends of lines as they are."""


def read_text(path: Path) -> TextFile:
    """The file at `path`, of at most `MAX_TEXT` bytes. Raises UsageError, and SourceInvalid for what is no text."""
    content = _read(path)
    if len(content) > MAX_TEXT:
        raise SourceInvalid(f"larger than {MAX_TEXT // 1024 // 1024} MiB")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceInvalid("UTF-16; only UTF-8 is read")
    try:
        return TextFile(path, content, content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceInvalid(f"not UTF-8: byte 0x{content[error.start]:02x}", line, 0) from error


def _read(path: Path) -> bytes:
    """At most one byte more than is allowed. A pipe or device is refused without waiting for it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageError(f"{path}: not a regular file")
            return file.read(MAX_TEXT + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {_reason(error)}") from error


def replace_text(file: TextFile, text: str) -> None:
    """Put `text` in the place of `file`, which keeps its mode and, where that is allowed, its owner.

    Written beside it, synced and renamed: whoever reads sees the old file or the new one. Raises FileRefused where it
    cannot be written, or is no longer what was read. A symbolic link stays one; what it points to is replaced.
    """
    try:
        target = file.path.resolve(strict=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".tmp", dir=target.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as new:
                before = target.stat()
                with contextlib.suppress(PermissionError):
                    os.fchown(descriptor, before.st_uid, before.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
                new.write(text.encode())
                new.flush()
                os.fsync(descriptor)
            if target.read_bytes() != file.content:
                raise FileRefused(f"{file.path}: changed by somebody else meanwhile; nothing was written")
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(target.parent)
    except OSError as error:
        raise FileRefused(f"{file.path}: {_reason(error)}; nothing was written") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError | ValueError) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
