"""The process that reads one SBOM: `python -m orlop.adapters.inside.documents.child`.

The document comes on standard input, and LayerFacts go to standard output as MessagePack. Whoever starts it kills it
when it takes too long.
"""

import msgspec

from orlop.adapters.confined import answer, confine
from orlop.adapters.inside.documents import statements
from orlop.adapters.inside.documents.bounds import FILES, MEMORY, SECONDS, Refused
from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.envelopes import SomethingElse
from orlop.domain.inside.layers import LayerFacts
from orlop.ports.inside import DOCUMENT_BYTES

_LOWEST = 19


def facts(content: bytes) -> LayerFacts:
    """What a document says; of one that cannot be read why; nothing of what is about something else."""
    if len(content) > DOCUMENT_BYTES:
        return LayerFacts(unread=f"it is larger than the {DOCUMENT_BYTES >> 20} MiB that are read")
    try:
        return statements.read(content)
    except SomethingElse:
        return LayerFacts()
    except RequestInvalid as damaged:
        return LayerFacts(unread=damaged.message)
    except Refused as refused:
        return LayerFacts(unread=str(refused))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return LayerFacts(unread="it is no SBOM in JSON, or a damaged one")
    except RecursionError:
        return LayerFacts(unread="it is nested too deeply")
    except MemoryError:
        return LayerFacts(unread="it takes more memory than there is for it")


def main() -> None:
    """Read the document, and say what it lists."""
    confine(MEMORY, SECONDS, FILES, _LOWEST)
    answer(DOCUMENT_BYTES, facts)


if __name__ == "__main__":
    main()
