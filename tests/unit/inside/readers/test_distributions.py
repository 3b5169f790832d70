"""What databases of Debian and Alpine list, which licences copyright files name, and which distribution an image is."""

import pytest

from orlop.adapters.inside.readers import READERS
from orlop.adapters.inside.readers.apk import read_apk
from orlop.adapters.inside.readers.debian_copyright import read_copyright
from orlop.adapters.inside.readers.dpkg import read_dpkg
from orlop.adapters.inside.readers.os_release import read_os_release
from orlop.adapters.inside.readers.words import PACKAGES
from orlop.domain.inside.layers import Found
from orlop.domain.inside.package import Distribution, Package

STATUS, INSTALLED = "var/lib/dpkg/status", "lib/apk/db/installed"


def paragraph(name: str = "a", version: str = "1-1", status: str = "install ok installed", *more: str) -> str:
    return "\n".join((f"Package: {name}", f"Status: {status}", f"Version: {version}", "Architecture: amd64", *more, ""))


def dpkg(*paragraphs: str) -> tuple[Package, ...]:
    found = read_dpkg(STATUS, "\n".join(paragraphs).encode())
    assert found is not None
    assert not found.unread
    return found.packages


def deb(name: str, version: str = "1-1", **more: str) -> Package:
    return Package(type="deb", name=name, version=version, architecture="amd64", **more)  # type: ignore[arg-type]


def test_a_status_file() -> None:
    """deb-control(5): a source package is named where it is called otherwise, its version where that is another."""
    assert dpkg(
        paragraph(),
        paragraph(
            "libssl3", "3.0.15-1", "install ok installed", "Source: openssl", "Description: x", " Version: 9", " ."
        ),
        paragraph("bash", "5.2-2+b1", "hold ok installed", "Source: bash (5.2-2)"),
        paragraph("libc6", "2:1.0", "install ok installed", "Source: glibc (1:1.0)"),
    ) == (
        deb("a"),
        deb("libssl3", "3.0.15-1", source="openssl"),
        deb("bash", "5.2-2+b1", source_version="5.2-2"),
        deb("libc6", "2:1.0", source="glibc", source_version="1:1.0"),
    )


@pytest.mark.parametrize(
    ("status", "there"),
    [
        ("install ok installed", True),
        ("deinstall ok config-files", False),
        ("purge ok not-installed", False),
        ("install ok unpacked", True),
        ("install reinstreq half-configured", True),
        ("install ok triggers-pending", True),
    ],
)
def test_what_is_left_is_no_package(status: str, there: bool) -> None:
    assert (dpkg(paragraph("a", "1", status)) != ()) is there


def test_images_without_dpkg() -> None:
    """Distroless ones have a file for each package, some without a state, and one of checksums beside it."""
    found = read_dpkg("var/lib/dpkg/status.d/tzdata", b"Package: tzdata\nVersion: 1\nArchitecture: all\n")
    assert found is not None
    assert [package.name for package in found.packages] == ["tzdata"]
    assert read_dpkg("var/lib/dpkg/status.d/other", b"no paragraph") is None


def test_odd_status_files() -> None:
    assert dpkg("") == ()
    assert dpkg("Package: a\n", "Version: 1\n", ": \n", "Package:\nVersion: 1\n", "Package: a b\nVersion: 1\n") == ()
    assert dpkg("PACKAGE: a\r\nversion:1\r\n") == (Package(type="deb", name="a", version="1"),)
    assert dpkg(paragraph("a", "1", "install ok installed", "Source: a (1) (2)"))[0].source == ""
    assert dpkg("Package: \udcff".encode("utf-8", "surrogatepass").decode("latin-1")) == ()
    assert dpkg("Package: " + "a" * 300 + "\nVersion: 1\n", "Package: a\nVersion: " + "1" * 300 + "\n") == ()


def test_packages_are_bounded() -> None:
    found = read_dpkg(STATUS, b"Package: a\nVersion: 1\n\n" * (PACKAGES + 1))
    assert found is not None
    assert (len(found.packages), bool(found.unread)) == (PACKAGES, True)
    found = read_apk(INSTALLED, b"P:a\nV:1\n\n" * (PACKAGES + 1))
    assert found is not None
    assert (len(found.packages), bool(found.unread)) == (PACKAGES, True)


APK = """C:Q1xyz=
P:libcrypto3
V:3.3.2-r0
A:x86_64
S:1
T:Crypto library from openssl
L:Apache-2.0
o:openssl
F:usr/lib
R:libcrypto.so.3
V:x
Z:Q1abc=

C:Q1xyz=
P:busybox
V:1.36.1-r29
A:x86_64
L:GPL-2.0-only AND  MIT
o:busybox"""


