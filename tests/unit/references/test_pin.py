"""Pinning, byte for byte: what is written where, what is left alone, and what is asked."""

from typing import NamedTuple

import pytest

from orlop.services.references.occurrences import Format
from orlop.services.references.pin import PinnedText, PinOutcome, Source, pin
from tests.unit.references.resolving import Answers, digest_for

_OLD = digest_for("old")
_HEX = "5e" * 32


def _d(text: str) -> str:
    return str(digest_for(text))


class Case(NamedTuple):
    """A text before and after."""

    name: str
    form: Format
    before: str
    after: str


_DOCKERFILE, _COMPOSE, _KUBERNETES, _HELM, _KUSTOMIZE = Format
CASES = (
    Case("tag", _DOCKERFILE, "FROM a:1 AS x # y\n", f"FROM a:1@{_d('a:1')} AS x # y\n"),
    Case("no tag becomes the tag it means", _DOCKERFILE, "FROM a\n", f"FROM a:latest@{_d('a')}\n"),
    Case("explicit latest", _DOCKERFILE, "FROM a:latest", f"FROM a:latest@{_d('a')}"),
    Case("invalid", _DOCKERFILE, "FROM Docker.IO/A/b:1\n", "FROM Docker.IO/A/b:1\n"),
    Case("upper-case host", _DOCKERFILE, "FROM Quay.IO/a/b:1\n", f"FROM Quay.IO/a/b:1@{_d('quay.io/a/b:1')}\n"),
    Case("carriage returns", _DOCKERFILE, "FROM \\\r\n  a:1\r\n", f"FROM \\\r\n  a:1@{_d('a:1')}\r\n"),
    Case("byte order mark", _DOCKERFILE, "\ufeffFROM a:1", f"\ufeffFROM a:1@{_d('a:1')}"),
    Case("quotation marks", _DOCKERFILE, "FROM 'a:1'\n", f"FROM 'a:1@{_d('a:1')}'\n"),
    Case("default of an argument", _DOCKERFILE, "ARG I=a:1 J=2\nFROM $I\n", f"ARG I=a:1@{_d('a:1')} J=2\nFROM $I\n"),
    Case(
        "argument used twice",
        _DOCKERFILE,
        "ARG I=a:1\nFROM $I AS x\nFROM ${I}\n",
        f"ARG I=a:1@{_d('a:1')}\nFROM $I AS x\nFROM ${{I}}\n",
    ),
    Case(
        "argument that is part of another reference",
        _DOCKERFILE,
        "ARG I=a:1\nFROM $I\nFROM $I-slim\n",
        "ARG I=a:1\nFROM $I\nFROM $I-slim\n",
    ),
    Case("default in place", _DOCKERFILE, "FROM ${I:-a:1}\n", f"FROM ${{I:-a:1@{_d('a:1')}}}\n"),
    Case("variable behind", _DOCKERFILE, "FROM a:1${X:-}\n", "FROM a:1${X:-}\n"),
    Case(
        "copy", _DOCKERFILE, "FROM scratch\nCOPY --from=a:1 b c\n", f"FROM scratch\nCOPY --from=a:1@{_d('a:1')} b c\n"
    ),
    Case(
        "mount",
        _DOCKERFILE,
        "FROM scratch\nRUN --mount=from=a:1,target=/b ls\n",
        f"FROM scratch\nRUN --mount=from=a:1@{_d('a:1')},target=/b ls\n",
    ),
    Case(
        "syntax",
        _DOCKERFILE,
        "# syntax=docker/dockerfile:1 \nFROM scratch\n",
        f"# syntax=docker/dockerfile:1@{_d('docker/dockerfile:1')} \nFROM scratch\n",
    ),
    Case("pinned already", _DOCKERFILE, f"FROM a:1@{_OLD}\n", f"FROM a:1@{_OLD}\n"),
    Case(
        "compose", _COMPOSE, "services: {a: {image: a:1}} # x\n", f"services: {{a: {{image: a:1@{_d('a:1')}}}}} # x\n"
    ),
    Case(
        "compose with carriage returns and a byte order mark",
        _COMPOSE,
        '\ufeffservices:\r\n  a:\r\n    image: "a:1"  # é\r\n',
        f'\ufeffservices:\r\n  a:\r\n    image: "a:1@{_d("a:1")}"  # é\r\n',
    ),
    Case(
        "compose build", _COMPOSE, "services: {a: {image: a:1, build: .}}\n", "services: {a: {image: a:1, build: .}}\n"
    ),
    Case(
        "compose default",
        _COMPOSE,
        'services: {a: {image: "${I:-a:1}"}}\n',
        f'services: {{a: {{image: "${{I:-a:1@{_d("a:1")}}}"}}}}\n',
    ),
    Case(
        "compose anchor",
        _COMPOSE,
        "x: &i a:1\nservices: {a: {image: *i}, b: {image: *i}}\n",
        f"x: &i a:1@{_d('a:1')}\nservices: {{a: {{image: *i}}, b: {{image: *i}}}}\n",
    ),
    Case(
        "folded",
        _COMPOSE,
        "services:\n  a:\n    image: >-  # c\n      a:1\n\n  b: {}\n",
        f"services:\n  a:\n    image: >-  # c\n      a:1@{_d('a:1')}\n\n  b: {{}}\n",
    ),
    Case("kubernetes", _KUBERNETES, "containers: [{image: 'a:1'}]\n", f"containers: [{{image: 'a:1@{_d('a:1')}'}}]\n"),
    Case(
        "helm, empty digest",
        _HELM,
        'image:\n  repository: a\n  tag: "1"\n  digest: ""\n',
        f'image:\n  repository: a\n  tag: "1"\n  digest: "{_d("a:1")}"\n',
    ),
    Case(
        "helm, digest without value",
        _HELM,
        "image:\n  repository: a\n  tag: v1\n  digest:  # none\n",
        f"image:\n  repository: a\n  tag: v1\n  digest: {_d('a:v1')}  # none\n",
    ),
    Case(
        "helm, null digest",
        _HELM,
        "image: {repository: a, tag: v1, digest: null}\n",
        f"image: {{repository: a, tag: v1, digest: {_d('a:v1')}}}\n",
    ),
    Case(
        "helm, tag alone",
        _HELM,
        "image:\n  repository: a\n  tag: v1\n",
        f"image:\n  repository: a\n  tag: v1@{_d('a:v1')}\n",
    ),
    Case(
        "helm, sha",
        _HELM,
        "image: {repository: a, tag: v1, sha: ''}\n",
        f"image: {{repository: a, tag: v1, sha: '{digest_for('a:v1').hex}'}}\n",
    ),
    Case(
        "compose, inline Dockerfile",
        _COMPOSE,
        "services:\n  a:\n    build:\n      dockerfile_inline: |\n"
        "        FROM a:1\n        COPY --from=${X:-b:2} x y\n",
        "services:\n  a:\n    build:\n      dockerfile_inline: |\n"
        f"        FROM a:1@{_d('a:1')}\n        COPY --from=${{X:-b:2@{_d('b:2')}}} x y\n",
    ),
    Case(
        "compose, a cache and a context",
        _COMPOSE,
        "services: {a: {build: {cache_from: [a:1], additional_contexts: ['x=docker-image://b:2']}}}\n",
        "services: {a: {build: {cache_from: [a:1], "
        f"additional_contexts: ['x=docker-image://b:2@{_d('b:2')}']}}}}}}\n",
    ),
    Case(
        "kustomize, empty digest",
        _KUSTOMIZE,
        "images:\n- name: a\n  newTag: v1\n  digest:\n",
        f"images:\n- name: a\n  newTag: v1\n  digest: {_d('a:v1')}\n",
    ),
    Case(
        "kustomize, tag alone",
        _KUSTOMIZE,
        "images: [{name: a, newName: q.io/b, newTag: 'v1'}] # x\n",
        f"images: [{{name: a, newName: q.io/b, newTag: 'v1@{_d('q.io/b:v1')}'}}] # x\n",
    ),
    Case(
        "kustomize, no tag",
        _KUSTOMIZE,
        "images: [{name: a, newName: q.io/b}, {name: c, tagSuffix: -x}]\n",
        "images: [{name: a, newName: q.io/b}, {name: c, tagSuffix: -x}]\n",
    ),
    Case(
        "kustomize, a tag that is a number",
        _KUSTOMIZE,
        "images: [{name: a, newTag: 16}]\n",
        "images: [{name: a, newTag: 16}]\n",
    ),
    Case(
        "image id",
        _KUBERNETES,
        f"containers: [{{image: 'sha256:{_HEX}'}}, {{image: {_HEX}}}]\n",
        f"containers: [{{image: 'sha256:{_HEX}'}}, {{image: {_HEX}}}]\n",
    ),
    Case(
        "helm, one tag for two images",
        _HELM,
        "a: {repository: a, tag: &t v1}\nb: {repository: b, tag: *t}\n",
        "a: {repository: a, tag: &t v1}\nb: {repository: b, tag: *t}\n",
    ),
    Case(
        "helm, one tag merged into two images",
        _HELM,
        "a: {image: &a {repository: a, tag: v1}}\nb: {image: {<<: *a, repository: b}}\n",
        "a: {image: &a {repository: a, tag: v1}}\nb: {image: {<<: *a, repository: b}}\n",
    ),
    Case(
        "helm, a tag that is a number",
        _HELM,
        "image: {repository: a, tag: 1.10}\n",
        "image: {repository: a, tag: 1.10}\n",
    ),
    Case(
        "helm, a repository that is also an image of its own",
        _HELM,
        "x: {image: &r q.io/r}\nimage: {repository: *r, tag: v1}\n",
        f"x: {{image: &r q.io/r}}\nimage: {{repository: *r, tag: v1@{_d('q.io/r:v1')}}}\n",
    ),
)


