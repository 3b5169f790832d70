"""What the content commands need of the world, opened only when a command runs: bootstrap says how."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, Protocol

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
    trust_realm: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    """Host of a token server that may be sent the registry's credentials although it stands elsewhere."""


class ContentStores(Protocol):
    """Opens stores of content until a block ends."""

    def repository(
        self, location: Location, connecting: Connecting, *, writing: bool = False
    ) -> AbstractAsyncContextManager[ContentRepository]:
        """The repository, folder or archive of a location. `writing` makes what is not there.

        An archive that was written is complete when its block ends without an error, and untouched otherwise.
        """
        ...

    def registry(self, name: str, connecting: Connecting) -> AbstractAsyncContextManager[RepositoryLister]:
        """A registry as a whole."""
        ...
