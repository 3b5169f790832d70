"""Layers that want to harm, from a push to what is said of them: each is read within bounds, or said why not; what else
the image holds is known, and it can be pulled.

What each bound is stands in adapters/inside/bounds.py, and is tried alone in tests/unit/inside.
"""

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from backports import zstd

from orlop.domain import media_types
from tests.content import Piece, image
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer
from tests.unit.inside.streams import END, entry, files, hard_link, header, pax, record, symlink, tarred
from tests.volume import volume
from tests.wire.test_inside import BASE, known

pytestmark = [pytest.mark.slow, pytest.mark.early]

_METADATA = b"Name: found\nVersion: 1\n\n"
_LISTED = "lib/found-1.dist-info/METADATA"
FOUND, BASH = "pkg:pypi/found@1", "pkg:deb/debian/bash@5.2.15-2"
_MIB = 1 << 20


class Hostile(NamedTuple):
    """A layer, what is said of it, and the packages that are found in the image all the same."""

    layer: Piece
    said: tuple[str, ...]
    found: tuple[str, ...] = (FOUND, BASH)


def _packed(name: str, archive: bytes) -> Piece:
    return Piece(name, media_types.OCI_LAYER, gzip.compress(archive, 1, mtime=0))


def _start() -> bytes:
    """Begins with a file that is read, in two blocks of 512."""
    return files({_LISTED: _METADATA})[:1024]


def _bomb() -> Hostile:
    """A GiB of zeros in some ten KiB."""
    packer = zstd.ZstdCompressor(1)
    packed = [packer.compress(_start() + header(b"bomb", b"%o" % (1 << 30)))]
    piece = bytes(16 * _MIB)
    packed += [packer.compress(piece) for _ in range(64)]
    content = b"".join([*packed, packer.flush()])
    assert len(content) < 200_000
    layer = Piece("bomb", f"{media_types.OCI_LAYER}+zstd", content)
    return Hostile(layer, ("it unpacks to more than 1100 times its size",))


def _lying(size: bytes, *said: str) -> Hostile:
    archive = _start() + header(b"lib/other-1.dist-info/METADATA", size) + b"Package: a\n"
    return Hostile(_packed(f"lying {size.hex()}", archive), said)


def _jar(name: str, content: bytes, *, level: int = 6) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def _nested() -> Hostile:
    """Archives in archives, thirty deep, and one that unpacks to a hundred times its size at each step."""
    inner = _jar("a.txt", b"a")
    for _ in range(30):
        inner = _jar("inner.jar", inner)
    wide = _jar("inner.jar", _jar("inner.jar", _jar("b.jar", bytes(512 * _MIB), level=1)))
    archive = files({"app/deep.jar": inner, "app/wide.jar": wide, _LISTED: _METADATA})
    return Hostile(_packed("nested", archive), ("app/deep.jar", "app/wide.jar"))


def _loops() -> Hostile:
    """Links of every kind to themselves and to one another, in the places of what is read: what the base image
    has in these places is gone, as it would be on a disk."""
    archive = tarred(
        symlink("var/lib/dpkg/status", "status"),
        symlink("lib/apk/db/installed", "../../../lib/apk/db/other"),
        symlink("lib/apk/db/other", "installed"),
        symlink("etc/os-release", "../etc/os-release"),
        symlink("usr/lib/python3", "python3/python3"),
        hard_link("usr/lib/sysimage/rpm/Packages.db", "usr/lib/sysimage/rpm/Packages.db"),
        hard_link("a/METADATA", "b/METADATA"),
        hard_link("b/METADATA", "a/METADATA"),
        entry(_LISTED, _METADATA),
    )
    return Hostile(_packed("loops", archive), ("it is a link to lib/apk/db/other, which was not read",), (FOUND,))


def _outside() -> Hostile:
    """Names that begin at the root, or climb above it, are below the root of the image, as the kernel has it; links to
    what is outside lead nowhere."""
    archive = tarred(
        entry(f"/{_LISTED}", _METADATA),
        entry("../../../../lib/up-2.dist-info/METADATA", b"Name: up\nVersion: 2\n\n"),
        symlink("lib/away-3.dist-info/METADATA", "../../../../../../etc/hostname"),
        symlink("lib/proc-4.dist-info/METADATA", "/proc/self/environ"),
    )
    said = ("it is a link to etc/hostname", "it is a link to proc/self/environ")
    return Hostile(_packed("outside", archive), said, (FOUND, BASH, "pkg:pypi/up@2"))


