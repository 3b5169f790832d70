"""Upstreams that break off, lie, or never end, at every share of what they send: clients get the right bytes and all of
them, or see that something is wrong; nothing wrong is kept, and the next pull succeeds."""

import itertools
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orlop.bootstrap.clocks import SystemClock
from orlop.domain.durations import HOUR, SECOND
from orlop.domain.errors import RegistryError
from orlop.domain.names import RepositoryName
from orlop.domain.upload import Upload
from orlop.services.stores.verify import Ages, Verification
from orlop.services.upstreams.turns import ticket
from tests.content import Piece, Pushable, blob, image
from tests.upstreams import Fault, Mode
from tests.wire.shown import APP, HERE, Scene, scaled_out, scene

#: Where in the body something goes wrong.
SHARES = (0.0, 0.01, 0.5, 0.99, 1.0)
SIZE = 700_000

_number = itertools.count()


@pytest.fixture(name="shown", scope="module", params=["disk", pytest.param("scaled out", marks=pytest.mark.slow)])
def _shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    changes: dict[str, Any] = {}
    if request.param == "scaled out":
        changes = scaled_out(request.getfixturevalue("bucket"), request.getfixturevalue("postgres").catalog())
    folder: Path = tmp_path_factory.mktemp("shown")
    with pytest.MonkeyPatch.context() as monkeypatch, scene(folder / "data", monkeypatch, **changes) as made:
        made.show()
        yield made
        _check_stores(made)


def _check_stores(shown: Scene) -> None:
    """What invariants say of the stores, counters and referrers included; nothing is left of what broke off."""
    stores = shown.registry.stores
    catalog, blobs = stores.catalog, stores.blobs

    async def staged() -> list[str]:
        return [stage.upload async for stage in blobs.inventory.stages()]

    shown.later(2 * 3600)
    for upload in shown.registry.run(catalog.expiry.expired(SystemClock().now(), 1000)):
        shown.registry.run(blobs.stage.discard(upload.id))
        shown.registry.run(catalog.expiry.forget(upload.id, SystemClock().now()))
    assert shown.registry.run(staged()) == []
    verification = Verification(
        catalog.inspection,
        blobs.reader,
        blobs.inventory,
        SystemClock(),
        orphans=catalog.orphans,
        ages=Ages(HOUR, HOUR, 0),
    )
    report = shown.registry.run(verification.run())
    assert report.is_clean, report.findings
    assert report.blobs > 0


def _image() -> tuple[Pushable, Piece]:
    """One that nobody has seen, and its large layer."""
    number = next(_number)
    layer = blob(f"layer {number}", SIZE)
    return image(f"app {number}", layers=[layer]), layer


def _is_right_or_visible(shown: Scene, target: str, content: bytes) -> bool:
    """Whether a client got all of it; if not, it saw so: by an error, or by a connection that was cut."""
    try:
        answer = shown.ask("GET", target)
    except RegistryError:  # as the server cuts the connection
        return False
    if answer.status != 200:
        assert answer.status in {404, 429, 500, 502, 503, 504}, answer
        return False
    length = int(answer.header("content-length"))
    assert length == len(content)
    if len(answer.body) == length:
        assert answer.body == content, "wrong bytes, told as complete"
        return True
    return False


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize(
    "mode", [Mode.CUT, Mode.SHORT, Mode.CHUNKED_SHORT, Mode.WRONG, Mode.ENDLESS], ids=lambda mode: mode.name.lower()
)
def test_a_blob_comes_right_or_visibly_not(shown: Scene, mode: Mode, share: float) -> None:
    app, layer = _image()
    upstream = shown.upstream
    upstream.push(APP, app)
    assert shown.manifest(app.digest).status == 200
    # Whoever brings a little more each time is asked again and again.
    upstream.misbehave(layer.digest, Fault(mode, share, times=5 if share == 0.01 else 1_000_000))
    target = f"/v2/{HERE}/blobs/{layer.digest}"
    whole = _is_right_or_visible(shown, target, layer.content)
    if share == 1.0 or mode in {Mode.SHORT, Mode.WRONG}:
        assert whole == (share == 1.0 and mode is not Mode.WRONG) or mode is Mode.ENDLESS
    if not whole:
        shown.until("the transfer has ended", lambda: not shown.is_kept(layer))
    upstream.behave()
    shown.later(60)
    upstream.forget()
    shown.pull(app)
    if mode is Mode.CUT and share == 0.5 and not whole:
        assert next(each.range for each in upstream.asked if layer.digest in each.path).startswith("bytes=")


