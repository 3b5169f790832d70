"""What an attestation states: the type of its predicate, and of a provenance who built what from where.

Sources: cosign's names of types (sigstore/cosign, pkg/cosign/attestation), SLSA provenance 0.2 and 1.0 (slsa.dev,
spec/v1.0/provenance), and GitHub's types of builds (slsa-framework/github-actions-buildtypes, workflow/v1).
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from orlop.domain.inside.wildcards import matches_words

_PROVENANCE_02, _PROVENANCE_1 = "https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"
PROVENANCES = frozenset({_PROVENANCE_02, _PROVENANCE_1})
#: The types by the names that cosign has for them.
PREDICATES = {
    "slsaprovenance": _PROVENANCE_02,
    "slsaprovenance02": _PROVENANCE_02,
    "slsaprovenance1": _PROVENANCE_1,
    "spdx": "https://spdx.dev/Document",
    "spdxjson": "https://spdx.dev/Document",
    "cyclonedx": "https://cyclonedx.org/bom",
    "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1",
    "openvex": "https://openvex.dev/ns",
    "link": "https://in-toto.io/Link/v1",
}

#: `git+https://github.com/acme/app@refs/heads/main`, with or without what stands around the repository.
_FROM = re.compile(r"(?:git\+)?(?P<source>[^@\s]+?)(?:\.git)?(?:@(?P<ref>\S+))?", re.ASCII)


class Provenance(msgspec.Struct, frozen=True):
    """Who built, and from which repositories, each with the branch or tag that is said of it, or nothing."""

    builder: str
    sources: tuple[tuple[str, str], ...]


def parse_provenance(payload: bytes) -> Provenance:
    """What a statement with a provenance says; what it does not say is empty."""
    try:
        statement = msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Provenance("", ())
    said = statement.get("predicate")
    if statement.get("predicateType") == _PROVENANCE_1:
        found = list(_sources_1(said))
        return Provenance(_text(said, "runDetails", "builder", "id"), tuple(found))
    first = _parted(_text(said, "invocation", "configSource", "uri"))
    return Provenance(_text(said, "builder", "id"), (first,) if first[0] else ())


def lacks(provenance: Provenance, builder: str, source: str, branch: str) -> str:
    """What a provenance does not say that it has to, as the end of a sentence; empty where it says all."""
    if builder and not matches_words(builder, provenance.builder):
        return f"it was built by {provenance.builder[:200] or 'nobody who is named'}, and not by {builder}"
    if not (source or branch):
        return ""
    fitting = [each for each in provenance.sources if not source or matches_words(source, each[0])]
    if not fitting:
        named = provenance.sources[0][0][:200] if provenance.sources else "nothing that is named"
        return f"it was built from {named}, and not from {source}"
    if branch and not any(_is_branch(branch, ref) for _, ref in fitting):
        return f"it was built from {fitting[0][1][:200] or 'no branch that is named'}, and not from {branch}"
    return ""


def _is_branch(wanted: str, ref: str) -> bool:
    full = wanted if wanted.startswith("refs/") else f"refs/heads/{wanted}"
    return matches_words(full, ref)


def _sources_1(said: Any) -> Iterator[tuple[str, str]]:
    """From where a build says that it was started; what it took beside that is no source of it."""
    workflow = _text(said, "buildDefinition", "externalParameters", "workflow", "repository")
    if workflow:
        yield workflow, _text(said, "buildDefinition", "externalParameters", "workflow", "ref")
        return
    for name in ("source", "configSource"):
        source = _at(said, "buildDefinition", "externalParameters", name)
        uri = source if isinstance(source, str) else _text(source, "uri")
        if uri:
            yield _parted(uri)


def _parted(uri: str) -> tuple[str, str]:
    found = _FROM.fullmatch(uri)
    return (found["source"], found["ref"] or "") if found else (uri, "")


def _text(said: Any, *path: str) -> str:
    found = _at(said, *path)
    return found if isinstance(found, str) else ""


def _at(said: Any, *path: str) -> Any:
    for name in path:
        said = said.get(name) if isinstance(said, dict) else None
    return said
