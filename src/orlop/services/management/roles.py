"""Roles as grants name them: those that are built in, and those that are kept as settings."""

from orlop.domain.access import ROLES, Role
from orlop.domain.access.roles import stored_actions
from orlop.domain.errors import NotFound
from orlop.ports.identity import ROLE, Documents

#: How many roles are listed to whoever names an unknown one.
_TOLD = 30


async def find_role(documents: Documents, name: str) -> Role:
    """For services that have checked their caller. Raises NotFound."""
    if name in ROLES:
        return ROLES[name]
    document = await documents.get(ROLE, name)
    if document is None:
        kept = [each.name for each in await documents.all(ROLE)]
        known = ", ".join((*ROLES, *kept)[:_TOLD])
        raise NotFound(f"there is no role {name}; the roles are {known}")
    return Role(name, stored_actions(document.body))
