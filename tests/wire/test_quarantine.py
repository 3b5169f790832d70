"""Quarantine from a push to the pull by others: what waits is not there for them, and comes out whole or not at all."""

import json
import re
import time
from collections.abc import Iterator

import pytest

from tests.content import Pushable, index
from tests.contract.advisories import advisory
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer
from tests.wire.test_gates import holding

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    server = OrlopServer(tmp_path_factory.mktemp("held"), {"open": False, "admin_password": PASSWORD, "workers": 2})
    server.start()
    try:
        made = Managed(server)
        record = json.loads(advisory("TEST-1", "openssl9", "3.0.15", aliases=["CVE-2026-1234"]))
        record["database_specific"] = {"severity": "CRITICAL"}
        made.ask("POST", "advisories", {"source": "test", "records": [record]})
        for name, role in (("ann", "reader"), ("pat", "publisher"), ("max", "maintainer")):
            made.ask("POST", "users", {"name": name, "password": PASSWORD})
            made.ask("PUT", f"users/{name}/password", {"password": PASSWORD, "must_change": False})
            place = {"kind": "namespace", "path": "prod"}
            made.ask("POST", "grants", {"principal": name, "role": role, "place": place})
        yield made
    finally:
        server.kill()


def push(api: Managed, repository: str, what: Pushable, *tags: str) -> None:
    api.push(repository, what, *tags, who="pat")


def status(api: Managed, repository: str, reference: str, who: str = "ann", method: str = "GET") -> int:
    return int(api.manifest(repository, reference, who, method).status)


def eventually(api: Managed, repository: str, reference: str, wanted: int, who: str = "ann") -> None:
    for _ in range(200):
        if (found := status(api, repository, reference, who)) == wanted:
            return
        time.sleep(0.05)
    raise AssertionError(found)


def waiting(api: Managed, place: str, who: str = "max", state: str = "waiting") -> list[dict[str, object]]:
    found: list[dict[str, object]] = api.ask("GET", f"held-pushes?place={place}&state={state}", who=who)
    return found


def test_what_waits_is_there_for_whoever_pushed_it_and_whoever_decides_and_for_nobody_else(api: Managed) -> None:
    api.put("quarantine-rules/in?path=prod/person", {"person": True})
    what = holding("zlib8", "1")
    push(api, "prod/person/app", what, "1")
    digest = str(what.digest)
    for who, wanted in (("ann", 404), ("pat", 200), ("max", 200), ("admin", 200)):
        for method in ("GET", "HEAD"):
            assert status(api, "prod/person/app", digest, who, method) == wanted, (who, method)
    assert status(api, "prod/person/app", "1", "max") == 404  # it has no tag yet, whoever asks
    [held] = waiting(api, "prod/person/")
    assert (held["tags"], held["pushed_by"], held["state"]) == (["1"], "pat", "waiting")
    assert [each["id"] for each in waiting(api, "prod/person/", "pat")] == [held["id"]]
    assert waiting(api, "prod/person/", "ann") == []
    address = f"held-pushes/{held['id']}"
    api.refused("POST", f"{address}/release", {}, status=404, who="ann")
    api.refused("POST", f"{address}/release", {}, status=403, who="pat")
    done = api.ask("POST", f"{address}/release", {"reason": "tried by hand"}, who="max")
    assert (done["state"], done["decided_by"], done["reason"]) == ("released", "max", "tried by hand")
    assert status(api, "prod/person/app", "1") == status(api, "prod/person/app", digest) == 200
    api.refused("POST", f"{address}/release", {}, status=409, who="max")
    push(api, "prod/person/app", what, "2")  # what is out is out
    assert status(api, "prod/person/app", "2") == 200


def test_whoever_pushed_something_does_not_let_it_out(api: Managed) -> None:
    api.put("quarantine-rules/in?path=prod/own", {"person": True})
    api.push("prod/own/app", holding("zlib8", "2"), "1", who="max")
    [held] = waiting(api, "prod/own/")
    api.refused("POST", f"held-pushes/{held['id']}/release", {}, status=403, who="max")
    assert api.ask("POST", f"held-pushes/{held['id']}/release", {})["decided_by"] == "admin"


