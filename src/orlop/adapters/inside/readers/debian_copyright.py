"""Licences of Debian's packages: the machine-readable form (DEP 5), and usual phrases of what is written by hand."""

import re
from collections.abc import Iterable, Iterator

import msgspec

from orlop.adapters.inside.readers.reader import Reader
from orlop.adapters.inside.readers.words import is_name, licences
from orlop.domain.inside.layers import Found

NAME = "debian-copyright"
_PATH = re.compile(r"usr/share/doc/([^/]+)/copyright")
#: Where packages have their folders, and the file that each has there.
FOLDER, _FILE = "usr/share/doc/", "/copyright"
_MOST = 4 * 1024 * 1024
#: Bytes of it that are looked at: licences come first, their texts after them.
_LOOKED = 512 * 1024
_FORMAT = re.compile(r"\A\s*(?:Format|Format-Specification)\s*:", re.IGNORECASE)
_FIELD = re.compile(r"^Licen[cs]e\s{0,8}:([^\n]{1,512})", re.IGNORECASE | re.MULTILINE)
_COMMON = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9][A-Za-z0-9.+-]{0,63})")
_PHRASES = (
    ("redistribution and use in source and binary forms", "BSD"),
    ("permission is hereby granted, free of charge, to any person obtaining a copy", "Expat"),
    ("permission to use, copy, modify, and distribute this software for any purpose", "ISC"),
    ("permission to use, copy, modify, and/or distribute this software for any purpose", "ISC"),
    ("in no event will the authors be held liable for any damages arising from the use of this software", "Zlib"),
    ("apache license, version 2.0", "Apache-2.0"),
    ("mozilla public license, version 2.0", "MPL-2.0"),
    ("is in the public domain", "public-domain"),
    ("sil open font license", "OFL"),
)


def read_copyright(path: str, content: bytes) -> Found | None:
    """The licences that a file names, of the package that its folder is called by."""
    match = _PATH.fullmatch(path)
    if match is None or not is_name(match[1]):
        return None
    text = content[:_LOOKED].decode("utf-8", "replace")
    named = [each.strip() for each in _FIELD.findall(text)] if _FORMAT.match(text) else []
    if not named:
        named = [each.rstrip(".-+") if each.endswith(".") else each for each in _COMMON.findall(text)]
        plain = " ".join(text.split()).lower()
        named += [licence for phrase, licence in _PHRASES if phrase in plain]
    found = licences(named)
    return Found(path=path, reader=NAME, licences={match[1]: found}) if found else None


def linked(found: Iterable[Found], links: dict[str, str]) -> Iterator[Found]:
    """Files with the licences of packages whose folders are links to that of another, too: by the paths of folders."""
    names = dict[str, list[str]]()
    for path, to in links.items():
        names.setdefault(to + _FILE, []).append(path.rpartition("/")[2])
    for each in found:
        if each.reader == NAME and each.licences and (more := names.get(each.path)):
            [(_, listed)] = each.licences.items()
            each = msgspec.structs.replace(
                each, licences=dict.fromkeys([*each.licences, *filter(is_name, more)], listed)
            )
        yield each


def _wants(path: str, _mode: int, _size: int) -> bool:
    return path.startswith(FOLDER) and path.endswith(_FILE)


DEBIAN_COPYRIGHT = Reader(name=NAME, wants=_wants, most=_MOST, read=read_copyright)
