"""The process that reads a VEX document: what it says comes back, and what it cannot read is a reason."""

import json

import pytest

from orlop.adapters.inside.vex_process import ProcessVexReader
from orlop.domain.errors import RequestInvalid
from tests.unit.inside.test_vex import NOT_AFFECTED, openvex

pytestmark = pytest.mark.slow


async def test_what_is_read_comes_back() -> None:
    document = await ProcessVexReader().read(openvex(NOT_AFFECTED))
    assert [statement.ids for statement in document.statements] == [("CVE-2026-1", "GHSA-a-b-c")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{}", "neither OpenVEX"),
        (b"[" * (4 << 20), "is no JSON"),
        (b" " * (5 << 20), "more than 4 MiB"),
        (json.dumps({"statements": [{}]}).encode(), "has the status ''"),
    ],
)
async def test_what_is_none_is_refused_with_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(RequestInvalid, match=sentence):
        await ProcessVexReader().read(content)


async def test_a_process_that_takes_too_long_is_ended() -> None:
    with pytest.raises(RequestInvalid, match="more time or memory"):
        await ProcessVexReader(deadline=0.0).read(openvex(NOT_AFFECTED))
