"""The settings of the blob store, and what of them fits together."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from orlop.config.errors import ConfigurationInvalid
from orlop.config.meaning import Meaning, ValueKind
from orlop.config.units import is_loopback
from orlop.domain.durations import MINUTE, SECOND

_BUCKET = re.compile(r"[a-z0-9A-Z][a-zA-Z0-9._-]{1,253}[a-zA-Z0-9]", re.ASCII)
_PREFIX = re.compile(r"[a-zA-Z0-9._=-]+(?:/[a-zA-Z0-9._=-]+)*", re.ASCII)

#: With less room than this hardly a blob would be kept.
SMALLEST_CACHE = 1 << 20

Network = IPv4Network | IPv6Network


class Bucket(NamedTuple):
    """A bucket, and the prefix of keys in it; no slash at either end."""

    name: str
    prefix: str


class BlobStore(msgspec.Struct, frozen=True):
    """Where blobs are kept. Settings of a bucket need an S3-compatible store: see [s3.md](s3.md)."""

    url: Annotated[
        str,
        Meaning(
            "`file`: the data folder; `s3://bucket/prefix`: an S3-compatible store;"
            " `memory`: gone at the end, for trials.",
            ValueKind.TEXT,
        ),
    ] = "file"
    endpoint: Annotated[str, Meaning("URL of the store; without one it is AWS.", ValueKind.TEXT, default="none")] = ""
    region: Annotated[
        str,
        Meaning(
            "Region of the bucket.", ValueKind.TEXT, default="`us-east-1` with an endpoint, else what AWS's tools use"
        ),
    ] = ""
    access_key_id: Annotated[
        str,
        Meaning(
            "Access key; without one, what the environment, a web identity or the instance gives.",
            ValueKind.TEXT,
            default="none",
        ),
    ] = ""
    secret_access_key: Annotated[str, Meaning("The key's secret. Never shown.", ValueKind.SECRET, default="none")] = ""
    addressing: Annotated[
        Literal["auto", "path", "virtual"],
        Meaning(
            "Whether the bucket stands in the path or in the host name of requests.",
            ValueKind.TEXT,
            choices=("auto", "path", "virtual"),
        ),
    ] = "auto"
    ca: Annotated[
        Path | None,
        Meaning(
            "PEM file with the authorities that the store's certificate may come from.",
            ValueKind.PATH,
            default="the machine's",
        ),
    ] = None
    encryption: Annotated[
        Literal["none", "AES256", "aws:kms"],
        Meaning(
            "What the store is told to encrypt objects with; `none` leaves it to the bucket.",
            ValueKind.TEXT,
            choices=("none", "AES256", "aws:kms"),
        ),
    ] = "none"
    kms_key: Annotated[str, Meaning("Key for `aws:kms`.", ValueKind.TEXT, default="the bucket's")] = ""
    storage_class: Annotated[str, Meaning("Storage class of objects.", ValueKind.TEXT, default="the bucket's")] = ""
    redirect: Annotated[
        Literal["auto", "always", "never"],
        Meaning(
            "Send clients to the store for blobs above 64 KiB. `auto`: unless the endpoint is a loopback address.",
            ValueKind.TEXT,
            choices=("auto", "always", "never"),
        ),
    ] = "auto"
    redirect_expire: Annotated[
        int, Meaning("How long such an address is good for.", ValueKind.DURATION, minimum=SECOND)
    ] = 10 * MINUTE
    redirect_networks: Annotated[
        str,
        Meaning(
            "Networks of the clients that are sent to the store, with commas; others get blobs from Orlop.",
            ValueKind.TEXT,
            default="all",
        ),
    ] = ""
    redirect_never_agents: Annotated[
        str,
        Meaning(
            "Beginnings of User-Agents that are never sent to the store, with commas.", ValueKind.TEXT, default="none"
        ),
    ] = ""

    reserve: Annotated[
        int,
        Meaning(
            "Room on the disk of the data folder that uploads leave free, but no more than a tenth of the disk: beyond"
            " it they are refused, and everything else goes on. 0 leaves none.",
            ValueKind.SIZE,
        ),
    ] = 1 << 30
    cache_bytes: Annotated[
        int,
        Meaning(
            "Room in the data folder for blobs of a bucket that were pulled through here, kept for the next pull;"
            " 0 keeps none.",
            ValueKind.SIZE,
            default="0",
        ),
    ] = 0

    @property
    def bucket(self) -> Bucket | None:
        """The bucket; None for another kind of store. Raises ConfigurationInvalid."""
        if not self.url.startswith("s3://"):
            return None
        name, _, prefix = self.url.removeprefix("s3://").partition("/")
        prefix = prefix.rstrip("/")
        if not _BUCKET.fullmatch(name) or (prefix and not _PREFIX.fullmatch(prefix)) or len(prefix) > 512:
            raise ConfigurationInvalid(f"blobs.url: {self.url!r} is not s3://bucket or s3://bucket/prefix")
        return Bucket(name, prefix)

    @property
    def redirects(self) -> bool:
        """Whether clients are sent to the store at all."""
        if self.bucket is None or self.redirect == "never":
            return False
        return self.redirect == "always" or not is_loopback(urlsplit(self.endpoint).hostname or "")

    @property
    def networks(self) -> tuple[Network, ...]:
        """Of clients that are sent to the store; none means all. Raises ConfigurationInvalid."""
        try:
            return tuple(ip_network(each) for each in _listed(self.redirect_networks))
        except ValueError as cause:
            raise ConfigurationInvalid(f"blobs.redirect_networks: {cause}; write them like 10.0.0.0/8") from cause

    @property
    def never_agents(self) -> tuple[str, ...]:
        """Beginnings of User-Agents that are not sent to the store."""
        return tuple(_listed(self.redirect_never_agents))


def check_blobs(store: BlobStore) -> None:
    """Raises ConfigurationInvalid for settings that contradict each other."""
    if store.bucket is None and store.url not in {"file", "memory"}:
        raise ConfigurationInvalid(f"blobs.url: {store.url!r} is not file, memory or s3://bucket/prefix")
    if store.endpoint and urlsplit(store.endpoint).scheme not in {"http", "https"}:
        raise ConfigurationInvalid(f"blobs.endpoint: {store.endpoint!r} is not a URL such as https://s3.example.org")
    if bool(store.access_key_id) != bool(store.secret_access_key):
        raise ConfigurationInvalid("blobs.access_key_id and blobs.secret_access_key need each other")
    if store.kms_key and store.encryption != "aws:kms":
        raise ConfigurationInvalid("blobs.kms_key needs blobs.encryption = aws:kms")
    if (store.networks or store.never_agents or store.redirect == "always") and store.bucket is None:
        raise ConfigurationInvalid("only a store with s3:// in blobs.url has addresses to send clients to")
    if store.cache_bytes and store.bucket is None:
        raise ConfigurationInvalid("blobs.cache_bytes is for a store with s3:// in blobs.url; other blobs are here")
    if 0 < store.cache_bytes < SMALLEST_CACHE:
        raise ConfigurationInvalid(f"blobs.cache_bytes is 0 or at least {SMALLEST_CACHE >> 20}MiB")


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
