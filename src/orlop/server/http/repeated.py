"""Heads that differ from the one before by nothing but their target, as nearly all do on a connection that is kept.

A parser finds in them what it found before, so none is asked: a request is what the one before was, to another target.
"""

import re
from typing import Any, Self

import msgspec

#: Targets of which nothing has to be worked out: no query, nothing escaped, no authority (RFC 9112, section 3.2.1).
_TARGET = re.compile(rb"/[A-Za-z0-9._/:-]*", re.ASCII)
#: What announces a body.
_WITH_BODY = frozenset({b"content-length", b"transfer-encoding"})
#: What a scope is made of here. The application may have put more into it.
_SCOPE = (
    "type", "asgi", "scheme", "server", "client", "root_path", "http_version", "method", "query_string", "headers",
)  # fmt: skip
#: An extension of ASGI: a dictionary in which the application may keep what it works out of a head, for all requests of
#: the connection that have the same one but for the target.
SAME_HEAD = "orlop.same_head"


class Repeated(msgspec.Struct, frozen=True, gc=False):
    """A head that was parsed: what stands before its target and after it, and the scope that came of it.

    It holds what the client showed to sign in, and ends with the connection.
    """

    begin: bytes
    end: bytes
    scope: dict[str, Any]

    @classmethod
    def of(cls, data: bytes, scope: dict[str, Any]) -> Self | None:
        """The head that `data` is, all of it, from which the parser made the scope. None: it is not to be relied on."""
        begin = b"%b " % scope["method"].encode("latin-1")
        line = b"%b%b HTTP/1.1\r\n" % (begin, scope["raw_path"])
        if not (data.startswith(line) and data.endswith(b"\r\n\r\n")):
            return None
        if any(name in _WITH_BODY for name, _ in scope["headers"]):
            return None
        extensions = {**scope["extensions"], SAME_HEAD: {}}
        end = data[len(begin) + len(scope["raw_path"]) :]
        return cls(begin, end, {**{name: scope[name] for name in _SCOPE}, "extensions": extensions})

    def again(self, data: bytes) -> dict[str, Any] | None:
        """The scope of a request that is the same but for the target; None if it may be anything else."""
        if not (data.endswith(self.end) and data.startswith(self.begin)):
            return None
        target = data[len(self.begin) : -len(self.end)]
        if _TARGET.fullmatch(target) is None:
            return None
        return {**self.scope, "path": target.decode("ascii"), "raw_path": target}
