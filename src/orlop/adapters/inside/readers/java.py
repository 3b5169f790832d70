"""Packages of Java: archives, and archives in them, by their files of Maven, their manifests and their names."""

from collections.abc import Iterator

import msgspec

from orlop.adapters.inside.readers.archives import Archive, Member
from orlop.adapters.inside.readers.harvest import LARGEST, Harvest
from orlop.adapters.inside.readers.java_groups import known_group
from orlop.adapters.inside.readers.java_maven import Project, Properties, parse_project, parse_properties
from orlop.adapters.inside.readers.java_names import Manifest, artifact, file_name, parse_manifest, version_of
from orlop.adapters.inside.readers.reader import Reader
from orlop.domain.inside.layers import Found

#: How deep archives are in archives, and bytes of an archive and those that it is in, beside the one that is a file.
DEPTH, ROOM = 5, 256 * 1024 * 1024
#: Of all archives together how many members are looked at, and the bytes of archives and of texts.
MEMBERS, UNPACKED, TEXTS = 500_000, 1024 * 1024 * 1024, 32 * 1024 * 1024
#: Bytes of a file of Maven, and of the beginning of a manifest: one that is signed goes on with every file in it.
_TEXT, _BEGINNING = 512 * 1024, 1024 * 1024
_MANIFEST = "META-INF/MANIFEST.MF"
#: Endings of archives, those that nothing else has, and those of all members that are read.
_ARCHIVES = (".jar", ".war", ".ear", ".par", ".sar", ".nar", ".jpi", ".hpi", ".kar", ".far", ".lpkg", ".rar", ".zap")
_NO_OTHERS = (".jar", ".war", ".ear", ".jpi", ".hpi")
_MEMBERS = (*_ARCHIVES, _MANIFEST, "pom.properties", "pom.xml")


def wants_java(path: str, mode: int, size: int) -> bool:
    """Whether it is named like an archive of Java."""
    return path.endswith(_ARCHIVES)


def read_java(path: str, content: bytes) -> Found | None:
    """What the archive and those in it hold."""
    if not content.startswith(b"PK") and not path.endswith(_NO_OTHERS):
        return None
    harvest = Harvest(path, "java")
    _Walk(harvest).read(path, content, 0)
    return harvest.found()


class _Subject(msgspec.Struct):
    """The artifact that an archive is, while more is learnt of it."""

    name: str
    version: str
    manifest: Manifest
    project: Project | None
    properties: Properties | None = None
    licences: list[str] = []

    def group(self) -> str:
        """Its group by the best that is known of it, or nothing."""
        return _group(self.name, self.properties, self.project) or self.manifest.group()


def _group(name: str, properties: Properties | None, project: Project | None) -> str:
    sources: tuple[Properties | Project | None, ...] = (properties, project)
    for source in sources:
        if source is not None:
            if source.group:
                return source.group.partition(";")[0].strip()
            if "." in source.artifact:  # some write the group there
                return source.artifact.partition(";")[0].strip()
    return known_group(name)


