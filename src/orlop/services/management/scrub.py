"""How far scrub is and what is in quarantine, for those who rule or audit the registry."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import RequestInvalid
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.ports.scrub import Quarantine, QuarantinedCopy
from orlop.services.management.operations import Gate, Operation
from orlop.services.stores.scrub import Scrub, ScrubStatus

#: Repositories that are named of those that miss a blob.
_HOLDERS = 5


class MissedCopy(msgspec.Struct, frozen=True):
    """A copy in quarantine, and some repositories that miss it."""

    copy: QuarantinedCopy
    repositories: tuple[RepositoryName, ...]


class ScrubDesk:
    """See services.stores.scrub.Scrub and ports.scrub.Quarantine."""

    def __init__(self, gate: Gate, scrub: Scrub, quarantine: Quarantine) -> None:
        self._gate = gate
        self._scrub = scrub
        self._quarantine = quarantine

    async def status(self, caller: Caller) -> ScrubStatus:
        """How far it is. Raises Denied."""
        await self._gate.check(caller, Operation.SCRUB_READ)
        return await self._scrub.status()

    async def quarantined(self, caller: Caller, page: PageRequest) -> Page[MissedCopy]:
        """Copies in quarantine, by their rows. Raises Denied, RequestInvalid for a key that is no number."""
        await self._gate.check(caller, Operation.SCRUB_READ)
        if page.after and not (page.after.isascii() and page.after.isdigit() and len(page.after) < 19):
            raise RequestInvalid(f"last is the id of an entry, not {page.after[:64]!r}", {"last": page.after[:64]})
        found = await self._quarantine.page(int(page.after or 0), page.size + 1)
        shown = [MissedCopy(copy, await self._quarantine.holders(copy.id, _HOLDERS)) for copy in found[: page.size]]
        return Page(tuple(shown), more=len(found) > page.size)
