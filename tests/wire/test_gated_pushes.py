"""Gates at pushes: what an image says of itself is judged before it is stored, by every way to push it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from orlop.domain import media_types
from orlop.ports.by import By
from orlop.ports.settings import Document
from tests.content import EMPTY, Piece, Pushable, artifact, blob, index, stating
from tests.wire.answer import Answer
from tests.wire.inprocess import InProcess

ROOT = "it runs as root; build it anew"


@pytest.fixture(scope="module")
def registry() -> Iterator[InProcess]:
    with InProcess() as made:
        yield made


def put(registry: InProcess, path: str, **body: Any) -> None:
    """A gate at pushes to a place."""
    said = {"on": ["push"], "no_root": True, "mode": "enforce"} | body
    documents = registry.stores.identity.documents
    registry.run(documents.put(Document("gate", "house", json.dumps(said).encode(), path=path), By("admin", 1)))


def saying(name: str, user: str = "", **labels: str) -> Pushable:
    """An image whose config says who it runs as."""
    text = {"architecture": "amd64", "os": "linux", "config": {"User": user, "Labels": labels}, "author": name}
    own = Piece(f"{name}.config", media_types.OCI_CONFIG, json.dumps(text).encode())
    layer = blob(name)
    return stating(name, [own.descriptor(), layer.descriptor()], [own, layer])


def blobs(registry: InProcess, repository: str, what: Pushable) -> None:
    for piece in what.blobs:
        target = f"/v2/{repository}/blobs/uploads/?digest={piece.digest}"
        assert registry.ask("POST", target, body=piece.content).status == 201


def manifest(registry: InProcess, repository: str, what: Pushable, reference: str) -> Answer:
    target = f"/v2/{repository}/manifests/{reference}"
    return registry.ask("PUT", target, what.content, [("content-type", what.media_type)])


def pushed(registry: InProcess, repository: str, what: Pushable, reference: str) -> Answer:
    blobs(registry, repository, what)
    return manifest(registry, repository, what, reference)


def message(answer: Answer) -> str:
    [error] = json.loads(answer.body)["errors"]
    assert (answer.status, error["code"]) == (403, "DENIED")
    return str(error["message"])


def test_it_is_refused_by_tag_and_by_digest_and_nothing_of_it_is_stored(registry: InProcess) -> None:
    put(registry, "house")
    app = saying("house root")
    assert message(pushed(registry, "house/app", app, "1.5")) == f"gate house on house refuses app:1.5: {ROOT}"
    short = str(app.digest)[:19]
    by_digest = message(manifest(registry, "house/app", app, str(app.digest)))
    assert by_digest == f"gate house on house refuses app@{short}: {ROOT}"
    tagged = message(manifest(registry, "house/app", app, f"{app.digest}?tag=2&tag=3"))
    assert tagged == f"gate house on house refuses app:2: {ROOT}"
    for reference in ("1.5", "2", str(app.digest)):
        assert registry.ask("GET", f"/v2/house/app/manifests/{reference}").status == 404
    good = pushed(registry, "house/app", saying("house fine", "app"), "1.5")
    assert (good.status, good.header("warning")) == (201, "")


def test_a_gate_that_warns_takes_it_and_says_so(registry: InProcess) -> None:
    put(registry, "warned", mode="warn")
    answer = pushed(registry, "warned/app", saying("warned root"), "1")
    assert answer.status == 201
    assert answer.header("warning") == f'299 - "gate house on warned warns of app:1: {ROOT}"'
    assert registry.ask("GET", "/v2/warned/app/manifests/1").status == 200


def test_what_an_index_lists_is_judged_when_it_comes(registry: InProcess) -> None:
    put(registry, "listed")
    bad, good = saying("listed root"), saying("listed fine", "app")
    assert ROOT in message(pushed(registry, "listed/app", bad, str(bad.digest)))
    assert pushed(registry, "listed/app", good, str(good.digest)).status == 201
    assert pushed(registry, "listed/app", index("listed both", [good]), "all").status == 201


def test_what_engines_do_not_run_passes(registry: InProcess) -> None:
    put(registry, "passing")
    assert pushed(registry, "passing/app", artifact("passing"), "sbom").status == 201


def test_a_manifest_before_its_config_is_unknown_and_not_let_in_unjudged(registry: InProcess) -> None:
    put(registry, "early")
    app = saying("early root")
    answer = manifest(registry, "early/app", app, "1")
    [error] = json.loads(answer.body)["errors"]
    assert (answer.status, error["code"]) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert error["detail"]["digests"] == [piece.digest for piece in app.blobs]
    assert ROOT in message(pushed(registry, "early/app", app, "1"))


def test_a_config_that_is_none_says_nothing_and_is_held_back(registry: InProcess) -> None:
    put(registry, "broken", labels=["team"])
    own = Piece("broken config", media_types.OCI_CONFIG, b"{" * 100)
    app = stating("broken", [own.descriptor()], [own])
    assert "it has no label team" in message(pushed(registry, "broken/app", app, "1"))
    assert pushed(registry, "broken/app", stating("empty", [EMPTY.descriptor()], [EMPTY]), "2").status == 201


def test_each_condition_is_asked(registry: InProcess) -> None:
    put(
        registry,
        "strict",
        no_root=False,
        labels=["team=backend*"],
        platforms=["linux/*"],
        largest="1MiB",
    )
    assert "its label team is 'ops'" in message(pushed(registry, "strict/app", saying("a", "", team="ops"), "1"))
    assert pushed(registry, "strict/app", saying("b", "", team="backend-7"), "1").status == 201


def test_a_gate_counts_from_the_next_push_on_and_one_that_goes_no_more(registry: InProcess) -> None:
    app = saying("turned root")
    assert pushed(registry, "turned/app", app, "1").status == 201
    put(registry, "turned")
    assert ROOT in message(manifest(registry, "turned/app", app, "2"))
    documents = registry.stores.identity.documents
    registry.run(documents.remove("gate", "house", By("admin", 1), path="turned"))
    assert manifest(registry, "turned/app", app, "2").status == 201


def test_a_gate_at_pulls_says_nothing_of_a_push(registry: InProcess) -> None:
    put(registry, "pulled", on=["pull"])
    assert pushed(registry, "pulled/app", saying("pulled root"), "1").status == 201
    assert ROOT in message(registry.ask("GET", "/v2/pulled/app/manifests/1"))
