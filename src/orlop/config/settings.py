"""The settings and their defaults. Where values are read from is said in `sources`."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from orlop.config.advisories import AdvisorySettings
from orlop.config.audit import Audit, check_audit
from orlop.config.auth import Auth, check_auth, networks
from orlop.config.backup import BackupSettings, check_backup
from orlop.config.blob_store import BlobStore, check_blobs
from orlop.config.catalog_store import CatalogStore, check_catalog
from orlop.config.errors import ConfigurationInvalid
from orlop.config.jobs import JobSettings
from orlop.config.meaning import Meaning, ValueKind
from orlop.config.outbound import Outbound, Webhooks, check_outbound
from orlop.config.rate_limits import RateLimits
from orlop.config.secret_places import Secrets, check_secrets
from orlop.config.signing import SigningSettings, check_signing
from orlop.config.tracing import Tracing, check_tracing
from orlop.config.units import address, is_loopback
from orlop.config.workload import Trusts, check_trusts
from orlop.domain.durations import DAY, HOUR, SECOND

__all__ = ["Auth", "BlobStore", "CatalogStore", "ConfigurationInvalid", "Meaning", "Settings", "ValueKind"]


#: RFC 9110, section 5.1; and headers that everybody sends.
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)
_TAKEN = frozenset({"authorization", "cookie", "host", "origin", "user-agent", "accept", "x-forwarded-for"})


class Tls(msgspec.Struct, frozen=True):
    """Transport security. `cert` and `key`: both or neither. See [client-certificates.md](client-certificates.md)."""

    cert: Annotated[
        Path | None, Meaning("PEM file with the certificate and its chain.", ValueKind.PATH, default="none")
    ] = None
    key: Annotated[Path | None, Meaning("PEM file with the private key.", ValueKind.PATH, default="none")] = None
    clients: Annotated[
        Path | None,
        Meaning(
            "PEM file with the authorities whose certificates clients may sign in with.", ValueKind.PATH, default="none"
        ),
    ] = None
    revoked: Annotated[
        Path | None,
        Meaning(
            "PEM file with a list of revoked certificates (CRL) of each authority that issues those of clients.",
            ValueKind.PATH,
            default="none",
        ),
    ] = None
    client_header: Annotated[
        str,
        Meaning(
            "Header in which `trusted_proxies` that end TLS pass on the certificate of the client, such as"
            " `Client-Cert`.",
            ValueKind.TEXT,
            default="none",
        ),
    ] = ""


class Uploads(msgspec.Struct, frozen=True):
    """Upload sessions."""

    expire: Annotated[
        int, Meaning("How long a session lives after its last byte.", ValueKind.DURATION, minimum=SECOND)
    ] = 24 * HOUR
    lease: Annotated[
        int,
        Meaning(
            "How long a session stays with a writer that shows no sign of life.", ValueKind.DURATION, minimum=SECOND
        ),
    ] = 10 * SECOND
    concurrent: Annotated[
        int,
        Meaning(
            "Uploads that a worker receives at once, fewer where it may open few files; further ones are told to come"
            " back.",
            ValueKind.COUNT,
            minimum=1,
        ),
    ] = 256
    sessions: Annotated[
        int,
        Meaning(
            "Sessions that a user or robot may have under way, in all workers and replicas; 0 sets no limit.",
            ValueKind.COUNT,
        ),
    ] = 10_000


class Limits(msgspec.Struct, frozen=True):
    """What a client may ask of the server."""

    header_bytes: Annotated[
        int,
        Meaning(
            "Longest head of a request.",
            ValueKind.SIZE,
            minimum=8 << 10,
        ),
    ] = 512 << 10
    header_time: Annotated[
        int,
        Meaning(
            "How long a client may take to send the head of a request, or idle between two.",
            ValueKind.DURATION,
            minimum=SECOND,
        ),
    ] = 30 * SECOND
    body_idle: Annotated[
        int,
        Meaning(
            "How long a client may send nothing of a body, or take nothing of an answer, before it is given up."
            " See [limits.md](limits.md).",
            ValueKind.DURATION,
            minimum=SECOND,
        ),
    ] = 60 * SECOND
    drain: Annotated[
        int, Meaning("How long requests under way may take to end when the server stops.", ValueKind.DURATION)
    ] = 30 * SECOND
    blob_bytes: Annotated[
        int, Meaning("Largest blob that is accepted; 0 sets no limit.", ValueKind.SIZE, default="0")
    ] = 0


class ManifestRules(msgspec.Struct, frozen=True):
    """What manifests must be."""

    sparse_indexes: Annotated[
        bool, Meaning("Accept an index that names manifests which the repository does not hold.", ValueKind.SWITCH)
    ] = False


class GarbageCollection(msgspec.Struct, frozen=True):
    """What happens to blobs that nothing needs."""

    grace: Annotated[
        int, Meaning("How long a blob is kept after the last manifest that names it is gone.", ValueKind.DURATION)
    ] = 24 * HOUR
    interval: Annotated[int, Meaning("How often to collect; 0 means never.", ValueKind.DURATION)] = HOUR
    pace: Annotated[
        int,
        Meaning(
            "How many links, blobs or copies a collection takes away in a second at most; 0 sets no limit.",
            ValueKind.COUNT,
        ),
    ] = 1_000


class ScrubSettings(msgspec.Struct, frozen=True):
    """How stored blobs are read again. See [collection.md](collection.md)."""

    period: Annotated[
        int, Meaning("Within which time every blob is read again; 0 means never.", ValueKind.DURATION)
    ] = 30 * DAY
    pace: Annotated[int, Meaning("Bytes that are read in a second at most; 0 sets no limit.", ValueKind.SIZE)] = (
        32 << 20
    )


class Cache(msgspec.Struct, frozen=True):
    """What workers remember."""

    bytes: Annotated[
        int,
        Meaning(
            "Memory that one worker uses at most for answers it may give again, manifests and blobs of up to 64 KiB; "
            "about 100,000 manifests by default; 0 remembers none.",
            ValueKind.SIZE,
        ),
    ] = 192 << 20


class Log(msgspec.Struct, frozen=True):
    """What is logged, and how."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meaning(
            "The least important events to log, on standard error.",
            ValueKind.TEXT,
            choices=("debug", "info", "warning", "error"),
        ),
    ] = "info"
    access: Annotated[bool, Meaning("Write a line for every request to standard output.", ValueKind.SWITCH)] = True
    format: Annotated[
        Literal["json", "console"],
        Meaning(
            "`json`, or `console` for people.",
            ValueKind.TEXT,
            choices=("json", "console"),
            default="`console` when standard error is a terminal, else `json`",
        ),
    ] = "json"