@pytest.mark.parametrize(
    "mode", [Mode.BUSY, Mode.ERROR, Mode.AWAY, Mode.LOOP, Mode.MISSING, Mode.MORE, Mode.UNAUTHORIZED]
)
def test_a_blob_that_is_refused_is_an_error(shown: Scene, mode: Mode) -> None:
    app, layer = _image()
    shown.upstream.push(APP, app)
    assert shown.manifest(app.digest).status == 200
    shown.upstream.misbehave(layer.digest, Fault(mode))
    assert not _is_right_or_visible(shown, f"/v2/{HERE}/blobs/{layer.digest}", layer.content)
    shown.upstream.behave()
    shown.later(60)
    shown.pull(app)


@pytest.mark.parametrize("mode", [Mode.TYPE, Mode.NO_DIGEST, Mode.NO_LENGTH, Mode.TRICKLE])
def test_a_blob_whose_headers_are_wrong_is_what_its_digest_says(shown: Scene, mode: Mode) -> None:
    app, layer = _image()
    shown.upstream.push(APP, app)
    shown.upstream.misbehave(layer.digest, Fault(mode))
    shown.pull(app)
    shown.upstream.behave()


def test_a_transfer_goes_on_where_it_broke_off(shown: Scene) -> None:
    """In time for the client, if the upstream goes on in time; else for the next one, also where Range is ignored."""
    for mode in (Mode.CUT, Mode.NO_RANGE):
        app, layer = _image()
        upstream = shown.upstream
        upstream.push(APP, app)
        upstream.misbehave(layer.digest, Fault(Mode.CUT, 0.5, times=1))
        upstream.misbehave(layer.digest, Fault(Mode.NO_RANGE, times=1) if mode is Mode.NO_RANGE else Fault(Mode.TYPE))
        upstream.forget()
        shown.pull(app)
        ranges = [each.range for each in upstream.asked if layer.digest in each.path]
        assert ranges == ["", f"bytes={SIZE // 2}-"]
        upstream.behave()


@pytest.mark.parametrize(
    ("mode", "share"),
    [
        *itertools.product([Mode.CUT, Mode.SHORT, Mode.CHUNKED_SHORT, Mode.WRONG, Mode.ENDLESS], SHARES),
        *itertools.product([Mode.TYPE, Mode.BUSY, Mode.ERROR, Mode.LOOP], SHARES[:1]),  # no body to go wrong in
    ],
    ids=lambda part: part.name.lower() if isinstance(part, Mode) else None,
)
def test_a_manifest_comes_right_or_visibly_not(shown: Scene, mode: Mode, share: float) -> None:
    app, _ = _image()
    upstream = shown.upstream
    upstream.push(APP, app, "v1")
    upstream.misbehave(app.digest, Fault(mode, share), "GET")
    shown.later(3600)
    answer = shown.manifest("v1")
    assert (answer.status, answer.body) == (200, app.content) or answer.status in {429, 503} or answer.header("warning")
    asked_by_digest = shown.manifest(app.digest)
    right = (asked_by_digest.status, asked_by_digest.body) == (200, app.content)
    assert right or asked_by_digest.status in {429, 503}, asked_by_digest
    assert right == (mode in {Mode.SHORT, Mode.CHUNKED_SHORT, Mode.CUT} and share == 1.0) or mode is Mode.TYPE
    upstream.behave()
    shown.later(3600)
    shown.pull(app, "v1")


def test_while_the_upstream_is_away_what_is_cached_is_served_with_a_warning(shown: Scene) -> None:
    app, _ = _image()
    upstream = shown.upstream
    upstream.push(APP, app, "cached")
    shown.pull(app, "cached")
    for mode in (Mode.BUSY, Mode.ERROR, Mode.AWAY, Mode.UNAUTHORIZED, Mode.FORBIDDEN, Mode.LOOP, Mode.TYPE):
        shown.later(3600)
        upstream.behave()
        upstream.misbehave("", Fault(mode))
        upstream.misbehave("", Fault(mode))
        found = shown.manifest("cached")
        assert (found.status, found.body) == (200, app.content), mode
        assert found.header("warning").startswith("299 - ") or mode is Mode.TYPE, mode
    upstream.behave()


