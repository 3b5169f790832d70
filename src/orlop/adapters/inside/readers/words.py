"""What names, versions and licences of packages of distributions may be; whatever else a database holds is left out."""

from collections.abc import Iterable

#: Packages of one file.
PACKAGES = 100_000
TOO_MANY = f"it lists more than the {PACKAGES} packages that are read"
DAMAGED = "it is damaged, or written in a way that is not known"
_NAME, _VERSION, _LICENCE, _LICENCES = 256, 256, 256, 32


def is_name(text: str) -> bool:
    """Whether it may be the name of a package."""
    return 0 < len(text) <= _NAME and text.isprintable() and " " not in text


def is_version(text: str) -> bool:
    """Whether it may be a version."""
    return 0 < len(text) <= _VERSION and text.isprintable() and " " not in text


def licences(declared: Iterable[str]) -> tuple[str, ...]:
    """Licences, each once, in the order in which they are named."""
    taken = dict[str, None]()
    for each in declared:
        text = " ".join(each.split())
        if 0 < len(text) <= _LICENCE and text.isprintable():
            taken[text] = None
            if len(taken) == _LICENCES:
                break
    return tuple(taken)
