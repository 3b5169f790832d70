"""A file system in memory, and the layer that it becomes: sorted, with fixed owners and times, so the same files are
always the same bytes."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Entry:
    """A file, a folder (`content` and `link` are None) or a symbolic link. `owner`: uid and gid, which are equal."""

    mode: int
    content: bytes | None = None
    link: str | None = None
    owner: int = 0


@dataclass(frozen=True)
class Layer:
    """A layer as it lies in a layout. `diff_id`: the digest of what is packed."""

    content: bytes = field(repr=False)
    digest: str
    diff_id: str
    unpacked: int


class Tree:
    """Entries by their paths, without a slash in front."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def folder(self, path: str, mode: int = 0o755, owner: int = 0) -> None:
        """A folder; those above it are made as well."""
        self._above(path)
        self.entries[path] = Entry(mode, owner=owner)

    def file(self, path: str, content: bytes | str, mode: int = 0o644) -> None:
        """A file; the folders above it are made as well."""
        self._above(path)
        self.entries[path] = Entry(mode, content.encode() if isinstance(content, str) else content)

    def link(self, path: str, target: str) -> None:
        """A symbolic link."""
        self._above(path)
        self.entries[path] = Entry(0o777, link=target)

    def unpack(self, archive: bytes) -> None:
        """The members of a tar archive that a package of Debian brings."""
        with tarfile.open(fileobj=io.BytesIO(archive)) as members:
            for member in members:
                path = str(PurePosixPath(member.name.removeprefix("./")))
                if path == ".":
                    continue
                if member.isdir():
                    self.entries.setdefault(path, Entry(member.mode & 0o1777))
                elif member.issym():
                    self.link(path, member.linkname)
                elif member.islnk():
                    self._above(path)
                    self.entries[path] = self.entries[member.linkname.removeprefix("./")]
                elif member.isreg():
                    held = members.extractfile(member)
                    assert held is not None
                    # No program in the image is anybody's but its caller's.
                    self.file(path, held.read(), member.mode & 0o777)
                else:
                    raise ValueError(f"{path} is neither a file nor a folder nor a link")

    def take(self, folder: Path, where: str) -> None:
        """What lies in a folder of this machine, as files that everybody may read."""
        for path in sorted(folder.rglob("*")):
            name = f"{where}/{path.relative_to(folder)}"
            if path.is_dir():
                self.folder(name)
            else:
                self.file(name, path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644)

    def drop(self, unwanted: Callable[[str], bool]) -> None:
        """Leave out entries, and folders that are empty then."""
        kept = {path: entry for path, entry in self.entries.items() if not unwanted(path)}
        full = {
            str(above) for path, entry in kept.items() if not _is_folder(entry) for above in PurePosixPath(path).parents
        }
        lost = {path for path, entry in self.entries.items() if _is_folder(entry)} - full
        emptied = {str(above) for path in self.entries.keys() - kept.keys() for above in PurePosixPath(path).parents}
        self.entries = {path: entry for path, entry in kept.items() if not (path in lost and path in emptied)}

    def write(self, root: Path, *below: str) -> None:
        """Lay what lies below these paths into a folder of this machine, to be run or compiled there."""
        for path, entry in sorted(self.entries.items()):
            if below and not any(path == each or path.startswith(f"{each}/") for each in below):
                continue
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if entry.link is not None:
                place.symlink_to(entry.link)
            elif entry.content is None:
                place.mkdir(exist_ok=True)
            else:
                place.write_bytes(entry.content)
                place.chmod(entry.mode | 0o600)

    def layer(self, level: int) -> Layer:
        """The tree as a layer, compressed by zlib at a level from 1 to 9."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path, entry in sorted(self.entries.items()):
                archive.addfile(*_member(path, entry))
        plain = out.getvalue()
        packed = gzip.compress(plain, level, mtime=0)
        return Layer(
            packed, digest(packed), digest(plain), sum(len(each.content or b"") for each in self.entries.values())
        )

    def _above(self, path: str) -> None:
        for above in PurePosixPath(path).parents:
            if str(above) != "." and (found := self.entries.setdefault(str(above), Entry(0o755))).link is not None:
                raise ValueError(f"{path} lies below {above}, which is a link to {found.link}")


def digest(content: bytes) -> str:
    """Its SHA-256, as OCI writes digests."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _is_folder(entry: Entry) -> bool:
    return entry.content is None and entry.link is None


def _member(path: str, entry: Entry) -> tuple[tarfile.TarInfo, io.BytesIO | None]:
    member = tarfile.TarInfo(path)
    member.mode, member.uid, member.gid, member.mtime = entry.mode, entry.owner, entry.owner, 0
    if entry.link is not None:
        member.type, member.linkname = tarfile.SYMTYPE, entry.link
        return member, None
    if entry.content is None:
        member.type = tarfile.DIRTYPE
        return member, None
    member.size = len(entry.content)
    return member, io.BytesIO(entry.content)
