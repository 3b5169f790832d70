"""Names as people type them when they sign in: one spelling for all that directories take for the same.

Nothing may be counted, asked or kept under what was typed: who may guess five times as `leo` could do so again as
`LEO`, as `leo ` and in letters of full width.
"""

import re
import unicodedata

#: "mapped to nothing" (RFC 4518, section 2.2): what does not show. NUL is left where it is, so that it is nobody's.
_UNSEEN = re.compile(
    "[\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u06dd\u070f\u1806\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffc\U0001d173-\U0001d17a\U000e0000-\U000e01ef]"
)


def sign_in_name(typed: str) -> str:
    """What somebody is called who typed that: as directories compare names (RFC 4518), without regard to case, width,
    spaces around it and how many there are within, and what cannot be seen."""
    name = typed
    for _ in range(2):  # to fold may give what is to be composed, and the other way round
        name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _UNSEEN.sub("", name)).casefold())
    return " ".join(_UNSEEN.sub("", name).split())


def is_called(name: str, typed: str, *, here: bool) -> bool:
    """Whether that is how somebody of this name may sign in: names that are kept `here` are typed as they are."""
    return typed == name or (not here and sign_in_name(typed) == name)


def guessed_name(typed: str) -> str:
    """What guesses at a name are counted under: some directories disregard accents, too."""
    decomposed = unicodedata.normalize("NFKD", sign_in_name(typed))
    return sign_in_name("".join(part for part in decomposed if not unicodedata.combining(part)))
