"""What documents say of findings: which products they name, and which statement counts."""

from typing import Any

import msgspec
import pytest

from orlop.domain.inside.vex.saying import VexImage, VexSayings, VexSource
from orlop.domain.inside.vex.statements import VexDocument, VexProduct, VexStatement, VexStatus
from orlop.domain.inside.vex.trust import VexOrigin, VexTrust

OWN, INDEX, OTHER = ("sha256:" + letter * 64 for letter in "abc")
SSL = "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl"
JAR = "pkg:maven/org.example/app@1.0"
IMAGE = VexImage(
    repository="team/app", digests=frozenset({OWN, INDEX}), tags=frozenset({"1.4"}), purls=(SSL, JAR, "pkg:pypi/x@1")
)
LIBSSL = "pkg:deb/debian/libssl3"


def source(*statements: VexStatement, referrer: str = OTHER) -> VexSource:
    """A document that is attached to the image, or with no `referrer` one of a file."""
    return VexSource(document=VexDocument(author="ann", statements=statements), referrer=referrer, name="made")


def statement(*products: Any, status: str = "not_affected", at: int = 1, ids: tuple[str, ...] = ("CVE-2026-1",)) -> Any:
    """What is said of products."""
    return VexStatement(ids=ids, status=VexStatus(status), products=products, said_at=at)


def product(*names: str, parts: tuple[tuple[str, ...], ...] = (), hashes: tuple[str, ...] = ()) -> VexProduct:
    """A product by its names."""
    return VexProduct(names, hashes, parts)


@pytest.mark.parametrize(
    ("named", "is_about"),
    [
        # packages
        (product(LIBSSL), True),
        (product("pkg:deb/debian/libssl3@3.0.11-1~deb12u2"), True),
        (product("pkg:deb/debian/libssl3@3.0.11-1%7Edeb12u2?arch=amd64"), True),
        (product("pkg:deb/debian/libssl3@3.0.11-1~deb12u1"), False),
        (product("pkg:deb/debian/libssl3?arch=arm64"), False),
        (product("pkg:deb/ubuntu/libssl3"), False),
        (product("pkg:deb/debian/libssl3#some/file"), False),
        (product("libssl3"), False),
        (product("pkg:"), False),
        # the image
        (product(hashes=(OWN,)), True),
        (product(hashes=(OTHER,)), False),
        (product(INDEX), True),
        (product(f"pkg:oci/app@{OWN}"), True),
        (product(f"pkg:oci/app@{OWN.replace(':', '%3A')}?repository_url=registry.example/team/app"), True),
        (product(f"pkg:oci/app@{OTHER}"), False),
        (product(f"pkg:oci/other@{OWN}"), False),
        (product("pkg:oci/app?repository_url=registry.example/team/app"), True),
        (product("pkg:oci/app?repository_url=registry.example/my-team/app"), False),
        (product("pkg:oci/app?repository_url=registry.example/team/app&tag=1.4"), True),
        (product("pkg:oci/app?repository_url=registry.example/team/app&tag=1.5"), False),
        (product("pkg:docker/team/app@1.4"), True),
        (product("pkg:docker/team/app"), True),
        (product("pkg:docker/team/app@1.5"), False),
        (product("pkg:docker/app@1.4"), False),
        # what lies in something
        (product(hashes=(OWN,), parts=((LIBSSL,),)), True),
        (product(hashes=(OWN,), parts=(("pkg:deb/debian/zlib1g",),)), False),
        (product(hashes=(OWN,), parts=((),)), False),
        (product(JAR, parts=((LIBSSL,),)), True),
        (product("pkg:maven/org.example/app@2.0", parts=((LIBSSL,),)), False),
        (product("Example Linux 9", parts=(("pkg:deb/debian/libssl3@3.0.11-1~deb12u2",),)), True),
        (product("Example Linux 9", parts=((LIBSSL,),)), False),
        (product("Example Linux 9", hashes=(OTHER,), parts=((SSL,),)), False),
    ],
)
def test_what_a_statement_is_about(named: VexProduct, is_about: bool) -> None:
    said = VexSayings(IMAGE, [source(statement(named), referrer="")]).of(("CVE-2026-1",), SSL)
    assert (said is not None) is is_about


def test_a_document_that_names_no_product_is_about_what_it_is_attached_to() -> None:
    assert VexSayings(IMAGE, [source(statement())]).of(("CVE-2026-1",), SSL) is not None
    assert VexSayings(IMAGE, [source(statement(), referrer="")]).of(("CVE-2026-1",), SSL) is None
    assert VexSayings(IMAGE, [source(statement(product("pkg:oci/app")))]).of(("CVE-2026-1",), SSL) is not None
    assert VexSayings(IMAGE, [source(statement(product("pkg:oci/app")), referrer="")]).of(("CVE-2026-1",), SSL) is None


def test_an_advisory_has_several_names() -> None:
    sayings = VexSayings(IMAGE, [source(statement(ids=("GHSA-xxxx", "cve-2026-1")))])
    assert sayings.of(("EXAMPLE-1", "CVE-2026-1"), SSL) is not None
    assert sayings.of(("CVE-2026-2",), SSL) is None


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ([("not_affected", 1), ("affected", 2)], "affected"),
        ([("affected", 1), ("not_affected", 2)], "not_affected"),
        ([("affected", 2), ("fixed", 3), ("under_investigation", 1)], "fixed"),
        ([("not_affected", 2), ("affected", 2)], "affected"),
        ([("affected", 2), ("not_affected", 2)], "affected"),
    ],
)
def test_what_is_said_last_counts_and_of_the_same_time_the_worse(said: list[tuple[str, int]], counts: str) -> None:
    sources = [source(statement(status=status, at=at)) for status, at in said]
    found = VexSayings(IMAGE, sources).of(("CVE-2026-1",), SSL)
    assert found is not None
    assert found.status == counts
    assert found.clears is (counts in {"not_affected", "fixed"})


@pytest.mark.parametrize(
    ("rule", "pushed_by", "author", "trusts"),
    [
        ({"pushers": ["robot+scan-*"]}, "robot+scan-1", "", True),
        ({"pushers": ["robot+scan-*"]}, "robot+build", "", False),
        ({"pushers": ["*"]}, "", "anybody", True),
        ({"pushers": ["ann"]}, "annabel", "", False),
        ({"pushers": ["ann"], "authors": ["Security *"]}, "ann", "Security of Example", True),
        ({"pushers": ["ann"], "authors": ["Security *"]}, "ann", "ann", False),
        ({"pushers": ["bob"], "authors": ["*"]}, "ann", "ann", False),
    ],
)
def test_whom_a_rule_trusts(rule: dict[str, Any], pushed_by: str, author: str, trusts: bool) -> None:
    made = msgspec.convert(rule, VexTrust)
    assert made.trusts(VexOrigin(pushed_by), VexDocument(author=author)) is trusts


def test_a_rule_trusts_those_who_may_edit_rules_or_some_names_but_not_nobody() -> None:
    made = VexTrust(editors=True)
    assert made.trusts(VexOrigin("ann", by_editor=True), VexDocument())
    assert not made.trusts(VexOrigin("ann"), VexDocument())
    assert not VexTrust(pushers=("bob",)).trusts(VexOrigin("ann", by_editor=True), VexDocument())
    with pytest.raises(ValueError, match="would trust nobody"):
        VexTrust(authors=("*",))
