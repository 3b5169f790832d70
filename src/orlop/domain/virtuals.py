"""Virtual repositories as settings: a namespace that shows what lies in others, and where a push to it goes."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.names import REPOSITORY_MAX, RepositoryName, is_repository_name
from orlop.domain.settings import SettingKind, nobody, place_words

Text = Annotated[str, Meta(min_length=1, max_length=REPOSITORY_MAX + 1)]


class MemberOrder(StrEnum):
    """Which members are asked first."""

    LOCAL_FIRST = "local-first"
    """The registry's own namespaces, then those that show another registry."""
    AS_LISTED = "as-listed"


class Virtual(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A namespace that shows the repositories of others under its own name."""

    members: Annotated[
        Annotated[tuple[Text, ...], Meta(min_length=1, max_length=32)],
        Meta(description="The namespaces that it shows, such as `team/`, in the order in which they are asked."),
    ]
    push_to: Annotated[
        str,
        Meta(
            max_length=REPOSITORY_MAX + 1,
            description="The member that what is pushed to it goes to. Empty: it takes no pushes.",
        ),
    ] = ""
    order: Annotated[
        MemberOrder,
        Meta(
            description="`local-first`: those that show another registry are asked last; `as-listed`: where they stand."
            " [local-first]"
        ),
    ] = MemberOrder.LOCAL_FIRST

    def __post_init__(self) -> None:
        for member in self.members:
            if not is_repository_name(_path(member)):
                raise ValueError(f"members: {member[:160]!r} is no namespace; write team/ or team/backend/")
        paths = self.paths
        if len(set(paths)) != len(paths):
            raise ValueError("members: each is named once")
        if self.push_to and _path(self.push_to) not in paths:
            raise ValueError("push_to: name a member: what is pushed elsewhere would not be seen")

    @property
    def paths(self) -> tuple[str, ...]:
        """The nodes of its members."""
        return tuple(_path(member) for member in self.members)


class VirtualAt(msgspec.Struct, frozen=True):
    """A virtual at the node of the tree that it is about."""

    path: str
    virtual: Virtual

    def members(self, name: RepositoryName) -> tuple[RepositoryName, ...]:
        """What a repository at or below the node may be called in each member, in the order listed."""
        return tuple(found for path in self.virtual.paths if (found := self._at(path, name)) is not None)

    def target(self, name: RepositoryName) -> RepositoryName | None:
        """The repository that a push to one at or below the node goes to; None: it takes none."""
        return self._at(_path(self.virtual.push_to), name) if self.virtual.push_to else None

    def _at(self, path: str, name: RepositoryName) -> RepositoryName | None:
        """The same place below another node; None where the name would be longer than any is."""
        found = f"{path}{name[len(self.path) :]}"
        return RepositoryName.stored(found) if len(found) <= REPOSITORY_MAX else None


def _path(text: str) -> str:
    return text.removesuffix("/")


def _around(path: str, other: str) -> bool:
    """Whether a node is another one, or lies above it."""
    return not path or path == other or other.startswith(f"{path}/")


def _check_among(path: str, virtual: Virtual, others: Sequence[tuple[str, Virtual]]) -> None:
    """Raises ValueError for one that shows itself, or another one: whoever looks at it is not led on and on."""
    if not path:
        raise ValueError("a virtual is of a namespace, not of the registry as a whole: say which with its place")
    for member in virtual.paths:
        if _around(member, path) or _around(path, member):
            raise ValueError(f"members: {place_words(member)} and {place_words(path)} lie in each other")
        for place, _ in others:
            if _around(place, member):
                raise ValueError(
                    f"members: {place_words(member)} is shown by the virtual of {place_words(place)}; name its members"
                )
    for place, other in others:
        for member in other.paths:
            if _around(path, member):
                raise ValueError(
                    f"{place_words(member)} is a member of the virtual of {place_words(place)}, and no virtual shows"
                    " another"
                )


def _lends(before: Virtual | None, after: Virtual) -> Mapping[str, frozenset[Action]]:
    """Whoever sets one has others read in its members, and push to one of them, under a name of its own."""
    known = before.paths if before is not None else ()
    lent = {path: frozenset({Action.LIST, Action.PULL}) for path in after.paths if path not in known}
    target = _path(after.push_to)
    if target and (before is None or _path(before.push_to) != target):
        lent[target] = lent.get(target, frozenset()) | {Action.PUSH_NEW}
    return lent


#: Virtuals as settings. Whoever pulls through one may see what it shows. It says where the content of a namespace comes
#: from, so that it takes the right to say who may do what there.
VIRTUALS = SettingKind(
    kind="virtual",
    plural="virtuals",
    text="Virtual repositories: a namespace that shows those of others under one name.",
    body=Virtual,
    speaks_for=nobody,
    lends=_lends,
    among=_check_among,
    most=1,
    read=Action.PULL,
    change=Action.ADMIN,
)
