"""Which entries of the audit log somebody wants, as it is typed."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True)
class Filters:
    """Which entries."""

    since: str = ""
    """Not before: a time such as 2026-11-25 or 2026-11-25T17:00:00Z, or how long ago, such as 2h."""
    until: str = ""
    """Before; written in the same way."""
    actor: str = ""
    """Who did it."""
    kind: str = ""
    """What happened, such as tag.set; an unknown one is answered with the list of all."""
    place: str = ""
    """The repository, or a namespace with everything below it."""
    subject: str = ""
    """To whom or what it happened, such as an account."""
    address: str = ""
    """From which address."""
    refused: Annotated[bool, Parameter(negative="")] = False
    """Only what was refused."""
