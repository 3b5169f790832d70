"""What a cache costs: pulls of what is cached, the first pull of what is not, and the memory of a worker that fills."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.field import Field
from bench.findings import Check, Finding
from bench.load import wrk
from bench.load.connection import Connection
from bench.measures.memory import highest, zeros_digest
from bench.rounds import ratio, take_turns
from bench.scenes import catalog, content, static, upstreams
from bench.scenes.folder import kept
from bench.scenes.upstreams import HUB
from bench.servers import orlop
from bench.servers.process import Running

_REPOSITORIES = 200
#: A gigabit line, in bytes a second.
_LINE = 125_000_000
_CACHED, _FIRST, _BUSY = 0.95, 1.15, 200.0
_OWN, _THROUGH, _DIRECT = "own", "cached", "directly"


def cached(field: Field) -> Finding:
    """Manifests by tag, all of them: of one Orlop that has them, and of another that has cached them of the first."""
    return _cached(field, wrk.manifests(_REPOSITORIES), "GET manifest by tag, cached")


def cached_blobs(field: Field) -> Finding:
    """Blobs of 1 MiB."""
    return _cached(field, wrk.blobs(1 << 20), "GET blob 1 MiB, cached")


def _cached(field: Field, load: wrk.Load, work: str) -> Finding:
    name = f"orlop-{_REPOSITORIES}"
    source = kept(name, lambda root: catalog.write(root, catalog.standard(_REPOSITORIES)))
    with field.ours(field.copied(source)) as own, _cache(field, field.empty(), own) as near:
        _fill(near)
        turns = {
            _OWN: partial(_requests, load, own, field),
            _THROUGH: partial(_requests, load.below(HUB), near, field),
        }
        for turn in turns.values():
            turn()
        figures = take_turns(turns, field.plan.more_rounds)
    check = Check("× own", ratio(figures[_THROUGH], figures[_OWN]), _CACHED)
    return Finding(work, "requests/s", figures, [check], (f"in {field.plan.more_rounds} rounds",))


def first(field: Field) -> Finding:
    """200 MB in five layers, one after the other, over a line of a gigabit."""
    return _first(field, "first pull of a 200 MB image, over 1 Gbit/s", _LINE, demanded=True)


def first_on_loopback(field: Field) -> Finding:
    """The same without a line."""
    return _first(field, "first pull of a 200 MB image, on loopback", 0, demanded=False)


def _first(field: Field, work: str, rate: int, *, demanded: bool) -> Finding:
    root = kept("static-by-digest", _files)
    with upstreams.files(field.fresh(), root, rate) as upstream:
        turns = {_DIRECT: partial(_pull, upstream, ""), _THROUGH: partial(_through, field, upstream)}
        for turn in turns.values():
            turn()
        figures = take_turns(turns, field.plan.rounds)
    value = ratio(figures[_DIRECT], figures[_THROUGH])
    taken = Check(f"{_THROUGH} / {_DIRECT}", 1 / value, _FIRST, at_most=True, aim=not demanded)
    remark = "the upstream is nginx with static files; the cache hashes, writes and syncs what a client of nginx drops"
    return Finding(work, "s", figures, [taken], (remark,))


def huge_fill(field: Field) -> Finding:
    """A worker at its highest, while it fetches one huge blob and passes it on."""
    size = field.plan.huge_blob
    digest = zeros_digest(size)
    root = field.fresh()
    folder = root / "v2" / "bench" / "huge" / "blobs"
    folder.mkdir(parents=True)
    with (folder / digest).open("wb") as file:
        file.truncate(size)  # zeros that take no room
    with upstreams.files(field.fresh(), root) as upstream, _cache(field, field.empty(), upstream) as near:
        connection = Connection(near)
        connection.request("GET", f"/v2/{HUB}/bench/huge/blobs/{digest}", expect=200, keep=False)
        connection.close()
        figures = {"RSS, highest": highest(near)}
    check = Check("RSS, MiB", max(figures["RSS, highest"].values), _BUSY, at_most=True)
    return Finding(f"memory of a worker that fills one blob of {size >> 30} GiB", "MiB", figures, [check])


@contextmanager
def _cache(field: Field, storage: Path, upstream: Running) -> Iterator[Running]:
    catalog.write(storage, upstreams.shows(upstream))
    with orlop.serving(field.fresh(), storage, upstreams.OUTBOUND) as near:
        yield near


def _fill(near: Running) -> None:
    """Pull once what is going to be measured."""
    connection = Connection(near)
    accept = f"Accept: {content.MANIFEST}\r\n"
    tagged = [(content.repository(number), tag) for number in range(_REPOSITORIES) for tag in content.TAGS]
    for name, tag in (*tagged, (content.BLOBS, "v0")):
        target = f"/v2/{HUB}/{name}/manifests/{tag}"
        connection.request("GET", target, headers=accept, expect=200, keep=False)
    for each in content.blobs(1 << 20):
        connection.request("GET", f"/v2/{HUB}/{content.BLOBS}/blobs/{each.digest}", expect=200, keep=False)
    connection.close()


def _requests(load: wrk.Load, server: Running, field: Field) -> float:
    return wrk.measure(load, server, field.plan.seconds, field.folder).requests


def _files(root: Path) -> None:
    """The image, which a cache asks for by its digest as well."""
    static.write(root, 0)
    manifest = content.manifest(content.image_layers(), "image")
    (root / "v2" / content.IMAGE / "manifests" / manifest.digest).write_bytes(manifest.content)


def _through(field: Field, upstream: Running) -> float:
    with _cache(field, field.empty(), upstream) as near:
        connection = Connection(near)
        # Its HTTP client is imported with the first request to any upstream, not by a start.
        connection.request("GET", f"/v2/{HUB}/bench/nothing/manifests/v0", expect=404)
        connection.close()
        return _pull(near, f"{HUB}/")


def _pull(server: Running, below: str) -> float:
    """Seconds."""
    image = f"/v2/{below}{content.IMAGE}"
    accept = f"Accept: {content.MANIFEST}\r\n"
    pieces = (content.config(), *content.image_layers())
    connection = Connection(server)
    began = time.perf_counter()
    connection.request("GET", f"{image}/manifests/v0", headers=accept, expect=200)
    for each in pieces:
        connection.request("GET", f"{image}/blobs/{each.digest}", expect=200, keep=False)
    taken = time.perf_counter() - began
    connection.close()
    return taken
