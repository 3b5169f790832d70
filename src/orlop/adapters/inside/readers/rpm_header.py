"""Headers of RPM as its databases keep them: an index of tags and their data (rpm.org, "RPM v4 file format", Header).

Everything in it is big-endian: how many entries there are, how many bytes of data, an entry of four numbers for each
tag (tag, type, offset, count), and the data.
"""

import struct

from orlop.adapters.inside.readers.words import is_name, is_version, licences
from orlop.domain.inside.package import Package

_NAME, _VERSION, _RELEASE, _EPOCH, _LICENCE, _ARCHITECTURE, _SOURCE = 1000, 1001, 1002, 1003, 1014, 1022, 1044
_WANTED = frozenset({_NAME, _VERSION, _RELEASE, _EPOCH, _LICENCE, _ARCHITECTURE, _SOURCE})
_INT32, _STRING, _STRINGS, _TRANSLATED = 4, 6, 8, 9
_TEXTS = frozenset({_STRING, _STRINGS, _TRANSLATED})
_ENTRY = struct.Struct(">IIiI")
_ENTRIES, _LONGEST = 65_536, 1_024
#: What stands for a key in the database, and is no package.
_KEY = "gpg-pubkey"
_ENDING = ".rpm"


def package_of(header: bytes) -> Package | None:
    """The package of a header; None if it is the one of a key. Raises ValueError and struct.error."""
    found = _fields(header)
    name, version, release = (str(found.get(tag, "")) for tag in (_NAME, _VERSION, _RELEASE))
    if name == _KEY:
        return None
    whole = f"{version}-{release}" if release else version
    if not is_name(name) or not is_version(whole):
        raise ValueError("a header names no package")
    source, source_version = _source(str(found.get(_SOURCE, "")))
    architecture, epoch = str(found.get(_ARCHITECTURE, "")), found.get(_EPOCH, 0)
    return Package(
        type="rpm",
        name=name,
        version=whole,
        epoch=epoch if isinstance(epoch, int) else 0,
        architecture=architecture if is_name(architecture) else "",
        source=source if source != name else "",
        source_version=source_version if source_version != whole else "",
        licences=licences((str(found.get(_LICENCE, "")),)),
    )


def _fields(header: bytes) -> dict[int, str | int]:
    entries, size = struct.unpack_from(">II", header)
    start = 8 + 16 * entries
    if entries > _ENTRIES or start + size > len(header):
        raise ValueError("a header is shorter than it says")
    found = dict[int, str | int]()
    for tag, kind, offset, count in _ENTRY.iter_unpack(header[8:start]):
        if tag not in _WANTED or tag in found or not count or not 0 <= offset < size:
            continue
        at = start + offset
        if kind in _TEXTS:
            end = header.find(b"\0", at, at + _LONGEST)
            if end >= 0:
                found[tag] = header[at:end].decode("utf-8", "replace")
        elif kind == _INT32:
            found[tag] = struct.unpack_from(">I", header, at)[0]
    return found


def _source(file: str) -> tuple[str, str]:
    """Name and version of a source package, from the name of its file: `openssl-3.0.7-24.el9.src.rpm`."""
    if not file.endswith(_ENDING):
        return "", ""
    rest, _, release = file.removesuffix(_ENDING).rpartition(".")[0].rpartition("-")
    name, _, version = rest.rpartition("-")
    whole = f"{version}-{release}"
    return (name, whole) if is_name(name) and version and is_version(whole) else ("", "")