class _Walk:
    """Goes through an archive and those in it, as far as the bounds allow."""

    def __init__(self, harvest: Harvest) -> None:
        self._harvest = harvest
        self._members, self._unpacked, self._texts_left, self._room = MEMBERS, UNPACKED, TEXTS, ROOM

    def read(self, path: str, content: bytes, depth: int) -> None:
        """One archive with all that is in it."""
        try:
            archive = Archive(content)
        except ValueError as cause:
            self._tell(path, depth, str(cause))
            return
        members = []
        for member in archive.members():
            self._members -= 1
            if self._members < 0:
                self._tell(path, 0, f"it has more than the {MEMBERS} members that are looked at")
                return
            if member.name.endswith(_MEMBERS):
                members.append(member)
        self._artifacts(path, archive, members)
        for member in members:
            if member.name.endswith(_ARCHIVES):
                self._inner(archive, member, depth)

    def _tell(self, path: str, depth: int, why: str) -> None:
        if not self._harvest.unread:
            inner = f"of {path.rpartition('/')[2][:200]!r} in it: " if depth else ""
            self._harvest.unread = f"{inner}{why}"

    def _inner(self, archive: Archive, member: Member, depth: int) -> None:
        if depth >= DEPTH:
            self._tell(member.name, 0, f"archives are nested deeper than the {DEPTH} that are read")
            return
        if self._unpacked <= 0:
            self._tell(member.name, 0, f"it holds more than the {UNPACKED >> 20} MiB of archives that are read")
            return
        try:
            content = archive.read(member, self._room)
        except ValueError as cause:
            self._tell(member.name, 0, str(cause))
            return
        self._unpacked -= len(content)
        self._room -= len(content)
        self.read(member.name, content, depth + 1)
        self._room += len(content)

    def _artifacts(self, path: str, archive: Archive, members: list[Member]) -> None:
        """The artifact that the archive is, and those that were merged into it. Without a manifest it is none."""
        manifest = next((parse_manifest(text) for _, text in self._texts(archive, members, _MANIFEST)), None)
        if manifest is None or manifest.main("Weave-Classes"):  # such a one is named after what it weaves itself into
            return
        properties = {
            folder: said
            for folder, text in self._texts(archive, members, "pom.properties")
            if (said := parse_properties(text))
        }
        projects = {
            folder: told for folder, text in self._texts(archive, members, "pom.xml") if (told := parse_project(text))
        }
        subject = _subject(path, manifest, properties, projects)
        merged = [
            (said, projects.get(folder))
            for folder, said in sorted(properties.items())
            if not _same(subject, said, projects.get(folder))
        ]
        declared = subject.manifest.licences() or list(subject.project.licences if subject.project else ())
        self._add(subject.name, subject.version, subject.group(), declared)
        for said, project in merged:
            group = _group(said.artifact, said, project)
            self._add(said.artifact, said.version, group, list(project.licences if project else ()))

    def _add(self, name: str, version: str, group: str, licences: list[str]) -> None:
        self._harvest.add("maven", name, version, namespace=group or name, licences=licences)

    def _texts(self, archive: Archive, members: list[Member], ending: str) -> Iterator[tuple[str, bytes]]:
        """The manifest, or the members whose name ends so, by their folders."""
        whole = ending == _MANIFEST
        for member in members:
            name = member.name.removeprefix("/")
            if name != ending if whole else not name.endswith(ending):
                continue
            if self._texts_left <= 0:
                self._tell(member.name, 0, f"it holds more than the {TEXTS >> 20} MiB of texts that are read")
                return
            try:
                content = archive.beginning(member, _BEGINNING) if whole else archive.read(member, _TEXT)
            except ValueError as cause:
                self._tell(member.name, 0, str(cause))
                continue
            self._texts_left -= len(content) + 1024
            yield name.rpartition("/")[0], content


def _subject(
    path: str, manifest: Manifest, properties: dict[str, Properties], projects: dict[str, Project]
) -> _Subject:
    """What an archive is: by the files of Maven that fit its name, else by its manifest and its name."""
    file, version = file_name(path)
    best, project = _best(file, properties, projects)
    if not properties and len(projects) == 1:
        [project] = projects.values()
    name = (best.artifact if best else "") or (project.artifact if project else "")
    numbered = (best.version if best else "") or (project.version if project else "")
    return _Subject(name or artifact(manifest, file), numbered or version_of(manifest, version), manifest, project)


def _best(
    file: str, properties: dict[str, Properties], projects: dict[str, Project]
) -> tuple[Properties | None, Project | None]:
    """The pom.properties that fits the name of the file: with a pom.xml beside it rather than without, exactly rather
    than by its beginning or end."""
    best: Properties | None = None
    project: Project | None = None
    whole = {said.artifact for said in properties.values()}
    for folder, said in sorted(properties.items()):
        if not file or not _fits(said.artifact, file, whole):
            continue
        beside = projects.get(folder)
        if best is None or (beside is not None and (project is None or _exact(said, file))):
            best, project = said, beside or project
        if project is not None and _exact(said, file):
            break
    return best, project


def _fits(name: str, file: str, whole: set[str]) -> bool:
    return name == file if file in whole else name.startswith(file) or file.endswith(name)


def _exact(said: Properties, file: str) -> bool:
    return said.group in file or said.artifact == file


def _same(subject: _Subject, said: Properties, project: Project | None) -> bool:
    """Whether a pom.properties is of the archive itself; then it says best what that is."""
    group = _group(said.artifact, said, project)
    own = (subject.group(), subject.name, subject.version)
    alike = own in {(group, said.artifact, said.version), (said.group, said.artifact, said.version)}
    if not alike and said.artifact != subject.name:
        return False
    subject.name, subject.version = said.artifact, said.version
    if subject.properties is None:
        subject.properties = said
    return True


JAVA = Reader(name="java", wants=wants_java, most=LARGEST, read=read_java)
