"""Names of members as paths within an image."""

_UP = b".."


def normal(name: bytes) -> bytes:
    """A path from the root without a slash at either end and without `.` and `..`, which do not lead out of the root;
    the root is empty."""
    if name.startswith(b"./"):
        name = name[2:]
    if name[:1] not in {b"/", b"."} and b"/." not in name and b"//" not in name:
        return name.removesuffix(b"/")
    parts = list[bytes]()
    for part in name.split(b"/"):
        if part == _UP:
            if parts:
                parts.pop()
        elif part and part != b".":
            parts.append(part)
    return b"/".join(parts)


def shown(path: bytes) -> str:
    """A path as text. What is no UTF-8 is written as escapes, so that two paths stay two."""
    return path.decode("utf-8", "backslashreplace")


def target(path: bytes, link: bytes) -> bytes:
    """Where a symbolic link leads, as far as names say."""
    return normal(link if link.startswith(b"/") else path.rpartition(b"/")[0] + b"/" + link)
