"""What the content commands need of the world, opened only when a command runs: bootstrap says how."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, NamedTuple, Protocol

from cyclopts import Parameter

from orlop.faces.cli.locations import Location
from orlop.ports.upstream import ContentRepository, RepositoryLister


@Parameter(name="*")
@dataclass(frozen=True)
class Connecting:
    """Options of every command that talks to a registry."""

    plain_http: Annotated[bool, Parameter(negative="")] = False
    """Talk to registries over http rather than https, as is always done on this machine."""
    insecure: Annotated[bool, Parameter(negative="")] = False
    """Do not check TLS certificates; on this machine, use TLS at all."""
    ca: str = ""
    """PEM file with the authorities to trust, rather than those of the machine; on this machine, use TLS at all."""
    trust_realm: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    """Host of a token server that may be sent the registry's credentials although it stands elsewhere."""
    name: Annotated[str, Parameter(name="--as")] = ""
    """Be this account, of those that `orlop login` and `docker login` keep for a registry [default: the first]."""


class KnownAs(NamedTuple):
    """Who one is at a registry: a name, empty where an identity token hides it; and what keeps that sign-in."""

    name: str
    kept_by: str


class Registry(RepositoryLister, Protocol):
    """A registry as a whole."""

    async def ping(self) -> None:
        """Raises Unauthorized unless whoever asks is let in at all."""


class ContentStores(Protocol):
    """Opens stores of content until a block ends."""

    def repository(
        self, location: Location, connecting: Connecting, *, writing: bool = False
    ) -> AbstractAsyncContextManager[ContentRepository]:
        """The repository, folder or archive of a location. `writing` makes what is not there.

        An archive that was written is complete when its block ends without an error, and untouched otherwise.
        """
        ...

    def registry(self, name: str, connecting: Connecting) -> AbstractAsyncContextManager[Registry]:
        """A registry as a whole."""
        ...

    async def known_as(self, name: str, connecting: Connecting) -> KnownAs | None:
        """Who one is at a registry; None where nobody is signed in. Asks nobody but this machine."""
        ...
