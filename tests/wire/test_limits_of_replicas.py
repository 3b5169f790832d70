"""Replicas count together how often somebody may ask."""

import time
from itertools import takewhile
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from tests.serving import unhurried
from tests.wire.place import pulls, two_replicas

pytestmark = pytest.mark.slow

RATE = 20
#: How often the other replica is asked until it has heard: too seldom to use up what it lets pass by itself.
ASKED, EVERY = RATE - 5, 1.0


def test_who_used_up_all_at_one_replica_is_refused_at_the_other(tmp_path: Path, postgres: PostgresServer) -> None:
    with two_replicas(tmp_path, postgres, rate_limits_pulls=RATE) as place:
        place.let_in()
        here, there = place.connections
        answers = takewhile(lambda status: status == 200, (pulls(here, place.robot).status for _ in range(2 * RATE)))
        assert RATE <= len(list(answers)) < 2 * RATE, "more than it may is what flows back meanwhile"

        for _ in range(ASKED):
            refusal = pulls(there, place.robot)
            if refusal.status == 429:
                break
            time.sleep(unhurried(EVERY))
        assert refusal.status == 429, "the other replica never heard"
        assert int(refusal.header("retry-after")) > 0
        assert b"robot+ci made more than 20 pulls a minute" in refusal.body
        assert pulls(here, place.robot).status == 429
