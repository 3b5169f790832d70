"""A right that is taken away counts from the next request in every worker, and within a second in every replica."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from tests.serving import eventually
from tests.wire.answer import Answer
from tests.wire.place import ADMIN, APP, CONTENT, SMALL, TARGET, Place, pulls, two_replicas, two_workers

pytestmark = pytest.mark.slow

#: Often enough to catch a worker that lags now and then.
ROUNDS = 15


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Place]:
    with two_workers(tmp_path) as place:
        yield place


@pytest.fixture
def replicas(tmp_path: Path, postgres: PostgresServer) -> Iterator[Place]:
    with two_replicas(tmp_path, postgres) as place:
        yield place


def test_a_grant_that_comes_and_goes_counts_at_once_in_both_workers(workers: Place) -> None:
    for number in range(ROUNDS):
        grant = workers.let_in()
        tokens = [workers.token(connection) for connection in workers.connections]
        for connection in workers.connections:
            for who in (workers.robot, *tokens):
                assert pulls(connection, who).body == APP.content, number
        workers.manage("DELETE", f"grants/{grant}")
        for connection in reversed(workers.connections):
            for who in (workers.robot, *tokens):
                assert pulls(connection, who).status in {401, 404}, number


def test_who_goes_on_asking_the_same_on_a_connection_is_looked_at_each_time(workers: Place) -> None:
    for number in range(ROUNDS):
        grant = workers.let_in()
        for connection in workers.connections:
            assert [pulls(connection, workers.robot).body for _ in range(4)] == [APP.content] * 4, number
            assert [pulls(connection, workers.robot, SMALL).body for _ in range(4)] == [CONTENT] * 4, number
        workers.manage("DELETE", f"grants/{grant}")
        for connection in workers.connections:
            for target in (SMALL, TARGET):
                assert pulls(connection, workers.robot, target).status in {401, 404}, number
    workers.let_in()
    for connection in workers.connections:
        assert [pulls(connection, workers.robot).status for _ in range(4)] == [200] * 4
    workers.manage("DELETE", "robots/robot+ci")
    for target in (SMALL, TARGET):
        assert [pulls(connection, workers.robot, target).status for connection in workers.connections] == [401, 401]


def test_a_robot_that_is_gone_is_nobody_at_once_in_both_workers(workers: Place) -> None:
    workers.let_in()
    tokens = [workers.token(connection) for connection in workers.connections]
    for connection in workers.connections:
        for who in (workers.robot, *tokens):
            assert pulls(connection, who).status == 200
    workers.manage("DELETE", "robots/robot+ci")
    for connection in reversed(workers.connections):
        for who in (workers.robot, *tokens):
            assert pulls(connection, who).status == 401


def _everywhere(place: Place, whos: list[str], true: Callable[[Answer], bool]) -> bool:
    return all(
        true(pulls(connection, who, target))
        for connection in place.connections
        for who in whos
        for target in (TARGET, SMALL)
    )


def test_other_replicas_follow_within_moments(replicas: Place) -> None:
    grant = replicas.let_in()
    eventually(
        "the robot may pull everywhere", lambda: _everywhere(replicas, [replicas.robot], lambda a: a.status == 200)
    )
    whos = [replicas.robot, *(replicas.token(connection) for connection in replicas.connections)]
    assert _everywhere(replicas, whos, lambda answer: answer.status == 200)
    replicas.manage("DELETE", f"grants/{grant}")
    for target in (TARGET, SMALL):
        answers = [pulls(replicas.connections[0], who, target) for who in whos]
        assert {answer.status for answer in answers} <= {401, 404}, "at once where it was done"
    eventually(
        "nobody lets the robot in any more",
        lambda: _everywhere(replicas, whos, lambda answer: answer.status in {401, 404}),
        patience=5,
    )
    replicas.let_in()
    eventually("a token holds again", lambda: _everywhere(replicas, whos, lambda answer: answer.status == 200))
    replicas.manage("DELETE", "robots/robot+ci")
    eventually("it is nobody", lambda: _everywhere(replicas, whos, lambda answer: answer.status == 401), patience=5)


def test_a_small_blob_that_is_deleted_is_gone_in_other_replicas_within_moments(replicas: Place) -> None:
    assert all(pulls(connection, ADMIN, SMALL).body == CONTENT for connection in replicas.connections * 3)
    first, second = replicas.connections
    for target in (f"/v2/team/app/manifests/{APP.digest}", SMALL):
        assert first.ask("DELETE", target, ADMIN).status == 202
    assert pulls(first, ADMIN, SMALL).status == 404, "at once where it was done"
    eventually("it is gone elsewhere", lambda: pulls(second, ADMIN, SMALL).status == 404, patience=5)
