"""How much of a document is read: every bound in one place. That of its bytes is ports.inside.DOCUMENT_BYTES."""

#: Packages of a document, and how deep components of components may lie.
PACKAGES, DEPTH = 30_000, 64
#: Licences of a package, and characters of one text.
LICENCES, TEXT = 32, 1_024
#: Bytes of address space of the process, seconds of a processor, descriptors.
MEMORY, SECONDS, FILES = 1_280 * 1024 * 1024, 60, 32
#: Seconds from its start to its answer, and bytes of that.
DEADLINE, ANSWER = 120.0, 48 * 1024 * 1024


class Refused(Exception):
    """It is no document that is read, or beyond a bound; the message says why."""
