"""The universal mirror: clients that ask for the content of another registry say so with `?ns=`.

"A registry that proxies others … ns=<upstream registry>" (distribution-spec, main branch, "Registry Proxying"); this is
what containerd's `hosts.toml` makes of a mirror.
"""

import msgspec

from orlop.domain.errors import NameUnknown
from orlop.faces.distribution.request import Request, RequestKind
from orlop.services.upstreams.shown import Upstreams

#: What is read of other registries; everything else is about this one.
_READ = frozenset({RequestKind.MANIFEST_GET, RequestKind.BLOB_GET, RequestKind.TAGS, RequestKind.REFERRERS})


class Mirror:
    """Finds what a request with `?ns=` means."""

    def __init__(self, shown: Upstreams) -> None:
        self._shown = shown

    async def meant(self, request: Request, namespace: str, own: str) -> Request:
        """The request for what an upstream shows of a registry. `own`: what the client calls this one.

        Where no upstream answers for any registry, or this one is meant, it is what it says. Raises NameUnknown for a
        registry that none answers for: a name means something else there, so the client has to ask there.
        """
        if request.kind not in _READ or request.repository is None or namespace.lower() == own.lower():
            return request
        named = await self._shown.named(namespace, request.repository)
        if named is not None:
            return msgspec.structs.replace(request, repository=named)
        if await self._shown.serves_any():
            raise NameUnknown(
                f"no upstream here answers for {namespace[:128]}; ask that registry itself", {"ns": namespace[:128]}
            )
        return request


def target_of(request: Request) -> bytes:
    """The target that asks for the same without `?ns=`."""
    what = "manifests" if request.kind is RequestKind.MANIFEST_GET else "blobs"
    return f"/v2/{request.repository}/{what}/{request.reference or request.digest}".encode()
