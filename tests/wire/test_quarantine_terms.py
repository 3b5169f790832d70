"""What quarantine has to do with all else that holds for content: rules, quotas, the trash, and others' pushes."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import structlog

from orlop.config.jobs import JobSettings
from orlop.config.settings import CatalogStore
from orlop.domain.access import Place, PlaceKind
from orlop.ports.by import By
from orlop.ports.held import HeldPush
from orlop.ports.settings import Document
from orlop.ports.terms import Terms
from tests.content import Pushable, image, index
from tests.wire.answer import Answer, assert_refused
from tests.wire.inprocess import InProcess
from tests.wire.people import ACME, Private
from tests.wire.test_tag_rules import setting

pytestmark = pytest.mark.slow

JSON = [("content-type", "application/json")]


@pytest.fixture(scope="module", params=["memory", "postgres"])
def people(request: pytest.FixtureRequest) -> Iterator[Private]:
    """Where a person lets out what is pushed; nothing comes out by itself."""
    changes: dict[str, Any] = {"jobs": JobSettings(serve=False)}
    if request.param == "postgres":
        changes["catalog"] = CatalogStore(request.getfixturevalue("postgres").catalog())
    with structlog.testing.capture_logs(), InProcess(open=False, **changes) as registry:
        made = Private(registry)
        assert setting(made, "PUT", "owner", "in", ACME, {"person": True}, kind="quarantine-rules").status == 200
        yield made


def held(people: Private, name: str, what: Pushable, *tags: str, who: str = "publisher") -> int:
    """Push it to a repository of this name; its number."""
    people.push(who, f"{ACME}/{name}", what, *tags)
    return waiting(people, name)[str(what.digest)]


def waiting(people: Private, name: str, who: str = "owner") -> dict[str, int]:
    """The numbers of what waits in a repository, by digest."""
    found = people.ask(who, "GET", f"/api/v1/held-pushes?place={ACME}/{name}").json()
    return {each["digest"]: each["id"] for each in found}


def decide(people: Private, number: int, what: str = "release", who: str = "maintainer") -> Answer:
    body = json.dumps({"reason": "tried"}).encode()
    return people.ask(who, "POST", f"/api/v1/held-pushes/{number}/{what}", body, JSON)


def status(people: Private, name: str, reference: str, who: str = "reader") -> int:
    return people.ask(who, "GET", f"/v2/{ACME}/{name}/manifests/{reference}").status


def test_a_rule_for_tags_that_came_meanwhile_keeps_all_of_it_there(people: Private) -> None:
    people.push("publisher", f"{ACME}/fixed", image("fixed before"), "v1")
    assert decide(people, next(iter(waiting(people, "fixed").values()))).status == 200
    number = held(people, "fixed", image("fixed after"), "v1", "v2")
    rule = {"tags": ["v1"], "immutable": True}
    assert setting(people, "PUT", "owner", "still", f"{ACME}/fixed", rule).status == 200
    refused = decide(people, number)
    assert (refused.status, "immutable by the tag rule still" in refused.json()["detail"]) == (403, True)
    assert (status(people, "fixed", "v2"), len(waiting(people, "fixed"))) == (404, 1)
    assert setting(people, "DELETE", "owner", "still", f"{ACME}/fixed").status == 204
    assert decide(people, number).status == 200
    assert status(people, "fixed", "v2") == 200


def test_whoever_might_set_a_tag_was_asked_at_the_push(people: Private) -> None:
    rule = {"tags": ["v*"], "may_create": ["publisher"]}
    assert setting(people, "PUT", "owner", "named", f"{ACME}/named", rule).status == 200
    assert_refused(people.put("maintainer", f"{ACME}/named", image("of another"), "v1"), 403, "DENIED")
    number = held(people, "named", image("of whom it names"), "v1")
    assert decide(people, number).status == 200
    assert status(people, "named", "v1") == 200


def test_a_gate_that_is_set_while_it_is_let_out_holds(people: Private, monkeypatch: pytest.MonkeyPatch) -> None:
    number = held(people, "raced", image("raced"), "v1")
    stores = people.registry.stores
    rows, documents = stores.catalog.held_pushes, stores.identity.documents
    release = rows.release
    gate = Document("gate", "late", json.dumps({"on": ["pull"], "no_root": True, "mode": "enforce"}).encode())

    async def late(push: HeldPush, terms: Terms, by: By, reason: str = "") -> None:
        await documents.put(msgspec.structs.replace(gate, path=f"{ACME}/raced"), By("admin", 1))
        monkeypatch.undo()
        await release(push, terms, by, reason)

    monkeypatch.setattr(rows, "release", late)
    refused = decide(people, number)
    assert (refused.status, "stays in quarantine: gate late on acme/raced" in refused.json()["detail"]) == (403, True)
    assert status(people, "raced", "v1") == 404


def test_no_rule_below_loosens_one_above(people: Private) -> None:
    made = setting(people, "PUT", "maintainer", "mine", f"{ACME}/near", {"keep": "1h"}, kind="quarantine-rules")
    assert made.status == 200
    number = held(people, "near", image("near"), "v1", who="maintainer")
    [told] = people.ask("owner", "GET", f"/api/v1/held-pushes?place={ACME}/near").json()
    assert told["waits_for"] == "person"
    pushed, ends = (datetime.fromisoformat(told[name]) for name in ("pushed_at", "ends_at"))
    assert ends - pushed == timedelta(hours=1)
    assert decide(people, number).status == 403, "they pushed it"
    assert decide(people, number, who="owner").status == 200


def test_what_waits_counts_towards_quotas(people: Private) -> None:
    assert setting(people, "PUT", "root", "few", f"{ACME}/few", {"manifests": 1}, kind="quotas").status == 200
    number = held(people, "few", image("the first"), "v1")
    assert_refused(people.put("publisher", f"{ACME}/few", image("the second"), "v2"), 404, "MANIFEST_BLOB_UNKNOWN")
    what = image("the second", ["base"])
    for piece in what.blobs:
        target = f"/v2/{ACME}/few/blobs/uploads/?digest={piece.digest}"
        assert people.ask("publisher", "POST", target, piece.content).status == 201
    assert_refused(people.put("publisher", f"{ACME}/few", what, "v2"), 403, "DENIED")
    assert decide(people, number).status == 200


def test_what_was_deleted_and_restored_or_pushed_again_is_still_hidden(people: Private) -> None:
    what = image("deleted")
    number = held(people, "back", what, "v1")
    address = f"/v2/{ACME}/back/manifests/{what.digest}"
    assert people.ask("maintainer", "DELETE", address).status == 202
    assert waiting(people, "back") == {}
    body = json.dumps({"repository": f"{ACME}/back", "digest": str(what.digest)}).encode()
    assert people.ask("maintainer", "POST", "/api/v1/trash-restorations", body, JSON).status == 200
    assert (status(people, "back", str(what.digest)), waiting(people, "back")) == (404, {str(what.digest): number})
    assert people.put("maintainer", f"{ACME}/back", what, "v2").status == 201
    assert (status(people, "back", str(what.digest)), status(people, "back", "v2")) == (404, 404)
    assert status(people, "back", str(what.digest), "publisher") == 404, "who pushed it last sees it"
    assert decide(people, number, who="maintainer").status == 403, "they pushed it"
    assert decide(people, number, who="owner").status == 200
    assert (status(people, "back", "v1"), status(people, "back", "v2")) == (200, 200)


def test_an_index_and_its_images_come_out_together(people: Private) -> None:
    one, two = image("one of both"), image("two of both")
    both = index("both of them", [one, two])
    number = held(people, "both", both, "v1")
    assert waiting(people, "both") == {str(both.digest): number}
    for each in (one, two, both):
        assert status(people, "both", str(each.digest)) == 404
    assert decide(people, number).status == 200
    for each in (one, two, both):
        assert status(people, "both", str(each.digest)) == 200


def test_layers_are_no_secret_of_quarantine(people: Private) -> None:
    """Blobs are in the repository, for whoever knows their digests; what names them is what is hidden."""
    people.grant("reader", "publisher", Place(PlaceKind.NAMESPACE, "elsewhere"))
    what = image("layered", ["of quarantine"])
    held(people, "layers", what, "v1")
    layer = what.blobs[-1]
    assert people.ask("reader", "GET", f"/v2/{ACME}/layers/blobs/{layer.digest}").body == layer.content
    mount = f"/v2/elsewhere/app/blobs/uploads/?mount={layer.digest}&from={ACME}/layers"
    assert people.ask("reader", "POST", mount).status == 201
    assert (
        people.ask("other", "POST", f"/v2/rival/app/blobs/uploads/?mount={layer.digest}&from={ACME}/layers").status
        == 202
    )
