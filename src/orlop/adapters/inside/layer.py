"""Goes through the members of a layer, has readers look at what they want, and puts together what the layer says."""

import struct
import zlib
from collections.abc import Iterable
from hashlib import sha256

import msgspec

from orlop.adapters.inside.bounds import Beyond, Bounds, Damaged
from orlop.adapters.inside.paths import normal, shown, target
from orlop.adapters.inside.readers.debian_copyright import FOLDER, linked
from orlop.adapters.inside.readers.reader import Reader, anything
from orlop.adapters.inside.sparse import expanded
from orlop.adapters.inside.tar import BLOCK, Kind, Member, Tar
from orlop.adapters.inside.unpacking import Unpacked
from orlop.domain.inside.layers import Found, LayerFacts

#: Bytes of the hash of a name.
HASHED = 6
#: Names of image-spec, layer.md, "Whiteouts"; AUFS kept data of its own by longer names.
_WHITEOUT, _OPAQUE, _AUFS = b".wh.", b".wh..wh..opq", b".wh..wh."
_PLAIN_FILE = 0o644
#: What a reader may stumble over, which is meant to raise nothing.
_STUMBLES = (
    ValueError,
    LookupError,
    ArithmeticError,
    TypeError,
    AttributeError,
    struct.error,
    zlib.error,
    RecursionError,
)