def test_a_database_of_apk() -> None:
    """What belongs to a file comes after what belongs to the package."""
    assert read_apk(INSTALLED, APK.encode()) == Found(
        path=INSTALLED,
        reader="apk",
        packages=(
            Package(
                type="apk",
                name="libcrypto3",
                version="3.3.2-r0",
                architecture="x86_64",
                source="openssl",
                licences=("Apache-2.0",),
            ),
            Package(
                type="apk",
                name="busybox",
                version="1.36.1-r29",
                architecture="x86_64",
                licences=("GPL-2.0-only AND MIT",),
            ),
        ),
    )


def test_odd_databases_of_apk() -> None:
    for content in (b"", b"\n\n\n", b"P:\nV:1\n", b"P:a\n", b"\xff\xfe", b"P:a b\nV:1\n"):
        assert read_apk(INSTALLED, content) == Found(path=INSTALLED, reader="apk")


def licences(content: str, path: str = "usr/share/doc/a/copyright") -> tuple[str, ...]:
    found = read_copyright(path, content.encode())
    return () if found is None else found.licences["a"]


def test_licences_in_the_form_of_dep_5() -> None:
    assert licences(
        """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Source: x

Files: *
Copyright: somebody
License: GPL-2+ or Artistic

Files: debian/*
License: Expat
 Permission is hereby granted, free of charge, to any person obtaining a copy

License: GPL-2+
 On Debian systems see /usr/share/common-licenses/GPL-2.

License:   Expat
"""
    ) == ("GPL-2+ or Artistic", "Expat", "GPL-2+")


def test_licences_in_plain_words() -> None:
    assert licences(
        "This is free.\nLicense: ask\n See /usr/share/common-licenses/LGPL-2.1, `/usr/share/common-licenses/GPL-3'\n"
        "and /usr/share/common-licenses/GFDL.\n"
        "Permission  to use, copy, modify, and/or distribute\n this software for any purpose with or without fee\n"
    ) == ("LGPL-2.1", "GPL-3", "GFDL", "ISC")


def test_copyright_files_that_name_nothing() -> None:
    for content in (
        "",
        "nothing",
        "Format: x\n",
        "License:" + " " * 100_000 + "\n",
        "Format: x\nLicense: " + "a" * 9_000,
    ):
        assert licences(content) == ()
    assert read_copyright("usr/share/doc/a/b/copyright", b"/usr/share/common-licenses/GPL") is None


def distribution(text: str) -> Distribution | None:
    found = read_os_release("etc/os-release", text.encode())
    return None if found is None else found.distribution


def test_os_release() -> None:
    """os-release(5): as a shell assigns, with comments, quotes and escapes."""
    assert distribution(
        """# comment
NAME="Red Hat"
PRETTY_NAME="Red Hat \\"9\\" \\$5"
ID='rhel'
ID_LIKE="fedora centos"
VERSION_ID=9.4
VERSION_CODENAME=
"""
    ) == Distribution(id="rhel", version="9.4", name='Red Hat "9" $5', like=("fedora", "centos"))
    assert distribution("NAME=x\nVERSION_CODENAME=trixie") == Distribution(id="linux", name="x", codename="trixie")
    assert distribution("") is None
    assert distribution("nothing") is None
    odd = distribution('ID="\nVERSION_ID="1\x1b[31m"\n' + "LONG=" + "x" * 9_000)
    assert odd == Distribution(id="linux", version="1[31m")


@pytest.mark.parametrize(
    ("path", "reader"),
    [
        ("var/lib/dpkg/status", "dpkg"),
        ("var/lib/dpkg/status.d/base", "dpkg"),
        ("var/lib/dpkg/status.d/base.md5sums", None),
        ("var/lib/dpkg/status-old", None),
        ("lib/apk/db/installed", "apk"),
        ("usr/lib/apk/db/installed", "apk"),
        ("etc/os-release", "os-release"),
        ("usr/lib/os-release", "os-release"),
        ("usr/share/doc/a/copyright", "debian-copyright"),
        ("var/lib/rpm/Packages", "rpm"),
        ("var/lib/rpm/Packages.db", "rpm"),
        ("usr/lib/sysimage/rpm/rpmdb.sqlite", "rpm"),
        ("var/lib/rpm/rpmdb.sqlite", "rpm"),
        ("var/lib/rpm/Basenames", None),
        ("a/var/lib/dpkg/status", None),
    ],
)
def test_which_files_are_looked_at(path: str, reader: str | None) -> None:
    found = [each.name for each in READERS if each.wants(path, 0o644, 10)]
    assert found == ([reader] if reader else [])
