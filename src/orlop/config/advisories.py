"""The settings of advisories: see docs/vulnerabilities.md."""

from pathlib import Path
from typing import Annotated

import msgspec

from orlop.config.meaning import Meaning, ValueKind


class AdvisorySettings(msgspec.Struct, frozen=True):
    """Where advisories may come from. See [vulnerabilities.md](vulnerabilities.md#sources)."""

    folder: Annotated[
        Path | None,
        Meaning(
            "The folder below which a source of the kind `file:/PATH` may lie; links that lead out of it are not"
            " followed.",
            ValueKind.PATH,
            default="none",
        ),
    ] = None
