"""What pages of users and of robots have in common: their accounts are changed, shut out and let in again."""

from abc import abstractmethod

from orlop.faces.ui.exchange import UiExchange
from orlop.faces.ui.people.entries import EntryPages
from orlop.faces.ui.people.forms import expected
from orlop.ports.identity import AccountChange


class AccountPages(EntryPages):
    """See the module."""

    @abstractmethod
    async def change(self, exchange: UiExchange, name: str, change: AccountChange, version: int | None) -> None:
        """Change an account."""

    async def lock(self, exchange: UiExchange) -> None:
        """Shut it out, from the next request on."""
        await self._changed(exchange, AccountChange(disabled=exchange.field("reason").strip() or "locked"))

    async def unlock(self, exchange: UiExchange) -> None:
        """Let it in again."""
        await self._changed(exchange, AccountChange(disabled=""))

    async def _changed(self, exchange: UiExchange, change: AccountChange) -> None:
        await self.change(exchange, exchange.params["name"], change, expected(exchange))
