"""A trusted root of Sigstore: whose certificates, logs and timestamps are believed, and when.

Source: sigstore/protobuf-specs, sigstore_trustroot.proto, as `cosign trusted-root create` and TUF repositories write it
(trusted_root.json).
"""

import re

import msgspec

from orlop.domain.trust.material import Unreadable, decoded, parsed

#: Authorities or logs of each kind.
_MOST = 64

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)


class Validity(msgspec.Struct, frozen=True):
    """From when until when, in seconds since 1970, both included; `until` None: until further notice."""

    since: int
    until: int | None

    def holds(self, at: int) -> bool:
        """Whether a time is within."""
        return self.since <= at and (self.until is None or at <= self.until)


class Authority(msgspec.Struct, frozen=True):
    """Who makes certificates or timestamps: certificates in DER, the last one its own root."""

    certificates: tuple[bytes, ...]
    span: Validity


class Log(msgspec.Struct, frozen=True):
    """A log by its id. `key`: in DER; `origin`: what its checkpoints call it, its address without a scheme."""

    id: bytes
    key: bytes
    origin: str
    span: Validity


class TrustedRoot(msgspec.Struct, frozen=True, kw_only=True):
    """`logs` are those of signatures (Rekor), `certificate_logs` those of certificates."""

    authorities: tuple[Authority, ...]
    logs: tuple[Log, ...]
    certificate_logs: tuple[Log, ...]
    timestamps: tuple[Authority, ...]


class _Span(msgspec.Struct, frozen=True):
    start: str
    end: str | None = None


class _Bytes(msgspec.Struct, frozen=True):
    raw: str = msgspec.field(name="rawBytes")


class _Key(msgspec.Struct, frozen=True):
    raw: str = msgspec.field(name="rawBytes")
    span: _Span = msgspec.field(name="validFor")


class _LogId(msgspec.Struct, frozen=True):
    key: str = msgspec.field(name="keyId")


class _Log(msgspec.Struct, frozen=True):
    key: _Key = msgspec.field(name="publicKey")
    id: _LogId = msgspec.field(name="logId")
    url: str = msgspec.field(name="baseUrl", default="")


class _Chain(msgspec.Struct, frozen=True):
    certificates: tuple[_Bytes, ...]


class _Authority(msgspec.Struct, frozen=True):
    chain: _Chain = msgspec.field(name="certChain")
    span: _Span = msgspec.field(name="validFor")


class _Root(msgspec.Struct, frozen=True):
    authorities: tuple[_Authority, ...] = msgspec.field(name="certificateAuthorities", default=())
    logs: tuple[_Log, ...] = msgspec.field(name="tlogs", default=())
    certificate_logs: tuple[_Log, ...] = msgspec.field(name="ctlogs", default=())
    timestamps: tuple[_Authority, ...] = msgspec.field(name="timestampAuthorities", default=())


def parse_root(text: str) -> TrustedRoot:
    """A trusted root as JSON. Raises Unreadable."""
    said = parsed(text.encode(), _Root, "it is no trusted root of Sigstore, such as a file trusted_root.json")
    if not said.authorities:
        raise Unreadable("the trusted root names no authority of certificates")
    if any(len(each) > _MOST for each in (said.authorities, said.logs, said.certificate_logs, said.timestamps)):
        raise Unreadable(f"the trusted root has more than {_MOST} of a kind")
    return TrustedRoot(
        authorities=tuple(map(_authority, said.authorities)),
        logs=tuple(map(_log, said.logs)),
        certificate_logs=tuple(map(_log, said.certificate_logs)),
        timestamps=tuple(map(_authority, said.timestamps)),
    )


def _authority(written: _Authority) -> Authority:
    if not written.chain.certificates:
        raise Unreadable("an authority of the trusted root has no certificate")
    return Authority(tuple(decoded(each.raw) for each in written.chain.certificates), _span(written.span))


def _log(written: _Log) -> Log:
    origin = written.url.removeprefix("https://").removeprefix("http://").rstrip("/")
    return Log(decoded(written.id.key), decoded(written.key.raw), origin, _span(written.key.span))


def _span(written: _Span) -> Validity:
    return Validity(seconds_of(written.start), None if written.end is None else seconds_of(written.end))


def seconds_of(text: str) -> int:
    """A time in seconds since 1970 (RFC 3339, section 5.6; days by the civil calendar). Raises Unreadable."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise Unreadable(f"{text[:40]!r} is no time, such as 2026-01-31T12:00:00Z")
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    offset = (int(found[8]) * 60 + int(found[9])) * (-1 if found[7] == "-" else 1) if found[7] else 0
    shifted = year - (month <= 2)
    era, of_era = divmod(shifted, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    return ((days * 24 + hour) * 60 + minute - offset) * 60 + second
