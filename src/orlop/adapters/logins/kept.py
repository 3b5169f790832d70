"""Logins in a file of Orlop's own, for `docker-credential-orlop`."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from orlop.adapters.logins.files import read_object, write_object
from orlop.ports.logins import Login
from orlop.ports.upstream import UpstreamError

_FIELD = "registries"


class KeptLogins:
    """See ports.logins.Logins. Processes that write at the same time may undo each other, but break nothing."""

    def __init__(self, environment: Mapping[str, str], home: Path) -> None:
        self._path = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "orlop" / "logins.json"

    def get(self, registry: str) -> Login | None:
        return self._read().get(registry)

    def keep(self, registry: str, login: Login) -> None:
        self._write(self._read() | {registry: login})

    def forget(self, registry: str) -> bool:
        logins = self._read()
        if registry not in logins:
            return False
        del logins[registry]
        self._write(logins)
        return True

    def all(self) -> dict[str, str]:
        return {registry: login.username for registry, login in self._read().items()}

    def _read(self) -> dict[str, Login]:
        try:
            return msgspec.convert(read_object(self._path).get(_FIELD, {}), dict[str, Login])
        except msgspec.ValidationError as cause:
            raise UpstreamError(f"{self._path} is not a file of logins: {cause}") from cause

    def _write(self, logins: dict[str, Login]) -> None:
        write_object(self._path, {_FIELD: msgspec.to_builtins(logins)})
