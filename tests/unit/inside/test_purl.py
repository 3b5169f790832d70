"""Package URLs, and the names by which advisories know a package."""

import pytest

from orlop.domain.inside.ecosystems import Key, keys
from orlop.domain.inside.package import Distribution, Package
from orlop.domain.inside.purl import purl, without_version

DEBIAN = Distribution(id="debian", version="12", codename="bookworm")
ALPINE = Distribution(id="alpine", version="3.19.1")
ALMA = Distribution(id="almalinux", version="9.3")


@pytest.mark.parametrize(
    ("package", "distribution", "url"),
    [
        (
            Package(type="deb", name="libssl3", version="3.0.11-1~deb12u2", architecture="amd64", source="openssl"),
            DEBIAN,
            "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl",
        ),
        (
            Package(type="deb", name="libgcc-s1", version="12.2.0-14", source="gcc-12", source_version="12.2.0-13"),
            None,
            "pkg:deb/libgcc-s1@12.2.0-14?upstream=gcc-12%4012.2.0-13",
        ),
        (
            Package(type="deb", name="g++", version="4:12.2.0-3", architecture="amd64"),
            DEBIAN,
            "pkg:deb/debian/g%2B%2B@4:12.2.0-3?arch=amd64&distro=debian-12",
        ),
        (
            Package(
                type="rpm",
                name="openssl-libs",
                version="3.0.7-25.el9",
                epoch=1,
                architecture="x86_64",
                source="openssl",
            ),
            ALMA,
            "pkg:rpm/almalinux/openssl-libs@3.0.7-25.el9?arch=x86_64&distro=almalinux-9.3&epoch=1"
            "&upstream=openssl-3.0.7-25.el9.src.rpm",
        ),
        (
            Package(type="npm", name="core", namespace="@angular", version="17.0.0"),
            None,
            "pkg:npm/%40angular/core@17.0.0",
        ),
        (
            Package(type="golang", name="tls", namespace="example.org/crypto", version="v1.2.3"),
            None,
            "pkg:golang/example.org/crypto/tls@v1.2.3",
        ),
        (Package(type="pypi", name="My_Package", version="1.0"), None, "pkg:pypi/my-package@1.0"),
        (
            Package(type="maven", name="log4j-core", namespace="org.apache.logging.log4j", version="2.14.1"),
            None,
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
        ),
    ],
)
def test_the_url_of_a_package(package: Package, distribution: Distribution | None, url: str) -> None:
    assert purl(package, distribution) == url


@pytest.mark.parametrize(
    ("url", "all_versions"),
    [
        ("pkg:npm/%40angular/core@17.0.0", "pkg:npm/%40angular/core"),
        ("pkg:deb/debian/openssl?arch=amd64", "pkg:deb/debian/openssl"),
        ("pkg:deb/debian/libgcc-s1@12.2.0-14?upstream=gcc-12%4012.2.0-13", "pkg:deb/debian/libgcc-s1"),
    ],
)
def test_without_its_version(url: str, all_versions: str) -> None:
    assert without_version(url) == all_versions


@pytest.mark.parametrize(
    ("package", "distribution", "known"),
    [
        (
            Package(type="deb", name="libssl3", version="3.0.11-1", source="openssl"),
            DEBIAN,
            (Key("Debian:12", "openssl", "3.0.11-1"), Key("Debian", "openssl", "3.0.11-1")),
        ),
        (
            Package(type="deb", name="libgcc-s1", version="12.2.0-14", source="gcc-12", source_version="12.2.0-13"),
            Distribution(id="ubuntu", version="22.04"),
            (Key("Ubuntu:22.04:LTS", "gcc-12", "12.2.0-13"), Key("Ubuntu:Pro:22.04:LTS", "gcc-12", "12.2.0-13")),
        ),
        (
            Package(type="deb", name="bash", version="5"),
            Distribution(id="ubuntu", version="23.10"),
            (Key("Ubuntu:23.10", "bash", "5"), Key("Ubuntu:Pro:23.10", "bash", "5")),
        ),
        (Package(type="deb", name="bash", version="5"), Distribution(id="debian"), ()),
        (Package(type="deb", name="bash", version="5"), None, ()),
        (
            Package(type="apk", name="libcrypto3", version="3.1.4-r5", source="openssl"),
            ALPINE,
            (Key("Alpine:v3.19", "openssl", "3.1.4-r5"),),
        ),
        (
            Package(
                type="rpm",
                name="openssl-libs",
                version="3.0.7-25.el9",
                epoch=1,
                source="openssl",
                source_version="3.0.7-25.el9",
            ),
            ALMA,
            (Key("AlmaLinux:9", "openssl-libs", "1:3.0.7-25.el9"), Key("AlmaLinux", "openssl-libs", "1:3.0.7-25.el9")),
        ),
        (Package(type="pypi", name="Foo.Bar_baz", version="1.0"), None, (Key("PyPI", "foo-bar-baz", "1.0"),)),
        (
            Package(type="golang", name="x", namespace="example.org", version="v1.2.3"),
            None,
            (Key("Go", "example.org/x", "1.2.3"),),
        ),
        (Package(type="golang", name="stdlib", version="1.21.0"), None, (Key("Go", "stdlib", "1.21.0"),)),
        (Package(type="maven", name="b", namespace="a", version="1"), None, (Key("Maven", "a:b", "1"),)),
        (Package(type="conda", name="numpy", version="1"), None, ()),
    ],
)
def test_by_which_names_advisories_know_it(
    package: Package, distribution: Distribution | None, known: tuple[Key, ...]
) -> None:
    assert keys(package, distribution) == known