async def _pin(before: str, form: Format, answers: Answers, *, update: bool = False) -> PinnedText:
    [pinned] = await pin([Source(before, form)], answers, update=update)
    return pinned


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
async def test_only_the_digest_is_written(case: Case) -> None:
    assert (await _pin(case.before, case.form, Answers())).text == case.after


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (_DOCKERFILE, "FROM a:1@{}\n"),
        (_COMPOSE, "services: {{a: {{image: 'a:1@{}'}}}}\n"),
        (_HELM, "image: {{repository: a, tag: '1', digest: {}}}\n"),
        (_HELM, "image: {{repository: a, tag: '1@{}'}}\n"),
    ],
)
async def test_update_looks_tags_up_anew(form: Format, text: str) -> None:
    first, second = digest_for("a:1", 1), digest_for("a:1", 2)
    answers = Answers(generation=2)
    same = await _pin(text.format(first), form, answers)
    assert (same.text, same.references[0].outcome, answers.asked) == (text.format(first), PinOutcome.UNCHANGED, [])
    moved = await _pin(text.format(first), form, answers, update=True)
    assert (moved.text, moved.references[0].outcome) == (text.format(second), PinOutcome.UPDATED)
    again = await _pin(moved.text, form, answers, update=True)
    assert (again.text, again.references[0].outcome) == (moved.text, PinOutcome.UNCHANGED)