class Layer:
    """What a layer says, as far as it was read."""

    def __init__(self, readers: Iterable[Reader], bounds: Bounds) -> None:
        self._readers = tuple(readers)
        self._bounds = bounds
        self._found: dict[bytes, list[Found]] = {}
        self._within: set[bytes] = set()
        """Folders in which something was found."""
        self._looked: set[tuple[bytes, str]] = set()
        self._removed: dict[bytes, None] = {}
        self._emptied: dict[bytes, None] = {}
        self._names: set[bytes] = set()
        self._folders: set[bytes] = set()
        self._documents: dict[str, str] = {}
        """Links from folders of documents of Debian's packages to those of others."""
        self._weight = 0

    def read(self, source: Unpacked) -> str:
        """Read a layer. Returns why it could not be read to its end, if so."""
        tar = Tar(source, self._bounds)
        try:
            for member in tar.members():
                self._take(tar, member)
        except (Beyond, Damaged) as end:
            return str(end)
        except MemoryError:
            return "it takes more memory than there is for it"
        return ""

    def facts(self, unread: str) -> LayerFacts:
        """What was found."""
        return LayerFacts(
            found=tuple(linked((each for founds in self._found.values() for each in founds), self._documents)),
            removed=tuple(map(shown, self._removed)),
            emptied=tuple(map(shown, self._emptied)),
            names=b"".join(sorted(self._names)),
            folders=b"".join(sorted(self._folders)),
            files=len(self._names),
            unread=unread,
        )

    def _take(self, tar: Tar, member: Member) -> None:
        path = normal(member.name)
        base = path.rpartition(b"/")[2]
        if base.startswith(_WHITEOUT):
            self._white_out(path, base)
            return
        text = shown(path)
        hashed = sha256(text.encode()).digest()[:HASHED]
        if member.kind is Kind.FOLDER:
            self._forget(path)
            self._names.discard(hashed)
            self._folders.add(hashed)
            return
        if not path:
            return
        self._folders.discard(hashed)
        self._names.add(hashed)
        self._forget(path)
        if path in self._within:
            self._forget_folder(path)
        if len(path) > self._bounds.path:
            return
        if member.kind is Kind.FILE:
            mode, size = member.mode, member.size
            wanting = [reader for reader in self._readers if reader.wants(text, mode, size)]
            if wanting:
                self._look(tar, member, path, text, wanting)
        elif member.kind is Kind.HARD_LINK:
            self._link(path, text, member, normal(member.link), member.mode)
        elif member.kind is Kind.SYMLINK:
            to = target(path, member.link)
            self._link(path, text, member, to, _PLAIN_FILE)
            if text.startswith(FOLDER) and text.count("/") == FOLDER.count("/"):
                self._documents[text] = shown(to)
                self._weigh(len(text) + len(to))

    def _white_out(self, path: bytes, base: bytes) -> None:
        folder = path[: -len(base)].removesuffix(b"/")
        if base == _OPAQUE:
            self._emptied[folder] = None
        elif not base.startswith(_AUFS) and (name := base.removeprefix(_WHITEOUT)):
            self._removed[folder + b"/" + name if folder else name] = None
        self._weigh(len(path))

    def _look(self, tar: Tar, member: Member, path: bytes, text: str, wanting: list[Reader]) -> None:
        """Have readers look at a file, which is read as far as one of them wants it."""
        first = b""
        if member.pieces is None:
            first = tar.read(BLOCK)
            wanting = [reader for reader in wanting if reader.begins(first)]
        self._looked.update((path, reader.name) for reader in wanting)
        size = max(member.size, member.packed)
        able = [reader for reader in wanting if size <= reader.most]
        if able:
            content, damage = tar.read(member.packed, first), ""
            if member.pieces is not None:
                try:
                    content = expanded(content, member.pieces, member.size)
                except Damaged as damaged:
                    damage = str(damaged)
            for reader in able:
                if damage:
                    self._keep(path, Found(path=text, reader=reader.name, unread=damage))
                elif member.pieces is None or reader.begins(content[:BLOCK]):
                    self._keep(path, self._read(reader, text, content))
            first = content
        unable = [reader for reader in wanting if size > reader.most]
        marks = tar.search({mark for reader in unable for mark in reader.marks}, first) if unable else set[bytes]()
        for reader in unable:
            if not reader.marks or not marks.isdisjoint(reader.marks):
                why = f"it is larger than the {reader.most >> 20} MiB that are read"
                self._keep(path, Found(path=text, reader=reader.name, unread=why))

    def _read(self, reader: Reader, text: str, content: bytes) -> Found | None:
        """What a reader says of a file."""
        try:
            return reader.read(text, content)
        except _STUMBLES:
            why = "it is damaged, or written in a way that is not known"
        except MemoryError:
            why = "it takes more memory than there is for it"
        return Found(path=text, reader=reader.name, unread=why)

    def _link(self, path: bytes, text: str, member: Member, to: bytes, mode: int) -> None:
        """A link: what was found where it leads is found here, too, if it is the same file by another name."""
        for reader in self._readers:
            if not reader.wants(text, mode, 1):
                continue
            if member.kind is Kind.HARD_LINK and (to, reader.name) in self._looked:
                self._looked.add((path, reader.name))
                for found in self._found.get(to, ()):
                    if found.reader == reader.name:
                        self._keep(path, msgspec.structs.replace(found, path=text))
            elif reader.begins is anything and not reader.wants(shown(to), mode, 1):
                why = f"it is a link to {shown(to[: self._bounds.path])}, which was not read"
                self._keep(path, Found(path=text, reader=reader.name, unread=why))

    def _keep(self, path: bytes, found: Found | None) -> None:
        if found is None:
            return
        self._weigh(len(msgspec.msgpack.encode(found)))
        self._found.setdefault(path, []).append(found)
        folder = path.rpartition(b"/")[0]
        while folder and folder not in self._within:
            self._within.add(folder)
            folder = folder.rpartition(b"/")[0]

    def _weigh(self, size: int) -> None:
        self._weight += size
        if self._weight > self._bounds.facts:
            raise Beyond(f"what it says takes more than the {self._bounds.facts >> 20} MiB that are kept")

    def _forget(self, path: bytes) -> None:
        """A later member of the same name is in the place of the one before."""
        self._found.pop(path, None)

    def _forget_folder(self, path: bytes) -> None:
        self._within.discard(path)
        for each in [each for each in self._found if each.startswith(path + b"/")]:
            del self._found[each]
