"""What is searched for: a line of words and filters, as people type it, taken apart."""

import re
from collections.abc import Mapping
from enum import StrEnum
from itertools import islice

import msgspec

from orlop.domain.errors import RequestInvalid
from orlop.domain.references import looks_like_registry

#: The longest line, in characters, and how many words and filters it may have.
LINE_MOST, TERMS_MOST = 512, 12
#: The longest key and value of an annotation that is found, in characters, and how many of a manifest are.
ANNOTATION_MOST, ANNOTATIONS_MOST = 256, 64
#: The fewest hexadecimal digits that are taken for the beginning of a digest.
HEX_LEAST = 6

_TERM = re.compile(r'(?:[^\s"]|"[^"]*")+')
_HEX = re.compile(rf"(?:(sha256|sha512):)?([0-9a-f]{{{HEX_LEAST},128}})", re.ASCII)
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", re.ASCII)
_FILTERS = ("repo", "tag", "type", "label", "annotation", "digest", "account")


def short_annotations(annotations: Mapping[str, str]) -> list[tuple[str, str]]:
    """Those by which a manifest is found."""
    short = (
        (key, value)
        for key, value in sorted(annotations.items())
        if len(key) <= ANNOTATION_MOST and len(value) <= ANNOTATION_MOST and "\0" not in key + value
    )
    return list(islice(short, ANNOTATIONS_MOST))


class HitKind(StrEnum):
    """What a search finds, in the order in which it is shown."""

    REPOSITORY = "repository"
    TAG = "tag"
    DIGEST = "digest"
    """A manifest or a blob that a repository holds."""
    LABEL = "label"
    """A manifest or a repository with a label."""
    ANNOTATION = "annotation"
    """A manifest with an annotation."""
    ACCOUNT = "account"


class SearchQuery(msgspec.Struct, frozen=True):
    """All that it asks for has to hold. `repositories`: what a name contains; `tag`: what a tag begins with, or its
    whole with `exact_tag`; `digests`: what a digest may begin with; `label` and `annotation`: KEY=VALUE."""

    repositories: tuple[str, ...] = ()
    tag: str = ""
    exact_tag: bool = False
    type: str = ""
    digests: tuple[str, ...] = ()
    label: tuple[str, str] | None = None
    annotation: tuple[str, str] | None = None
    account: str = ""
    kinds: frozenset[HitKind] = frozenset()
    """What it may find at all."""


def parse_query(line: str) -> SearchQuery:
    """Read a line: words, and `repo:` `tag:` `type:` `label:` `annotation:` `digest:` `account:` before a value.

    A word is part of the name of a repository, or the beginning of a tag, a digest or an account; KEY=VALUE is a
    label or an annotation; NAME:TAG is both. Raises RequestInvalid.
    """
    if len(line) > LINE_MOST:
        raise RequestInvalid(f"a search has at most {LINE_MOST} characters", {"most": LINE_MOST})
    if not line.isprintable():
        raise RequestInvalid("a search is one line of text")
    terms = [term.replace('"', "") for term in _TERM.findall(line)]
    if len(terms) > TERMS_MOST:
        raise RequestInvalid(f"a search has at most {TERMS_MOST} words", {"most": TERMS_MOST})
    filters: dict[str, str] = {}
    words: list[str] = []
    for term in terms:
        name, colon, value = term.partition(":")
        if colon and name in _FILTERS:
            if name in filters:
                raise RequestInvalid(f"{name}: is there twice", {"filter": name})
            if not value:
                raise RequestInvalid(f"say behind {name}: what it is to be", {"filter": name})
            filters[name] = value
        elif term:
            words.append(term)
    if not terms:
        return SearchQuery()
    return _of_filters(filters, words) if filters else _of_words(words)


def _of_filters(filters: dict[str, str], words: list[str]) -> SearchQuery:
    """Words stand for parts of the name of a repository beside filters."""
    named = {HitKind(kind) for kind in ("digest", "label", "annotation", "account", "tag") if kind in filters}
    if len(named) > 1:
        raise RequestInvalid(
            "search by one of tag: digest: label: annotation: account: at a time, beside repo: and type:"
        )
    if HitKind.ACCOUNT in named and (words or set(filters) - {"account"}):
        raise RequestInvalid("account: stands alone")
    if "type" in filters:
        named = named or {HitKind.TAG}
        if named != {HitKind.TAG}:
            raise RequestInvalid("type: goes with tag: and repo: alone")
    digests: tuple[str, ...] = ()
    if "digest" in filters:
        digests = _digests(filters["digest"])
        if not digests:
            raise RequestInvalid(
                f"digest: is followed by at least {HEX_LEAST} hexadecimal digits, or sha256: and these"
            )
    tag = filters.get("tag", "")
    if tag and not _TAG.fullmatch(tag.removesuffix("*")):
        raise RequestInvalid("tag: is followed by a tag, or by what it begins with and *", {"tag": tag[:160]})
    repositories = tuple(word.lower() for word in (*words, *([filters["repo"]] if "repo" in filters else ())))
    return SearchQuery(
        repositories=repositories,
        tag=tag.removesuffix("*"),
        exact_tag=bool(tag) and not tag.endswith("*"),
        type=filters.get("type", ""),
        digests=digests,
        label=_pair("label", filters["label"]) if "label" in filters else None,
        annotation=_pair("annotation", filters["annotation"]) if "annotation" in filters else None,
        account=filters.get("account", ""),
        kinds=frozenset(named or {HitKind.REPOSITORY}),
    )


def _of_words(words: list[str]) -> SearchQuery:
    if len(words) > 1:
        return SearchQuery(repositories=tuple(word.lower() for word in words), kinds=frozenset({HitKind.REPOSITORY}))
    word = words[0]
    if "=" in word:
        pair = _pair("label", word)
        return SearchQuery(label=pair, annotation=pair, kinds=frozenset({HitKind.LABEL, HitKind.ANNOTATION}))
    digests = _digests(word)
    if digests and ":" in word:
        return SearchQuery(digests=digests, kinds=frozenset({HitKind.DIGEST}))
    name, at, digest = word.partition("@")
    if at and _digests(digest):
        kinds = frozenset({HitKind.DIGEST})
        return SearchQuery(
            repositories=(_without_host(name.rpartition(":")[0] or name),), digests=_digests(digest), kinds=kinds
        )
    name, colon, tag = word.rpartition(":")
    if colon and "/" not in tag and _TAG.fullmatch(tag):
        kinds = frozenset({HitKind.TAG})
        return SearchQuery(repositories=(_without_host(name),), tag=tag, kinds=kinds)
    kinds = frozenset({HitKind.REPOSITORY, HitKind.ACCOUNT})
    is_tag = _TAG.fullmatch(word) is not None
    if is_tag:
        kinds |= {HitKind.TAG}
    if digests:
        kinds |= {HitKind.DIGEST}
    return SearchQuery(
        repositories=(_without_host(word),), tag=word if is_tag else "", digests=digests, account=word, kinds=kinds
    )


def _without_host(name: str) -> str:
    """As people paste names: with the registry before them."""
    first, slash, rest = name.lower().partition("/")
    return rest if slash and looks_like_registry(first) else name.lower()


def _digests(text: str) -> tuple[str, ...]:
    """What a digest may begin with that was meant; none where it is no beginning of one."""
    found = _HEX.fullmatch(text.lower())
    if found is None:
        return ()
    return (f"{found[1]}:{found[2]}",) if found[1] else (f"sha256:{found[2]}", f"sha512:{found[2]}")


def _pair(what: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise RequestInvalid(f"{what}: is followed by KEY=VALUE", {what: text[:160]})
    return key, value
