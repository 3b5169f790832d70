"""What a person's machine keeps of its logins to registries."""

from typing import Protocol

import msgspec


class Login(msgspec.Struct, frozen=True):
    """A user name, and a password or token. Never shown when printed."""

    username: str
    secret: str

    def __repr__(self) -> str:
        return f"Login({self.username!r}, …)"


class Logins(Protocol):
    """Logins by registry (`host[:port]`). Each method raises UpstreamError where its file cannot be used."""

    def get(self, registry: str) -> Login | None:
        """What is kept for a registry."""
        ...

    def keep(self, registry: str, login: Login) -> None:
        """Keep it, in the place of what there is."""

    def forget(self, registry: str) -> bool:
        """Whether there was one."""
        ...

    def all(self) -> dict[str, str]:
        """The user name of each registry."""
        ...


class DockerConfig(Protocol):
    """The file in which docker, podman and others look for logins."""

    async def keep(self, registry: str, login: Login) -> str:
        """Keep it as `docker login` does; says where. Raises UpstreamError."""
        ...
