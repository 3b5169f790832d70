"""Package URLs, and the names by which advisories know a package."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.ecosystems import Key, keys
from orlop.domain.inside.package import UNORDERED, Distribution, Package
from orlop.domain.inside.purl import made, parse_purl, parse_question, purl, without_version

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
            Package(type="rpm", name="perl-Carp", version="1.50-1", source="perl", source_version="5.32.1-2"),
            Distribution(id="rhel", version="9.4"),
            "pkg:rpm/redhat/perl-Carp@1.50-1?distro=rhel-9.4&upstream=perl-5.32.1-2.src.rpm",
        ),
        (
            Package(type="rpm", name="gpg-pubkey", version="1-2"),
            Distribution(id="opensuse-leap", version="15.6"),
            "pkg:rpm/opensuse/gpg-pubkey@1-2?distro=opensuse-leap-15.6",
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
        (
            Package(type="golang", name="x", version="v0.0.0-20260304030607-0123456789ab", source_version=UNORDERED),
            None,
            (Key("Go", "x", "(devel)"),),
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


# --- Reading ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        # purl-spec, tests/.
        (
            "pkg:deb/debian/curl@7.50.3-1?distro=jessie&arch=i386",
            "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie",
        ),
        ("pkg:deb/debian/attr@1:2.4.47-2%2Bb1?arch=amd64", "pkg:deb/debian/attr@1:2.4.47-2%2Bb1?arch=amd64"),
        ("pkg:Rpm/fedora/curl@7.50.3-1.fc25?Arch=i386", "pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386"),
        ("pkg:PYPI/Django_package@1.11.1.dev1", "pkg:pypi/django-package@1.11.1.dev1"),
        ("pkg:GOLANG/google.golang.org/genproto@a#/api/./a/", "pkg:golang/google.golang.org/genproto@a#api/a"),
        ("pkg:npm/%40angular/animation@12.3.1", "pkg:npm/%40angular/animation@12.3.1"),
        ("pkg:npm/@angular/animation", "pkg:npm/%40angular/animation"),
        ("pkg:///maven//org.apache.commons//io", "pkg:maven/org.apache.commons/io"),
        ("pkg:maven/a/b@1.0.0%20Final?k=my%20value&empty=", "pkg:maven/a/b@1.0.0%20Final?k=my%20value"),
        (
            "pkg:maven/groovy/groovy@1.0?repository_url=https://maven.example.org",
            "pkg:maven/groovy/groovy@1.0?repository_url=https:%2F%2Fmaven.example.org",
        ),
        ("pkg:composer/Laravel/Laravel@5.5.0", "pkg:composer/laravel/laravel@5.5.0"),
        ("pkg:nuget/EnterpriseLibrary.Common@6.0.1304", "pkg:nuget/EnterpriseLibrary.Common@6.0.1304"),
        ("pkg:npm/%C3%A9", "pkg:npm/%C3%A9"),
        (" PKG:npm/é ", "pkg:npm/%C3%A9"),
    ],
)
def test_reading_makes_it_canonical(text: str, canonical: str) -> None:
    assert str(parse_purl(text)) == canonical
    assert parse_purl(canonical) == parse_purl(text)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "lodash",
        "npm/lodash",
        "pkg:lodash",
        "pkg:npm/",
        "pkg:maven/@1.3.4",
        "pkg:3nginx/nginx",
        "pkg:n&g/nginx",
        "pkg:npm/a?in valid=1",
        "pkg:npm/a?k=1&K=2",
        "pkg:npm/%zz",
        "pkg:npm/%ff",
        "pkg:npm/" + "a" * 5000,
    ],
)
def test_what_is_no_url_is_refused(wrong: str) -> None:
    with pytest.raises(RequestInvalid):
        parse_purl(wrong)


_PARTS = st.text("abXY19.-_~:+@% é&=#<>", min_size=1, max_size=8).map(str.strip).filter(bool)


@given(st.sampled_from(["cargo", "maven", "gem", "nuget", "conda", "golang"]), _PARTS, _PARTS, _PARTS, _PARTS)
def test_as_packageurl_writes_and_reads_it(kind: str, namespace: str, name: str, version: str, value: str) -> None:
    url = str(made(kind, namespace, name, version, {"arch": value}))
    assert url == PackageURL(kind, namespace, name, version, {"arch": value}).to_string()
    theirs = PackageURL.from_string(url)
    assert (theirs.namespace, theirs.name, theirs.version, theirs.qualifiers) == (
        namespace,
        name,
        version,
        {"arch": value},
    )
    assert str(parse_purl(url)) == url


# --- Questions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "among", "others", "unclear"),
    [
        ("pkg:maven/org.apache.logging.log4j/log4j-core@<2.17", "2.16.0 2.0-beta9", "2.17 2.17.0 2.20", ""),
        ("pkg:maven/org.apache.logging.log4j/log4j-core@>=2.0,<2.17", "2.0 2.16", "1.9 2.0-beta9 2.17", ""),
        ("pkg:npm/@angular/core@>=1.0.0 <=2.0.0", "1.0.0 2.0.0", "0.9.0 2.0.1", "latest"),
        ("pkg:npm/lodash@4.17.21", "4.17.21 v4.17.21", "4.17.20", "latest"),
        ("pkg:npm/lodash", "4.17.21 latest", "", ""),
        ("pkg:golang/example.org/x@<1.2.0", "v1.1.9", "v1.2.0", "(devel)"),
        ("pkg:golang/example.org/x@=(devel)", "(devel)", "", "v1.0.0"),
        ("pkg:deb/debian/openssl@<3.0.11-1~deb12u2", "3.0.11-1~deb12u1", "3.0.11-1", ""),
        ("pkg:pypi/django@!=3.2", "3.2.1", "3.2.0 3.2", ""),
        ("pkg:swift/a/b@<2", "", "", "1"),
    ],
)
def test_which_versions_are_asked_for(text: str, among: str, others: str, unclear: str) -> None:
    question = parse_question(text)
    assert question.url.version == ""
    assert [question.has(each) for each in among.split()] == [True] * len(among.split())
    assert [question.has(each) for each in others.split()] == [False] * len(others.split())
    assert [question.has(each) for each in unclear.split()] == [None] * len(unclear.split())


@pytest.mark.parametrize("wrong", ["pkg:npm/a@<", "pkg:npm/a@<<1", "pkg:npm/a@>=1,", "pkg:npm/a@,", "pkg:npm/a@1 <"])
def test_what_is_no_range_is_refused(wrong: str) -> None:
    with pytest.raises(RequestInvalid):
        parse_question(wrong)


# --- Names of distributions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distribution", "known"),
    [
        (Distribution(id="debian", codename="trixie"), ["Debian:13", "Debian"]),
        (Distribution(id="debian", version="12"), ["Debian:12", "Debian"]),
        (Distribution(id="raspbian", version="11", like=("debian",)), ["Debian:11", "Debian"]),
        (Distribution(id="ubuntu", version="24.04"), ["Ubuntu:24.04:LTS", "Ubuntu:Pro:24.04:LTS"]),
        (Distribution(id="ubuntu", version="25.04"), ["Ubuntu:25.04", "Ubuntu:Pro:25.04"]),
        (Distribution(id="alpine", version="3.20.3"), ["Alpine:v3.20"]),
        (Distribution(id="wolfi", version="20230201"), ["Wolfi"]),
        (Distribution(id="rocky", version="9.4"), ["Rocky Linux:9", "Rocky Linux"]),
        (
            Distribution(id="rhel", version="9.4"),
            [f"Red Hat:enterprise_linux:9::{part}" for part in ("baseos", "appstream", "crb")],
        ),
        (Distribution(id="opensuse-leap", version="15.6"), ["openSUSE:Leap 15.6"]),
        (Distribution(id="opensuse-tumbleweed", version="20260101"), ["openSUSE:Tumbleweed"]),
        (
            Distribution(id="openEuler", version="22.03", name="openEuler 22.03 (LTS-SP3)"),
            ["openEuler:22.03-LTS-SP3"],
        ),
        (Distribution(id="azurelinux", version="3.0.20260101"), ["Azure Linux:3"]),
        (Distribution(id="fedora", version="41"), []),
        (Distribution(id="linuxmint", version="22", like=("ubuntu", "debian")), []),
        (Distribution(id="alpine"), []),
    ],
)
def test_the_ecosystems_of_a_distribution(distribution: Distribution, known: list[str]) -> None:
    found = keys(Package(type="rpm", name="a", version="1-1"), distribution)
    assert [each.ecosystem for each in found] == known


def test_modules_of_suse_are_looked_up_as_well() -> None:
    found = keys(Package(type="rpm", name="a", version="1-1"), Distribution(id="sles", version="15.6"))
    assert Key("SUSE:Linux Enterprise Server 15 SP6", "a", "1-1") in found
    assert Key("SUSE:Linux Enterprise Module for Basesystem 15 SP6", "a", "1-1") in found


def test_the_epoch_of_a_source_of_another_version_is_not_known() -> None:
    rocky = Distribution(id="rocky", version="9.4")
    same = Package(type="rpm", name="openssl-libs", version="3.0.7-25", epoch=1, source="openssl")
    other = Package(type="rpm", name="perl-Carp", version="1.50-1", epoch=0, source="perl", source_version="5.32.1-2")
    assert keys(same, rocky)[0] == Key("Rocky Linux:9", "openssl", "1:3.0.7-25")
    assert keys(other, rocky)[0] == Key("Rocky Linux:9", "perl", ":5.32.1-2")


def test_what_is_installed_and_what_it_was_built_from() -> None:
    package = Package(type="apk", name="libcrypto3", version="3.1.4-r5", source="openssl")
    assert keys(package, Distribution(id="wolfi")) == (
        Key("Wolfi", "libcrypto3", "3.1.4-r5"),
        Key("Wolfi", "openssl", "3.1.4-r5"),
    )
