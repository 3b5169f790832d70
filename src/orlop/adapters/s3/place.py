"""Where the bytes of a stage lie, as the session's row keeps it: which writer wrote which of its objects.

Only what is named here is part of the upload. What a writer wrote after it lost the session stands in no row, and
under keys of its own, so it can neither get into a blob nor overwrite anything.
"""

from typing import NamedTuple, Self

import msgspec

from orlop.domain.errors import BlobUploadUnknown

#: "Part numbers can be any number from 1 to 10,000" (Amazon S3, multipart upload limits).
MAX_PARTS = 10_000


class Run(msgspec.Struct, frozen=True, array_like=True):
    """The parts [first, stop), all by one writer."""

    writer: str
    first: int
    stop: int


class Tail(msgspec.Struct, frozen=True, array_like=True):
    """The first `size` bytes of the part that comes next."""

    writer: str
    number: int
    size: int


class Piece(NamedTuple):
    """An object of a stage: the end of its key, and how many of its bytes count."""

    name: str
    size: int


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The objects of a stage, in order. `part` is the size of each part, in bytes."""

    part: int
    runs: tuple[Run, ...] = ()
    tail: Tail | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """What `text` wrote. Raises BlobUploadUnknown for an empty one: nothing was ever written there."""
        if not text:
            raise BlobUploadUnknown("the bytes of the upload are not there; begin a new one")
        return msgspec.json.decode(text, type=cls)

    def text(self) -> str:
        """As the row keeps it."""
        return msgspec.json.encode(self).decode()

    @property
    def parts(self) -> int:
        """How many whole parts there are."""
        return self.runs[-1].stop if self.runs else 0

    @property
    def size(self) -> int:
        """Bytes on the stage."""
        return self.parts * self.part + (self.tail.size if self.tail else 0)

    def pieces(self, size: int) -> list[Piece]:
        """The objects that hold the first `size` bytes. Raises BlobUploadUnknown when there are fewer."""
        named = [
            Piece(f"{run.writer}/{number:05}", self.part) for run in self.runs for number in range(run.first, run.stop)
        ]
        if self.tail is not None:
            named.append(Piece(f"{self.tail.writer}/{self.tail.number:05}-{self.tail.size}", self.tail.size))
        if size > self.size or not named:
            raise BlobUploadUnknown("fewer bytes of the upload are there; begin a new one")
        whole, rest = divmod(size, self.part)
        if rest or not size:
            return [*named[:whole], Piece(named[whole].name, rest)]
        return named[:whole]

    def cut(self, parts: int) -> Self:
        """The first `parts` parts alone."""
        runs = tuple(Run(run.writer, run.first, min(run.stop, parts)) for run in self.runs if run.first < parts)
        return type(self)(self.part, runs)

    def with_part(self, writer: str) -> Self:
        """With one more part by `writer`, which takes the place of the tail."""
        number = self.parts
        if self.runs and self.runs[-1].writer == writer:
            runs = (*self.runs[:-1], Run(writer, self.runs[-1].first, number + 1))
        else:
            runs = (*self.runs, Run(writer, number, number + 1))
        return type(self)(self.part, runs)

    def with_tail(self, writer: str, size: int) -> Self:
        """With the beginning of the next part by `writer`."""
        return type(self)(self.part, self.runs, Tail(writer, self.parts, size))