def _sparse() -> Hostile:
    """A file of 8 EiB that is one byte long, and one whose pieces lie behind its end."""
    archive = _start()
    for name, size, places in (("a", "9" * 18, "0,1"), ("b", "8", "99,1")):
        sparse = pax(record("GNU.sparse.size", size), record("GNU.sparse.map", places))
        archive += sparse + header(b"lib/%s-1.dist-info/METADATA" % name.encode(), b"1") + b"x" + bytes(511)
    return Hostile(_packed("sparse", archive + END), ("it is larger than", "a sparse file in it is damaged"))


def _unknown(packed: bytes) -> Hostile:
    return Hostile(Piece(f"unknown {len(packed)}", media_types.OCI_LAYER, packed), ("no tar archive",), (BASH,))


def _many() -> Hostile:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    block = header(b"a/" + b"b" * 60) * 10_000
    packed = [packer.compress(_start()), *(packer.compress(block) for _ in range(101)), packer.flush()]
    layer = Piece("many", media_types.OCI_LAYER, b"".join(packed))
    return Hostile(layer, ("it has more than the 1000000 members that are read",))


CASES: dict[str, Callable[[], Hostile]] = {
    "a bomb": _bomb,
    "a size that is more than there is": lambda: _lying(b"%o" % (8 << 30), "it ends too early"),
    "a size that is negative": lambda: _lying(b"\xff" * 12, "it is damaged, or no tar archive"),
    "a size that is endless": lambda: _lying(b"\x80" + b"\x7f" * 11, "it is damaged, or no tar archive"),
    "archives in archives": _nested,
    "links in circles": _loops,
    "absolute names and ..": _outside,
    "sparse files": _sparse,
    "packed by xz": lambda: _unknown(lzma.compress(files({_LISTED: _METADATA}))),
    "packed by nothing that is known": lambda: _unknown(b"LRZI" + zlib.compress(files({_LISTED: _METADATA}))),
    # These take some ten seconds of a processor: in the long run alone.
    **({"a million members": _many} if volume(0, 1) else {}),
}
_NUMBERED = list(enumerate(CASES))


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Managed, list[Hostile]]]:
    """All are pushed, and then waited for."""
    server = OrlopServer(tmp_path_factory.mktemp("hostile"), {"open": False, "admin_password": PASSWORD, "workers": 1})
    server.start()
    try:
        api = Managed(server)
        cases = [make() for make in CASES.values()]
        for number, name in _NUMBERED:
            api.push(f"hostile/app{number}", image(name, [BASE, cases[number].layer]), "1")
        yield api, cases
    finally:
        server.kill()


@pytest.mark.parametrize(("number", "name"), _NUMBERED, ids=list(CASES))
def test_it_is_read_within_bounds_and_said_what_is_not(
    pushed: tuple[Managed, list[Hostile]], number: int, name: str
) -> None:
    api, cases = pushed
    case, repository = cases[number], f"hostile/app{number}"
    found: Any = known(api, repository, "1")
    assert found["state"] == "read"
    purls = {each["purl"].partition("?")[0] for each in found["packages"]}
    assert purls == set(case.found)
    assert (found["distribution"] is not None) is (BASH in case.found)
    unread = " | ".join(found["unread"])
    for words in case.said:
        assert words in unread, unread
    api.pull(repository, "1")


def test_such_images_have_findings_and_sboms_as_others(pushed: tuple[Managed, list[Hostile]]) -> None:
    """What could not be read is said with them."""
    api, _ = pushed
    number = list(CASES).index("a bomb")
    known(api, f"hostile/app{number}", "1")
    said = api.ask("GET", f"image-vulnerabilities?repository=hostile/app{number}&reference=1")
    assert any("it unpacks to more than 1100 times its size" in each for each in said["remarks"])
    assert said["state"] == "read"
    document = api.ask("GET", f"sboms?repository=hostile/app{number}&reference=1")
    assert any(each.get("purl") == FOUND for each in document["components"])
