"""Every sample file is read as written down beside it, and keeps its meaning when it is pinned."""

from itertools import chain

import pytest

from orlop.services.references.lint import lint
from orlop.services.references.occurrences import Format
from orlop.services.references.pin import PinOutcome, Source, pin
from tests.unit.references import dockerfiles, yamls
from tests.unit.references.resolving import Answers
from tests.unit.references.samples import Sample, described

SAMPLES = [
    (sample, form)
    for sample, form in chain(
        ((sample, Format.DOCKERFILE) for sample in dockerfiles.SAMPLES),
        ((sample, Format.COMPOSE) for sample in yamls.COMPOSE),
        ((sample, Format.KUBERNETES) for sample in yamls.KUBERNETES),
        ((sample, Format.HELM) for sample in yamls.HELM),
        ((sample, Format.KUSTOMIZE) for sample in yamls.KUSTOMIZE),
    )
]
EVERY = pytest.mark.parametrize(
    ("sample", "form"), [pytest.param(*one, id=f"{one[1]}: {one[0].name}") for one in SAMPLES]
)

#: Samples with a reference that is understood, has no digest, and yet has no single place to write one to.
NOT_PINNED = {
    "dockerfile: alternative",
    "dockerfile: alternative unset",
    "dockerfile: argument",
    "dockerfile: argument declared again",
    "dockerfile: argument from argument",
    "dockerfile: argument overridden",
    "dockerfile: argument quoted",
    "dockerfile: continued within a word",
    "dockerfile: default for an empty one",
    "dockerfile: default in place",
    "dockerfile: platform given",
    "dockerfile: prefix",
    "dockerfile: quoted space in an argument",
    "dockerfile: replacement",
    "dockerfile: suffix",
    "compose: alternative",
    "compose: additional contexts as a list",
    "compose: build and image",
    "compose: cache",
    "compose: inline Dockerfile",
    "compose: inline Dockerfile in quotation marks",
    "compose: default",
    "compose: default without colon",
    "compose: nested default",
    "helm: shared tag",
    "kubernetes: several lines",
}


@EVERY
def test_a_sample_means_what_is_written_beside_it(sample: Sample, form: Format) -> None:
    assert described(sample.text, form) == sample.expected


@EVERY
async def test_a_pinned_sample_names_the_same_images_and_nothing_else_changed(sample: Sample, form: Format) -> None:
    [pinned] = await pin([Source(sample.text, form)], Answers())
    before, after = lint(sample.text, form), lint(pinned.text, form)
    assert [one.reference and (one.reference.name, one.reference.tag) for one in before] == [
        one.reference and (one.reference.name, one.reference.tag) for one in after
    ]
    for result, now in zip(pinned.references, after, strict=True):
        assert result.outcome is not PinOutcome.FAILED
        if result.outcome is PinOutcome.PINNED:
            assert now.reference is not None
            assert now.reference.digest == result.digest
    bare = pinned.text
    for digest in {str(result.digest) for result in pinned.references if result.outcome is PinOutcome.PINNED}:
        bare = bare.replace(f"@{digest}", "").replace(digest, "")
    assert bare.replace(":latest", "") == sample.text.replace(":latest", "")
    [again] = await pin([Source(pinned.text, form)], Answers())
    assert again.text == pinned.text


@EVERY
async def test_whatever_is_understood_is_pinned_but_for_the_exceptions(sample: Sample, form: Format) -> None:
    [pinned] = await pin([Source(sample.text, form)], Answers())
    skipped = [one for one in pinned.references if one.outcome is PinOutcome.SKIPPED and one.examined.reference]
    assert bool(skipped) == (f"{form}: {sample.name}" in NOT_PINNED)
    assert all(one.reason for one in skipped)
