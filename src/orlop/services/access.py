"""The one place that asks whether a subject may do something."""

from orlop.domain.access import AccessRules, Action, Decision, Subject, allowed
from orlop.domain.errors import Denied
from orlop.domain.names import RepositoryName


class Access:
    """Decides by the rules it was given."""

    def __init__(self, rules: AccessRules) -> None:
        self._rules = rules

    def check(self, subject: Subject, action: Action, repository: RepositoryName | None) -> Decision:
        """The decision, when it is to allow. Raises Denied with the rule that refused and what to do about it."""
        decision = allowed(self._rules, subject, action, repository)
        if not decision.allowed:
            raise Denied(f"{decision.rule}; {decision.remedy}", {"action": action.value, "rule": decision.rule})
        return decision
