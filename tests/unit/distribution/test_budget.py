"""Shares of one budget: together never more than it has, and none ever pushed below what is its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import digest_of
from orlop.domain.errors import ContentCorrupt
from orlop.faces.distribution.budget import OVERHEAD, Budget
from orlop.faces.distribution.small import SmallBlobs

_SHARES = (6, 1, 1)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(1, 100)), max_size=80))
def test_whatever_is_kept_the_budget_holds_and_shares_keep_their_own(steps: list[tuple[int, int, int]]) -> None:
    budget = Budget(800)
    shares = [budget.share(eighths, int) for eighths in _SHARES]
    held: list[dict[int, int]] = [{}, {}, {}]
    for which, key, cost in steps:
        share, own = shares[which], held[which]
        if not share.fits(cost):
            assert cost > share.capacity
            continue
        before = [each.held for each in shares]
        own.pop(key, None)
        own[key] = cost
        share.keep(key, cost)
        assert share.recall(key) == cost
        for number, (each, kept) in enumerate(zip(shares, held, strict=True)):
            gone = [old for old in kept if each.recall(old) is None]
            assert gone == list(kept)[: len(gone)], "the oldest go first"
            for old in gone:
                if number != which:
                    assert before[number] > each.capacity, "only what was borrowed is given back"
                del kept[old]
            assert each.held == sum(kept.values())
        assert budget.held == sum(each.held for each in shares) <= budget.capacity


def test_what_others_do_not_need_is_lent_until_they_do() -> None:
    budget = Budget(800)
    manifests, small = budget.share(7, int), budget.share(1, int)
    for number in range(8):
        small.keep(number, 100)
    assert small.held == 800
    for number in range(20):
        manifests.keep(number, 100)
    assert (manifests.held, small.held) == (700, 100)
    assert small.recall(7) == 100
    for number in range(20):
        small.keep(number, 100)
    assert (manifests.held, small.held) == (700, 100)


def _piece(number: int, size: int = 100) -> tuple[Blob, bytes]:
    content = number.to_bytes(size)
    return Blob(BlobKey(digest_of(content), "copy"), size), content


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_content_is_checked_as_it_is_taken_in(algorithm: str) -> None:
    small = SmallBlobs(Budget(8 * 10_000), 1)
    right = digest_of(b"right", algorithm)
    blob = Blob(BlobKey(right, "copy"), 5)
    with pytest.raises(ContentCorrupt, match=f"the stored bytes of {right} are not what was pushed"):
        small.keep(blob, b"wrong")
    assert small.recall(right) is None
    small.keep(blob, b"right")
    assert small.recall(right) == b"right"


def test_of_what_pushes_out_others_only_what_is_asked_for_often_gets_in() -> None:
    room = 100
    small = SmallBlobs(Budget(8 * room * (OVERHEAD + 100)), 1)
    pieces = [_piece(number) for number in range(9 * room)]
    for blob, content in pieces[: 8 * room]:
        small.keep(blob, content)
    usual = [blob.key.digest for blob, _ in pieces[: 8 * room]]
    assert all(small.recall(digest) for digest in usual), "the whole budget is lent"
    for blob, content in pieces[8 * room :]:
        small.keep(blob, content)
    assert sum(small.recall(digest) is None for digest in usual) == room // 32
    blob, content = pieces[8 * room]
    for _ in range(32):
        small.keep(blob, content)
    assert small.recall(blob.key.digest) == content


def test_nothing_is_kept_in_no_room() -> None:
    small = SmallBlobs(Budget(0), 1)
    blob, _ = _piece(1)
    small.keep(blob, b"not even looked at")
    assert small.recall(blob.key.digest) is None
