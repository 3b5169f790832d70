"""The order in which what is cached goes: by when it was really used last, whatever the queue knows of that."""

from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.upstreams.eviction import Cached, turn

NOW = 1_000

#: By manifest: where it stands, how much later it was used, and whether it follows another or is locked.
QUEUES = st.lists(
    st.tuples(st.integers(0, 50), st.integers(-5, 50), st.booleans() | st.just(False), st.booleans() | st.just(False)),
    max_size=30,
)


@given(queue=QUEUES, page=st.integers(1, 7), until=st.integers(0, 100))
def test_what_goes_goes_in_the_order_of_its_last_use(
    queue: list[tuple[int, int, bool, bool]], page: int, until: int
) -> None:
    stands = {row: queued for row, (queued, *_) in enumerate(queue)}
    used = {row: max(0, queued + later) for row, (queued, later, *_) in enumerate(queue)}
    stay = {row for row, (_, _, follows, locked) in enumerate(queue) if follows or locked}
    gone: list[int] = []
    for _ in range(200):
        waiting = sorted((at, row) for row, at in stands.items() if at <= until)
        head = [Cached(row, at, used[row], queue[row][2], queue[row][3]) for at, row in waiting[:page]]
        if not head:
            break
        what = turn(head, more=len(waiting) > page, until=until, now=NOW)
        assert {each.manifest for each in what.going} | what.later.keys() == {each.manifest for each in head}
        stands |= what.later
        for each in what.going:
            gone.append(each.manifest)
            del stands[each.manifest]
    assert not [at for at in stands.values() if at <= until], "every turn comes further"
    assert sorted(gone) == sorted(row for row in used if stands.get(row) is None)
    assert not stay.intersection(gone)
    assert {row for row in used if used[row] <= until and row not in stay and used[row] >= queue[row][0]} <= set(gone)
    certain = [row for row in gone if used[row] >= queue[row][0]]
    assert [used[row] for row in certain] == sorted(used[row] for row in certain)


def test_who_follows_or_is_locked_is_looked_at_again_later() -> None:
    head = [
        Cached(1, 5, 5, follows=True, locked=False),
        Cached(2, 5, 5, follows=False, locked=True),
        Cached(3, 6, 9, follows=False, locked=False),
        Cached(4, 7, 7, follows=False, locked=False),
    ]
    what = turn(head, more=False, until=8, now=NOW)
    assert [each.manifest for each in what.going] == [4]
    assert what.later == {1: NOW, 2: NOW, 3: 9}
    behind = turn(head, more=True, until=8, now=NOW)
    assert [each.manifest for each in behind.going] == [4]
    assert turn([], more=False, until=8, now=NOW).going == ()
