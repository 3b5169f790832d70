"""What the rules for tags that hold at a repository say to somebody who sets, moves or removes a tag there."""

from collections.abc import Iterator, Sequence

from orlop.domain.access import Action
from orlop.domain.access.membership import Membership
from orlop.domain.errors import Denied, Refused, RegistryError
from orlop.domain.names import Tag
from orlop.domain.settings import place_words
from orlop.domain.tag_rules import NOBODY, TAG_RULES, TagRule
from orlop.services.settings.in_force import InForce


class RulesOfTags:
    """Rules from the root down. Of several that refuse the nearest is told. `membership`: whose write it is; None:
    whether whoever it is may was asked before."""

    def __init__(self, rules: Sequence[InForce], repository: str, membership: Membership | None) -> None:
        self._rules = tuple(reversed(rules))
        self._repository = repository
        self._membership = membership

    def creating(self, tag: Tag) -> RegistryError | None:
        """What setting a tag that is not there is refused with."""
        for rule, body in self._concerning(tag):
            if words := body.misnamed(tag):
                return self._misnamed(rule, tag, Action.TAG, words)
            if self._is_closed(body.may_create, tag):
                return self._protected(rule, tag, Action.TAG, "create", body.may_create)
        return None

    def moving(self, tag: Tag) -> RegistryError | None:
        """What pointing a tag at something else is refused with."""
        for rule, body in self._concerning(tag):
            if body.immutable:
                return self._immutable(
                    rule, tag, Action.OVERWRITE, "it stays what it points at; push under another tag"
                )
            if words := body.misnamed(tag):
                return self._misnamed(rule, tag, Action.OVERWRITE, words)
            if self._is_closed(body.may_move, tag):
                return self._protected(rule, tag, Action.OVERWRITE, "move", body.may_move)
        return None

    def removing(self, tag: Tag) -> RegistryError | None:
        """What the removal of a tag is refused with."""
        for rule, body in self._concerning(tag):
            if body.immutable:
                return self._immutable(rule, tag, Action.UNTAG, "it is not removed while that rule holds")
            if self._is_closed(body.may_remove, tag):
                return self._protected(rule, tag, Action.UNTAG, "remove", body.may_remove)
        return None

    def _concerning(self, tag: Tag) -> Iterator[tuple[InForce, TagRule]]:
        return ((rule, rule.body) for rule in self._rules if rule.body.concerns(tag))

    def _is_closed(self, principals: tuple[str, ...], tag: Tag) -> bool:
        if self._membership is None:
            return NOBODY in principals
        return bool(principals) and not self._membership.is_one_of(principals, tag)

    def _immutable(self, rule: InForce, tag: Tag, action: Action, consequence: str) -> RegistryError:
        return self._refusal(rule, tag, action, f"is immutable by {_named(rule)}: {consequence}")

    def _misnamed(self, rule: InForce, tag: Tag, action: Action, words: str) -> RegistryError:
        return self._refusal(rule, tag, action, f"is not named as {_named(rule)} asks: {words}; push under another tag")

    def _protected(
        self, rule: InForce, tag: Tag, action: Action, what: str, principals: tuple[str, ...]
    ) -> RegistryError:
        instead = "" if action is Action.UNTAG else "push under another tag"
        if NOBODY in principals:
            said = f"nobody may {what} it{f'; {instead}' if instead else ''}"
        else:
            others = " or ".join(principals)
            said = f"only {others} may {what} it; ask for that{f', or {instead}' if instead else ''}"
        return self._refusal(rule, tag, action, f"is protected by {_named(rule)}: {said}")

    def _refusal(self, rule: InForce, tag: Tag, action: Action, said: str) -> RegistryError:
        denied = Denied(
            f"the tag {tag} of {self._repository} {said}",
            {"action": action.value, "rule": rule.name, "path": rule.path, "tag": tag},
            kind=TAG_RULES.kind,
        )
        denied.refused = Refused(action.value, self._repository, _named(rule), tag)
        return denied


def _named(rule: InForce) -> str:
    return f"the tag rule {rule.name} of {place_words(rule.path)}"
