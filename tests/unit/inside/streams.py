"""Layers for tests: tar archives that tarfile writes, headers that nobody would write, and what is read of them."""

import io
import tarfile
from collections.abc import Callable, Iterable

from orlop.adapters.inside.bounds import Bounds
from orlop.adapters.inside.layer import Layer
from orlop.adapters.inside.readers import READERS
from orlop.adapters.inside.readers.reader import Reader
from orlop.adapters.inside.tar import Member, Tar
from orlop.adapters.inside.unpacking import Unpacked
from orlop.domain.inside.layers import Found, LayerFacts
from orlop.domain.inside.package import Package

END = bytes(1024)


def entry(name: str, content: bytes | None = None, **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    """A member: a file where it has content, else what `type` says."""
    info = tarfile.TarInfo(name)
    info.size = len(content or b"")
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content or b""


def symlink(name: str, to: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.SYMTYPE, linkname=to)


def hard_link(name: str, to: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.LNKTYPE, linkname=to)


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.DIRTYPE)


def tarred(*entries: tuple[tarfile.TarInfo, bytes], written_as: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=written_as) as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def files(contents: dict[str, bytes]) -> bytes:
    return tarred(*(entry(name, content) for name, content in contents.items()))


def header(name: bytes = b"a", size: bytes = b"0", kind: bytes = b"0", **fields: bytes) -> bytes:
    """A header with any bytes in its fields, and the right sum."""
    block = bytearray(512)
    places = {"mode": 100, "link": 157, "magic": 257, "prefix": 345, "sparse": 386, "more": 482, "whole": 483}
    block[: len(name)] = name
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    for key, value in fields.items():
        block[places[key] : places[key] + len(value)] = value
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def record(key: str, value: str) -> bytes:
    """A record of pax: its length counts its own digits."""
    rest = f" {key}={value}\n".encode()
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def pax(*records: bytes) -> bytes:
    content = b"".join(records)
    return header(b"pax", b"%o" % len(content), b"x") + padded(content)


def giver(content: bytes, size: int = 65_536) -> Callable[[], bytes]:
    stream = io.BytesIO(content)
    return lambda: stream.read(size)


def unpacked(content: bytes, bounds: Bounds | None = None, size: int = 65_536) -> Unpacked:
    return Unpacked(giver(content, size), bounds or Bounds())


def members(content: bytes, bounds: Bounds | None = None) -> list[tuple[Member, bytes]]:
    """Members with their content as it lies in the archive."""
    bounds = bounds or Bounds()
    tar = Tar(unpacked(content, bounds), bounds)
    return [(member, tar.read(2**40)) for member in tar.members()]


def facts(content: bytes, bounds: Bounds | None = None, readers: Iterable[Reader] = READERS) -> LayerFacts:
    bounds = bounds or Bounds()
    layer = Layer(readers, bounds)
    return layer.facts(layer.read(unpacked(content, bounds)))


def text_reader(name: str = "list", *, most: int = 1024) -> Reader:
    """Takes files whose name ends in `.list`: each line is a package."""

    def read(path: str, content: bytes) -> Found:
        packages = tuple(Package(type="generic", name=line, version="1") for line in content.decode().split())
        return Found(path=path, reader=name, packages=packages)

    return Reader(name=name, wants=lambda path, _mode, _size: path.endswith(".list"), most=most, read=read)


def listed(told: LayerFacts) -> dict[str, tuple[str, ...]]:
    """Names of packages by paths."""
    return {found.path: tuple(package.name for package in found.packages) for found in told.found}
