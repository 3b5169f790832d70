"""A grant: whom it concerns, which actions, where, and under which conditions; and whether it applies to a question."""

import ipaddress
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

import msgspec

from orlop.domain.access.actions import DENIED_WITH, Action
from orlop.domain.access.patterns import pattern


class Effect(StrEnum):
    """What a grant does where it applies. One that denies beats any that allow."""

    ALLOW = "allow"
    DENY = "deny"


class PlaceKind(StrEnum):
    """How the place of a grant is written."""

    REGISTRY = "registry"
    NAMESPACE = "namespace"
    """Everything below a path, and nothing beside it: `team` is not `team-b`."""
    REPOSITORIES = "repositories"
    """Those whose name matches a pattern: `*` stands for anything within a component, `**` for anything at all."""


class Place(msgspec.Struct, frozen=True):
    """Where a grant applies. `path` is empty for the registry."""

    kind: PlaceKind
    path: str = ""

    @classmethod
    def typed(cls, text: str) -> "Place":
        """A place as people type it: `/` is the registry, `team/` all below a namespace, else a pattern of
        repositories."""
        if text == "/":
            return cls(PlaceKind.REGISTRY)
        if text.endswith("/"):
            return cls(PlaceKind.NAMESPACE, text.strip("/"))
        return cls(PlaceKind.REPOSITORIES, text)

    @property
    def as_typed(self) -> str:
        """What `typed` reads."""
        return "/" if self.kind is PlaceKind.REGISTRY else str(self)

    def covers(self, repository: str) -> bool:
        """Whether a repository lies in it."""
        match self.kind:
            case PlaceKind.REGISTRY:
                return True
            case PlaceKind.NAMESPACE:
                return repository.startswith(f"{self.path}/")
            case PlaceKind.REPOSITORIES:
                if "*" not in self.path:
                    return self.path == repository
                return pattern(self.path, separator="/").matches(repository)

    def covers_namespace(self, path: str) -> bool:
        """Whether a whole namespace lies in it; the root is in the registry alone, and no pattern holds a namespace."""
        match self.kind:
            case PlaceKind.REGISTRY:
                return True
            case PlaceKind.NAMESPACE:
                return path == self.path or path.startswith(f"{self.path}/")
            case PlaceKind.REPOSITORIES:
                return False

    def includes(self, other: "Place") -> bool:
        """Whether everything that lies in another place certainly lies in this one."""
        if self.kind is PlaceKind.REGISTRY or self == other:
            return True
        if other.kind is PlaceKind.REGISTRY:
            return False
        if self.kind is PlaceKind.NAMESPACE:
            return (
                f"{other.prefix}/".startswith(f"{self.path}/")
                if other.kind is PlaceKind.NAMESPACE
                else (other.prefix.startswith(f"{self.path}/"))
            )
        if other.kind is PlaceKind.NAMESPACE:  # no pattern holds a namespace
            return False
        if "*" not in other.path:
            return self.covers(other.path)
        return self.path == f"{self.prefix}**" and other.prefix.startswith(self.prefix)

    def meets(self, other: "Place") -> bool:
        """Whether anything may lie in both; where patterns leave that open, yes."""
        if PlaceKind.REGISTRY in {self.kind, other.kind}:
            return True
        mine, theirs = (
            f"{place.path}/" if place.kind is PlaceKind.NAMESPACE else place.prefix for place in (self, other)
        )
        return mine.startswith(theirs) or theirs.startswith(mine)

    @property
    def prefix(self) -> str:
        """What every name in it begins with."""
        return self.path.partition("*")[0] if self.kind is PlaceKind.REPOSITORIES else self.path

    def __str__(self) -> str:
        """As it is typed, but for the registry, which is `/`."""
        match self.kind:
            case PlaceKind.REGISTRY:
                return "the registry"
            case PlaceKind.NAMESPACE:
                return f"{self.path}/"
            case PlaceKind.REPOSITORIES:
                return self.path


