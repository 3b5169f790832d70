"""Package URLs that syft and Orlop spell apart, though they mean the same."""

import re

_POINT_RELEASE = re.compile(r"(distro=debian-\d+)\.\d+")


def as_orlop(url: str) -> str:
    """What syft 1.57 writes, as Orlop does.

    "The colon ':', whether used as a purl separator or otherwise" is not encoded (purl-spec, character encoding), such
    as the one behind the epoch of a version. The release of Debian is VERSION_ID of `os-release`; syft takes the point
    release of `debian_version`, which changes with `base-files`, whatever the package.
    """
    return _POINT_RELEASE.sub(r"\1", url.replace("%3A", ":"))
