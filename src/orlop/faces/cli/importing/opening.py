"""What imports need of the world, opened only when a command runs: bootstrap says how."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, Protocol

from cyclopts import Parameter

from orlop.domain.importing.plan import ImportedFrom
from orlop.faces.cli.content.stores import Connecting
from orlop.ports.importing import ImportSource, ImportTargets


@Parameter(name="*")
@dataclass(frozen=True)
class OldRegistry:
    """How the old registry is talked to, where it runs."""

    source_plain_http: Annotated[bool, Parameter(negative="")] = False
    """Talk to it over http rather than https, as is always done on this machine."""
    source_insecure: Annotated[bool, Parameter(negative="")] = False
    """Do not check its TLS certificate."""
    source_ca: str = ""
    """PEM file with the authorities to trust for it, rather than those of the machine."""

    @property
    def connecting(self) -> Connecting:
        """As other commands have it."""
        return Connecting(plain_http=self.source_plain_http, insecure=self.source_insecure, ca=self.source_ca)


class Importing(Protocol):
    """Opens both ends of an import until a block ends."""

    def source(self, where: ImportedFrom, old: OldRegistry) -> AbstractAsyncContextManager[ImportSource]:
        """Another registry, running or as its storage lies there."""
        ...

    def targets(self, server: str, connecting: Connecting) -> AbstractAsyncContextManager[ImportTargets]:
        """The registry that everything comes to, as `host:port`."""
        ...