class Limit(msgspec.Struct, frozen=True):
    """What a credential may be used for, out of what its owner may do: these actions in this place."""

    actions: frozenset[Action]
    place: Place

    def includes(self, action: Action, repository: str | None, namespace: str | None) -> bool:
        """Whether it may be used for that; for neither a repository nor a namespace: on the registry as a whole."""
        if action not in self.actions:
            return False
        if repository is not None:
            return self.place.covers(repository)
        return self.place.covers_namespace(namespace or "")


class Window(msgspec.Struct, frozen=True):
    """A time of the week, UTC: on these days (0 is Monday), from minute `start` of the day until before `end`.

    A window whose end is not after its start goes on into the next day.
    """

    days: tuple[int, ...]
    start: int
    end: int

    def contains(self, at: int) -> bool:
        """Whether a time (microseconds since 1970) lies in it."""
        minutes = at // 60_000_000
        day, minute = (minutes // 1440 + 3) % 7, minutes % 1440  # 1 January 1970 was a Thursday
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        return (day in self.days and minute >= self.start) or ((day - 1) % 7 in self.days and minute < self.end)


class Conditions(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a grant applies; all that are set must hold."""

    networks: tuple[str, ...] = ()
    """Only from these networks (CIDR); empty: from anywhere."""
    only_by_digest: bool = False
    """Only for what is named by its digest, not by a tag."""
    windows: tuple[Window, ...] = ()
    """Only at these times; empty: at any."""

    @property
    def any(self) -> bool:
        """Whether there is one, so that the same question may get another answer elsewhere or later."""
        return bool(self.networks or self.only_by_digest or self.windows)


class Grant(msgspec.Struct, frozen=True):
    """What somebody may, or may not, do somewhere."""

    id: int
    effect: Effect
    principal: str
    """Whom it concerns: an account's name, or `group:` and a group's."""
    role: str
    actions: frozenset[Action]
    place: Place
    tags: str = ""
    """A pattern of tags that narrows what is done to tags; empty: all. Other actions of the role stay as they are."""
    conditions: Conditions = Conditions()
    expires_at: int = 0
    """0: never."""

    def concerns(self, action: Action) -> bool:
        """Whether it gives an action or takes it away."""
        return action in self.actions or (
            self.effect is Effect.DENY and not self.actions.isdisjoint(DENIED_WITH.get(action, ()))
        )

    def __str__(self) -> str:
        verb = "gives" if self.effect is Effect.ALLOW else "denies"
        narrowed = f", tags {self.tags}" if self.tags else ""
        return f"grant {self.id} {verb} {self.principal} the role {self.role} on {self.place}{narrowed}"


def place_in(text: str) -> str:
    """The path of the place in what a grant says of itself as text; empty for the registry. Earlier releases left the
    slash of a namespace out."""
    path = text.rpartition(" on ")[2].partition(", tags ")[0]
    return "" if " " in path else path.removesuffix("/")


class GrantsByPlace:
    """Grants, so that those which may be about a repository are found without a look at all of them."""

    def __init__(self, grants: Sequence[Grant]) -> None:
        self._namespaces: dict[str, list[tuple[int, Grant]]] = {}
        self._others: list[tuple[int, Grant]] = []
        for position, grant in enumerate(grants):
            if grant.place.kind is PlaceKind.NAMESPACE:
                self._namespaces.setdefault(grant.place.path, []).append((position, grant))
            else:
                self._others.append((position, grant))

    def about(self, repository: str) -> tuple[Grant, ...]:
        """Those that cover it, and perhaps others, in their order."""
        found = list(self._others)
        end = repository.find("/")
        while end > 0:
            found += self._namespaces.get(repository[:end], ())
            end = repository.find("/", end + 1)
        found.sort(key=_position)
        return tuple(grant for _, grant in found)


def _position(entry: tuple[int, Grant]) -> int:
    return entry[0]


@lru_cache(maxsize=1024)
def _networks(texts: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def in_networks(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address lies in one of the networks; one that cannot be read lies in none.

    An IPv4 address that arrives as IPv6 (`::ffff:a.b.c.d`) is the IPv4 address.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed.version == network.version and parsed in network for network in _networks(networks))
