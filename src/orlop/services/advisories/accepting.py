"""Which exceptions hold for what is found in an image, for those who look at many images at once."""

from collections.abc import Iterable, Sequence

from orlop.domain.inside.exceptions import EXCEPTIONS
from orlop.domain.inside.purl import without_version
from orlop.domain.names import RepositoryName
from orlop.ports.clock import Clock
from orlop.services.advisories.questions import Accepted
from orlop.services.settings.in_force import InForce, SettingsInForce


class Acceptance:
    """See the module."""

    def __init__(self, settings: SettingsInForce, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def holding(self, repository: RepositoryName, tags: Iterable[str]) -> Sequence[InForce]:
        """Exceptions that hold now for an image of a repository with these tags, from the root down."""
        now, named = self._clock.now(), frozenset(tags)
        return [
            each
            for each in await self._settings.covering(EXCEPTIONS, repository)
            if each.body.holds(now) and each.body.covers(each.path, repository, named)
        ]


def accepted_by(holding: Sequence[InForce], ids: Iterable[str], purl: str) -> Accepted | None:
    """The last exception that accepts a finding: that of the nearest place."""
    if not holding:
        return None
    names, package = frozenset(ids), without_version(purl)
    for each in reversed(holding):
        if each.body.accepts(names, package):
            return Accepted(each.name, each.path, each.body.reason, each.body.until)
    return None