class Settings(msgspec.Struct, frozen=True):
    """All settings. Durations are in microseconds, sizes in bytes."""

    data: Annotated[
        Path, Meaning("Folder for everything that is stored.", ValueKind.PATH, default="`./orlop-data`")
    ] = Path("./orlop-data")
    listen: Annotated[str, Meaning("Address to listen on; port 0 takes any free one.", ValueKind.ADDRESS)] = (
        "127.0.0.1:5000"
    )
    workers: Annotated[
        int, Meaning("Processes that serve.", ValueKind.COUNT, minimum=1, default="one for each core, up to 4")
    ] = 1
    open: Annotated[
        bool,
        Meaning(
            "Let anyone on this machine push and pull. Refused unless `listen` is a loopback address, and with"
            " `trusted_proxies`; whatever comes through a proxy is refused.",
            ValueKind.SWITCH,
        ),
    ] = False
    trusted_proxies: Annotated[
        str,
        Meaning(
            "Networks of proxies in front of the server, with commas: what they say of clients, in `X-Forwarded-*`, is"
            " believed.",
            ValueKind.TEXT,
            default="none",
        ),
    ] = ""
    tls: Tls = Tls()
    auth: Auth = Auth()
    trusts: Trusts = Trusts()
    secrets: Secrets = Secrets()
    catalog: CatalogStore = CatalogStore()
    blobs: BlobStore = BlobStore()
    uploads: Uploads = Uploads()
    limits: Limits = Limits()
    manifests: ManifestRules = ManifestRules()
    gc: GarbageCollection = GarbageCollection()
    scrub: ScrubSettings = ScrubSettings()
    jobs: JobSettings = JobSettings()
    cache: Cache = Cache()
    audit: Audit = Audit()
    advisories: AdvisorySettings = AdvisorySettings()
    backup: BackupSettings = BackupSettings()
    signing: SigningSettings = SigningSettings()
    outbound: Outbound = Outbound()
    webhooks: Webhooks = Webhooks()
    rate_limits: RateLimits = RateLimits()
    log: Log = Log()
    tracing: Tracing = Tracing()

    @property
    def in_memory(self) -> bool:
        """Whether anything is kept in the memory of the one worker alone."""
        return "memory" in (self.catalog.url, self.blobs.url)

    @property
    def needs_folder(self) -> bool:
        """Whether anything is kept in the data folder."""
        return self.catalog.url == "sqlite" or self.blobs.url == "file"


