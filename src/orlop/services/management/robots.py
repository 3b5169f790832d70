"""Robots: accounts for programs, kept by whoever administers their namespace; each with up to two secrets at a time."""

from functools import partial

from orlop.domain.access import Action, Caller, Limit, SubjectKind
from orlop.domain.access.subjects import is_robot_name
from orlop.domain.errors import Conflict, NotFound, RequestInvalid
from orlop.domain.identity.secrets import Draw, new_secret
from orlop.domain.pages import Page, PageRequest
from orlop.domain.settings import checked_path
from orlop.ports.catalog import by
from orlop.ports.identity import Account, AccountChange, Accounts, Secret, Secrets
from orlop.services.management.giving import Giving
from orlop.services.management.named import NamedInRules
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import beginning, one, seen
from orlop.services.management.secrets import ALL, Issued, kept_secret
from orlop.services.management.trusts import TrustDocuments
from orlop.services.management.users import check_texts

#: Two, so that a new one is in use before the old one goes.
SECRETS_MAX = 2

_KIND = "robot"


class Robots:
    """See ports.identity.Accounts and Secrets. What a caller may not see is not there for them (NotFound)."""

    def __init__(
        self,
        gate: Gate,
        giving: Giving,
        accounts: Accounts,
        secrets: Secrets,
        trusts: TrustDocuments,
        named: NamedInRules,
        draw: Draw,
    ) -> None:
        self._gate = gate
        self._giving = giving
        self._accounts = accounts
        self._secrets = secrets
        self._trusts = trusts
        self._named = named
        self._draw = draw

    async def page(
        self, caller: Caller, page: PageRequest, namespace: str | None = None, begins: str = ""
    ) -> Page[Account]:
        """Robots by name: those of namespaces that the caller administers, of exactly `namespace` if given. `begins`:
        how their names begin."""
        robots = partial(self._accounts.page, SubjectKind.ROBOT, namespace=namespace)
        seeing = await self._gate.administers(caller)
        own = caller.subject.name
        if not seeing.anywhere(Action.ADMIN):
            robot = await self._accounts.get(own) if caller.subject.kind is SubjectKind.ROBOT else None
            if robot is None or namespace not in (None, robot.namespace) or not own.startswith(begins):
                return Page(())
            return one(robot, page, own)
        return await seen(
            lambda part: beginning(robots, part, lambda robot: robot.name, begins),
            page,
            lambda robot: robot.name,
            lambda robot: robot.name == own or seeing.namespace(robot.namespace),
        )

    async def get(self, caller: Caller, name: str, operation: Operation = Operation.ROBOT_READ) -> Account:
        """Raises NotFound, and Denied for an operation that needs more than to see it."""
        account = await self._accounts.get(name)
        own = name == caller.subject.name
        await self._gate.rights(caller)
        if account is None or account.kind is not SubjectKind.ROBOT:
            raise _unknown(name)
        if not await self._gate.may(caller, Operation.ROBOT_READ, own=own, namespace=account.namespace):
            raise _unknown(name)
        await self._gate.check(caller, operation, own=own, namespace=account.namespace)
        return account

    async def add(self, caller: Caller, account: Account) -> Account:
        """Make one in a namespace, or in the registry's. It may do nothing until it is granted something."""
        await self._gate.check(caller, Operation.ROBOT_ADD, namespace=account.namespace)
        if not is_robot_name(account.name):
            raise RequestInvalid(
                "a robot's name is robot+ and 1 to 120 lower-case letters, digits and . _ - with none of these at an "
                "end",
                {"name": account.name[:160]},
            )
        check_texts(account.display, "")
        if account.namespace:
            checked_path(account.namespace)
        done = by(caller, self._gate.now())
        made = await self._accounts.add(
            Account(
                kind=SubjectKind.ROBOT,
                name=account.name,
                display=account.display,
                namespace=account.namespace,
                disabled=account.disabled,
                expires_at=account.expires_at,
            ),
            done,
        )
        await self._trusts.remove_of(made.name, done)  # those are about another of that name
        return made

    async def change(self, caller: Caller, name: str, change: AccountChange, expected: int | None) -> Account:
        """Raises NotFound, Stale, Denied."""
        await self.get(caller, name, Operation.ROBOT_CHANGE)
        check_texts(change.display or "", "")
        if change.disabled == "" or change.expires_at is not None:  # it may do something again, or for longer
            await self._giving.account(caller, name)
        return await self._accounts.change(name, change, by(caller, self._gate.now()), expected=expected)

    async def remove(self, caller: Caller, name: str, expected: int | None) -> None:
        """With its secrets, trusts and grants, and out of every rule that names it. Raises NotFound, Stale, Denied."""
        await self.get(caller, name, Operation.ROBOT_REMOVE)
        await self._giving.standing(caller, name, lifting=True)
        done = by(caller, self._gate.now())
        await self._accounts.remove(name, done, expected=expected)
        await self._trusts.remove_of(name, done)
        await self._named.forget(name, done)

    async def secrets(self, caller: Caller, name: str) -> tuple[Secret, ...]:
        """Those that it has, oldest first. Raises NotFound, Denied."""
        await self.get(caller, name, Operation.ROBOT_SECRET_READ)
        return await self._of(name)

    async def issue(
        self, caller: Caller, name: str, label: str, limits: tuple[Limit, ...] | None, expires_at: int
    ) -> Issued:
        """Another secret, good for what the robot may do within `limits`. Raises NotFound, Denied, Conflict."""
        await self.get(caller, name, Operation.ROBOT_SECRET_ISSUE)
        await self._giving.limits(caller, name, limits)
        text = new_secret(_KIND, self._draw)
        secret = kept_secret(name, text, label, limits, expires_at, self._gate.now())
        kept = await self._secrets.add(secret, by(caller, self._gate.now()), at_most=SECRETS_MAX)
        return Issued(kept, text)

    async def rotate(self, caller: Caller, name: str, expires_at: int | None) -> Issued:
        """A new secret with the label and limits of the newest; that one stays good, and one before it goes.

        `expires_at` None: it lives as long as the newest was made for. Raises NotFound, Denied; Conflict when there is
        none to rotate.
        """
        await self.get(caller, name, Operation.ROBOT_SECRET_ISSUE)
        kept = await self._of(name)
        if not kept:
            raise Conflict(f"{name} has no secret yet; issue one")
        newest = kept[-1]
        now = self._gate.now()
        if expires_at is None:
            expires_at = now + newest.expires_at - newest.created_at if newest.expires_at else 0
        await self._giving.limits(caller, name, newest.limits)
        text = new_secret(_KIND, self._draw)
        secret = kept_secret(name, text, newest.name, newest.limits, expires_at, now)
        for old in kept[: len(kept) - SECRETS_MAX + 1]:
            await self._secrets.revoke(name, old.id, by(caller, now))
        return Issued(await self._secrets.add(secret, by(caller, now), at_most=SECRETS_MAX), text)

    async def revoke(self, caller: Caller, name: str, id: int) -> None:  # noqa: A002
        """One of its secrets. Raises NotFound, Denied."""
        await self.get(caller, name, Operation.ROBOT_SECRET_REVOKE)
        if id not in {secret.id for secret in await self._of(name)}:
            raise NotFound(f"{name} has no secret {id}")
        await self._secrets.revoke(name, id, by(caller, self._gate.now()))

    async def _of(self, name: str) -> tuple[Secret, ...]:
        return tuple(secret for secret in (await self._secrets.of(name, ALL)).items if secret.kind == _KIND)


def _unknown(name: str) -> NotFound:
    return NotFound(f"there is no robot {name}, or not for you to see")