def test_what_a_process_left_that_died_stands_in_nobodys_way(shown: Scene) -> None:
    """Its turn to fetch a manifest, and its session for a blob: under way for as long as its lease, and then over."""
    app, layer = _image()
    shown.upstream.push(APP, app)
    repository, uploads = RepositoryName(HERE), shown.registry.stores.catalog.uploads
    for what, lasts in ((app.digest, 20), (layer.digest, 3600)):
        now = SystemClock().now()
        left = Upload(
            id=str(uuid.uuid4()),
            repository=repository,
            created_by="upstream:hub",
            algorithm="sha256",
            fence=1,
            lease_until=now + 10 * SECOND,
            started_at=now,
            expires_at=now + lasts * SECOND,
        )
        shown.registry.run(uploads.start(left, ticket=ticket(repository, what)))
    shown.later(21)
    assert shown.manifest(app.digest).status == 200
    shown.later(3600)
    shown.pull(app)


def test_who_takes_a_transfer_over_goes_on_where_it_stands(shown: Scene) -> None:
    app, layer = _image()
    upstream, stores = shown.upstream, shown.registry.stores
    upstream.push(APP, app)
    assert shown.manifest(app.digest).status == 200
    repository, now, half = RepositoryName(HERE), SystemClock().now(), SIZE // 2
    left = Upload(
        id=str(uuid.uuid4()),
        repository=repository,
        created_by="upstream:hub",
        algorithm="sha256",
        fence=1,
        lease_until=now + 10 * SECOND,
        started_at=now,
        expires_at=now + 3600 * SECOND,
    )

    async def leave(content: bytes) -> None:
        await stores.catalog.uploads.start(left, target=layer.digest, ticket=ticket(repository, layer.digest))
        writer = await stores.blobs.stage.open(left.id, 0, "sha256")
        await writer.write(content)
        staged = await writer.checkpoint()
        await writer.close()
        await stores.catalog.uploads.advance(
            left,
            offset=staged.offset,
            digest=staged.digest,
            place=staged.place,
            lease_until=left.lease_until,
            expires_at=left.expires_at,
        )

    shown.registry.run(leave(layer.content[:half]))
    shown.later(11)
    upstream.forget()
    shown.pull(app)
    assert [each.range for each in upstream.asked if layer.digest in each.path] == [f"bytes={half}-"]


def test_what_was_staged_wrong_is_found_out_and_begun_anew(shown: Scene) -> None:
    """The first half is of an upstream that lied, the second of one that does not: no client is told the last byte."""
    app, layer = _image()
    shown.upstream.push(APP, app)
    assert shown.manifest(app.digest).status == 200
    shown.upstream.misbehave(layer.digest, Fault(Mode.CUT_WRONG, 0.5, times=1))
    shown.upstream.misbehave(layer.digest, Fault(Mode.AWAY))
    target = f"/v2/{HERE}/blobs/{layer.digest}"
    assert not _is_right_or_visible(shown, target, layer.content)
    shown.upstream.behave()
    shown.later(60)
    assert not _is_right_or_visible(shown, target, layer.content), "it goes on with what is wrong, and finds out"
    shown.pull(app)


def test_a_stage_that_is_gone_is_begun_anew(shown: Scene) -> None:
    app, layer = _image()
    shown.upstream.push(APP, app)
    assert shown.manifest(app.digest).status == 200
    shown.upstream.misbehave(layer.digest, Fault(Mode.CUT, 0.5, times=1))
    shown.upstream.misbehave(layer.digest, Fault(Mode.AWAY))
    assert not _is_right_or_visible(shown, f"/v2/{HERE}/blobs/{layer.digest}", layer.content)
    shown.upstream.behave()
    shown.later(60)
    blobs = shown.registry.stores.blobs

    async def lose() -> int:
        lost = [stage.upload async for stage in blobs.inventory.stages()]
        for upload in lost:
            await blobs.stage.discard(upload)
        return len(lost)

    assert shown.registry.run(lose()) == 1
    shown.pull(app)


def test_a_blob_of_no_bytes_is_verified_too(shown: Scene) -> None:
    empty, wrong = Piece("empty", "application/octet-stream", b""), blob("not empty")
    shown.upstream.push_blob(APP, empty)
    assert shown.blob(empty).status == 200
    shown.until_kept(empty)
    shown.upstream.push_blob(APP, wrong)
    shown.upstream.misbehave(wrong.digest, Fault(Mode.SHORT, 0.0))
    assert shown.blob(wrong).status == 503
    shown.upstream.behave()
