"""The page of backups: schedules with their next and last run, what lies at their targets, drills, and one more now."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from orlop.domain.access import Caller
from orlop.domain.backup_schedules import BACKUP_SCHEDULES
from orlop.domain.errors import RegistryError
from orlop.domain.pages import Page, PageRequest
from orlop.domain.queue import Job
from orlop.faces.ui.addresses import settings_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.ports.backups import StoredBackup
from orlop.services.backup.desk import BackupDesk

_PAGE = "/backups"
_ROWS = 50


class BackupPages:
    """For whoever sees the whole registry; whoever rules it has the forms."""

    def __init__(self, pages: Pages, backups: BackupDesk) -> None:
        self._pages = pages
        self._backups = backups

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", _PAGE, self.show),
            Route("POST", f"{_PAGE}/run", self.run),
            Route("POST", f"{_PAGE}/drill", self.drill),
        )

    async def show(self, exchange: UiExchange) -> Reply:
        """Every schedule, and the backups of one: that of `schedule`, or the first."""
        return await self._shown(exchange)

    async def run(self, exchange: UiExchange) -> Reply:
        """Make one now; the page of the job tells how that goes."""
        return await self._asked(exchange, self._backups.run)

    async def drill(self, exchange: UiExchange) -> Reply:
        """Restore and verify the newest now."""
        return await self._asked(exchange, self._backups.drill)

    async def _asked(self, exchange: UiExchange, ask: Callable[[Caller, str], Awaitable[Job]]) -> Reply:
        try:
            made = await ask(exchange.caller, exchange.field("schedule").strip())
        except RegistryError as refusal:
            return await self._shown(exchange, refusal)
        return redirect(f"/jobs/{made.id}")

    async def _shown(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        caller = exchange.caller
        schedules = await self._backups.status(caller)
        names = [each.scheduled.name for each in schedules]
        chosen = exchange.query.get("schedule", "") or (names[0] if names else "")
        return self._pages.page(
            exchange,
            "backups",
            refusal=refusal,
            parts=("rows",),
            schedules=schedules,
            may_run=await self._backups.may_run(caller),
            plural=BACKUP_SCHEDULES.plural,
            settings_address=settings_address,
            **await self._listed(exchange, chosen),
        )

    async def _listed(self, exchange: UiExchange, chosen: str) -> dict[str, Any]:
        found: Page[StoredBackup] = Page(())
        if chosen:
            request = PageRequest(_ROWS, exchange.query.get("last", ""))
            found = await self._backups.page(exchange.caller, chosen, request)
        following = urlencode({"schedule": chosen, "last": found.items[-1].name}) if found.more else ""
        return {
            "chosen": chosen,
            "backups": found.items,
            "following": f"{_PAGE}?{following}" if following else "",
        }