def test_it_comes_out_by_itself_once_the_gates_let_it_pass(api: Managed) -> None:
    api.put("quarantine-rules/in?path=prod/gated", {})
    api.put("gates/g?path=prod/gated", {"on": ["pull"], "deny_severity": "critical", "mode": "enforce"})
    push(api, "prod/gated/app", holding("openssl9", "3.0.16"), "good")
    eventually(api, "prod/gated/app", "good", 200)
    push(api, "prod/gated/app", holding("openssl9", "3.0.11"), "bad")
    for _ in range(200):
        [held] = waiting(api, "prod/gated/")
        if "CVE-2026-1234" in str(held["why"]):
            break
        time.sleep(0.05)
    assert held["waits_for"] == "gates"
    assert "gate g on prod/gated refuses app:bad: CVE-2026-1234 in openssl9 3.0.11 is critical" in str(held["why"])
    assert status(api, "prod/gated/app", "bad") == 404
    api.refused("POST", f"held-pushes/{held['id']}/release", {}, status=403, who="max")
    accepted = {"cves": ["CVE-2026-1234"], "until": "2099-01-31", "reason": "it is not reachable"}
    api.put("exceptions/ssl?path=prod/gated", accepted)
    eventually(api, "prod/gated/app", "bad", 200)


def test_a_rule_that_is_gone_holds_nothing_back(api: Managed) -> None:
    api.put("quarantine-rules/in?path=prod/gone", {"person": True})
    push(api, "prod/gone/app", holding("zlib8", "3"), "1")
    assert status(api, "prod/gone/app", "1") == 404
    api.ask("DELETE", "quarantine-rules/in?path=prod/gone")
    eventually(api, "prod/gone/app", "1", 200)


def test_an_index_waits_with_its_images_and_is_refused_with_them(api: Managed) -> None:
    api.put("quarantine-rules/in?path=prod/index", {"person": True})
    one, two = holding("zlib8", "4"), holding("zlib8", "5")
    both = index("both in quarantine", [one, two])
    push(api, "prod/index/app", both, "1")
    [held] = waiting(api, "prod/index/")
    assert held["digest"] == str(both.digest)
    assert status(api, "prod/index/app", str(one.digest)) == 404
    api.refused("POST", f"held-pushes/{held['id']}/refuse", {"reason": " "}, status=400, who="max")
    done = api.ask("POST", f"held-pushes/{held['id']}/refuse", {"reason": "not before Monday"}, who="max")
    assert (done["state"], done["reason"]) == ("refused", "not before Monday")
    for digest in (both.digest, one.digest, two.digest):
        assert status(api, "prod/index/app", str(digest), "admin") == 404
    trash = api.ask("GET", "trash?place=prod/index/")
    assert {each["digest"] for each in trash} == {str(each.digest) for each in (both, one, two)}


def test_whoever_deletes_and_restores_what_waits_lets_nothing_out(api: Managed) -> None:
    api.put("quarantine-rules/in?path=prod/back", {"person": True})
    what = holding("zlib8", "6")
    api.push("prod/back/app", what, "1", who="max")
    api.delete("prod/back/app", str(what.digest), "max")
    api.ask("POST", "trash-restorations", {"repository": "prod/back/app", "digest": str(what.digest)}, who="max")
    assert status(api, "prod/back/app", str(what.digest)) == 404
    api.push("prod/back/app", what, "1", who="max")
    assert status(api, "prod/back/app", "1") == 404


def test_what_was_decided_is_counted_and_in_the_audit_log(api: Managed) -> None:
    api.put("quarantine-rules/in?path=prod/told", {"person": True})
    before = metrics(api)
    push(api, "prod/told/app", holding("zlib8", "7"), "1")
    [held] = waiting(api, "prod/told/")
    now = metrics(api)
    assert now["orlop_quarantine_waiting"] == before["orlop_quarantine_waiting"] + 1
    assert now["orlop_quarantine_oldest_seconds"] > 0
    api.ask("POST", f"held-pushes/{held['id']}/refuse", {"reason": "not before Monday"}, who="max")
    after, name = metrics(api), 'orlop_quarantine_seconds_count{by="person",outcome="refused"}'
    assert after[name] == now.get(name, 0) + 1
    assert after["orlop_quarantine_waiting"] == before["orlop_quarantine_waiting"]
    for _ in range(200):
        entries = {
            each["kind"]: (each["actor"], each["repository"], each["digest"], each["detail"])
            for each in api.ask("GET", "audit?place=prod/told")
            if each["kind"].startswith("quarantine.")
        }
        if len(entries) == 2:
            break
        time.sleep(0.05)
    image = ("prod/told/app", held["digest"])
    assert entries == {
        "quarantine.held": ("pat", *image, ""),
        "quarantine.refused": ("max", *image, "not before Monday"),
    }


def metrics(api: Managed) -> dict[str, float]:
    """What quarantine tells of itself, by name and labels."""
    page = api.scraped()
    return {name: float(value) for name, value in re.findall(r"^(orlop_quarantine\S+) (\S+)$", page, re.MULTILINE)}
