"""The plan of an import, as a document that a person reads and changes before anything is done."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from orlop.domain.errors import RequestInvalid
from orlop.domain.fields import refuse_unknown

#: The version of the document.
VERSION = 1
#: Repositories of one plan: more are several imports.
MAX_REPOSITORIES = 100_000


class System(StrEnum):
    """What is imported from."""

    DISTRIBUTION = "distribution"
    ZOT = "zot"
    REGISTRY = "registry"
    """Any registry that lists its repositories."""


class ImportedFrom(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where everything lies."""

    system: System
    at: Annotated[str, Meta(min_length=1, max_length=2048)]
    """The folder of its storage, or `host:port` of the running server."""


class PlannedRepository(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One repository, and what it is called here."""

    source: Annotated[str, Meta(min_length=1, max_length=1024)] = msgspec.field(name="from")
    target: Annotated[str, Meta(max_length=255)] = msgspec.field(name="to")
    tags: int | None = None
    """How many there were when the plan was made."""
    skip: bool = False
    """It stays where it is."""
    note: str = ""
    """Why it is not called as it was."""


class ImportPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an import does."""

    version: int = msgspec.field(name="orlop_import")
    source: ImportedFrom
    repositories: Annotated[tuple[PlannedRepository, ...], Meta(max_length=MAX_REPOSITORIES)] = ()
    untagged: bool = False
    """Also manifests that no tag leads to."""

    @property
    def wanted(self) -> tuple[PlannedRepository, ...]:
        """The repositories that are brought."""
        return tuple(each for each in self.repositories if not each.skip)


def parse_plan(value: Any) -> ImportPlan:
    """A plan that somebody may have changed. Raises RequestInvalid."""
    if not isinstance(value, dict) or "orlop_import" not in value:
        raise RequestInvalid("this is no plan of an import: it does not begin with orlop_import")
    if value["orlop_import"] != VERSION:
        raise RequestInvalid(f"this plan is of version {str(value['orlop_import'])[:32]}, and only {VERSION} is known")
    refuse_unknown(ImportPlan, value)
    try:
        return msgspec.convert(value, ImportPlan)
    except msgspec.ValidationError as error:
        raise RequestInvalid(f"the plan cannot be used: {error}") from error


def written_plan(plan: ImportPlan) -> dict[str, Any]:
    """A plan as it is written down."""
    found: dict[str, Any] = msgspec.to_builtins(plan)
    return found
