"""From whom what waits in quarantine is hidden, by whichever way they ask for it."""

from orlop.domain.access import Action, Caller
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.domain.quarantine.rules import QUARANTINE_RULES
from orlop.ports.held import HeldPush, HeldPushes
from orlop.services.access.decisions import Access
from orlop.services.settings.in_force import SettingsInForce

#: Who may do one of these in a repository sees all that waits there.
_SEEING = (Action.PULL_HELD, Action.POLICY_EDIT)


class QuarantineSight:
    """See services.content.manifests.Sight."""

    def __init__(self, settings: SettingsInForce, rows: HeldPushes, access: Access) -> None:
        self._settings = settings
        self._rows = rows
        self._access = access

    async def hides(self, caller: Caller, repository: RepositoryName, digest: Digest) -> bool:
        """See Sight."""
        if not await self._settings.covering(QUARANTINE_RULES, repository):
            return False
        held = await self._rows.of(repository, digest)
        if held is None or pushed_it(caller, held):
            return False
        return not await sees_quarantine(self._access, caller, repository)


def pushed_it(caller: Caller, held: HeldPush) -> bool:
    """Whether somebody is the one who pushed something: whoever has the name of an account that is gone is not."""
    return bool(caller.subject.id) and caller.subject.id == held.pushed_id


async def sees_quarantine(access: Access, caller: Caller, repository: str) -> bool:
    """Whether somebody sees what others pushed into quarantine there."""
    for action in _SEEING:
        if await access.allows(caller, action, repository=repository):
            return True
    return False
