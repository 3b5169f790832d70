"""How repositories of elsewhere are called here: as they were, as far as that is a name, and never two by one name."""

import re
from collections.abc import Iterable, Sequence

from orlop.domain.errors import NameInvalid
from orlop.domain.importing.plan import PlannedRepository
from orlop.domain.names import RepositoryName

#: What no component of a name may hold.
_STRANGE = re.compile(r"[^a-z0-9._/-]+", re.ASCII)
#: Separators that do not stand between two letters or digits.
_EDGES = re.compile(r"(?<![a-z0-9])[._-]+|[._-]+(?![a-z0-9._-])", re.ASCII)
#: "separators" of the grammar are `.`, `_`, `__` and dashes: others that meet become one dash.
_RUNS = re.compile(r"\.[._-]+|_{3,}|_\.[._-]*|_-[._-]*|__[.-][._-]*|-+[._][._-]*", re.ASCII)


def planned_names(found: Iterable[tuple[str, int | None]], into: str) -> tuple[PlannedRepository, ...]:
    """What each repository is called below the namespace `into`; empty is the root.

    `found` are names and numbers of tags, None where that is not known. One that is a name here keeps it; another one
    gets the nearest that is free, with a note that says why: names that differ in case alone stay two repositories.
    """
    prefix = f"{into.strip('/')}/" if into.strip("/") else ""
    rows = sorted(found)
    taken = {prefix + name for name, _ in rows if _is_name(prefix + name)}
    planned: list[PlannedRepository] = []
    for name, tags in rows:
        wanted = prefix + name
        if _is_name(wanted):
            planned.append(PlannedRepository(source=name, target=wanted, tags=tags))
            continue
        near = prefix + _nearest(name)
        if not _is_name(near):
            note = "no repository can be called like this: choose a name, and take `skip` away"
            planned.append(PlannedRepository(source=name, target="", tags=tags, skip=True, note=note))
            continue
        target = _free(near, taken)
        taken.add(target)
        why = "is not the name of a repository here"
        if target != near:
            why += f", and {near} is another one's"
        planned.append(PlannedRepository(source=name, target=target, tags=tags, note=f"{name} {why}"))
    return tuple(planned)


def chosen(planned: Sequence[PlannedRepository]) -> str:
    """What is wrong with targets that somebody wrote; empty where they can be used."""
    seen: dict[str, str] = {}
    for each in planned:
        if each.skip:
            continue
        try:
            RepositoryName(each.target)
        except NameInvalid as error:
            return f"{each.source}: {each.target[:160]!r} cannot be its name: {error.message}"
        if each.target in seen:
            return f"{each.source} and {seen[each.target]} would both be {each.target}"
        seen[each.target] = each.source
    return ""


def _is_name(text: str) -> bool:
    try:
        RepositoryName(text)
    except NameInvalid:
        return False
    return True


def _nearest(name: str) -> str:
    text = _STRANGE.sub("-", name.lower())
    text = _RUNS.sub("-", text)
    return "/".join(part for part in _EDGES.sub("", text).split("/") if part)


def _free(near: str, taken: set[str]) -> str:
    number, target = 1, near
    while target in taken:
        number += 1
        target = f"{near}-{number}"
    return target
