"""A signature that ends the process that looks at it, or keeps it busy, is refused; the others of its image are not."""

import sys
from pathlib import Path

import pytest

from orlop.adapters.signatures.process import ProcessSignatureVerifier
from orlop.domain.errors import Unavailable
from orlop.ports.signatures import FoundSignature, JudgedSignature, SignatureForm

_HOSTILE = Path(__file__).with_name("hostile.py")
NOW = 1_000


@pytest.fixture(autouse=True)
def _hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes run that program, whatever they are asked to run."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {_HOSTILE}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


async def judged(*contents: str, deadline: float = 60.0, had: float = 3.0) -> list[JudgedSignature]:
    found = [FoundSignature(form=SignatureForm.BUNDLE, content=each.encode()) for each in contents]
    return list(await ProcessSignatureVerifier(deadline, had=had).judge([], found, [], NOW))


async def test_one_that_ends_the_process_is_refused_alone() -> None:
    one, hostile, two, again = await judged("one", "crash", "two", "crash")
    assert (one.who, two.who) == ("one", "two")
    for each in (hostile, again):
        assert each.problem == "it takes more time or memory to look at than it may have"
        assert each.until == NOW + 3_600


async def test_one_that_takes_too_many_seconds_of_a_processor_is_refused_alone() -> None:
    one, hostile, two = await judged("one", "loop", "two")
    assert (one.who, two.who) == ("one", "two")
    assert hostile.problem == "it takes more time or memory to look at than it may have"


async def test_what_stands_behind_many_of_them_is_not_looked_at_and_that_is_said() -> None:
    first, *hostile, last = await judged("one", *(["crash"] * 8), "two")
    assert first.who == "one"
    assert {each.problem for each in hostile[:5]} == {"it takes more time or memory to look at than it may have"}
    assert last.problem.startswith("it was not looked at: others of this image take more")
    assert last.until == NOW + 3_600


async def test_a_machine_that_is_short_of_memory_or_busy_makes_no_verdict() -> None:
    with pytest.raises(Unavailable, match="was ended by the system"):
        await judged("killed", "one")
    with pytest.raises(Unavailable, match="as others have the processor"):
        await judged("loop", deadline=3.0, had=60.0)


async def test_a_process_that_does_not_start_makes_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Unavailable, match="did not start"):
        await judged("one")
