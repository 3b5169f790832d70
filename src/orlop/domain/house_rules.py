"""House rules for people: what rules and grants say of repositories, tags, pushes and how long images stay, in plain
sentences."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from orlop.domain.access.actions import Action
from orlop.domain.access.grants import Effect, Grant, PlaceKind
from orlop.domain.access.membership import ROLE_PREFIX
from orlop.domain.access.subjects import GROUP_PREFIX
from orlop.domain.repository_rules import REPOSITORY_RULES, RepositoryRule
from orlop.domain.retention.rules import RETENTION, Per, RetentionRule, Selector
from orlop.domain.settings import SettingKind, place_words
from orlop.domain.tag_rules import NOBODY, TAG_RULES, TagRule
from orlop.domain.trash_rules import TRASH_RULES, TrashRule

#: The kind of what grants say.
GRANT = "grant"

#: What is said of those who push and retag, in this order; behind tags stands which.
_DONE = {
    Action.CREATE: "make repositories",
    Action.PUSH_NEW: "push content",
    Action.TAG: "set new tags{}",
    Action.OVERWRITE: "move tags{}",
    Action.UNTAG: "remove tags{}",
}


class Sentence(msgspec.Struct, frozen=True):
    """A sentence, and the rule or grant that makes it so."""

    text: str
    kind: str
    """A kind of settings, or GRANT."""
    name: str
    """A grant has its number for a name."""
    place: str
    """Where that rule or grant is, as it is typed: `team/`, `/` for the registry."""


def of_repositories(name: str, path: str, rule: RepositoryRule) -> tuple[Sentence, ...]:
    """What a rule of a node says of names of repositories."""
    said = []
    if rule.names:
        said.append(f"New repositories are named like {_list(rule.names, 'or')}.")
    if rule.depth:
        said.append(f"Names of new repositories have at most {rule.depth} component{'s' if rule.depth > 1 else ''}.")
    if rule.reserved:
        said.append(f"No component of the name of a new repository is {_list(rule.reserved, 'or')}.")
    return tuple(Sentence(text, REPOSITORY_RULES.kind, name, place_words(path)) for text in said)


def of_tags(name: str, path: str, rule: TagRule) -> tuple[Sentence, ...]:
    """What a rule of a node says of tags."""
    about = "All tags" if "*" in rule.tags else f"Tags named {_list(rule.tags, 'or')}"
    if rule.exclude:
        about += f", but for those named {_list(rule.exclude, 'or')},"
    said = []
    if rule.immutable:
        said.append("stay what they point at: nobody moves or removes them.")
    for what, principals in (("created", rule.may_create), ("moved", rule.may_move), ("removed", rule.may_remove)):
        if NOBODY in principals:
            said.append(f"are {what} by nobody.")
        elif principals:
            said.append(f"are {what} only by {_list(map(_words_of, principals), 'and')}.")
    if rule.names:
        said.append(f"match {_list(rule.names, 'or')} when they are set or moved.")
    if rule.semver:
        said.append("are semantic versions when they are set or moved, such as 1.4.0 or v1.4.0-rc.1.")
    return tuple(Sentence(f"{about} {text}", TAG_RULES.kind, name, place_words(path)) for text in said)


def of_retention(name: str, path: str, rule: RetentionRule) -> tuple[Sentence, ...]:
    """What a rule of a node says of how long images stay."""
    said = [f"{_selected(selector)} are deleted, unless something keeps them." for selector in rule.delete]
    for keeping in rule.keep:
        newest = ""
        if keeping.newest:
            per = f" of each {keeping.per}" if keeping.per is not Per.REPOSITORY else ""
            newest = f"the newest {keeping.newest}{per} of "
        about = _selected(keeping)
        text = f"{newest}{about[0].lower() if newest else about[0]}{about[1:]}"
        said.append(f"{text[0].upper()}{text[1:]} are kept.")
    if rule.untagged_after:
        said.append(f"Manifests go that nothing has led to for {rule.untagged_after}.")
    return tuple(Sentence(text, RETENTION.kind, name, place_words(path)) for text in said)


def _selected(selector: Selector) -> str:
    """The tags that a selector means."""
    about = "All tags" if not selector.tags or "*" in selector.tags else f"Tags named {_list(selector.tags, 'or')}"
    if selector.exclude:
        about += f", but for those named {_list(selector.exclude, 'or')},"
    if selector.repositories:
        about += f" in repositories named {_list(selector.repositories, 'or')}"
    if selector.channels:
        about += f" of the channel {_list(selector.channels, 'or')}"
    those = [
        words.format(value)
        for words, value in (
            ("are versions in {}", selector.semver),
            ("are for {}", selector.platforms and _list(selector.platforms, "or")),
            ("are of the type {}", selector.artifact_types and _list(selector.artifact_types, "or")),
            ("have the labels {}", _list((f"{key}={value}" for key, value in selector.labels.items()), "and"))
            if selector.labels
            else ("", ""),
            ("were set within {}", selector.pushed_within),
            ("were not set within {}", selector.not_pushed_within),
            ("were pulled within {}", selector.pulled_within),
            ("were neither pulled nor set within {}", selector.not_pulled_within),
        )
        if value
    ]
    return f"{about} that {_list(those, 'and')}" if those else about


def of_trash(name: str, path: str, rule: TrashRule) -> tuple[Sentence, ...]:
    """What a rule of a node says of what is deleted."""
    text = f"What is deleted can be restored for {rule.keep}." if rule.time else "What is deleted is gone at once."
    return (Sentence(text, TRASH_RULES.kind, name, place_words(path)),)


#: What rules say, by their kinds, of those that speak in sentences.
_SAYING: Mapping[str, Callable[[str, str, Any], tuple[Sentence, ...]]] = {
    REPOSITORY_RULES.kind: of_repositories,
    TAG_RULES.kind: of_tags,
    RETENTION.kind: of_retention,
    TRASH_RULES.kind: of_trash,
}


def sentences(kind: SettingKind, name: str, path: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    """What a setting says, for people; nothing of kinds without sentences, and of what another release wrote."""
    saying = _SAYING.get(kind.kind)
    if saying is None:
        return ()
    try:
        return tuple(said.text for said in saying(name, path, msgspec.convert(body, kind.body)))
    except msgspec.ValidationError:
        return ()


def of_grants(principal: str, actions: frozenset[Action], grants: Sequence[Grant]) -> tuple[Sentence, ...]:
    """What the grants of an account or group itself say of its pushing and retagging.

    `actions`: what it may do when all of them are looked at. What a grant allows and another denies is not said of the
    first.
    """
    found = []
    for grant in grants:
        allows = grant.effect is Effect.ALLOW
        named = f" named {grant.tags}" if grant.tags else ""
        done = [
            words.format(named)
            for action, words in _DONE.items()
            if grant.concerns(action) and (action in actions or not allows)
        ]
        if grant.principal != principal or not done:
            continue
        said = f"may {_list(done, 'and')}" if allows else f"may not {_list(done, 'or')}"
        if grant.conditions.any:
            said += ", under the conditions of that grant"
        if grant.expires_at:
            said += ", until that grant expires"
        who = f"Members of {_words_of(principal)}" if principal.startswith(GROUP_PREFIX) else principal
        place = place_words("") if grant.place.kind is PlaceKind.REGISTRY else str(grant.place)
        found.append(Sentence(f"{who} {said}.", GRANT, str(grant.id), place))
    return tuple(found)


def _words_of(principal: str) -> str:
    """Somebody whom a rule or a grant names."""
    if principal.startswith(GROUP_PREFIX):
        return f"the group {principal.removeprefix(GROUP_PREFIX)}"
    if principal.startswith(ROLE_PREFIX):
        return f"whoever has the role {principal.removeprefix(ROLE_PREFIX)} there"
    return principal


def _list(words: Iterable[str], joined: str) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *first, last = words
    return f"{', '.join(first)} {joined} {last}" if first else last
