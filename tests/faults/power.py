"""Power cuts, after the fact: from a trace of what a program did to a folder, folders as a cut may have left them.

Only what was synced is sure to be there. Of everything else each write, each new name and each removed one is there or
not, by a seeded choice, in any combination: file contents and names are independent, as POSIX has it, and no file
system of a real machine is that unkind. A rename is whole or not at all, or leaves both names.

Limits of the model: a `write` appends, `pwrite64` says where it writes (nothing here seeks and overwrites), and what is
written through a memory map is lost.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.strace import strace

#: Everything that changes files or names, that makes changes durable, and that brings marks (see `Recording.marks`).
CALLS = (
    "openat,write,pwrite64,writev,ftruncate,rename,renameat,unlink,unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync,"
    "read,readv,recvfrom,recvmsg"
)

_LONGEST = 64 * 1024 * 1024


def recording(output: Path) -> list[str]:
    """The beginning of a command line that records what follows it."""
    return strace("--seccomp-bpf", "-y", "-xx", "-s", str(_LONGEST), "-e", f"trace={CALLS}", output=output)


@dataclass
class File:
    """`synced` is sure; `pending` is what may come on top."""

    synced: bytes = b""
    size: int = 0
    pending: list[tuple[int, int, bytes | None]] = field(default_factory=list)
    """(step, offset, bytes), or None as bytes: cut to `offset`."""


@dataclass
class Folder:
    """`names` as the program sees them, `synced` as they are sure to be, `pending` what may come on top."""

    names: dict[str, "File | Folder"] = field(default_factory=dict)
    synced: dict[str, "File | Folder"] = field(default_factory=dict)
    pending: list["Change"] = field(default_factory=list)


@dataclass(eq=False)
class Change:
    """A name that comes (`node`) or goes (None); one half of a rename knows the other."""

    step: int
    folder: Folder
    name: str
    node: File | Folder | None
    other: "Change | None" = None


_LINE = re.compile(r"(\d+) +(?:<\.\.\. (\w+) resumed>)?(.*)", re.DOTALL)
_HEX = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_PATH = re.compile(r"<((?:\\x[0-9a-f]{2})+)>(\(deleted\))?")
_TAIL = re.compile(r"(.*) = (-?\d+)", re.DOTALL)


def _decoded(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


@dataclass
class Call:
    """A call that succeeded: it began at step `began` and ended at `step`."""

    name: str
    arguments: str
    result: int
    began: int
    step: int

    def strings(self) -> list[bytes]:
        """Its string arguments."""
        return [_decoded(match[1]) for match in _HEX.finditer(self.arguments)]

    def path(self) -> str | None:
        """Where its first descriptor leads; None for what has no name any more."""
        match = _PATH.search(self.arguments)
        return None if match is None or match[2] else _decoded(match[1]).decode(errors="replace")

    def number(self, index: int) -> int:
        """Its `index`-th argument from the end, as a number."""
        return int(self.arguments.rstrip(") ").rsplit(", ", -index)[index])


def calls(trace: Path) -> Iterator[Call]:
    """The calls of a trace that succeeded, in the order in which they ended."""
    open_calls: dict[str, tuple[int, str]] = {}
    with trace.open(errors="replace") as lines:
        for step, line in enumerate(lines):
            match = _LINE.match(line)
            if match is None:
                continue
            thread, resumed, text = match[1], match[2], match[3].strip()
            began = step
            if resumed:
                began, begin = open_calls.pop(thread)
                text = begin + text
            elif text.endswith("<unfinished ...>"):
                open_calls[thread] = (step, text.removesuffix("<unfinished ...>"))
                continue
            tail = _TAIL.match(text)
            name, bracket, arguments = text.partition("(")
            if bracket and tail is not None and int(tail[2]) >= 0:
                yield Call(name, _TAIL.sub(r"\1", arguments), int(tail[2]), began, step)


class Recording:
    """A trace, replayed up to any step."""

    def __init__(self, trace: Path, root: Path, mark: re.Pattern[bytes]) -> None:
        self._calls = list(calls(trace))
        self._root = str(root)
        self.marks: dict[int, int] = {}
        """The step at which the program had read or written mark number N of the pattern: its first group."""
        for call in self._calls:
            for text in (
                call.strings() if call.name in ("read", "readv", "recvfrom", "recvmsg", "write", "writev") else ()
            ):
                for found in mark.finditer(text):
                    self.marks.setdefault(int(found[1]), call.step)
        self.steps = [call.step for call in self._calls if self._touches(call)]
        self.renames = [call.step for call in self._calls if call.name == "rename" and self._touches(call)]

    def _touches(self, call: Call) -> bool:
        where = [text.decode(errors="replace") for text in call.strings()[:1]] + [call.path() or ""]
        reads = call.name in ("read", "readv", "recvfrom", "recvmsg")
        return not reads and any(path == self._root or path.startswith(self._root + "/") for path in where)

    def rebuild(self, cut: int, choice: random.Random, target: Path) -> None:
        """Make `target` the folder as a power cut at step `cut` may have left it."""
        disk = _Disk(self._root)
        for call in self._calls:
            if call.step > cut:
                break
            disk.do(call)
        disk.cut(choice, target)


class _Disk:
    """What the calls made of one folder, which did not exist before."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._top = Folder()
        self._do: dict[str, Callable[[Call], None]] = {
            "openat": self._open,
            "write": self._write,
            "writev": self._write,
            "pwrite64": self._pwrite,
            "ftruncate": self._truncate,
            "rename": self._rename,
            "renameat": self._rename,
            "unlink": self._unlink,
            "unlinkat": self._unlink,
            "rmdir": self._unlink,
            "mkdir": self._mkdir,
            "mkdirat": self._mkdir,
            "fsync": self._sync,
            "fdatasync": self._sync,
        }

    def do(self, call: Call) -> None:
        """Replay one call."""
        if call.name in self._do:
            self._do[call.name](call)

    def _find(self, path: str | None) -> tuple[Folder, str] | None:
        """The folder that holds a path, and its name there; None for what lies elsewhere."""
        if path is None or not path.startswith(self._root):
            return None
        folder, parts = self._top, ["root", *path.removeprefix(self._root).strip("/").split("/")]
        parts = [part for part in parts if part]
        for part in parts[:-1]:
            inner = folder.names.get(part)
            if not isinstance(inner, Folder):
                return None
            folder = inner
        return folder, parts[-1]

    def _node(self, path: str | None) -> File | Folder | None:
        place = self._find(path)
        return None if place is None else place[0].names.get(place[1])

    def _file(self, call: Call) -> File | None:
        node = self._node(call.path())
        return node if isinstance(node, File) else None

    def _set(self, step: int, place: tuple[Folder, str], node: File | Folder | None) -> Change:
        folder, name = place
        if node is None:
            folder.names.pop(name, None)
        else:
            folder.names[name] = node
        change = Change(step, folder, name, node)
        folder.pending.append(change)
        return change

    def _open(self, call: Call) -> None:
        place = self._find(call.strings()[0].decode(errors="replace"))
        if place is None:
            return
        node = place[0].names.get(place[1])
        if node is None and "O_CREAT" in call.arguments:
            self._set(call.step, place, File())
        elif isinstance(node, File) and "O_TRUNC" in call.arguments and node.size:
            node.pending.append((call.step, 0, None))
            node.size = 0

    def _write(self, call: Call) -> None:
        file = self._file(call)
        if file is not None:
            self._put(file, call.step, file.size, b"".join(call.strings())[: call.result])

    def _pwrite(self, call: Call) -> None:
        file = self._file(call)
        if file is not None:
            self._put(file, call.step, call.number(-1), call.strings()[0][: call.result])

    def _put(self, file: File, step: int, offset: int, piece: bytes) -> None:
        file.pending.append((step, offset, piece))
        file.size = max(file.size, offset + len(piece))

    def _truncate(self, call: Call) -> None:
        file = self._file(call)
        if file is not None:
            file.size = call.number(-1)
            file.pending.append((call.step, file.size, None))

    def _rename(self, call: Call) -> None:
        old, new = (self._find(text.decode(errors="replace")) for text in call.strings()[:2])
        if old is None or new is None:
            return
        node = old[0].names[old[1]]
        came = self._set(call.step, new, node)
        went = self._set(call.step, old, None)
        came.other, went.other = went, came

    def _unlink(self, call: Call) -> None:
        place = self._find(call.strings()[0].decode(errors="replace"))
        if place is not None:
            self._set(call.step, place, None)

    def _mkdir(self, call: Call) -> None:
        place = self._find(call.strings()[0].decode(errors="replace"))
        if place is not None:
            self._set(call.step, place, Folder())

    def _sync(self, call: Call) -> None:
        node = self._node(call.path())
        if isinstance(node, File):
            covered = [change for change in node.pending if change[0] <= call.began]
            node.synced = _written(node.synced, covered)
            node.pending = [change for change in node.pending if change[0] > call.began]
        elif isinstance(node, Folder):
            self._sync_names(node, call.began)
        if call.path() == str(Path(self._root).parent):
            self._sync_names(self._top, call.began)

    def _sync_names(self, folder: Folder, until: int) -> None:
        for change in list(folder.pending):
            if change.step <= until and change in folder.pending:
                _keep(change)

    def cut(self, choice: random.Random, target: Path) -> None:
        """Write down what is left."""
        self._settle(self._top, choice)
        top = self._top.synced.get("root")
        if isinstance(top, Folder):
            self._lay(top, choice, target)

    def _settle(self, folder: Folder, choice: random.Random) -> None:
        for change in list(folder.pending):
            if change not in folder.pending:
                continue
            luck = choice.random()
            if luck < 0.5:
                _keep(change)
            elif luck < 0.6 and change.other is not None and change.node is not None:
                change.other.folder.pending.remove(change.other)
                change.other = None
                _keep(change)
            else:
                _drop(change)
        for node in list(folder.synced.values()):
            if isinstance(node, Folder):
                self._settle(node, choice)

    def _lay(self, folder: Folder, choice: random.Random, target: Path) -> None:
        target.mkdir()
        for name, node in folder.synced.items():
            if isinstance(node, Folder):
                self._lay(node, choice, target / name)
            else:
                (target / name).write_bytes(_written(node.synced, list(_lucky(node, choice))))


def _keep(change: Change) -> None:
    """A name is durable, and with one half of a rename the other."""
    for half in (change, change.other):
        if half is None:
            continue
        half.folder.pending.remove(half)
        if half.node is None:
            half.folder.synced.pop(half.name, None)
        else:
            half.folder.synced[half.name] = half.node
        half.other = None


def _drop(change: Change) -> None:
    for half in (change, change.other):
        if half is not None:
            half.folder.pending.remove(half)
            half.other = None


def _lucky(file: File, choice: random.Random) -> Iterator[tuple[int, int, bytes | None]]:
    """Some of the writes that no sync covered, some of them torn."""
    for step, offset, piece in file.pending:
        luck = choice.random()
        if luck < 0.4:
            yield step, offset, piece
        elif luck < 0.6 and piece:
            yield step, offset, piece[: choice.randrange(0, len(piece), 512)]


def _written(content: bytes, changes: list[tuple[int, int, bytes | None]]) -> bytes:
    result = bytearray(content)
    for _, offset, piece in changes:
        if piece is None:
            del result[offset:]
        if len(result) < offset:
            result.extend(bytes(offset - len(result)))
        if piece is not None:
            result[offset : offset + len(piece)] = piece
    return bytes(result)
