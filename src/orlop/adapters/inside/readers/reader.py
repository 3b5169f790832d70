"""What a reader is: it takes files of a layer by their names, and says which packages they list."""

from collections.abc import Callable

import msgspec

from orlop.domain.inside.layers import Found


def anything(_first: bytes) -> bool:
    """For readers to which a name says enough."""
    return True


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of file. Paths are written as in Found."""

    name: str
    """What `reader` of Found says."""
    wants: Callable[[str, int, int], bool]
    """Whether to look at a regular file, by its path, its permissions and its size. Asked of every file of a layer, so
    it is quick. Who looks for executables asks for an executable bit or the ending of a library."""
    most: int
    """Bytes of a file. Of a larger one it is only said that it was not read."""
    marks: tuple[bytes, ...] = ()
    """What is in every file that a reader finds something in, so that of a larger one without it nothing is said."""
    begins: Callable[[bytes], bool] = anything
    """Whether to go on with a file, by its first bytes: 512, or all of them where it has fewer. Readers of executables
    share what they look for."""
    read: Callable[[str, bytes], Found | None]
    """What a file says, by its path and all its bytes; None where there is nothing to say. Raises nothing: of what is
    damaged or beyond a bound, `unread` of Found says so."""
