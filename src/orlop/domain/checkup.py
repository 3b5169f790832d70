"""What is checked of a registry's surroundings, and what each thing that was found means for it."""

from enum import StrEnum

import msgspec

from orlop.domain.certificates import Certificate
from orlop.domain.counts import counted
from orlop.domain.durations import DAY, SECOND
from orlop.domain.open_files import shared_out
from orlop.domain.sizes import size_words


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    """It works, and will not always, or not well."""
    FAIL = "fail"
    """It does not work."""


class Check(msgspec.Struct, frozen=True):
    """Something that was looked at: what was found, in a sentence, and what to do about it; empty: nothing."""

    name: str
    verdict: Verdict
    says: str
    do: str = ""


class DiskFacts(msgspec.Struct, frozen=True):
    """What was measured in a folder. Times of a write of 4 KiB that is made durable, at the median, in seconds;
    `speed` of a longer one in bytes a second; `inodes` 0: the file system does not count them."""

    kind: str
    free: int
    size: int
    inodes_free: int
    inodes: int
    sync_seconds: float
    speed: float
    locks: bool
    skew: int
    """By how much the clock of the file system is ahead of this machine's, in microseconds."""


class DatabaseFacts(msgspec.Struct, frozen=True):
    """What a database says of itself. `round_trip` in seconds at the median; `durable` False: it acknowledges what a
    power cut may take."""

    version: str
    round_trip: float
    skew: int
    connections: int
    """How many it takes."""
    writes: bool
    creates: bool
    """Whether the role may make tables, as migrations do."""
    durable: bool


class BucketFacts(msgspec.Struct, frozen=True):
    """What may be done in a bucket, and what was refused: `refused` by the operation, in the store's words."""

    round_trip: float
    skew: int | None
    refused: tuple[tuple[str, str], ...] = ()


class ChainFacts(msgspec.Struct, frozen=True):
    """A certificate whose key fits. `host`: by which name it was judged; `trouble`: why a client that trusts the
    authorities of this machine would not trust it; `above`: certificates of authorities that go along."""

    host: str
    names: tuple[str, ...]
    trouble: str
    above: int


class ServerFacts(msgspec.Struct, frozen=True):
    """A server as a client finds it. `ready`: what its stores say; `realm`: where it sends clients for tokens, empty:
    nowhere; `realm_trouble`: why that cannot be reached; `trouble`: why nothing could be asked."""

    url: str
    trouble: str = ""
    round_trip: float = 0.0
    skew: int | None = None
    ready: tuple[tuple[str, str], ...] = ()
    is_ready: bool = False
    realm: str = ""
    realm_trouble: str = ""
    ends_at: int = 0
    """When its certificate ends, in microseconds since 1970; 0: it speaks no TLS."""


#: File systems on which locks, or what is made durable, are another machine's business.
_ELSEWHERE = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.s3fs", "fuse.glusterfs", "ceph"})
_FLEETING = frozenset({"tmpfs", "ramfs"})
#: Tokens are good for minutes; signatures of requests to buckets are refused from a quarter of an hour on.
_SKEW_WARN, _SKEW_FAIL = 2 * SECOND, 60 * SECOND
#: No disk makes anything durable faster, in seconds; a cache that forgets with the power does.
_TOO_FAST = 0.00002
_SLOW_SYNC, _SLOW_SPEED = 0.05, 20_000_000
#: Seconds of a round trip that are slow, and hopeless.
_DATABASE_TRIP, _BUCKET_TRIP, _SERVER_TRIP = (0.005, 0.1), (0.05, 1.0), 0.25
_FEW = 1_000
_SOON, _NOW = 21 * DAY, 2 * DAY


def clock(name: str, skew: int | None) -> Check:
    """How far another clock is from this machine's."""
    title = f"clock of {name}"
    if skew is None:
        return Check(title, Verdict.WARN, "it does not say what time it is")
    seconds = abs(skew) / SECOND
    says = f"it is {seconds:.1f} s {'ahead of' if skew > 0 else 'behind'} the one here"
    do = "have both follow a time server (chrony, systemd-timesyncd): tokens and signed requests are good for minutes"
    if seconds * SECOND >= _SKEW_FAIL:
        return Check(title, Verdict.FAIL, says, do)
    if seconds * SECOND >= _SKEW_WARN:
        return Check(title, Verdict.WARN, says, do)
    return Check(title, Verdict.OK, "it agrees with the one here within two seconds")


def file_system(name: str, facts: DiskFacts, *, holds_catalog: bool) -> Check:
    """Whether what lies there is kept, and can be locked."""
    title = f"file system of {name}"
    if not facts.locks:
        return Check(title, Verdict.FAIL, f"{facts.kind} takes no locks", "put the data folder on a local disk")
    if facts.kind in _FLEETING:
        return Check(title, Verdict.WARN, f"{facts.kind} is memory: all of it is gone with the machine", "use a disk")
    if facts.kind in _ELSEWHERE and holds_catalog:
        return Check(
            *(title, Verdict.FAIL, f"{facts.kind} is another machine's disk, where SQLite is not safe"),
            "put the data folder on a local disk, or the catalog in PostgreSQL (catalog.url)",
        )
    if facts.kind == "overlay":
        return Check(
            *(title, Verdict.WARN, "overlay is the container's own layer: it goes with the container"),
            "mount a volume there",
        )
    return Check(title, Verdict.OK, f"{facts.kind} keeps and locks files")


