"""Questions for packages, in the versions of several ecosystems."""

import pytest

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.asked import asked_key, parse_asked
from orlop.domain.inside.purl import parse_purl


@pytest.mark.parametrize(
    ("asked", "url", "expected"),
    [
        ("pkg:maven/org.example/core@<2.17", "pkg:maven/org.example/core@2.9.1", True),
        ("pkg:maven/org.example/core@<2.17", "pkg:maven/org.example/core@2.17.0", False),
        ("pkg:maven/org.example/core@<2.17", "pkg:maven/org.example/core@2.17-rc1", True),
        ("pkg:pypi/zope_Interface@>=5,<6", "pkg:pypi/zope-interface@5.0.post1", True),
        ("pkg:npm/%40scope/name@<1.0.0", "pkg:npm/%40scope/name@1.0.0-rc.1", True),
        ("pkg:npm/@scope/name@1.0.0", "pkg:npm/%40scope/name@1.0.0", True),
        ("pkg:deb/debian/openssl@<3.0.11-1~deb12u3", "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64", True),
        ("pkg:deb/openssl@<3.0.11-1~deb12u3", "pkg:deb/debian/openssl@3.0.11-1~deb12u2", True),
        ("pkg:deb/debian/openssl?arch=arm64", "pkg:deb/debian/openssl@1?arch=amd64", False),
        ("pkg:apk/alpine/busybox@<1.36.1-r2", "pkg:apk/alpine/busybox@1.36.1-r10", False),
        ("pkg:rpm/bash@<1:1.0-1", "pkg:rpm/redhat/bash@5.0-1", True),
        ("pkg:rpm/bash@<1:1.0-1", "pkg:rpm/redhat/bash@5.0-1?epoch=2", False),
        ("pkg:golang/golang.org/x/net@<0.17.0", "pkg:golang/golang.org/x/net@v0.9.0", True),
        ("pkg:gem/rails@>=7.0,!=7.0.4", "pkg:gem/rails@7.0.4", False),
        ("openssl@<3.0.11-1~deb12u3", "pkg:deb/debian/openssl@3.0.11-1~deb12u2", True),
        ("@scope/name", "pkg:npm/%40scope/name@2.0.0", True),
        ("org.example:core@2.9.1", "pkg:maven/org.example/core@2.9.1", True),
        ("CORE", "pkg:npm/core@1", True),
        ("pkg:npm/core@<2", "pkg:npm/core@no-version", None),
    ],
)
def test_a_question_means_packages_by_name_and_version(asked: str, url: str, expected: bool | None) -> None:
    question, package = parse_asked(asked), parse_purl(url)
    assert asked_key(package.name) == question.key
    if question.means(package):
        assert question.has(package) is expected
    else:
        assert expected is False


@pytest.mark.parametrize("asked", ["", "  ", "pkg:npm", "pkg:npm/core@<", "core@>=1,,<2", "pkg:npm/%zz"])
def test_what_is_no_question_is_refused_with_a_reason(asked: str) -> None:
    with pytest.raises(RequestInvalid):
        parse_asked(asked)
