"""What one layer says of packages, without regard to the layers around it; kept by the layer's digest, read once."""

import msgspec

from orlop.domain.inside.package import Distribution, Package


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one file of a layer holds."""

    path: str
    """From the root of the image, without a slash before it and without `.` and `..`."""
    reader: str
    """Which reader found it, such as `dpkg`."""
    packages: tuple[Package, ...] = ()
    licences: dict[str, tuple[str, ...]] = {}
    """Licences of packages that another file lists, by their names: of Debian's `copyright` files."""
    distribution: Distribution | None = None
    unread: str = ""
    """Why it could not be read, or not to its end; a sentence without a full stop."""
    layers: tuple[str, ...] = ()
    """Of an SBOM: what it says of where each of its packages is, a digest or the number of a layer; empty: nothing."""


class LayerFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a layer says. Paths are written as in Found."""

    found: tuple[Found, ...] = ()
    removed: tuple[str, ...] = ()
    """What it removes from the layers below: `a/.wh.b` is `a/b`."""
    emptied: tuple[str, ...] = ()
    """Folders of which nothing from the layers below is left (`.wh..wh..opq`); empty text is the root."""
    names: bytes = b""
    """Of everything that is no folder the first six bytes of the SHA-256 of its path, sorted, one after another: what
    hides a file of a layer below, whatever it is."""
    folders: bytes = b""
    """The same of its folders: one takes the place of a file of that name below it, and hides nothing else."""
    files: int = 0
    unread: str = ""
    """Why the layer could not be read, or not to its end."""
    about: tuple[str, ...] = ()
    """Of a statement that attests something: the digests of what it is about."""