def default_workers() -> int:
    """One for each core that this process may use, up to 4."""
    return min(4, len(os.sched_getaffinity(0)))


def check_clients(tls: Tls, trusted_proxies: str) -> None:
    """Raises ConfigurationInvalid for certificates of clients that nobody could come with."""
    if tls.revoked is not None and tls.clients is None:
        raise ConfigurationInvalid("tls.revoked needs tls.clients")
    if tls.client_header and (tls.clients is None or not trusted_proxies):
        missing = "tls.clients" if tls.clients is None else "trusted_proxies"
        raise ConfigurationInvalid(f"tls.client_header needs {missing}")
    if tls.client_header and not _HEADER.fullmatch(tls.client_header):
        raise ConfigurationInvalid(f"tls.client_header: {tls.client_header!r} is not the name of a header")
    if tls.client_header.lower() in _TAKEN:
        raise ConfigurationInvalid(f"tls.client_header: {tls.client_header} says something else")
    if tls.clients is not None and tls.cert is None and not tls.client_header:
        raise ConfigurationInvalid("tls.clients needs tls.cert and tls.key, or tls.client_header behind a proxy")


def check(settings: Settings) -> None:
    """Raises ConfigurationInvalid for settings that contradict each other."""
    host, _ = address(settings.listen)
    if settings.open and not is_loopback(host):
        raise ConfigurationInvalid(
            f"open lets anyone push and pull, so it is refused on {settings.listen}, which other machines may reach;"
            " listen on 127.0.0.1"
        )
    if settings.open and settings.trusted_proxies:
        raise ConfigurationInvalid(
            "open lets anyone push and pull, so it is refused behind a proxy, which trusted_proxies names:"
            " leave one of them out"
        )
    if (settings.tls.cert is None) != (settings.tls.key is None):
        given, missing = ("tls.cert", "tls.key") if settings.tls.cert else ("tls.key", "tls.cert")
        raise ConfigurationInvalid(f"{given} needs {missing}")
    check_clients(settings.tls, settings.trusted_proxies)
    networks(settings.trusted_proxies, "trusted_proxies")
    check_auth(settings.auth)
    check_catalog(settings.catalog)
    check_blobs(settings.blobs)
    check_trusts(settings.trusts)
    check_secrets(settings.secrets)
    check_audit(settings.audit)
    check_signing(settings.signing)
    check_backup(settings.backup)
    check_outbound(settings.outbound, settings.webhooks)
    check_tracing(settings.tracing)
    if settings.in_memory and (settings.catalog.url, settings.blobs.url) != ("memory", "memory"):
        raise ConfigurationInvalid(
            "a catalog that outlives its blobs, or blobs without a catalog, are of no use:"
            " catalog.url and blobs.url are both memory, or neither"
        )
    if settings.in_memory and settings.workers != 1:
        raise ConfigurationInvalid("a store in memory belongs to one process, so it needs workers = 1")
