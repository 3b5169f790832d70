"""What expressions of gates are given: names and types, each in words. They are in CEL (cel-spec, langdef.md).

Nothing here tells the time: an answer is remembered until something that it goes by changes.
"""

import re
from typing import NamedTuple

#: Characters of an expression, and of why one is not met.
EXPRESSION_MAX, WHY_MAX = 2_000, 300
#: Why one is not met that takes too much; it may take less another time.
TOO_MUCH = "cannot be answered: it takes more time or memory than it may have"


class Input(NamedTuple):
    """A name that expressions may use, with its type in CEL, and what it is."""

    name: str
    type: str
    text: str


#: Known when an image is pushed.
OF_IMAGES = (
    Input(
        "image.repository",
        "string",
        "the repository, such as `prod/app`; at a promotion that which it goes to, and at a gate "
        "of a virtual the name below that",
    ),
    Input("image.digest", "string", "of the manifest, such as `sha256:…`"),
    Input("image.platform", "string", "such as `linux/amd64`; empty where it names none"),
    Input("image.user", "string", "as whom it runs; empty where it does not say, which is root"),
    Input("image.labels", "map(string, string)", "its labels"),
    Input("image.base", "string", "what it says it was built on; empty where it says nothing"),
    Input("image.registry", "string", "the host that it came from through a cache; empty where it was pushed here"),
    Input("image.size", "int", "of its layers together, in bytes"),
)
#: Known once an image is read.
OF_FINDINGS = (
    Input(
        "findings",
        "list(map(string, dyn))",
        "what is wrong with it and nothing clears, the worst first, with `id`, `package`, `installed`, `fixed` (a list "
        "of versions), `severity` (`critical`, `high`, `medium`, `low` or `unknown`) and `exploited` (true or false)",
    ),
    Input("counts.critical", "int", "how many findings are critical"),
    Input("counts.high", "int", "high"),
    Input("counts.medium", "int", "medium"),
    Input("counts.low", "int", "low"),
    Input("counts.exploited", "int", "known to be exploited"),
    Input("counts.fixable", "int", "mended by a version"),
)

_ABOUT_FINDINGS = re.compile(r"\b(?:findings|counts)\b", re.ASCII)


def is_about_findings(expression: str) -> bool:
    """Whether an image has to be read to answer it: anything that looks like their names counts."""
    return _ABOUT_FINDINGS.search(expression) is not None
