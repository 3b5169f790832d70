"""Sign-ins in a file that nobody but its owner can read: `orlop/credentials.json` in the folder for configuration."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from orlop.ports.management import SavedSignIn
from orlop.ports.upstream import UpstreamError

_LIMIT = 1024 * 1024


class _File(msgspec.Struct):
    sign_ins: list[SavedSignIn] = []
    """The one that was saved last is the last."""


class CredentialFile:
    """See ports.management.SavedSignIns."""

    def __init__(self, environment: Mapping[str, str], home: Path) -> None:
        self._path = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "orlop" / "credentials.json"

    def find(self, server: str) -> SavedSignIn | None:
        kept = self._read().sign_ins
        return next((saved for saved in reversed(kept) if not server or saved.server == server), None)

    def save(self, saved: SavedSignIn) -> None:
        others = [one for one in self._read().sign_ins if one.server != saved.server]
        self._write(_File([*others, saved]))

    def forget(self, server: str) -> None:
        self._write(_File([one for one in self._read().sign_ins if one.server != server]))

    def _read(self) -> _File:
        try:
            with self._path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & 0o077:
                    raise UpstreamError(f"{self._path} can be read by others; run chmod 600 on it, or sign in anew")
                return msgspec.json.decode(file.read(_LIMIT), type=_File)
        except FileNotFoundError:
            return _File()
        except OSError as cause:
            raise UpstreamError(f"{self._path} cannot be read: {cause.strerror}") from cause
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
            raise UpstreamError(f"{self._path} is not a file of sign-ins; remove it and sign in anew") from cause

    def _write(self, file: _File) -> None:
        """Whole or not at all, and never readable by others."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, temporary = tempfile.mkstemp(dir=self._path.parent)  # made for its owner alone (0600)
            try:
                with os.fdopen(handle, "wb") as output:
                    output.write(msgspec.json.format(msgspec.json.encode(file), indent=2))
                Path(temporary).replace(self._path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as cause:
            raise UpstreamError(f"{self._path} cannot be written: {cause.strerror}") from cause
