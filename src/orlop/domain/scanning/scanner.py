"""A scanner as a setting: an adapter of the pluggable scanner protocol 1.2 that is sent to the images of a place.

The protocol: github.com/goharbor/pluggable-scanner-spec, `api/spec/scanner-adapter-openapi-v1.2.yaml` (Apache-2.0).
"""

import re
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.durations import DAY, HOUR, MINUTE, span
from orlop.domain.errors import RequestInvalid
from orlop.domain.identity.providers import is_loopback_host
from orlop.domain.platforms import matches, parse_platform
from orlop.domain.settings import Holds, SettingKind, nobody
from orlop.domain.upstreams.certificates import check_pem

Text = Annotated[str, Meta(max_length=65_536)]
Span = Annotated[str, Meta(max_length=16)]

#: A file with certificates, which commands read: its type is told to them as to everybody.
PEM = {"contentMediaType": "application/x-pem-file"}

_URL = re.compile(
    r"https?://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?(?:/[A-Za-z0-9._~/-]*)?",
    re.ASCII,
)
#: How long a scan may take, and how far rescans are apart, in microseconds.
_TIMEOUTS, _EVERY = (MINUTE, DAY), (HOUR, 365 * DAY)


class ScannerSbom(StrEnum):
    """In which format a scanner is to make SBOMs."""

    NONE = "none"
    CYCLONEDX = "cyclonedx"
    SPDX = "spdx"

    @property
    def media_type(self) -> str:
        """As the protocol names it; empty: none."""
        return _SBOM_TYPES.get(self, "")


_SBOM_TYPES = {
    ScannerSbom.CYCLONEDX: "application/vnd.cyclonedx+json",
    ScannerSbom.SPDX: "application/spdx+json",
}


class Scanner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where an adapter is, how it is signed in to, and when it is sent to an image. Those of a place and of all above
    it judge side by side."""

    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1024,
            description="Where the adapter is: https or http, without `/api/v1`, which is added.",
        ),
    ]
    user: Annotated[str, Meta(max_length=255, description="Whom to sign in as, by HTTP Basic.")] = ""
    password: Annotated[Text, Meta(description="The password of that user; or where it is kept.")] = ""
    token: Annotated[Text, Meta(description="A bearer token instead; or where it is kept.")] = ""
    api_key: Annotated[
        Text, Meta(description="What the header X-ScannerAdapter-API-Key says instead; or where it is kept.")
    ] = ""
    ca_certificate: Annotated[
        Text,
        Meta(
            description="PEM: the authorities that its certificate may come from. [the machine's]",
            extra_json_schema=PEM,
        ),
    ] = ""
    registry: Annotated[
        str,
        Meta(max_length=1024, description="Where the adapter finds this registry, as a URL. [auth.url]"),
    ] = ""
    timeout: Annotated[Span, Meta(description="How long a scan may take, from 1m to 1d. [30m]")] = "30m"
    by_hand: Annotated[bool, Meta(description="Images are scanned when somebody asks, not when they are pushed.")] = (
        False
    )
    every: Annotated[
        Span, Meta(description="How often each image is scanned again, from 1h on. Empty: when somebody asks.")
    ] = ""
    platforms: Annotated[
        Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(max_length=16)],
        Meta(description="Only images for these, as linux/amd64. [all]"),
    ] = ()
    attach: Annotated[
        bool, Meta(description="The newest report is kept beside the image, too, as an artifact that refers to it.")
    ] = False
    sbom: Annotated[
        ScannerSbom,
        Meta(
            description="It makes an SBOM in this format as well, which is kept beside the image: `cyclonedx`, `spdx` "
            "or `none`."
        ),
    ] = ScannerSbom.NONE
    disabled: Annotated[bool, Meta(description="It is sent to nothing; what it said stays.")] = False

    def __post_init__(self) -> None:
        for field, text in (("url", self.url), ("registry", self.registry)):
            found = _URL.fullmatch(text)
            if (text or field == "url") and (found is None or not 0 < int(found["port"] or 1) < 65_536):
                raise ValueError(f"{field}: write it as https://scanner.example.org, without names and passwords")
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password go together")
        if sum(map(bool, (self.user, self.token, self.api_key))) > 1:
            raise ValueError("user and password, token, and api_key: one of these is enough")
        check_pem(self.ca_certificate, "", "")
        if not self.url.startswith("https:"):
            if self.ca_certificate:
                raise ValueError("certificates are for https")
            if (self.password or self.token or self.api_key) and not is_loopback_host(self.host):
                raise ValueError("credentials are sent over https alone, or to this machine")
        _within("timeout", self.timeout, _TIMEOUTS)
        if self.every:
            _within("every", self.every, _EVERY)
        for text in self.platforms:
            try:
                parse_platform(text)
            except RequestInvalid as error:
                raise ValueError(f"platforms: {error.message}") from error

    @property
    def host(self) -> str:
        """Its host, without a port."""
        found = _URL.fullmatch(self.url)
        return found["host"].strip("[]") if found else ""

    @property
    def longest(self) -> int:
        """How long a scan may take, in microseconds."""
        return span(self.timeout)

    @property
    def again_after(self) -> int:
        """How far rescans are apart, in microseconds; 0: there are none by themselves."""
        return span(self.every) if self.every else 0

    def wants(self, platform: str) -> bool:
        """Whether it is sent to images for a platform; what does not say its platform is scanned."""
        if not self.platforms or not platform:
            return True
        try:
            offered = parse_platform(platform)
        except RequestInvalid:
            return True
        return any(matches(parse_platform(each), offered) for each in self.platforms)


def _within(field: str, text: str, bounds: tuple[int, int]) -> None:
    try:
        found = span(text)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error
    if not bounds[0] <= found <= bounds[1]:
        raise ValueError(f"{field}: {text} is too {'short' if found < bounds[0] else 'long'}")


def _tells(path: str, before: Scanner | None, after: Scanner) -> frozenset[Action]:
    """Whoever runs an adapter gets what those may pull who may pull everywhere in its place."""
    if after.disabled or (before is not None and not before.disabled and _sent(before) == _sent(after)):
        return frozenset()
    return frozenset({Action.LIST, Action.PULL})


def _sent(scanner: Scanner) -> tuple[object, ...]:
    """To whom it is sent, and for which images."""
    return scanner.url, scanner.ca_certificate, scanner.by_hand, scanner.platforms


#: Scanners as settings.
SCANNERS = SettingKind(
    kind="scanner",
    plural="scanners",
    text="Scanners: other programs that judge the images of a place.",
    body=Scanner,
    speaks_for=nobody,
    tells=_tells,
    holds=Holds.ALL,
    most=16,
    secrets=frozenset({"password", "token", "api_key"}),
    destination=lambda scanner: scanner.url,
    fares=True,
)
