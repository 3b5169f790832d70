"""Users: made, changed, shut out and removed by those who rule the registry; seen by themselves, too."""

from functools import partial

from orlop.domain.access import Caller, SubjectKind
from orlop.domain.access.subjects import is_user_name
from orlop.domain.errors import Conflict, Denied, NotFound, RequestInvalid
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import by
from orlop.ports.identity import LOCAL, Account, AccountChange, Accounts
from orlop.services.management.giving import Giving
from orlop.services.management.named import NamedInRules
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import beginning, one
from orlop.services.management.passwords import NewPasswords

DISPLAY_MAX = 256
EMAIL_MAX = 254


class Users:
    """See ports.identity.Accounts. What a caller may not see is not there for them (NotFound)."""

    def __init__(
        self, gate: Gate, giving: Giving, accounts: Accounts, passwords: NewPasswords, named: NamedInRules
    ) -> None:
        self._gate = gate
        self._giving = giving
        self._accounts = accounts
        self._passwords = passwords
        self._named = named

    async def page(self, caller: Caller, page: PageRequest, begins: str = "") -> Page[Account]:
        """Users by name: all for those who rule or audit the registry, else the caller alone. `begins`: how their names
        begin."""
        if await self._gate.may(caller, Operation.USER_READ):
            users = partial(self._accounts.page, SubjectKind.USER)
            return await beginning(users, page, lambda user: user.name, begins)
        if caller.subject.kind is not SubjectKind.USER or not caller.subject.name.startswith(begins):
            return Page(())
        return one(await self.get(caller, caller.subject.name), page, caller.subject.name)

    async def get(self, caller: Caller, name: str) -> Account:
        """Raises NotFound."""
        if await self._gate.may(caller, Operation.USER_READ, own=name == caller.subject.name):
            account = await self._accounts.get(name)
            if account is not None and account.kind is SubjectKind.USER:
                return account
        raise NotFound(f"there is no user {name}, or not for you to see")

    async def add(self, caller: Caller, account: Account, password: str | None) -> Account:
        """Make a local user, who has to choose another password at the first sign-in. Raises Conflict.

        Without a password nobody can sign in as them, until one is set or a sign-on provider vouches for them.
        """
        await self._gate.check(caller, Operation.USER_ADD)
        if not is_user_name(account.name):
            raise RequestInvalid(
                "a user's name is 1 to 128 lower-case letters, digits and . _ @ - with none of these at an end, "
                "and is not the name of something else",
                {"name": account.name[:160]},
            )
        check_texts(account.display, account.email)
        if password is not None:
            self._passwords.acceptable(account.name, password)
        done = by(caller, self._gate.now())
        made = await self._accounts.add(
            Account(
                kind=SubjectKind.USER,
                name=account.name,
                display=account.display,
                email=account.email,
                source=LOCAL,
                disabled=account.disabled,
                expires_at=account.expires_at,
            ),
            done,
        )
        if password is None:
            return made
        await self._passwords.set(made.name, password, must_change=True, by=done)
        return await self._accounts.get(made.name) or made

    async def change(self, caller: Caller, name: str, change: AccountChange, expected: int | None) -> Account:
        """Raises NotFound, Stale; Denied for what would give the caller more than they have."""
        await self._gate.check(caller, Operation.USER_CHANGE)
        account = await self.get(caller, name)
        check_texts(change.display or "", change.email or "")
        if change.disabled and name == caller.subject.name:
            raise Conflict("you would shut yourself out; ask somebody else who rules the registry")
        if change.expires_at and name == caller.subject.name:
            raise Conflict("you would set an end to your own account; ask somebody else who rules the registry")
        await self._giving.account(caller, account.name)
        return await self._accounts.change(name, change, by(caller, self._gate.now()), expected=expected)

    async def remove(self, caller: Caller, name: str, expected: int | None) -> None:
        """With everything that is theirs, and out of every rule that names them. Raises NotFound, Stale, Conflict for
        oneself."""
        await self._gate.check(caller, Operation.USER_REMOVE)
        await self.get(caller, name)
        if name == caller.subject.name:
            raise Conflict("you would remove yourself; ask somebody else who rules the registry")
        await self._giving.account(caller, name)
        done = by(caller, self._gate.now())
        await self._accounts.remove(name, done, expected=expected)
        await self._named.forget(name, done)

    async def set_password(self, caller: Caller, name: str, password: str, *, must_change: bool) -> None:
        """Give a user another password, which ends what they are signed in with. Raises NotFound, Denied."""
        await self._gate.check(caller, Operation.PASSWORD_SET)
        account = await self.get(caller, name)
        if account.source != LOCAL:
            raise Conflict(f"the password of {name} is kept by {account.source}; change it there")
        await self._giving.account(caller, name)
        await self._passwords.set(name, password, must_change=must_change, by=by(caller, self._gate.now()))

    async def change_password(self, caller: Caller, new: str) -> None:
        """The caller's own, who has just proved that they know the one of now. Raises PasswordRefused, also for it."""
        await self._gate.check(caller, Operation.PASSWORD_CHANGE, own=True)
        if caller.subject.credential_id:
            raise Denied("a password is changed with the password of now, and not with a token")
        account = await self._accounts.get(caller.subject.name)
        if account is None or account.kind is not SubjectKind.USER or account.source != LOCAL:
            raise Conflict("only local users have a password here to change")
        await self._passwords.change(account.name, new, by=by(caller, self._gate.now()))


def check_texts(display: str, email: str) -> None:
    """Raises RequestInvalid for texts that are too long or hold what does not print."""
    for what, text, most in (("display", display, DISPLAY_MAX), ("email", email, EMAIL_MAX)):
        if len(text) > most or not (text.isprintable()):
            raise RequestInvalid(f"{what} is at most {most} printable characters on one line", {"field": what})
