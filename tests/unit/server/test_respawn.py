"""When workers are started again."""

from orlop.server.respawn import LONGEST_DELAY, START_ATTEMPTS, STEADY, Respawns


def test_a_worker_that_served_long_is_replaced_at_once() -> None:
    place = Respawns()
    assert place.died(served=True, lived=STEADY) == 0.0
    assert place.died(served=True, lived=STEADY * 100) == 0.0


def test_one_that_keeps_dying_young_is_replaced_later_and_later_for_ever() -> None:
    place = Respawns()
    delays = [place.died(served=True, lived=0.5) for _ in range(100)]
    assert delays[:4] == [0.1, 0.2, 0.4, 0.8]
    assert delays[-1] == LONGEST_DELAY
    assert place.died(served=True, lived=STEADY) == 0.0


def test_one_that_cannot_start_is_given_up() -> None:
    place = Respawns()
    delays = [place.died(served=False, lived=0.1) for _ in range(START_ATTEMPTS)]
    assert None not in delays[:-1]
    assert delays[-1] is None


def test_a_start_that_works_forgives_those_that_did_not() -> None:
    place = Respawns()
    for _ in range(10):
        assert place.died(served=False, lived=0.1) is not None
        assert place.died(served=True, lived=STEADY) == 0.0
