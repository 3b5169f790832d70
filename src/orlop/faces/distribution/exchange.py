"""What a handler gets to see of one request, beside the request itself."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import RequestInvalid
from orlop.domain.names import RepositoryName
from orlop.faces.http.body import RequestBody


class Exchange(msgspec.Struct, frozen=True):
    """The headers that came (lower-case names), the body still to read, and who asks."""

    method: str
    headers: dict[bytes, bytes]
    body: RequestBody
    caller: Caller
    hidden: bool = False
    """Whether the caller may not know of the repository: it is to look as if it were not there."""
    through: RepositoryName | None = None
    """The name below a virtual that the client used, where the request is answered as one to a member."""

    def header(self, name: bytes) -> str:
        """A header's value, empty when it is absent."""
        value = self.headers.get(name)
        return value.decode("latin-1") if value is not None else ""

    def text_header(self, name: bytes) -> str:
        """A header that becomes part of what is stored. Raises RequestInvalid unless it is printable ASCII."""
        value = self.header(name)
        if not (value.isascii() and value.isprintable()):
            raise RequestInvalid(f"the header {name.decode()} is not printable ASCII")
        return value
