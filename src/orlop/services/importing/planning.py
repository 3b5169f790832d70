"""Makes the plan of an import: what there is, and what it will be called. Writes nothing anywhere."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from orlop.domain.importing.naming import planned_names
from orlop.domain.importing.plan import VERSION, ImportedFrom, ImportPlan
from orlop.ports.importing import ImportSource


async def make_plan(
    source: ImportSource, where: ImportedFrom, into: str, only: Sequence[str] = (), *, untagged: bool = False
) -> ImportPlan:
    """A plan for all repositories, or for those that a pattern of `only` names (as `fnmatch`: `*` also matches `/`)."""
    found = [
        (each.name, each.tags)
        async for each in source.repositories()
        if not only or any(fnmatchcase(each.name, pattern) for pattern in only)
    ]
    return ImportPlan(version=VERSION, source=where, repositories=planned_names(found, into), untagged=untagged)
