"""The places whose rules for SBOMs name roles: there it matters who has which."""

from collections.abc import Sequence

import msgspec

from orlop.domain.inside.sbom_rules import ROLE_PREFIX, SBOM_RULES
from orlop.ports.settings import Documents


class _Named(msgspec.Struct):
    pushed_by: tuple[str, ...] = ()


async def places_by_roles(documents: Documents) -> Sequence[str]:
    """By name; a rule that cannot be read names none."""
    found: dict[str, None] = {}
    for document in await documents.all(SBOM_RULES.kind):
        try:
            named = msgspec.json.decode(document.body, type=_Named).pushed_by
        except msgspec.MsgspecError:
            continue
        if any(name.startswith(ROLE_PREFIX) for name in named):
            found[document.path] = None
    return sorted(found)
