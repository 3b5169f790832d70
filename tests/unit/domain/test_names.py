"""Repositories, tags and references exist only if they parsed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import DigestInvalid, NameInvalid, TagInvalid
from orlop.domain.names import REPOSITORY_MAX, RepositoryName, Tag, fallback_tag, lineage, parse_reference
from tests.wire.names import BAD_REPOSITORIES

#: The grammar as the specification writes it ("Pulling manifests").
_NAME = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")


@pytest.mark.parametrize("text", ["a", "0", "a/b", "a.b_c__d-e--f", "a" * 255, "a/" * 127 + "a", "v2", "blobs/uploads"])
def test_what_is_a_repository(text: str) -> None:
    assert RepositoryName(text) == text


@pytest.mark.parametrize("text", BAD_REPOSITORIES, ids=lambda text: repr(text[:16]))
def test_what_is_none(text: str) -> None:
    with pytest.raises(NameInvalid):
        RepositoryName(text)


@given(st.text() | st.text("ab0._-/", max_size=12))
def test_repositories_follow_the_grammar_of_the_specification(text: str) -> None:
    fits = bool(_NAME.fullmatch(text)) and len(text) <= REPOSITORY_MAX and text.isascii()
    try:
        assert RepositoryName(text) == text
        assert fits
    except NameInvalid:
        assert not fits


@given(st.text() | st.text("aZ0._-", max_size=130))
def test_tags_follow_the_grammar_of_the_specification(text: str) -> None:
    fits = bool(_TAG.fullmatch(text)) and text.isascii()
    try:
        assert Tag(text) == text
        assert fits
    except TagInvalid:
        assert not fits


def test_the_namespace_is_what_stands_above_the_last_component() -> None:
    for text, namespace in (("a", ""), ("a/b", "a"), ("a/b/c", "a/b")):
        assert RepositoryName(text).namespace == namespace


def test_a_reference_with_a_colon_is_a_digest() -> None:
    digest = digest_of(b"")
    assert isinstance(parse_reference(digest), Digest)
    assert isinstance(parse_reference(digest.replace(":", "-")), Tag)
    for text, error in (("a:b", DigestInvalid), ("sha256:", DigestInvalid), ("-a", TagInvalid), ("", TagInvalid)):
        with pytest.raises(error):
            parse_reference(text)


def test_fallback_tags_are_cut_to_what_a_tag_may_be() -> None:
    assert fallback_tag(digest_of(b"")) == digest_of(b"").replace(":", "-")
    long = fallback_tag(digest_of(b"", "sha512"))
    assert long == f"sha512-{digest_of(b'', 'sha512').hex[:64]}"
    assert Tag(long) == long


@pytest.mark.parametrize(("path", "above"), [("", ("",)), ("a", ("", "a")), ("a/b-c/d", ("", "a", "a/b-c", "a/b-c/d"))])
def test_the_lineage_of_a_namespace_begins_at_the_root(path: str, above: tuple[str, ...]) -> None:
    assert lineage(path) == above
