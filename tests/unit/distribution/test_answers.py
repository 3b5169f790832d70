"""What is remembered is never told when the catalog has moved on, and never takes more memory than it may."""

from hypothesis import given
from hypothesis import strategies as st

from orlop.faces.distribution.answers import OVERHEAD, Answers


class Counter:
    """The state of a catalog that the test moves; None while a change is being written."""

    def __init__(self) -> None:
        self.at: int | None = 0

    def current(self) -> int | None:
        """See ports.events.Changes."""
        return self.at


def test_an_answer_is_told_until_something_changes() -> None:
    changes = Counter()
    answers: Answers[str] = Answers(changes, 100_000)
    answers.remember("a", answers.count(), "one", 3)
    assert answers.recall("a") == "one"
    changes.at = None
    assert answers.recall("a") is None
    changes.at = 2
    assert answers.recall("a") is None
    answers.remember("a", answers.count(), "two", 3)
    assert answers.recall("a") == "two"


def test_an_answer_that_was_overtaken_is_not_kept_as_new() -> None:
    """The count is taken before the catalog is asked: what changed in between makes the answer old at once."""
    changes = Counter()
    answers: Answers[str] = Answers(changes, 100_000)
    before = answers.count()
    changes.at = 2
    answers.remember("a", before, "old", 3)
    assert answers.recall("a") is None


def test_nothing_is_kept_while_a_change_is_written() -> None:
    changes = Counter()
    answers: Answers[str] = Answers(changes, 100_000)
    changes.at = None
    answers.remember("a", answers.count(), "torn", 3)
    assert answers.recall("a") is None
    changes.at = 0
    assert answers.recall("a") is None


def test_what_is_larger_than_everything_is_not_kept() -> None:
    answers: Answers[str] = Answers(Counter(), OVERHEAD + 10)
    answers.remember("a", 0, "small", 10)
    answers.remember("b", 0, "large", 11)
    assert (answers.recall("a"), answers.recall("b")) == ("small", None)
    assert Answers[str](Counter(), 0).recall("a") is None


def test_the_oldest_go_first() -> None:
    answers: Answers[int] = Answers(Counter(), 3 * (OVERHEAD + 10))
    for number in range(5):
        answers.remember(number, 0, number, 10)
    assert [answers.recall(number) for number in range(5)] == [None, None, 2, 3, 4]


_STEPS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 4_000), st.booleans(), st.booleans()), max_size=60
)


@given(_STEPS, st.integers(0, 12_000))
def test_against_a_model(steps: list[tuple[str, int, bool, bool]], capacity: int) -> None:
    """Whatever is asked and whenever things change: an answer is that of the count it was computed at."""
    changes = Counter()
    answers: Answers[tuple[str, int]] = Answers(changes, capacity)
    moves = 0
    sizes: dict[str, int] = {}
    for key, size, moved, overtaken in steps:
        if moved:
            moves += 2
            changes.at = moves
        told = answers.recall(key)
        assert told is None or told == (key, moves)
        count = answers.count()
        assert count is not None
        if overtaken:
            moves += 2
            changes.at = moves
        answers.remember(key, count, (key, count), size)
        if size + OVERHEAD <= capacity:
            sizes[key] = size
        kept = [each for each in sizes if answers.recall(each) is not None]
        assert sum(sizes[each] + OVERHEAD for each in kept) <= capacity
