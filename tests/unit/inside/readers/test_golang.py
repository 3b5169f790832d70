"""Modules of programs that Go built. Values are what `go version -m` and syft say of such programs."""

import os
import subprocess
from pathlib import Path

import pytest

from orlop.adapters.inside.readers.golang import GOLANG, read_golang
from tests.needs import need
from tests.packages import BASE, elf, fat, go_information, go_pointers, licences, listed, macho, modules, pe

_SAID = modules(
    "path example.com/Team/app",
    "mod example.com/Team/app v1.2.3 h1:a=",
    "dep github.com/BurntSushi/toml v1.3.2 h1:b=",
    "dep golang.org/x/text v0.14.0",
    "=> golang.org/x/text v0.13.0 h1:c=",
    "dep golang.org/x/sys v0.15.0",
    "=> ./sys (devel)",
    "build -compiler=gc",
)
_MODULES = [
    "golang:example.com/Team/app@v1.2.3",
    "golang:github.com/BurntSushi/toml@v1.3.2",
    "golang:golang.org/x/sys@",
    "golang:golang.org/x/text@v0.13.0",
    "golang:stdlib@1.22.1",
]
_DATA = 0xC0000040

INLINE = go_information("go1.22.1", _SAID)
PROGRAMS = {
    "elf": elf({".go.buildinfo": INLINE}),
    "elf of 32 bits, big end first": elf({".go.buildinfo": INLINE}, wide=False, big=True),
    "elf without names of sections": elf({}, data=b"\0" * 48 + INLINE),
    "elf, pointers": elf({}, data=go_pointers("go1.22.1", _SAID)),
    "elf of 32 bits, pointers": elf({}, data=go_pointers("go1.22.1", _SAID, wide=False), wide=False),
    "elf, big end first, pointers": elf({}, data=go_pointers("go1.22.1", _SAID, big=True), big=True),
    "pe": pe({".text": (0x60000020, b"x"), ".data": (_DATA, INLINE)}),
    "pe, pointers": pe({".data": (_DATA, go_pointers("go1.22.1", _SAID))}),
    "mach-o": macho({"__other": b"x", "__go_buildinfo": INLINE}),
    "mach-o, pointers": macho({"__go_buildinfo": go_pointers("go1.22.1", _SAID)}),
    "mach-o for several processors": fat(macho({"x": b"y"}), macho({"__go_buildinfo": INLINE})),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_every_format(program: bytes) -> None:
    assert GOLANG.begins(program[:512])
    found = read_golang("app", program)
    assert listed(found) == _MODULES
    assert licences(found)["stdlib"] == ("BSD-3-Clause",)


def _read(*lines: str, version: str = "go1.22.1") -> list[str]:
    return listed(read_golang("app", elf({".go.buildinfo": go_information(version, modules(*lines))})))


_VCS = ("build vcs.revision=0123456789abcdef0123456789abcdef01234567", "build vcs.time=2026-03-04T05:06:07+02:00")


@pytest.mark.parametrize(
    ("lines", "version"),
    [
        ((), ""),
        (_VCS, "v0.0.0-20260304030607-0123456789ab"),
        (_VCS[:1], ""),
        ((_VCS[0], "build vcs.time=soon"), "v0.0.0-00010101000000-0123456789ab"),
        (('build -ldflags="-s -X main.version=v1.9.3-rc1 -w"', *_VCS), "v1.9.3-rc1"),
        (('build -ldflags="-X example.com/app/build.GitVersion=1.2.3"',), "v1.2.3"),
        (("build -ldflags=\"-X 'example.com/app/build.Tag=release/v4.5.6'\"",), "v4.5.6"),
        (('build -ldflags="-X other.com/build.Version=1.2.3"',), ""),
        (('build -ldflags="-X main.commit=1.2.3"',), ""),
    ],
)
def test_the_version_of_what_was_built_from_its_sources(lines: tuple[str, ...], version: str) -> None:
    """Of the variables that a builder wrote, else of the revision, else of nothing."""
    assert f"golang:example.com/app@{version}" in _read("path example.com/app", "mod example.com/app (devel)", *lines)


@pytest.mark.parametrize(
    ("main", "source_version"),
    [
        (("mod example.com/app (devel)", *_VCS), "(devel)"),
        (("mod example.com/app v0.0.0-20260304030607-0123456789ab+dirty",), "(devel)"),
        (("mod example.com/app v1.2.4-0.20260304030607-0123456789ab",), ""),
        (("mod example.com/app (devel)", 'build -ldflags="-X main.version=v1.2.3"', *_VCS), ""),
        (("mod example.com/app v1.0.0", "dep example.com/a v0.0.0-20210101000000-0123456789ab"), ""),
    ],
)
def test_a_program_that_says_its_revision_alone_lies_nowhere_among_releases(
    main: tuple[str, ...], source_version: str
) -> None:
    """What it needs does: its versions were compared by whoever chose them."""
    found = read_golang(
        "app", elf({".go.buildinfo": go_information("go1.22.1", modules("path example.com/app", *main))})
    )
    assert found is not None
    said = {each.name: each.source_version for each in found.packages}
    assert said.pop("app") == source_version
    assert set(said.values()) == {""}


def test_a_program_built_from_files() -> None:
    """Its module is the one that has no version, else it has the name of its package."""
    lines = ("path command-line-arguments", "mod command-line-arguments (devel)", "dep example.com/a v1.0.0")
    assert _read(*lines) == ["golang:command-line-arguments@", "golang:example.com/a@v1.0.0", "golang:stdlib@1.22.1"]
    assert _read(*lines[::2], "dep example.com/own (devel)") == [
        "golang:example.com/a@v1.0.0",
        "golang:example.com/own@",
        "golang:stdlib@1.22.1",
    ]


@pytest.mark.parametrize(
    ("version", "standard"),
    [
        ("go1.26.8", ["golang:stdlib@1.26.8"]),
        ("go1.22rc1 X:boringcrypto", ["golang:stdlib@1.22rc1"]),
        ("devel go1.23-abc Tue", []),
    ],
)
def test_the_standard_library(version: str, standard: list[str]) -> None:
    assert _read("path a.b/c", "mod a.b/c v1.0.0", version=version) == ["golang:a.b/c@v1.0.0", *standard]


def test_what_is_no_program_of_go() -> None:
    assert read_golang("app", elf({".text": b"x" * 64})) is None
    assert read_golang("app", b"#!/bin/sh\n" + INLINE) is None
    assert read_golang("app", elf({".go.buildinfo": go_information("go1.22.1", "")})) is None


def test_lies_of_a_program_lead_nowhere() -> None:
    """Lengths and addresses behind the end of the file."""
    framed = INLINE[:32] + b"\x08go1.22.1" + b"\xff" * 9
    assert read_golang("app", elf({".go.buildinfo": framed})) is None
    far = go_pointers("go1.22.1", _SAID, base=BASE + 0x1000)
    assert read_golang("app", elf({}, data=far)) is None
    for cut in range(0, len(PROGRAMS["elf"]), 7):
        read_golang("app", PROGRAMS["elf"][:cut])


@pytest.mark.slow
@pytest.mark.parametrize("system", ["linux/amd64", "windows/386", "darwin/arm64"])
def test_a_program_that_go_builds(tmp_path: Path, system: str) -> None:
    go = need("go")["go"]
    (tmp_path / "go.mod").write_text("module example.com/demo\n\ngo 1.18\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() {}\n")
    kind, _, processor = system.partition("/")
    environment = {**os.environ, "GOOS": kind, "GOARCH": processor, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
    command = [go, "build", "-buildvcs=false", "-ldflags=-X main.version=7.8.9", "-o", "demo", "."]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=300)
    program = (tmp_path / "demo").read_bytes()
    assert GOLANG.begins(program[:512])
    own, standard = listed(read_golang("demo", program))
    assert own == "golang:example.com/demo@v7.8.9"
    assert standard.startswith("golang:stdlib@1.")