def durability(name: str, facts: DiskFacts) -> Check:
    """Whether what is made durable is, and how long that takes."""
    title, took = f"fsync in {name}", f"{facts.sync_seconds * 1000:.2f} ms"
    if facts.kind in _FLEETING:
        return Check(title, Verdict.WARN, "memory makes nothing durable")
    if facts.sync_seconds < _TOO_FAST:
        return Check(
            *(title, Verdict.WARN, f"it returns after {took}, faster than a disk can: a power cut may take what was"),
            "look for eatmydata, `nobarrier`, or a disk image with its cache set to unsafe",
        )
    if facts.sync_seconds > _SLOW_SYNC:
        return Check(title, Verdict.WARN, f"it takes {took}, and every push waits for some", "use a faster disk")
    return Check(title, Verdict.OK, f"it takes {took}")


def disk_speed(name: str, facts: DiskFacts) -> Check:
    """How fast the disk takes bytes."""
    says = f"{size_words(int(facts.speed))} a second are written and made durable"
    if facts.speed < _SLOW_SPEED:
        return Check(f"disk of {name}", Verdict.WARN, says, "pushes are no faster than that: use a faster disk")
    return Check(f"disk of {name}", Verdict.OK, says)


def room(name: str, facts: DiskFacts, reserve: int) -> Check:
    """Whether there is room, and for how many files."""
    title = f"room in {name}"
    do = "make room: run a collection, delete what retention rules name, or add a larger disk"
    says = f"{size_words(facts.free)} of {size_words(facts.size)} are free"
    if facts.free <= reserve:
        return Check(title, Verdict.FAIL, f"{says}, and uploads leave {size_words(reserve)} of that: none is taken", do)
    if facts.inodes and facts.inodes_free * 100 < facts.inodes:
        share = f"{facts.inodes_free} of {facts.inodes} inodes are free"
        return Check(title, Verdict.FAIL if not facts.inodes_free else Verdict.WARN, share, do)
    if facts.free * 10 < facts.size:
        return Check(title, Verdict.WARN, says, do)
    inodes = f", and {facts.inodes_free} inodes" if facts.inodes else ""
    return Check(title, Verdict.OK, says + inodes)


def trip(name: str, seconds: float, slow: float, hopeless: float) -> Check:
    """How long one question and its answer take, of which a request makes several."""
    title, says = f"way to {name}", f"a question and its answer take {seconds * 1000:.1f} ms"
    if seconds <= slow:
        return Check(title, Verdict.OK, says)
    do = f"put {name} nearer to this machine: a request asks several times"
    return Check(title, Verdict.FAIL if seconds > hopeless else Verdict.WARN, says, do)


def database(facts: DatabaseFacts, wanted: int) -> tuple[Check, ...]:
    """What a database lets a server do. `wanted`: connections that one server may hold."""
    checks = [clock("the database", facts.skew), trip("the database", facts.round_trip, *_DATABASE_TRIP)]
    if not facts.writes:
        do = "name the primary in catalog.url; the registry serves pulls until then"
        checks.append(Check("rights in the database", Verdict.FAIL, "it takes no writes: it is a standby, or full", do))
    elif not facts.creates:
        do = "GRANT CREATE ON SCHEMA … to the role, or take migrations with one that has it"
        checks.append(Check("rights in the database", Verdict.WARN, "the role may make no tables for a migration", do))
    else:
        checks.append(Check("rights in the database", Verdict.OK, "the role reads, writes and makes tables"))
    if not facts.durable:
        do = "set fsync, full_page_writes and synchronous_commit to on"
        says = "it acknowledges what a power cut may take"
        checks.append(Check("durability of the database", Verdict.WARN, says, do))
    says = f"it takes {facts.connections} connections, and a server may hold {wanted}"
    if wanted > facts.connections - 3:
        do = "raise max_connections, or lower catalog.connections or workers, or put a pooler between"
        checks.append(Check("connections to the database", Verdict.FAIL, says, do))
    else:
        checks.append(Check("connections to the database", Verdict.OK, says))
    return tuple(checks)


def bucket(facts: BucketFacts) -> tuple[Check, ...]:
    """What a bucket lets a server do."""
    checks = [clock("the bucket", facts.skew)] if facts.skew is not None else []
    checks.append(trip("the bucket", facts.round_trip, *_BUCKET_TRIP))
    for operation, words in facts.refused:
        do = f"let the key {operation} below the prefix; see docs/s3.md"
        checks.append(Check("rights in the bucket", Verdict.FAIL, f"{operation} is refused: {words}", do))
    if not facts.refused:
        says = "objects are put, read, listed, copied in parts and deleted"
        checks.append(Check("rights in the bucket", Verdict.OK, says))
    return tuple(checks)


