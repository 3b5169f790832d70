"""Files that hold secrets: replaced whole or not at all, and readable by their owner alone."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from orlop.ports.upstream import UpstreamError

_FILE_MAX = 4 * 1024 * 1024


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is none. Raises UpstreamError."""
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_MAX)
    except FileNotFoundError:
        return {}
    except OSError as cause:
        raise UpstreamError(f"{path} cannot be read: {cause.strerror}") from cause
    if not content.strip():
        return {}
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise UpstreamError(f"{path} is not a file of logins: {cause}") from cause


def write_object(path: Path, value: dict[str, Any]) -> None:
    """Put an object in the place of what is there; a symbolic link stays one. Raises UpstreamError."""
    try:
        target = path.resolve()
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # of mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
            raise
    except OSError as cause:
        raise UpstreamError(f"{path} cannot be written: {cause.strerror}") from cause
