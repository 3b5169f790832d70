"""The account here of somebody whom a sign-on provider vouches for: found, made at the first sign-in, kept right."""

from orlop.domain.access import SubjectKind
from orlop.domain.access.spellings import sign_in_name
from orlop.domain.access.subjects import is_user_name
from orlop.domain.errors import Conflict, Unauthorized
from orlop.ports.catalog import By
from orlop.ports.identity import Account, AccountChange, Accounts, ExternalAccounts
from orlop.ports.sign_on import ExternalIdentity

_TEXT_MAX = 256


class Provisioning:
    """Goes by what a provider calls somebody and will call nobody else. A name decides nothing, and gives no rights."""

    def __init__(self, accounts: Accounts, external: ExternalAccounts) -> None:
        self._accounts = accounts
        self._external = external

    async def account_of(self, identity: ExternalIdentity, by: By) -> Account:
        """Their account, in the groups that the provider named. Raises Unauthorized when they can have none here, or
        have one that is disabled."""
        account = await self._external.external(identity.source, identity.authority, identity.external)
        if account is None:
            account = await self._made(identity, by)
        if account.disabled:
            raise Unauthorized(f"the account {account.name} is disabled: {account.disabled}")
        account = await self._updated(account, identity, by)
        if identity.groups is not None:
            await self._external.of_account(identity.source, account.name, identity.groups, by)
        return account

    async def _made(self, identity: ExternalIdentity, by: By) -> Account:
        name = sign_in_name(identity.name)
        if not identity.external:
            raise Unauthorized(f"{identity.source} does not say who this is; look at its settings")
        if not is_user_name(name):
            raise Unauthorized(
                f"{identity.source} calls this person {name[:64]!r}, which cannot be the name of an account here;"
                " let it send another"
            )
        account = Account(
            kind=SubjectKind.USER,
            name=name,
            display=_text(identity.display),
            email=_text(identity.email),
            source=identity.source,
            external=identity.external,
            authority=identity.authority,
        )
        try:
            return await self._accounts.add(account, by)
        except Conflict as conflict:
            # Two first requests at once: the other made it.
            found = await self._external.external(identity.source, identity.authority, identity.external)
            if found is not None:
                return found
            raise Unauthorized(await self._not_theirs(name, identity)) from conflict

    async def _not_theirs(self, name: str, identity: ExternalIdentity) -> str:
        """Why somebody may not sign in as the account that has their name."""
        there = await self._accounts.get(name)
        if there is not None and (there.source, there.external) == (identity.source, identity.external):
            return (
                f"the account {name} is of {identity.source} as it was before its identity changed;"
                f" ask an administrator to carry it over: orlop provider adopt {identity.source} {name}"
            )
        return (
            f"there is an account {name} already, which is not the one that {identity.source} vouches for;"
            " ask an administrator to remove it, or to let the provider send another name"
        )

    async def _updated(self, account: Account, identity: ExternalIdentity, by: By) -> Account:
        display, email = _text(identity.display), _text(identity.email)
        change = AccountChange(
            display=display if display and display != account.display else None,
            email=email if email and email != account.email else None,
            authority=identity.authority if identity.authority != account.authority else None,
        )
        if change == AccountChange():
            return account
        return await self._accounts.change(account.name, change, by)


def _text(text: str) -> str:
    """What a provider says of somebody, fit to be shown."""
    return "".join(character for character in text if character.isprintable())[:_TEXT_MAX]
