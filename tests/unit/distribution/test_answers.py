"""What is remembered is never told when the catalog has moved on, and never takes more memory than it may."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.errors import Unavailable
from orlop.faces.distribution import answers as module
from orlop.faces.distribution.answers import Answers
from orlop.faces.distribution.budget import OVERHEAD, Budget
from tests.registry import HandClock

T = TypeVar("T")

CLOCK = HandClock()


class Counter:
    """The state of a catalog that the test moves; None while a change is being written."""

    def __init__(self) -> None:
        self.at: int | None = 0

    def place(self, repository: str) -> int:
        """See ports.events.Changes."""
        return 0

    def current(self, place: int = 0) -> int | None:
        """See ports.events.Changes."""
        return self.at

    def last(self) -> tuple[int, float] | None:
        """See ports.events.Changes."""
        return None


async def said(answer: T, meanwhile: Callable[[], None] = lambda: None) -> T:
    """A catalog that says this, after something else happened."""
    meanwhile()
    return answer


async def away() -> str:
    """A catalog that cannot be reached."""
    raise Unavailable("the catalog is away")


async def ask(answers: Answers[str], key: str, answer: str, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Ask for something that may change."""
    assert await answers.ask(key, "app", said(answer, meanwhile), len, by_digest=False) == answer


async def test_an_answer_is_told_until_something_changes() -> None:
    changes = Counter()
    answers: Answers[str] = Answers(changes, Budget(100_000), 8, CLOCK)
    await ask(answers, "a", "one")
    assert answers.recall("a") == "one"
    changes.at = None
    assert answers.recall("a") is None
    changes.at = 2
    assert answers.recall("a") is None
    await ask(answers, "a", "two")
    assert answers.recall("a") == "two"


async def test_an_answer_that_was_overtaken_is_not_kept_as_new() -> None:
    """The count is taken before the catalog is asked: what changed in between makes the answer old at once."""
    changes = Counter()
    answers: Answers[str] = Answers(changes, Budget(100_000), 8, CLOCK)
    await ask(answers, "a", "old", lambda: setattr(changes, "at", 2))
    assert answers.recall("a") is None


async def test_nothing_is_kept_while_a_change_is_written() -> None:
    changes = Counter()
    answers: Answers[str] = Answers(changes, Budget(100_000), 8, CLOCK)
    changes.at = None
    await ask(answers, "a", "torn")
    changes.at = 0
    assert answers.recall("a") is None


async def test_what_has_no_size_is_not_kept() -> None:
    answers: Answers[str] = Answers(Counter(), Budget(100_000), 8, CLOCK)
    assert await answers.ask("a", "app", said("passing"), lambda _: None, by_digest=True) == "passing"
    assert answers.recall("a") is None


async def test_what_is_larger_than_everything_is_not_kept() -> None:
    answers: Answers[str] = Answers(Counter(), Budget(OVERHEAD + 10), 8, CLOCK)
    await ask(answers, "a", "x" * 10)
    await ask(answers, "b", "x" * 11)
    assert (answers.recall("a"), answers.recall("b")) == ("x" * 10, None)
    nothing: Answers[str] = Answers(Counter(), Budget(0), 8, CLOCK)
    await ask(nothing, "a", "")
    assert nothing.recall("a") is None


async def test_the_oldest_go_first() -> None:
    answers: Answers[str] = Answers(Counter(), Budget(3 * (OVERHEAD + 1)), 8, CLOCK)
    for number in "01234":
        await ask(answers, number, number)
    assert [answers.recall(number) for number in "01234"] == [None, None, "2", "3", "4"]


async def test_while_the_catalog_is_away_only_what_a_digest_names_is_said_again() -> None:
    changes = Counter()
    answers: Answers[str] = Answers(changes, Budget(100_000), 8, CLOCK)
    await ask(answers, "a", "known")
    changes.at = None
    assert await answers.ask("a", "app", away(), len, by_digest=True) == "known"
    with pytest.raises(Unavailable):
        await answers.ask("a", "app", away(), len, by_digest=False)
    with pytest.raises(Unavailable):
        await answers.ask("b", "app", away(), len, by_digest=True)
    changes.at = 2
    assert answers.recall("a") is None, "what was said again is not news"


async def test_a_catalog_that_hangs_is_not_waited_for_where_an_answer_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    changes = Counter()
    answers: Answers[str] = Answers(changes, Budget(100_000), 8, CLOCK)
    await ask(answers, "a", "known")
    changes.at = 2
    hanging = asyncio.get_running_loop().create_future()
    assert await answers.ask("a", "app", hanging, len, by_digest=True) == "known"
    assert answers.recall("a") is None, "what was said again is not news"


_STEPS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 4_000), st.booleans(), st.booleans()), max_size=60
)


@given(_STEPS, st.integers(0, 12_000))
def test_against_a_model(steps: list[tuple[str, int, bool, bool]], capacity: int) -> None:
    """Whatever is asked and whenever things change: an answer is that of the count it was computed at."""
    asyncio.run(_against_a_model(steps, capacity))


async def _against_a_model(steps: list[tuple[str, int, bool, bool]], capacity: int) -> None:
    changes = Counter()
    answers: Answers[tuple[str, int]] = Answers(changes, Budget(capacity), 8, CLOCK)
    moves = 0
    sizes: dict[str, int] = {}

    def move() -> None:
        nonlocal moves
        moves += 2
        changes.at = moves

    for key, size, moved, overtaken in steps:
        if moved:
            move()
        told = answers.recall(key)
        assert told is None or told == (key, moves)
        answer = said((key, moves), move if overtaken else lambda: None)
        await answers.ask(key, "app", answer, lambda _, size=size: size, by_digest=False)  # type: ignore[misc]
        if size + OVERHEAD <= capacity:
            sizes[key] = size
        kept = [each for each in sizes if answers.recall(each) is not None]
        assert sum(sizes[each] + OVERHEAD for each in kept) <= capacity


async def test_an_answer_that_holds_for_a_while_is_told_until_then() -> None:
    clock = HandClock()
    answers: Answers[str] = Answers(Counter(), Budget(100_000), 8, clock)
    until = clock.at + 10
    asked = answers.ask("k", "app", said("one"), len, lambda _: until, by_digest=False)
    assert await asked == "one"
    clock.at = until - 1
    assert answers.recall("k") == "one"
    clock.at = until
    assert answers.recall("k") is None
