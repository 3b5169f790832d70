"""Locks of a repository: which manifests nothing deletes, why, and the forms that lock one and lift a lock."""

from urllib.parse import urlencode

from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError
from orlop.domain.names import RepositoryName
from orlop.domain.pages import PageRequest
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.ports.locks import Lock
from orlop.services.content.locks import ManifestLocks

_LOCKS = 50


class LockPages:
    """Whoever may pull sees locks and their reasons; to lock is to edit rules, and to lift one to administer."""

    def __init__(self, pages: Pages, locks: ManifestLocks) -> None:
        self._pages = pages
        self._locks = locks

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/locks", self.listed),
            Route("POST", "/locks", self.add),
            Route("POST", "/locks/lift", self.lift),
        )

    async def listed(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """By digest."""
        name = exchange.query.get("repository", "") or exchange.field("repository")
        locks: tuple[Lock, ...] = ()
        last, can = "", (False, False)
        if name:
            repository = RepositoryName(name)
            page = await self._locks.page(
                exchange.caller, repository, PageRequest(_LOCKS, exchange.query.get("last", ""))
            )
            locks, last = page.items, str(page.items[-1].digest) if page.more else ""
            can = await self._locks.able(exchange.caller, repository)
        return self._pages.page(
            exchange,
            "rules/locks",
            refusal=refusal,
            parts=("rows",),
            repository=name,
            locks=locks,
            more=f"/locks?{urlencode({'repository': name, 'last': last})}" if last else "",
            may_lock=can[0],
            may_lift=can[1],
            typed=exchange.form,
        )

    async def add(self, exchange: UiExchange) -> Reply:
        """Lock a manifest."""
        return await self._done(exchange, lifting=False)

    async def lift(self, exchange: UiExchange) -> Reply:
        """Ask why, and then lift a lock."""
        repository, digest = RepositoryName(exchange.field("repository")), Digest(exchange.field("digest"))
        if not exchange.field("confirmed"):
            await self._locks.check_lift(exchange.caller, repository)
            return self._pages.page(exchange, "rules/lift", repository=repository, digest=digest)
        return await self._done(exchange, lifting=True)

    async def _done(self, exchange: UiExchange, *, lifting: bool) -> Reply:
        try:
            repository = RepositoryName(exchange.field("repository"))
            digest = Digest(exchange.field("digest").strip())
            change = self._locks.lift if lifting else self._locks.add
            await change(exchange.caller, repository, digest, exchange.field("reason"))
        except RegistryError as refusal:
            return await self.listed(exchange, refusal)
        return redirect(f"/locks?{urlencode({'repository': repository})}")
