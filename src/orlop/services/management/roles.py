"""Roles: the built-in ones, and those that are kept as documents under names of their own."""

import re

import msgspec

from orlop.domain.access import ROLES, Action, Caller, Role
from orlop.domain.access.actions import all_denied
from orlop.domain.access.roles import RoleBody, stored_actions
from orlop.domain.errors import Conflict, NotFound, RequestInvalid
from orlop.ports.catalog import by
from orlop.ports.identity import ROLE, Document, Documents
from orlop.services.management.giving import Giving
from orlop.services.management.groups import check_description
from orlop.services.management.operations import Gate, Operation

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


#: How many roles are listed to whoever names an unknown one.
_TOLD = 30


class _Described(msgspec.Struct, frozen=True):
    description: str = ""


class KeptRole(msgspec.Struct, frozen=True):
    """A role and its version; 0: built in, and never changed."""

    role: Role
    version: int


class Roles:
    """Everybody who is signed in may see them; those who rule the registry change those that are not built in."""

    def __init__(self, gate: Gate, giving: Giving, documents: Documents) -> None:
        self._gate = gate
        self._giving = giving
        self._documents = documents

    async def all(self, caller: Caller) -> tuple[KeptRole, ...]:
        """The built-in ones, each after those that it contains; then the others by name."""
        await self._gate.check(caller, Operation.ROLE_READ)
        kept = [_read(document) for document in await self._documents.all(ROLE)]
        return (*(KeptRole(role, 0) for role in ROLES.values()), *kept)

    async def get(self, caller: Caller, name: str) -> KeptRole:
        """Raises NotFound."""
        await self._gate.check(caller, Operation.ROLE_READ)
        return await self.find(name)

    async def find(self, name: str) -> KeptRole:
        """For other services, which have checked their caller. Raises NotFound."""
        if name in ROLES:
            return KeptRole(ROLES[name], 0)
        document = await self._documents.get(ROLE, name)
        if document is None:
            kept = [each.name for each in await self._documents.all(ROLE)]
            known = ", ".join((*ROLES, *kept)[:_TOLD])
            raise NotFound(f"there is no role {name}; the roles are {known}")
        return _read(document)

    async def put(self, caller: Caller, role: Role, expected: int | None) -> KeptRole:
        """Make or change one. Raises Conflict, Stale; Denied for actions that the caller cannot give."""
        await self._gate.check(caller, Operation.ROLE_CHANGE)
        if role.name in ROLES:
            raise Conflict(f"the role {role.name} is built in; choose another name")
        if not _NAME.fullmatch(role.name):
            raise RequestInvalid(
                "a role's name is 1 to 63 lower-case letters, digits and dashes within", {"name": role.name[:160]}
            )
        if not role.actions or Action.PING in role.actions:
            raise RequestInvalid("a role has actions, and `ping` is none that anybody has to be given")
        check_description(role.description)
        there = await self._documents.get(ROLE, role.name)
        if there is not None:  # what it means changes for everybody who was granted it, or denied
            changed = _read(there).role.actions ^ role.actions
            await self._giving.actions(caller, all_denied(changed), f"to change what the role {role.name} means")
        body = RoleBody(tuple(action for action in Action if action in role.actions), role.description)
        document = Document(ROLE, role.name, msgspec.json.encode(body))
        if expected is None:  # what was checked is what is replaced
            expected = there.version if there is not None else 0
        return _read(await self._documents.put(document, by(caller, self._gate.now()), expected=expected))

    async def remove(self, caller: Caller, name: str, expected: int | None) -> None:
        """Raises NotFound, Stale; Conflict while a grant names it, or when it is built in."""
        await self._gate.check(caller, Operation.ROLE_CHANGE)
        if name in ROLES:
            raise Conflict(f"the role {name} is built in, and stays")
        await self._documents.remove(ROLE, name, by(caller, self._gate.now()), expected=expected)


def _read(document: Document) -> KeptRole:
    described = msgspec.json.decode(document.body, type=_Described)
    return KeptRole(Role(document.name, stored_actions(document.body), described.description), document.version)