def open_files(limit: int, workers: int) -> Check:
    """How many clients the hard limit of open files lets in."""
    clients = shared_out(limit).connections
    says = f"{limit} each let in {counted(clients, 'client')} for each of {counted(workers, 'worker')}"
    if clients < _FEW:
        do = "raise LimitNOFILE of the unit, or ulimit -Hn: 65536 will do"
        return Check("open files", Verdict.WARN, says, do)
    return Check("open files", Verdict.OK, says)


def certificate(one: Certificate, now: int) -> Check:
    """Whether a certificate can be read and is good for a while."""
    title = f"certificate of {one.name}"
    if one.trouble:
        return Check(title, Verdict.FAIL, one.trouble, "name a file in PEM that the server's user may read")
    days = (one.ends_at - now) // DAY
    do = "renew it; a running server reads it anew by itself"
    if one.ends_at <= now:
        return Check(title, Verdict.FAIL, "it has ended, and no client trusts it", do)
    says = f"it ends in {counted(days, 'day')}"
    if one.ends_at - now < _SOON:
        return Check(title, Verdict.FAIL if one.ends_at - now < _NOW else Verdict.WARN, says, do)
    return Check(title, Verdict.OK, says)


def chain(facts: ChainFacts) -> Check:
    """Whether clients trust what the server is to show."""
    if not facts.trouble:
        return Check("TLS chain", Verdict.OK, f"clients that trust what this machine trusts take it for {facts.host}")
    do = "put the certificates of the authorities in between behind it in tls.cert; an authority of your own is for"
    return Check(
        *("TLS chain", Verdict.WARN, f"clients that trust what this machine trusts refuse it: {facts.trouble}"),
        f"{do} clients to know",
    )


def server(facts: ServerFacts, now: int) -> tuple[Check, ...]:
    """What clients of a server are told, and get."""
    title = f"server {facts.url}"
    if facts.trouble:
        return (Check(title, Verdict.FAIL, facts.trouble, "start it, or name it as clients do with --server"),)
    unwell = "; ".join(f"{name}: {said}" for name, said in facts.ready if said != "ok")
    if facts.is_ready and not unwell:
        checks = [Check(title, Verdict.OK, "it answers, and its stores are well")]
    elif facts.is_ready:
        checks = [Check(title, Verdict.WARN, f"it serves pulls alone: {unwell}", "see orlop status")]
    else:
        checks = [Check(title, Verdict.FAIL, unwell or "it is not ready", "see orlop status, and its log")]
    checks += [_way(facts.round_trip), clock("the server", facts.skew)]
    if facts.ends_at:
        checks.append(certificate(Certificate("the server", "", facts.ends_at), now))
    if facts.realm_trouble:
        do = "set auth.url to the URL that clients use, and have the proxy send X-Forwarded-Proto and Host"
        says = f"clients are sent to {facts.realm} for tokens, which fails: {facts.realm_trouble}"
        checks.append(Check("sign-in of clients", Verdict.FAIL, says, do))
    elif facts.realm:
        checks.append(Check("sign-in of clients", Verdict.OK, f"clients get tokens at {facts.realm}"))
    else:
        checks.append(Check("sign-in of clients", Verdict.OK, "clients are asked for nothing"))
    return tuple(checks)


def _way(seconds: float) -> Check:
    """From a client, who may be anywhere."""
    says = f"a question and its answer take {seconds * 1000:.1f} ms"
    if seconds > _SERVER_TRIP:
        return Check("way to the server", Verdict.WARN, says, "look at the network in between, or have a cache nearer")
    return Check("way to the server", Verdict.OK, says)


def told_url(url: str, *, listens_beyond: bool, has_tls: bool, is_proxied: bool) -> Check:
    """What clients are told of where to sign in, by the settings alone."""
    title = "URL for clients"
    if url.startswith("https://") or (url and not listens_beyond):
        return Check(title, Verdict.OK, f"clients are told {url}")
    if url:
        return Check(
            *(title, Verdict.WARN, f"clients are told {url}, and passwords go there in the clear"), "use https there"
        )
    if is_proxied:
        return Check(title, Verdict.OK, "clients are told what the proxy says that they asked for")
    if listens_beyond and not has_tls:
        return Check(
            *(title, Verdict.WARN, "clients are told http, and send passwords in the clear"),
            "set tls.cert and tls.key, or put a proxy with TLS in front and name it in trusted_proxies",
        )
    return Check(title, Verdict.OK, "clients are told what they asked for")


def worst(checks: tuple[Check, ...] | list[Check]) -> Verdict:
    """Of all of them."""
    for verdict in (Verdict.FAIL, Verdict.WARN):
        if any(check.verdict is verdict for check in checks):
            return verdict
    return Verdict.OK
