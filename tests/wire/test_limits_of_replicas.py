"""Replicas count together how often somebody may ask."""

import time
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from tests.serving import unhurried
from tests.wire.place import pulls, two_replicas

pytestmark = pytest.mark.slow

RATE = 20
#: How often the other replica is asked until it has heard: too seldom to use up what it lets pass by itself.
ASKED, EVERY = RATE // 2, 0.5


def test_who_used_up_all_at_one_replica_is_refused_at_the_other(tmp_path: Path, postgres: PostgresServer) -> None:
    with two_replicas(tmp_path, postgres, rate_limits_pulls=RATE) as place:
        place.let_in()
        here, there = place.connections
        answers = [pulls(here, place.robot).status for _ in range(RATE + 5)]
        assert RATE <= answers.count(200) <= RATE + 2, "what flows back within some seconds"
        assert answers[-1] == 429

        for _ in range(ASKED):
            refusal = pulls(there, place.robot)
            if refusal.status == 429:
                break
            time.sleep(unhurried(EVERY))
        assert refusal.status == 429, "the other replica never heard"
        assert int(refusal.header("retry-after")) > 0
        assert b"robot+ci made more than 20 pulls a minute" in refusal.body
        assert pulls(here, place.robot).status == 429
