"""Nobody gives what they do not have, by whichever way: a grant, a role, a membership, a secret, another's password, a
visibility."""

from orlop.domain.access import ROLES, Action, Caller, Effect, Grant, Limit, Place, PlaceKind, Question, decide
from orlop.domain.access.actions import READS
from orlop.domain.access.reach import REGISTRY, Gift, administers, beyond
from orlop.domain.access.subjects import group_principal
from orlop.domain.errors import Denied
from orlop.domain.pages import PageRequest
from orlop.domain.settings import SpeaksFor
from orlop.ports.identity import ExternalAccounts, GrantRecord, Grants, Groups, Members
from orlop.services.management.operations import Gate
from orlop.services.management.sight import grant_sight

#: How many grants of one principal are read at once.
_AT_ONCE = 1_000

#: All that anybody can be given.
_EVERYTHING = Gift(ROLES["admin"].actions, REGISTRY)


class Giving:
    """What a caller may pass on, by their own grants and by what they are signed in with."""

    def __init__(
        self, gate: Gate, grants: Grants, members: Members, groups: Groups, external: ExternalAccounts
    ) -> None:
        self._gate = gate
        self._grants = grants
        self._members = members
        self._groups = groups
        self._external = external

    async def place(self, caller: Caller, place: Place) -> None:
        """Raises Denied unless the caller administers the whole of a place now."""
        rights = await self._gate.rights(caller)
        if not administers(rights, place, self._gate.now(), caller.address):
            raise Denied(
                f"{caller.subject.name} does not administer {place} as a whole; ask whoever does",
                {"action": Action.ADMIN.value, "place": str(place)},
            )

    async def gift(self, caller: Caller, gift: Gift, what: str) -> None:
        """Raises Denied, which says what is too much, unless the caller may do all of it themselves."""
        _refuse(caller, beyond(await self._gate.rights(caller), gift, self._gate.now()), gift.place, what)

    async def actions(self, caller: Caller, actions: frozenset[Action], what: str) -> None:
        """The same for actions on the registry as a whole."""
        await self.gift(caller, Gift(actions, REGISTRY), what)

    async def opening(self, caller: Caller, place: Place, what: str) -> None:
        """Raises Denied unless the caller may themselves read the whole of a place, for good and from anywhere.

        For whatever lets others read there without a grant: a visibility, a place that shows what lies in another, a
        credential that others read with.
        """
        await self.gift(caller, Gift(READS, place), what)

    async def telling(self, caller: Caller, path: str, actions: frozenset[Action], what: str) -> None:
        """Raises Denied unless the caller may do these everywhere in a node, for good and from anywhere: for whatever
        has somebody else learn what happens there. A reader of the audit log need not administer the place for it."""
        place = Place(PlaceKind.NAMESPACE, path) if path else REGISTRY
        rights, now = await self._gate.rights(caller), self._gate.now()
        too_much = beyond(rights, Gift(actions, place), now)
        if Action.ADMIN in too_much and not beyond(rights, Gift(frozenset({Action.AUDIT_READ}), REGISTRY), now):
            too_much -= {Action.ADMIN}
        _refuse(caller, too_much, place, what)

    async def withdrawal(self, caller: Caller, grant: Grant) -> None:
        """Raises Denied where to take a grant away gives somebody something that the caller does not have.

        That is where it denies. Those who rule the registry may lift what was denied to themselves, else they could be
        shut out of their own house.
        """
        if grant.effect is Effect.ALLOW:
            return
        rights, now = await self._gate.rights(caller), self._gate.now()
        ruler = decide(rights, Question(Action.SYSTEM, at=now, address=caller.address)).allowed
        too_much = beyond(rights, Gift.of(grant), now, denied=not ruler)
        await self._refuse(caller, too_much, grant, "to lift what")

    async def standing(self, caller: Caller, principal: str, *, lifting: bool = False) -> None:
        """Raises Denied unless the caller may do all that a principal's own grants allow; with `lifting`, also what
        they deny, because the principal is about to lose its denials."""
        for record in await self.grants_of(principal):
            grant = record.grant
            if 0 < grant.expires_at <= self._gate.now():
                continue
            if grant.effect is Effect.ALLOW and not lifting:
                too_much = beyond(await self._gate.rights(caller), Gift.of(grant), self._gate.now())
                await self._refuse(caller, too_much, grant, "what")
            elif grant.effect is Effect.DENY and lifting:
                await self.withdrawal(caller, grant)

    async def account(self, caller: Caller, account: str) -> None:
        """Raises Denied unless the caller may do all that an account may: who can sign in as it may do so, too."""
        if account == caller.subject.name:
            return
        await self.standing(caller, account)
        for group in await self._members.of_account(account):
            await self.standing(caller, group_principal(group))

    async def speech(self, caller: Caller, spoken: SpeaksFor, what: str) -> None:
        """Raises Denied unless the caller may do all that those may do whom `what` speaks for, and what it gives."""
        if spoken.actions:
            await self.actions(caller, spoken.actions, f"to change what {what} means")
        for account in spoken.accounts:
            await self.account(caller, account)
        if not spoken.source or await self._has_everything(caller):
            return
        try:
            await self._source(caller, spoken.source, spoken.authority)
        except Denied as denied:
            raise Denied(f"{what} speaks for more than {caller.subject.name} may do: {denied.message}") from denied

    async def _source(self, caller: Caller, source: str, authority: str) -> None:
        """The same for everybody whom an identity of a provider vouches for, and for every group that it fills."""
        after, more = "", True
        while more:
            accounts = await self._external.of_source(source, PageRequest(_AT_ONCE, after))
            for account in accounts.items:
                after = account.name
                if account.authority in (authority, ""):
                    await self.account(caller, account.name)
            more = accounts.more
        after, more = "", True
        while more:
            groups = await self._groups.page(PageRequest(_AT_ONCE, after))
            for group in groups.items:
                after = group.name
                if group.source == source:
                    await self.standing(caller, group_principal(group.name))
            more = groups.more

    async def _has_everything(self, caller: Caller) -> bool:
        """Whether there is nothing that the caller may not pass on, so that nobody need be looked at."""
        return not beyond(await self._gate.rights(caller), _EVERYTHING, self._gate.now())

    async def limits(self, caller: Caller, account: str, limits: tuple[Limit, ...] | None) -> None:
        """Raises Denied unless the caller may do what an account may within some limits, or all that these allow."""
        rights, now = await self._gate.rights(caller), self._gate.now()
        if limits is not None and not any(beyond(rights, Gift(limit.actions, limit.place), now) for limit in limits):
            return
        await self.account(caller, account)

    async def _refuse(self, caller: Caller, too_much: frozenset[Action], grant: Grant, what: str) -> None:
        """Names the grant, and what of it is too much, to those who may see it."""
        if not too_much or (await grant_sight(self._gate, self._members, caller)).grant(grant):
            _refuse(caller, too_much, grant.place, f"{what} {grant}")
            return
        raise Denied(
            f"this is about more than {caller.subject.name} may pass on, by a grant that is not for them to see; ask "
            "somebody who rules the registry"
        )

    async def grants_of(self, principal: str) -> tuple[GrantRecord, ...]:
        """Every grant of a principal."""
        found: tuple[GrantRecord, ...] = ()
        after = ""
        while True:
            page = await self._grants.page(PageRequest(_AT_ONCE, after), principal=principal)
            found += page.items
            if not page.more:
                return found
            after = str(page.items[-1].grant.id)


def _refuse(caller: Caller, too_much: frozenset[Action], place: Place, what: str) -> None:
    if too_much:
        missing = ", ".join(sorted(too_much))
        raise Denied(
            f"{what} is more than {caller.subject.name} may pass on: {missing} on {place}; ask somebody who may do it",
            {"actions": sorted(too_much), "place": str(place)},
        )
