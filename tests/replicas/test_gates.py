"""Gates at several replicas on one database: what one of them is told all go by, and what was judged stands while the
database is away."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.content import Pushable
from tests.contract.advisories import advisory
from tests.fleet import fleet_with
from tests.managed import PASSWORD, Managed
from tests.postgres import PostgresServer, postgres_server
from tests.s3 import S3Server
from tests.serving import eventually
from tests.wire.answer import Answer
from tests.wire.test_gates import ENFORCED, holding
from tests.wire.test_inside import known

pytestmark = [pytest.mark.slow, pytest.mark.early]

BAD, GOOD, UNSEEN = holding("openssl9", "3.0.11"), holding("openssl9", "3.0.15"), holding("openssl9", "3.0.16")


class Pair:
    """Two replicas, of which the first does the jobs, and the database of both."""

    def __init__(self, here: Managed, there: Managed, postgres: PostgresServer) -> None:
        self.here, self.there, self.postgres = here, there, postgres

    def sentences(self, repository: str, reference: str) -> list[str]:
        """What ann is told at each."""
        return [sentence(api.manifest(repository, reference, "ann")) for api in (self.here, self.there)]

    def followed(self, repository: str, reference: str, part: str) -> None:
        """Both refuse it with this in the sentence; empty: both give it."""
        eventually(
            f"both say {part!r} of {repository}:{reference}",
            lambda: all(part in said if part else said == "" for said in self.sentences(repository, reference)),
            patience=5,
        )


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, store: S3Server) -> Iterator[Pair]:
    with ExitStack() as stack:
        postgres = stack.enter_context(postgres_server(options=("fsync=off",)))
        settings = {
            "catalog_url": postgres.catalog(),
            "workers": 1,
            **store.settings("fleet", uuid.uuid4().hex),
            "open": False,
            "admin_password": PASSWORD,
            "auth_outage_grace": "60s",
        }
        folder = tmp_path_factory.mktemp("gates")
        # Jobs are the first one's alone: of what these do the second one hears by the database, or not at all.
        running = stack.enter_context(fleet_with(folder, [settings, {**settings, "jobs_serve": False}]))
        here, there = (Managed(replica) for replica in running.replicas)
        here.ask("POST", "advisories", {"source": "test", "records": [record("TEST-1", "openssl9", "3.0.15")]})
        here.ask("POST", "users", {"name": "ann", "password": PASSWORD})
        here.ask("PUT", "users/ann/password", {"password": PASSWORD, "must_change": False})
        place = {"kind": "namespace", "path": "prod"}
        here.ask("POST", "grants", {"principal": "ann", "role": "reader", "place": place})
        yield Pair(here, there, postgres)


def record(name: str, package: str, fixed: str) -> dict[str, object]:
    """A critical advisory."""
    made = json.loads(advisory(name, package, fixed, aliases=[f"CVE-2026-{name[-1]}"]))
    return {**made, "database_specific": {"severity": "CRITICAL"}}


def sentence(answer: Answer) -> str:
    """What is told of what is refused; empty where it is not."""
    if answer.status == 200:
        return ""
    return str(json.loads(answer.body)["errors"][0]["message"]) if answer.status == 403 else f"{answer.status}"


def pushed(pair: Pair, repository: str, what: Pushable, tag: str) -> None:
    pair.here.push(repository, what, tag)
    known(pair.here, repository, tag)


def test_what_is_written_at_one_the_other_goes_by(pair: Pair) -> None:
    pushed(pair, "prod/one/app", BAD, "1")
    pair.followed("prod/one/app", "1", "")
    pair.there.put("gates/one?path=prod/one", ENFORCED)
    pair.followed("prod/one/app", "1", "gate one on prod/one refuses app:1: CVE-2026-1 in openssl9 3.0.11 is critical")
    pair.here.put("exceptions/one?path=prod/one", {"cves": ["CVE-2026-1"], "until": "2099-01-31", "reason": "none"})
    pair.followed("prod/one/app", "1", "")
    pair.there.ask("DELETE", "exceptions/one?path=prod/one")
    pair.followed("prod/one/app", "1", "CVE-2026-1")


def test_an_advisory_that_one_takes_in_closes_the_gate_at_the_other(pair: Pair) -> None:
    pushed(pair, "prod/late/app", holding("late9", "1.2"), "1")
    pair.here.put("gates/late?path=prod/late", ENFORCED)
    for _ in range(4):  # until both remember it
        pair.followed("prod/late/app", "1", "")
    pair.here.ask("POST", "advisories", {"source": "late", "records": [record("LATE-2", "late9", "1.3")]})
    pair.followed("prod/late/app", "1", "CVE-2026-2 in late9 1.2 is critical and fixed in 1.3")


def test_what_was_judged_stands_while_the_database_is_away(pair: Pair) -> None:
    for what, tag in ((BAD, "bad"), (GOOD, "good"), (UNSEEN, "unseen")):
        pushed(pair, "prod/away/app", what, tag)
    pair.here.put("gates/away?path=prod/away", ENFORCED)
    refused = "gate away on prod/away refuses app@"
    for _ in range(6):  # until the replica has also seen in the database what it changed itself
        assert refused in sentence(pair.here.manifest("prod/away/app", str(BAD.digest), "ann"))
        assert pair.here.manifest("prod/away/app", str(GOOD.digest), "ann").body == GOOD.content
        time.sleep(0.3)
    pair.postgres.stop()
    time.sleep(1)  # until nobody remembers as if nothing had happened
    try:
        good, bad, unseen = (
            pair.here.manifest("prod/away/app", str(what.digest), "ann") for what in (GOOD, BAD, UNSEEN)
        )
        assert (good.status, good.body) == (200, GOOD.content)
        assert refused in sentence(bad)
        assert unseen.status == 503, "what was not judged stays shut"
    finally:
        pair.postgres.start()
    eventually("it is back", lambda: pair.sentences("prod/away/app", "unseen") == ["", ""], patience=30)
    assert refused in sentence(pair.here.manifest("prod/away/app", str(BAD.digest), "ann"))
