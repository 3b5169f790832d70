"""The process that reads one archive: `python -m orlop.adapters.archives.child PACKING NAME:DEPTH:RENDERED …`.

The archive comes on standard input, and an answer goes to standard output. Members are streamed: nothing is ever
written to a disk. Whoever starts it kills it when it takes too long. It loads little of the registry, so that it starts
fast and has nothing to lose.
"""

import gzip
import json
import sys
import tarfile
import zlib
from typing import IO, Any

from orlop.adapters.confined import confine

#: Bytes that come out of an archive, of its members and of what surrounds them, and how many come of each that goes in.
UNPACKED = 64 * 1024 * 1024
RATIO, RATIO_FROM = 200, 1024 * 1024
MEMBERS = 10_000
#: Bytes of one text; what is beyond is cut off.
TEXT = 256 * 1024
#: Bytes of address space, and seconds of a processor.
MEMORY, SECONDS = 512 * 1024 * 1024, 5
_FILES = 32


class Beyond(Exception):
    """The archive is beyond a bound; the message says which."""


class Counted:
    """What comes out of an archive, as far as the bounds allow."""

    def __init__(self, packed: IO[bytes], *, compressed: bool) -> None:
        self._packed = _Tallied(packed)
        self._source: Any = gzip.GzipFile(fileobj=self._packed) if compressed else self._packed  # type: ignore[call-overload]
        self._given = 0

    def read(self, size: int) -> bytes:
        """The next bytes. Raises Beyond."""
        piece: bytes = self._source.read(size)
        self._given += len(piece)
        if self._given > UNPACKED:
            raise Beyond(f"it holds more than the {UNPACKED >> 20} MiB that are read")
        if self._given > RATIO_FROM and self._given > RATIO * self._packed.taken:
            raise Beyond(f"it unpacks to more than {RATIO} times its size")
        return piece


class _Tallied:
    """Counts what is read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(size)
        self.taken += len(piece)
        return piece


def read(source: IO[bytes], packing: str, wanted: dict[tuple[str, int], bool]) -> dict[str, Any]:
    """The texts that are wanted: by name and depth, whether to render it. Raises Beyond and what tarfile raises."""
    if packing == "plain":
        [((name, _), rendered)] = wanted.items()
        return {name: _text(source.read(TEXT + 1), rendered=rendered)}
    found: dict[str, Any] = {}
    archive: Any = Counted(source, compressed=packing == "tar+gzip")
    with tarfile.open(fileobj=archive, mode="r|") as members:
        for number, member in enumerate(members):
            if number >= MEMBERS:
                raise Beyond(f"it has more than the {MEMBERS} members that are looked at")
            key = _key(member.name)
            if key is None or key not in wanted or key[0] in found or not member.isreg():
                continue
            content = members.extractfile(member)
            if content is not None:
                found[key[0]] = _text(content.read(TEXT + 1), rendered=wanted[key])
    return found


def _key(path: str) -> tuple[str, int] | None:
    """The name of a member in lower case, and in how many folders it is; None for one that leads out of there."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    return (parts[-1].lower(), len(parts) - 1) if parts and ".." not in parts else None


def _text(content: bytes, *, rendered: bool) -> dict[str, Any]:
    text = content[:TEXT].decode("utf-8", "replace")
    html = ""
    if rendered:
        from orlop.adapters.archives.markdown import render

        html = render(text)
    return {"text": text, "cut": len(content) > TEXT, "html": html}


def main(arguments: list[str]) -> None:
    """Answer what was asked."""
    confine(MEMORY, SECONDS, _FILES)
    packing, wanted = arguments[0], {}
    for each in arguments[1:]:
        name, depth, rendered = each.split(":")
        wanted[name, int(depth)] = rendered == "1"
    try:
        answer: dict[str, Any] = {"texts": read(sys.stdin.buffer, packing, wanted)}
    except Beyond as beyond:
        answer = {"refused": str(beyond)}
    except MemoryError:
        answer = {"refused": f"it takes more than {MEMORY >> 20} MiB of memory to read"}
    except RecursionError:
        answer = {"refused": "it is nested too deeply"}
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError):
        answer = {"refused": "it is damaged, or no archive of this kind"}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