async def test_update_leaves_a_digest_without_a_tag() -> None:
    answers = Answers()
    pinned = await _pin(f"FROM a@{_OLD}\n", _DOCKERFILE, answers, update=True)
    assert (pinned.references[0].outcome, answers.asked) == (PinOutcome.UNCHANGED, [])


async def test_each_distinct_reference_is_asked_for_once() -> None:
    answers = Answers()
    dockerfile = Source("FROM a\nFROM docker.io/library/a:latest\nFROM index.docker.io/a\nFROM b:1\n", _DOCKERFILE)
    compose = Source("services: {x: {image: a}, y: {image: 'b:1'}}", _COMPOSE)
    await pin([dockerfile, compose], answers)
    assert answers.asked == ["docker.io/library/a:latest", "docker.io/library/b:1"]


async def test_what_cannot_be_resolved_is_left_and_reported_and_the_rest_is_pinned() -> None:
    pinned = await _pin("FROM a:1\nFROM b:1\n", _DOCKERFILE, Answers(unknown="/a:"))
    assert pinned.text == f"FROM a:1\nFROM b:1@{_d('b:1')}\n"
    assert [one.outcome for one in pinned.references] == [PinOutcome.FAILED, PinOutcome.PINNED]
    assert pinned.references[0].reason == "docker.io/library/a:1 is not known"


async def test_a_built_image_and_an_invalid_reference_are_not_asked_for() -> None:
    answers = Answers()
    await _pin("services: {a: {image: a, build: .}, b: {image: 'B/C/D'}, c: {image: $X}}", _COMPOSE, answers)
    assert answers.asked == []
