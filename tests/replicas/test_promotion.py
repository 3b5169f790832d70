"""Promotions that several people, and several processes, are about at once: on SQLite with two workers, and at two
replicas on PostgreSQL."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from tests.content import Pushable, image
from tests.fleet import fleet_with
from tests.managed import PASSWORD, Managed
from tests.replicas.test_gates import ENFORCED, record
from tests.servers import OrlopServer
from tests.serving import eventually
from tests.volume import volume
from tests.wire.test_gates import holding
from tests.wire.test_inside import known

pytestmark = pytest.mark.slow

ROUNDS = volume(6, 200)
PEOPLE = ("dana", "pat", "rae")
STAGES = ["dev=dev/", "prod=prod/"]
#: No image is that small.
CLOSED = {"on": ["promotion"], "largest": "1B", "mode": "enforce"}


class Answered(NamedTuple):
    """What came of asking: when it was sent and answered, by a clock that only goes on."""

    sent: float
    at: float
    status: int
    said: Any

    @property
    def state(self) -> str:
        """How far the promotion is; empty where that was refused."""
        return str(self.said["promotion"]["state"]) if self.status == 200 else ""


class Two(NamedTuple):
    """Two ways to the same registry, and what is asked at both at the same moment."""

    here: Managed
    there: Managed
    threads: ThreadPoolExecutor

    def at_once(self, *asked: Callable[[], Answered]) -> list[Answered]:
        return [one.result() for one in [self.threads.submit(each) for each in asked]]

    def waiting(self, name: str, what: Pushable) -> int:
        """The number of a promotion of an image that dana asked for."""
        self.here.push(f"dev/{name}", what, "1", who="dana")
        asked = self.here.ask("POST", "promotions", {"images": [f"dev/{name}:1"], "stage": "prod"}, who="dana")
        return int(asked["promotion"]["id"])

    def stands(self, name: str, api: Managed | None = None) -> str:
        """The digest of its tag in prod; empty without one."""
        answer = (api or self.here).manifest(f"prod/{name}", "1")
        return answer.header("docker-content-digest") if answer.status == 200 else ""

    def times(self, name: str) -> int:
        """How often its tag in prod was set."""
        found = self.here.ask("GET", f"tag-history?repository=prod/{name}&tag=1") if self.stands(name) else []
        return len(found)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def two(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("promotion")
    settings: dict[str, Any] = {"open": False, "admin_password": PASSWORD}
    with ExitStack() as stack:
        if request.param == "sqlite":
            server = OrlopServer(folder, {**settings, "workers": 2})
            stack.callback(server.kill)
            server.start()
            here = there = Managed(server)
        else:
            settings["catalog_url"] = request.getfixturevalue("postgres").catalog()
            settings |= {"workers": 1, **request.getfixturevalue("store").settings("fleet", uuid.uuid4().hex)}
            running = stack.enter_context(fleet_with(folder, [settings, settings]))
            here, there = (Managed(replica) for replica in running.replicas)
        for name in PEOPLE:
            here.ask("POST", "users", {"name": name, "password": PASSWORD})
            here.ask("PUT", f"users/{name}/password", {"password": PASSWORD, "must_change": False})
            place = {"kind": "registry"}
            here.ask("POST", "grants", {"principal": name, "role": "maintainer", "place": place})
        here.put("pipelines/app", {"stages": STAGES, "approvals": ["prod=1"]})
        for api in (here, there):
            for name in (*PEOPLE, "admin"):
                eventually(f"{name} is known", lambda api=api, name=name: _knows(api, name), patience=5)  # type: ignore[misc]
        threads = stack.enter_context(ThreadPoolExecutor(4))
        yield Two(here, there, threads)


def _knows(api: Managed, who: str) -> bool:
    return api.answer("GET", "me", who=who).status == 200


def asking(api: Managed, method: str, path: str, body: object = None, who: str = "admin") -> Callable[[], Answered]:
    def do() -> Answered:
        sent = time.monotonic()
        answer = api.answer(method, path, body, who=who)
        return Answered(sent, time.monotonic(), answer.status, json.loads(answer.body) if answer.body else None)

    return do


def approving(api: Managed, number: int, who: str) -> Callable[[], Answered]:
    return asking(api, "POST", f"promotions/{number}/approvals", who=who)


def test_the_last_approvals_at_once_carry_it_out_once(two: Two) -> None:
    two.here.put("pipelines/both", {"stages": ["dev=dev/both/", "prod=prod/both/"], "approvals": ["prod=2"]})
    for turn in range(ROUNDS):
        what = image(f"both {turn}")
        name = f"both/app{turn}"
        two.here.push(f"dev/{name}", what, "1", who="dana")
        body = {"images": [f"dev/{name}:1"], "stage": "prod", "pipeline": "both"}
        number = two.here.ask("POST", "promotions", body, who="dana")["promotion"]["id"]
        found = two.at_once(approving(two.here, number, "pat"), approving(two.there, number, "rae"))
        assert {one.status for one in found} <= {200, 412}, found  # 412: the other one was quicker, and it is done
        assert "done" in {one.state for one in found}
        assert (two.stands(name), two.times(name)) == (str(what.digest), 1)
        assert two.here.ask("GET", f"promotions/{number}")["state"] == "done"


def test_what_is_approved_is_the_digest_that_was_shown(two: Two) -> None:
    for turn in range(ROUNDS):
        shown, moved = image(f"shown {turn}"), image(f"moved {turn}")
        name = f"moved/app{turn}"
        number = two.waiting(name, shown)
        two.there.push(f"dev/{name}", moved, who="dana")

        def move(name: str = name, moved: Pushable = moved) -> Answered:
            two.there.push(f"dev/{name}", moved, "1", who="dana")
            return Answered(0, 0, 201, None)

        approved, _ = two.at_once(approving(two.here, number, "pat"), move)
        assert approved.state == "done"
        assert (two.stands(name), two.times(name)) == (str(shown.digest), 1)


def test_no_approval_that_comes_after_a_gate_passes_it(two: Two) -> None:
    before = 0
    for turn in range(ROUNDS):
        what = image(f"gated {turn}")
        name = f"gated{turn}/app"
        number, late = two.waiting(name, what), two.waiting(f"gated{turn}/late", image(f"late {turn}"))
        closing = asking(two.there, "PUT", f"gates/closed?path=prod/gated{turn}", CLOSED)
        approved, closed = two.at_once(approving(two.here, number, "pat"), closing)
        assert closed.status < 300, closed
        assert approved.status in {200, 403}
        assert two.stands(name) == (str(what.digest) if approved.status == 200 else "")
        if closed.at <= approved.sent:
            assert approved.status == 403
        before += approved.status == 200
        assert approving(two.here, late, "pat")().status == 403, "the gate is there, wherever it was set"
    print(f"{before} of {ROUNDS} approvals came before the gate")


def test_no_approval_that_comes_after_an_advisory_passes_its_gate(two: Two) -> None:
    two.here.put("gates/clean?path=prod/clean", {**ENFORCED, "on": ["promotion"]})
    for turn in range(max(2, ROUNDS // 3)):
        package, name = f"raced{turn}", f"clean/app{turn}"
        what = holding(package, "1.2")
        two.here.push(f"dev/{name}", what, "1", who="dana")
        known(two.here, f"dev/{name}", "1")
        number, late = two.waiting(name, what), two.waiting(f"{name}-late", what)
        records = {"source": f"raced{turn}", "records": [record(f"RACED-{turn}", package, "1.3")]}
        approved, told = two.at_once(
            approving(two.here, number, "pat"), asking(two.there, "POST", "advisories", records)
        )
        assert told.status < 300, told
        assert approved.status in {200, 403}, approved
        if told.at <= approved.sent:
            assert approved.status == 403
        refused = approving(two.here, late, "pat")()
        assert (refused.status, f"in {package} 1.2 is critical" in refused.said["detail"]) == (403, True), refused


def test_what_is_pushed_enters_a_stage_by_itself_once(two: Two) -> None:
    body = {"stages": ["dev=dev/line/", "prod=prod/line/"], "automatic": ["prod"]}
    two.here.put("pipelines/line", body)
    made = [image(f"line {turn}") for turn in range(ROUNDS)]
    for turn, what in enumerate(made):
        (two.here, two.there)[turn % 2].push(f"dev/line/app{turn}", what, "1", who="dana")
    for turn, what in enumerate(made):
        name = f"line/app{turn}"
        eventually(f"{name} is in prod", lambda n=name, w=what: two.stands(n) == str(w.digest), patience=20)  # type: ignore[misc]
        assert two.times(name) == 1
        [one] = two.here.ask("GET", f"promotions?image=prod/{name}:1")
        assert (one["automatic"], one["asked_by"], one["state"]) == (True, "pipeline:line", "done")
