"""Repositories that hold nothing, and have held nothing for longer than a setting at their place says: they go."""

from collections.abc import AsyncIterator, Callable

from orlop.domain.clean_up import CLEAN_UP_RULES
from orlop.domain.durations import DAY
from orlop.domain.errors import NameUnknown, SettingsMoved, Stale
from orlop.ports.catalog import By, Repositories, Terms
from orlop.ports.clock import Clock
from orlop.ports.collection import CollectionPreview, EmptyRepository
from orlop.services.settings.in_force import SettingsInForce

_PAGE = 200


class EmptyRepositories:
    """What `settings` say of empty repositories."""

    def __init__(
        self, preview: CollectionPreview, repositories: Repositories, settings: SettingsInForce, clock: Clock
    ) -> None:
        self._preview = preview
        self._repositories = repositories
        self._settings = settings
        self._clock = clock

    async def due(self) -> AsyncIterator[tuple[EmptyRepository, int]]:
        """Those that go, and the version of all settings that says so."""
        after = ""
        while found := await self._preview.empty(after, _PAGE):
            for repository in found:
                version, rules = await self._settings.versioned(CLEAN_UP_RULES, repository.name)
                days = [rule.body.empty_days for rule in rules if rule.body.empty_days]
                if days and repository.since < self._clock.now() - min(days) * DAY:
                    yield repository, version
            after = found[-1].name

    async def remove(self, by: Callable[[], By]) -> int:
        """Remove them; how many. What somebody pushed to meanwhile stays."""
        removed = 0
        async for repository, version in self.due():
            try:
                await self._repositories.remove(repository.name, by(), Terms(empty=True, settings=version))
            except (NameUnknown, Stale, SettingsMoved):
                continue
            removed += 1
        return removed
