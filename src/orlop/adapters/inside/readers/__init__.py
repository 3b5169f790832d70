"""Readers of files that list packages, a module for each kind. All are pure functions of a path and bytes."""

from orlop.adapters.inside.readers.languages import LANGUAGES
from orlop.adapters.inside.readers.reader import Reader

#: Every reader, each for a kind of file. Whoever changes what one of them finds raises ports.inside.READER_VERSION.
READERS: tuple[Reader, ...] = (*LANGUAGES,)
