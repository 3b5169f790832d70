"""How repositories are named that are made by a first push: what the rules of their place refuse."""

from collections.abc import Sequence

from orlop.domain.access.actions import Action
from orlop.domain.errors import Denied, Refused, RegistryError
from orlop.domain.repository_rules import REPOSITORY_RULES, RepositoryRule
from orlop.domain.settings import place_words
from orlop.services.settings.in_force import InForce, SettingsInForce


class Naming:
    """Asked about a repository that may not be there yet."""

    def __init__(self, settings: SettingsInForce) -> None:
        self._settings = settings

    async def refusal(self, repository: str) -> RegistryError | None:
        """What making it is refused with, by the nearest rule that does; None: nothing."""
        return (await self.versioned(repository))[1]

    async def versioned(self, repository: str) -> tuple[int, RegistryError | None]:
        """The same, with the version of all settings as long as which it holds."""
        version, rules = await self._settings.versioned(REPOSITORY_RULES, repository)
        return version, _refusal(repository, rules)

    def forget(self) -> None:
        """Read the rules anew: somebody changed them, and it is not told yet."""
        self._settings.forget()


def _refusal(repository: str, rules: Sequence[InForce]) -> RegistryError | None:
    for rule in reversed(rules):
        body: RepositoryRule = rule.body
        if words := body.misnamed(repository):
            which = f"the repository rule {rule.name} of {place_words(rule.path)}"
            denied = Denied(
                f"there is no repository {repository}, and {which} lets none of that name be made: {words};"
                " push under another name",
                {"action": Action.CREATE.value, "rule": rule.name, "path": rule.path},
                kind=REPOSITORY_RULES.kind,
            )
            denied.refused = Refused(Action.CREATE.value, repository, which)
            return denied
    return None
