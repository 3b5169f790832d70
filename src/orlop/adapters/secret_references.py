"""Fetches secrets from where documents say that they are kept, as far as they may be kept there."""

import os
import stat
from pathlib import Path

from orlop.domain.errors import Unavailable
from orlop.domain.identity.secret_references import SECRET_MAX, SecretPlaces, SecretReference


class SecretFetcher:
    """`places` says what may be read."""

    def __init__(self, places: SecretPlaces) -> None:
        self._places = places

    def __call__(self, reference: SecretReference) -> str:
        """The secret, read anew each time, so that a new one counts at once. Raises Unavailable when it is not there,
        or not where secrets may be."""
        try:
            self._places.refuse(reference)
        except ValueError as refusal:
            raise Unavailable(str(refusal)) from refusal
        if reference.variable:
            found = os.environ.get(reference.variable, "")
            where = f"the environment variable {reference.variable}"
        elif reference.path:
            found, where = self._file(reference.path), f"the file {reference.path}"
        else:
            return reference.literal
        if not found:
            raise Unavailable(f"{where} holds no secret")
        return found

    def _file(self, path: str) -> str:
        try:
            # A pipe that nobody writes to must not be waited for.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
            try:
                self._refuse_elsewhere(path, descriptor)
                return os.read(descriptor, SECRET_MAX).decode().removesuffix("\n").removesuffix("\r")
            finally:
                os.close(descriptor)
        except (OSError, UnicodeDecodeError) as cause:
            raise Unavailable(f"the file {path} with a secret cannot be read") from cause

    def _refuse_elsewhere(self, path: str, descriptor: int) -> None:
        """Raises Unavailable unless what was opened is a file below the folder: not what a link leads to elsewhere."""
        folder = self._places.folder_of(path)
        assert folder is not None
        opened = Path(f"/proc/self/fd/{descriptor}").readlink()
        if not opened.is_relative_to(Path(folder).resolve()):
            raise Unavailable(f"the file {path} is a link that leads out of {folder}, which is not followed")
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unavailable(f"{path} is no file")
