"""How repositories are named that are made by a first push: what the rules of their place refuse."""

from orlop.domain.access.actions import Action
from orlop.domain.errors import Denied, Refused, RegistryError
from orlop.domain.repository_rules import REPOSITORY_RULES, RepositoryRule
from orlop.domain.settings import place_words
from orlop.services.settings.in_force import SettingsInForce


class Naming:
    """Asked about a repository that may not be there yet."""

    def __init__(self, settings: SettingsInForce) -> None:
        self._settings = settings

    async def refusal(self, repository: str) -> RegistryError | None:
        """What making it is refused with, by the nearest rule that does; None: nothing."""
        for rule in reversed(await self._settings.covering(REPOSITORY_RULES, repository)):
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
