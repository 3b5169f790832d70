"""Images whose SBOMs tests write."""

from orlop.domain.digest import Digest
from orlop.domain.inside.package import Distribution, Package
from orlop.domain.inside.purl import purl
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.insides import HeldPackage, Inside, InsideState
from orlop.services.inside.questions import ImageInside

DIGEST = Digest("sha256:" + "5a" * 32)
DEBIAN = Distribution(id="debian", version="12", codename="bookworm", name="Debian GNU/Linux 12 (bookworm)")
#: 2026-08-01T12:30:45.678901Z
MADE_AT = 1_785_587_445_678_901

#: Names, versions and paths as an archive of a stranger may have them.
HOSTILE = (
    "a\nb\tc\rd",
    "\x00\x01\x1b[31m\x7f\x85",
    "naïve 包 😀 \u202eevil\u2028",
    "x" * 10_000,
    '"}],"<script>&amp;',
    "SPDXRef-DOCUMENT",
    "LicenseRef-1",
    "\ufffe\uffff",
    " ",
    "(" * 5_000,
)


def image_of(
    *packages: Package,
    distribution: Distribution | None = DEBIAN,
    unread: tuple[str, ...] = (),
    paths: tuple[str, ...] = ("var/lib/dpkg/status",),
    repository: str = "team/app",
    lowest: int = 0,
) -> ImageInside:
    """An image that holds these packages, each in all of these places."""
    held = tuple(
        HeldPackage(package=each, purl=purl(each, distribution), layer=layer, path=path, reader="dpkg")
        for each in packages
        for layer, path in enumerate(paths, lowest)
    )
    return ImageInside(
        repository=RepositoryName(repository),
        reference=Tag("1.0"),
        digest=DIGEST,
        platform="linux/amd64",
        inside=Inside(
            digest=DIGEST,
            state=InsideState.READ,
            since=1,
            distribution=distribution,
            packages=len(held),
            unread=unread,
        ),
        packages=held,
    )


def hostile_image() -> ImageInside:
    """One whose every text is hostile, in every place, twice."""
    packages = [
        Package(type=kind, namespace=text, name=text, version=text, licences=(text, "MIT"))
        for text in HOSTILE
        for kind in ("npm", "maven")
    ]
    system = Distribution(id=HOSTILE[1], version=HOSTILE[2], name=HOSTILE[0])
    return image_of(*packages, distribution=system, unread=HOSTILE, paths=(HOSTILE[0], HOSTILE[1], HOSTILE[3]))
