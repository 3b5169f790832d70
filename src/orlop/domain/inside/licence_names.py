"""By which names of licences a package is found: each that its expressions name, with its exception and without, or its
own words."""

import re
from collections.abc import Sequence

from orlop.domain.inside.licences import read_licence

#: Of what `licence_names` says: what an older one entered is entered anew.
LICENCE_NAMES_VERSION = 1

#: Characters of a name, and names of one package.
LONGEST, _MOST = 200, 64
_NAMED = re.compile(r"[^\s()]+(?: WITH [^\s()]+)?")


def licence_names(licences: Sequence[str]) -> tuple[str, ...]:
    """Those of a package that declares these, each once; of one that declares a great many the first."""
    found: dict[str, None] = {}
    for declared in licences:
        expression = read_licence(declared).expression
        if not expression:
            found[" ".join(declared.split())[:LONGEST]] = None
            continue
        for name in _NAMED.findall(expression):
            if name not in ("AND", "OR"):
                found |= dict.fromkeys((name[:LONGEST], name.partition(" WITH ")[0][:LONGEST]))
    found.pop("", None)
    return tuple(found)[:_MOST]


def folded(name: str) -> str:
    """As it is looked for: neither the case of letters nor spaces around it matter."""
    return " ".join(name.lower().split())
