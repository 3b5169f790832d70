"""What holds for every text: pinning changes nothing outside its slots, and everything ends in an answer."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from orlop.services.references.lint import lint
from orlop.services.references.occurrences import Format, SourceInvalid, Span
from orlop.services.references.pin import PinnedText, PinOutcome, Source, pin
from tests.unit.references import test_samples
from tests.unit.references.resolving import Answers

_NAMES = st.sampled_from(("a", "nginx", "bitnami/redis", "localhost:5000/a/b", "ghcr.io/x/y", "Quay.io/z"))
_TAGS = st.sampled_from(("", ":1", ":latest", ":v1.2-rc_3", "@sha256:" + "7d" * 32, ":2@sha256:" + "7d" * 32))
_REFERENCES = st.builds(str.__add__, _NAMES, _TAGS)
_ENDINGS = st.sampled_from(("\n", "\r\n"))
_NOISE = st.sampled_from(("", "# é 😀 comment", "   ", "# FROM x:1"))

_DOCKERFILE_LINES = st.one_of(
    _NOISE,
    _REFERENCES.map("FROM {}".format),
    _REFERENCES.map("from --platform=linux/amd64  {} as build".format),
    _REFERENCES.map('COPY --link --from="{}" a b'.format),
    _REFERENCES.map("RUN --mount=type=bind,from={},target=/x true".format),
    _REFERENCES.map("ARG IMAGE={}".format),
    st.sampled_from(
        ("FROM $IMAGE", "FROM ${IMAGE:-busybox}", "FROM ${IMAGE}-x", "FROM build", "FROM $NONE", "RUN a \\")
    ),
)
_SERVICES = st.one_of(
    _REFERENCES.map("{{image: '{}'}}".format),
    _REFERENCES.map('{{image: "{}" , command: x}} # é'.format),
    _REFERENCES.map("{{image: '${{IMAGE:-{}}}'}}".format),
    _REFERENCES.map("{{image: '{}', build: .}}".format),
    st.sampled_from(("*s", "{image: *i}", "{<<: *s, x: y}", "{image: 'a:${V:-1}'}", "{build: .}")),
)
_IMAGES = st.builds(
    "{{repository: {}{}{}}}".format,
    _NAMES,
    st.sampled_from((", tag: v1", ", tag: '2'", ", tag: 1.10", ", tag: *t", "", ", tag: ''")),
    st.sampled_from(
        (", digest: ''", ", digest: ", ", digest: ~", "", ", sha: ''", ", digest: 'sha256:" + "7d" * 32 + "'")
    ),
)


def _lines(lines: list[str], ending: str, mark: str) -> str:
    return mark + "".join(line + ending for line in lines)


_MARKS = st.sampled_from(("", "\ufeff"))
_DOCKERFILES = st.builds(_lines, st.lists(_DOCKERFILE_LINES, max_size=12), _ENDINGS, _MARKS)
_COMPOSES = st.builds(
    lambda services, ending, mark: _lines(
        ["x: {s: &s {image: &i redis:7}}", "services:", *(f"  s{n}: {one}" for n, one in enumerate(services))],
        ending,
        mark,
    ),
    st.lists(_SERVICES, max_size=8),
    _ENDINGS,
    _MARKS,
)
_HELMS = st.builds(
    lambda images, ending, mark: _lines(
        ["t: &t v9", *(f"k{n}:{ending}  image: {one}" for n, one in enumerate(images))], ending, mark
    ),
    st.lists(_IMAGES, max_size=8),
    _ENDINGS,
    _MARKS,
)
_TEXTS = st.one_of(
    st.tuples(_DOCKERFILES, st.just(Format.DOCKERFILE)),
    st.tuples(_COMPOSES, st.just(Format.COMPOSE)),
    st.tuples(_HELMS, st.just(Format.HELM)),
)


@st.composite
def _broken_samples(draw: Callable[[st.SearchStrategy[object]], object]) -> tuple[str, Format]:
    """A sample with a piece cut out and another put in."""
    sample, form = test_samples.SAMPLES[int(str(draw(st.integers(0, len(test_samples.SAMPLES) - 1))))]
    start = int(str(draw(st.integers(0, len(sample.text)))))
    length = int(str(draw(st.integers(0, 6))))
    piece = str(draw(st.text("\n\r\t \\`'\"${}[]:-#&*<>|@,a1é\ufeff\x00", max_size=6)))
    return sample.text[:start] + piece + sample.text[start + length :], form


async def _pin(text: str, form: Format) -> PinnedText:
    [pinned] = await pin([Source(text, form)], Answers())
    return pinned


def _run(text: str, form: Format) -> PinnedText:
    """Drive a coroutine that never waits for anything outside."""
    import asyncio

    return asyncio.run(_pin(text, form))


def _check(text: str, form: Format) -> None:
    before, pinned = lint(text, form), _run(text, form)
    written = {
        one.examined.occurrence.slot.span: one.digest
        for one in pinned.references
        if one.outcome is PinOutcome.PINNED and one.examined.occurrence.slot and one.digest
    }
    position = behind = 0
    for span in sorted(written):
        outside = text[position : span.start]
        assert pinned.text.startswith(outside, behind)
        behind += len(outside)
        found = pinned.text.index(written[span].hex, behind)
        behind = found + len(written[span].hex)
        position = _end(span)
    assert pinned.text[behind:] == text[position:]
    assert [(one.reference and one.reference.name, one.reference and one.reference.tag) for one in before] == [
        (one.reference and one.reference.name, one.reference and one.reference.tag) for one in lint(pinned.text, form)
    ]
    assert _run(pinned.text, form).text == pinned.text
    assert not any("no longer mean the same" in one.reason for one in pinned.references)


def _end(span: Span) -> int:
    return span.end


@given(_TEXTS)
def test_pinning_changes_nothing_outside_the_slots(source: tuple[str, Format]) -> None:
    _check(*source)


@given(_broken_samples())
def test_a_broken_sample_is_pinned_as_far_as_it_goes_or_refused(source: tuple[str, Format]) -> None:
    text, form = source
    try:
        before = lint(text, form)
    except SourceInvalid:
        return
    pinned = _run(text, form)
    after = lint(pinned.text, form)
    assert [one.reference and one.reference.name for one in before] == [
        one.reference and one.reference.name for one in after
    ]


@given(st.text(max_size=60), st.sampled_from(Format))
def test_any_text_is_read_or_refused(text: str, form: Format) -> None:
    try:
        found = lint(text, form)
    except SourceInvalid:
        return
    for one in found:
        assert one.place.line >= 1
        assert 0 <= one.place.start <= one.place.end <= len(text.encode())
