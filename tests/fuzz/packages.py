"""Files that list packages of languages, by the reader that reads them, for fuzzing."""

import msgspec

from orlop.adapters.inside.readers.harvest import PACKAGES
from orlop.adapters.inside.readers.languages import LANGUAGES
from orlop.domain.inside.layers import Found
from tests.packages import crates, elf, go_information, go_pointers, jar, macho, manifest, modules, pe

_MODULES = modules(
    "path a.b/c", "mod a.b/c (devel)", "dep d.e/f v1.0.0", "=> d.e/g v1.1.0", "build -ldflags=-X main.v=1"
)
_CRATES = crates({"name": "a", "version": "1.0.0"}, {"name": "b", "version": "2.0.0", "kind": "build"})
_PROPERTIES = "groupId=a.b\nartifactId=c\nversion=1.0\n"
_PROJECT = "<project><artifactId>c</artifactId><version>${v}</version><properties><v>1</v></properties></project>"
_JAR = jar(
    {
        "META-INF/MANIFEST.MF": manifest(Bundle_Name="c"),
        "META-INF/maven/pom.properties": _PROPERTIES,
        "x/pom.xml": _PROJECT,
    }
)

#: Paths and contents by the names of the readers.
SEEDS: dict[str, tuple[tuple[str, bytes], ...]] = {
    "python": (("a.dist-info/METADATA", b"Name: a\nVersion: 1\nLicense: MIT\n more\nClassifier: License :: MIT\n\nx"),),
    "node": (("a/package.json", b'{"name":"@a/b","version":"1.0.0","license":{"type":"MIT"}}'),),
    "node-lock": (
        ("package-lock.json", b'{"packages":{"node_modules/a":{"version":"1"}}}'),
        ("package-lock.json", b'{"dependencies":{"a":{"version":"npm:b@1","dependencies":{"c":{"version":"2"}}}}}'),
        ("yarn.lock", b'"@a/b@^1", "c@npm:@a/b@1":\n  version "1.0"\n\n? "d@npm:^1"\n:\n  version: 2\n'),
        ("pnpm-lock.yaml", b"lockfileVersion: 5.4\npackages:\n  /@a/b/1.0_c@1:\n    dev: false\n"),
        ("pnpm-lock.yaml", b"lockfileVersion: '9.0'\npackages:\n  '@a/b@1.0(c@2)':\n    version: 1.1\n"),
    ),
    "golang": (
        ("app", elf({".go.buildinfo": go_information("go1.22", _MODULES)})),
        ("app", elf({}, data=go_pointers("go1.17", _MODULES))),
        ("app.exe", pe({".data": (0xC0000040, go_information("go1.22", _MODULES))})),
        ("app", macho({"__go_buildinfo": go_information("go1.22", _MODULES)})),
    ),
    "rust": (("app", elf({".dep-v0": _CRATES})), ("app.exe", pe({".dep-v0": (0x40000040, _CRATES)}))),
    "java": (("c-1.0.jar", _JAR), ("d-2.war", jar({"lib/c-1.0.jar": _JAR}, packed=False))),
    "ruby": (
        (
            "specifications/a.gemspec",
            b'# stub: a 1 ruby lib\ns.name = "a".freeze\ns.version = "1"\ns.licenses = ["M\\u0020T"]\n',
        ),
    ),
    "ruby-lock": (("Gemfile.lock", b"GEM\n  specs:\n    a (1.0-x86)\n      b (~> 1)\n"),),
    "php": (("composer/installed.json", b'{"packages":[{"name":"a/b","version":"1","license":["MIT"]}]}'),),
    "php-lock": (("composer.lock", b'{"packages":[{"name":"a/b","version":"1"}]}'),),
    "dotnet": (
        (
            "A.deps.json",
            b'{"targets":{"n":{"A/1":{"dependencies":{"B":"2"}},"B/2":{"runtime":{"b.dll":{}}}}},'
            b'"libraries":{"A/1":{"type":"project"},"B/2":{"type":"package"}}}',
        ),
    ),
    "dotnet-lock": (("packages.lock.json", b'{"dependencies":{"n":{"A":{"resolved":"1"}}}}'),),
    "conda": (("conda-meta/a.json", b'{"name":"a","version":"1","license":"MIT"}'),),
}

_READERS = {reader.name: reader for reader in LANGUAGES}


def read(name: str, given: bytes) -> None:
    """Read as every kind of file that the reader knows; whatever comes of it can be kept."""
    reader = _READERS[name]
    for path in {path for path, _ in SEEDS[name]}:
        found = reader.read(path, given) if reader.begins(given[:512]) else None
        if found is None:
            continue
        assert (found.path, found.reader) == (path, name)
        assert len(found.packages) <= PACKAGES
        assert all(package.name.isprintable() and package.name for package in found.packages)
        assert len({(each.type, each.namespace, each.name, each.version) for each in found.packages}) == len(
            found.packages
        )
        assert msgspec.json.decode(msgspec.json.encode(found), type=Found) == found
