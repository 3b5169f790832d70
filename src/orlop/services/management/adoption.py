"""Carrying accounts over to a sign-on provider whose identity changed: who has their rights says that it is them."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import Conflict, NotFound
from orlop.domain.identity.providers import PROVIDER, authority_of, decode_provider
from orlop.domain.pages import PageRequest
from orlop.ports.browser import SignOns
from orlop.ports.catalog import by
from orlop.ports.identity import Account, AccountChange, Accounts, Documents, ExternalAccounts
from orlop.services.management.giving import Giving
from orlop.services.management.operations import Gate, Operation

#: How many accounts are read at once.
_AT_ONCE = 1_000


class Adoption:
    """A provider vouches for the accounts that it made under the identity that it has now, and for no others."""

    def __init__(
        self,
        gate: Gate,
        giving: Giving,
        documents: Documents,
        accounts: Accounts,
        external: ExternalAccounts,
        sign_ons: SignOns,
    ) -> None:
        self._gate = gate
        self._giving = giving
        self._documents = documents
        self._accounts = accounts
        self._external = external
        self._sign_ons = sign_ons

    async def adopt(self, caller: Caller, provider: str, names: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Let a provider vouch for accounts that it vouched for under another identity: these, or all; which ones.

        Raises NotFound for an unknown provider or account; Conflict for an account of somebody else; Denied, before
        anything is changed, unless the caller may do whatever they may do.
        """
        await self._gate.check(caller, Operation.PROVIDER_ADOPT)
        authority = await self._authority(provider)
        adopted = [account for account in await self._asked(provider, names) if account.authority != authority]
        for account in adopted:
            await self._giving.account(caller, account.name)
        done = by(caller, self._gate.now())
        for account in adopted:
            # What the provider of before gave for them is not shown to that of now.
            await self._sign_ons.remove(provider, account.external)
            await self._accounts.change(
                account.name, AccountChange(authority=authority), done, expected=account.version
            )
        return tuple(account.name for account in adopted)

    async def _authority(self, provider: str) -> str:
        document = await self._documents.get(PROVIDER, provider)
        if document is None:
            raise NotFound(f"there is no sign-on provider {provider}")
        try:
            return authority_of(decode_provider(document.body))
        except msgspec.MsgspecError as cause:
            raise Conflict(f"the settings of {provider} cannot be read: {cause}") from cause

    async def _asked(self, provider: str, names: tuple[str, ...]) -> list[Account]:
        found: list[Account] = []
        for name in names:
            account = await self._accounts.get(name)
            if account is None:
                raise NotFound(f"there is no account {name}")
            if account.source != provider:
                raise Conflict(f"{name} is an account of {account.source}, and not of {provider}")
            found.append(account)
        if names:
            return found
        after, more = "", True
        while more:
            page = await self._external.of_source(provider, PageRequest(_AT_ONCE, after))
            found += page.items
            after, more = found[-1].name if found else "", page.more
        return found
