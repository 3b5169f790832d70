"""What the file name of an archive and its manifest say of the artifact in it, where no Maven file says more.

docs.oracle.com/javase/specs/jar. Which field of it names what is a habit of the programs that build archives.
"""

import re
import unicodedata

import msgspec

#: Fields that tend to hold a group, the better ones first, and beginnings of what can be one.
_GROUP_FIELDS = (
    (
        "Group-Id",
        "Bundle-SymbolicName",
        "Extension-Name",
        "Specification-Vendor",
        "Implementation-Vendor",
        "Implementation-Vendor-Id",
        "Implementation-Title",
        "Bundle-Activator",
    ),
    ("Automatic-Module-Name", "Main-Class", "Package"),
)
_DOMAINS = ("com", "org", "net", "io", "be")
_NAME_FIELDS = ("Name", "Bundle-Name", "Short-Name", "Extension-Name", "Implementation-Title")
_VERSION_FIELDS = ("Implementation-Version", "Specification-Version", "Plugin-Version", "Bundle-Version")
_LICENCE_FIELDS = ("Bundle-License", "Plugin-License-Name")
_MISNAMED = {"org.lz4.java": "org.lz4"}

_WORD = re.compile(r"[A-Za-z][\w.]*", re.ASCII)
_VERSION = re.compile(r"\d.*|build\d+.*|rc?\d+", re.IGNORECASE | re.DOTALL | re.ASCII)
_VERSION_EXACT = re.compile(r"\d.*|build\d+.*|rc?\d+", re.DOTALL | re.ASCII)
#: One of the values that OSGi lists, without its quotes and without the directives behind it.
_CLAUSE = re.compile(r"""(?:^|,)\s*"?([^",;]+)"?(?:;[^",;]*(?:"[^"]*"[^",;]*)?)*""")
_LETTERS = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Sc", "Pc"})
#: Characters of a file name that is taken apart.
_LONGEST = 255
#: Characters of a value, from which on no line continues it.
_VALUE = 8_192


class Manifest(msgspec.Struct, frozen=True):
    """The sections of a MANIFEST.MF, the first of the whole archive. Of a field that repeats the first one counts."""

    sections: tuple[dict[str, str], ...] = ()

    def main(self, field: str) -> str:
        """The value in the first section, or nothing."""
        return self.sections[0].get(field, "") if self.sections else ""

    def anywhere(self, field: str) -> str:
        """The value in the first section that has one, or nothing."""
        return next((value for section in self.sections if (value := section.get(field, ""))), "")

    def licences(self) -> list[str]:
        """Licences as declared. OSGi writes `"MIT";link="…", "ISC"`; others write a name, with commas in it at will."""
        said = [value for field in _LICENCE_FIELDS if (value := self.anywhere(field))]
        return [
            name for value in said for name in (_CLAUSE.findall(value) if '"' in value or ";" in value else [value])
        ]

    def group(self) -> str:
        """What is most like a group, or nothing."""
        for fields in _GROUP_FIELDS:
            said = (section[field] for field in fields for section in self.sections if field in section)
            groups = sorted(_cleaned(value) for value in said if value.startswith(_DOMAINS))
            if groups:
                return groups[0]
        return ""


def _cleaned(group: str) -> str:
    group = group.partition(";")[0].partition("#")[0].strip()
    return _MISNAMED.get(group, group)


def parse_manifest(content: bytes) -> Manifest:
    """A manifest: fields, continued on lines that begin with a blank, in sections with empty lines between."""
    sections: list[dict[str, str]] = []
    last = ""
    for line in content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line:
            last = ""
        elif line[0] == " ":
            if last and len(sections[-1][last]) < _VALUE:
                sections[-1][last] += line.strip()
        else:
            key, colon, value = line.partition(":")
            key = key.strip()
            if not colon or not key:
                continue
            if not last:
                sections.append({})
            if key in sections[-1]:
                key = f"{key} "  # a field's name has no blank, so nobody asks for this one
            sections[-1][key] = value.strip()
            last = key
    return Manifest(tuple(sections))


def file_name(path: str) -> tuple[str, str]:
    """The name and version in a file name, such as `commons-io` and `2.11.0`; either may be empty.

    The name ends before the first hyphen that a version follows: a digit, `build` or `r` and `rc` with digits.
    """
    base = path.rpartition("/")[2][:_LONGEST]
    stem = base.rpartition(".")[0] or base
    words = stem.split("-")
    for number in range(1, len(words)):
        if not _WORD.fullmatch(words[number - 1]):
            break
        version = "-".join(words[number:])
        if _VERSION.fullmatch(version):
            return "-".join(words[:number]), version
    if not all(_WORD.fullmatch(word) for word in words[:-1]) or (words[-1] and not _WORD.fullmatch(words[-1])):
        return "", ""
    for place, each in enumerate(stem):
        if each in "._-" and _VERSION_EXACT.fullmatch(stem, place + 1):
            return stem[:place], stem[place + 1 :]
    return stem, ""


def artifact(manifest: Manifest, name: str) -> str:
    """The artifact by a manifest and the name in a file name."""
    if "Apache Maven Bundle Plugin" in manifest.main("Created-By"):
        symbolic = manifest.main(
            "Bundle-SymbolicName"
        )  # `group.artifact`; the vendor alone says nothing of the artifact
        if symbolic and symbolic != manifest.main("Implementation-Vendor-Id"):
            return symbolic.rpartition(".")[2]
    if "." in name and not name.startswith("org.eclipse."):
        parts = name.split(".")
        if all(part and unicodedata.category(part[0]) in _LETTERS for part in parts):
            return parts[-1]
    return name or next((value for field in _NAME_FIELDS if (value := manifest.main(field))), "")


def version_of(manifest: Manifest, version: str) -> str:
    """The version in a file name, else that of a manifest."""
    return version or next((value for field in _VERSION_FIELDS if (value := manifest.anywhere(field))), "")
