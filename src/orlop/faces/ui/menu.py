"""The pages that concern the whole registry, for those who may see them."""

from orlop.faces.ui.routes import Routes
from orlop.services.identity.sessions import Visitor
from orlop.services.management.operations import Gate

#: Everybody who is signed in has these.
_OWN = (("/account", "Your account"), ("/promotions", "Promotions"), ("/trash", "Trash"))
#: Whoever sees the whole registry has these, too.
_WHOLE = (
    ("/people", "People"),
    ("/rules", "Rules"),
    ("/world", "World"),
    ("/jobs", "Jobs"),
    ("/webhooks", "Webhooks"),
    ("/audit", "Audit log"),
    ("/advisories", "Advisories"),
    ("/signing-keys", "Signing keys"),
    ("/backups", "Backups"),
    ("/read-only", "Read-only mode"),
    ("/health", "Health"),
)


class Menu:
    """Only of pages that there are."""

    def __init__(self, routes: Routes, gate: Gate) -> None:
        self._own = tuple(entry for entry in _OWN if routes.has(entry[0]))
        self._whole = tuple(entry for entry in _WHOLE if routes.has(entry[0]))
        self._gate = gate

    async def of(self, visitor: Visitor | None) -> tuple[tuple[str, str], ...]:
        """Of one visitor; none for somebody who is not signed in."""
        if visitor is None:
            return ()
        whole = (await self._gate.administers(visitor.caller)).everything
        return (*self._own, *self._whole) if whole else self._own
