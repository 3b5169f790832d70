"""Scopes as the token protocol writes them, and what each of their verbs stands for here.

"resourcescope := resourcetype ':' resourcename ':' action [',' action]*" (distribution, "Token Scope Documentation").
"""

import re
from collections.abc import Iterable, Sequence, Set

import msgspec

from orlop.domain.access.actions import REGISTRY_WIDE, Action
from orlop.domain.access.grants import Limit, Place, PlaceKind
from orlop.domain.errors import RegistryError
from orlop.domain.names import RepositoryName

#: What clients ask for in a repository. `*` is everything that can be done there.
VERBS: dict[str, frozenset[Action]] = {
    "pull": frozenset({Action.LIST, Action.PULL, Action.PULL_HELD, Action.SCAN_READ}),
    "push": frozenset({Action.CREATE, Action.PUSH_NEW, Action.TAG, Action.OVERWRITE}),
    "delete": frozenset({Action.DELETE, Action.UNTAG}),
    "*": frozenset(Action) - REGISTRY_WIDE,
}

#: What others who believe a token take its verbs to mean: a token has a verb only if its subject may do all of that.
MEANS: dict[str, frozenset[Action]] = {
    "pull": frozenset({Action.PULL}),
    "push": VERBS["push"],
    "delete": frozenset({Action.DELETE}),
    "*": VERBS["*"],
}

#: What a token may be used for here: by the verbs of clients, and by words of our own for parts of them.
_GOOD_FOR = {action.value: frozenset({action}) for action in Action if action not in REGISTRY_WIDE} | VERBS

#: What a token for the list of repositories says to those who may not see all of it.
LISTING = Action.LIST.value

#: More than this many scopes in one request are not looked at: no client names as many repositories at once.
SCOPES_MAX = 64

_CLASS = re.compile(r"\([a-z0-9]+\)\Z", re.ASCII)


class Scope(msgspec.Struct, frozen=True):
    """What a client asks a token for: a repository and verbs, or the list of repositories (`registry:catalog:*`)."""

    type: str
    name: str
    verbs: tuple[str, ...]

    @property
    def repository(self) -> RepositoryName | None:
        """The repository that it is about, if there can be one of that name."""
        if self.type != "repository":
            return None
        try:
            return RepositoryName(self.name)
        except RegistryError:
            return None

    def __str__(self) -> str:
        return f"{self.type}:{self.name}:{','.join(self.verbs)}"


def parse_scopes(texts: list[str]) -> tuple[Scope, ...]:
    """The scopes of a request, of which each parameter may hold several with spaces between them.

    What is no scope is passed over: a token is for what could be understood, and says so. A type may carry a class,
    `repository(plugin)`, which is nothing to us.
    """
    scopes = []
    for word in [word for text in texts for word in text.split(" ") if word][:SCOPES_MAX]:
        kind, _, rest = word.partition(":")
        name, _, verbs = rest.rpartition(":")
        if kind and name and verbs:
            scopes.append(Scope(_CLASS.sub("", kind), name, tuple(dict.fromkeys(v for v in verbs.split(",") if v))))
    return tuple(scopes)


def wanted(verbs: Iterable[str]) -> frozenset[Action]:
    """What somebody wants to do who asks for these verbs."""
    return frozenset[Action]().union(*(VERBS.get(verb, frozenset()) for verb in verbs))


def narrowed(verbs: Sequence[str], may: Set[Action]) -> tuple[str, ...]:
    """What a token is to say to somebody who asks for verbs, and of what these stand for may do so much and no more.

    A verb of which they may do a part alone becomes verbs for less, and our own words for what is left.
    """
    held = wanted(verbs) & may
    said = [verb for verb in verbs if verb in MEANS and MEANS[verb] <= held]
    if "*" in verbs and "*" not in said:
        said += [verb for verb in MEANS if verb not in said and MEANS[verb] <= held]
    rest = held - wanted(said)
    return (*said, *(action.value for action in Action if action in rest))


def limit_of(repository: str, verbs: tuple[str, ...]) -> Limit:
    """What a token with these verbs may be used for. A repository's own name is a pattern that only it matches."""
    actions = frozenset[Action]().union(*(_GOOD_FOR.get(verb, frozenset()) for verb in verbs))
    return Limit(actions, Place(PlaceKind.REPOSITORIES, repository))


def scope_for(action: Action, repository: str | None) -> str:
    """The scope that a client needs for an action, as a challenge names it; empty when any token will do."""
    if repository is None:
        return "registry:catalog:*" if action is Action.LIST else ""
    verb = next((verb for verb in ("pull", "push", "delete") if action in VERBS[verb]), "*")
    return f"repository:{repository}:{'pull,push' if verb == 'push' else verb}"
