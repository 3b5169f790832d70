"""Fetches secrets from where documents say that they are kept."""

import os
from pathlib import Path

from orlop.domain.errors import Unavailable
from orlop.domain.secret_references import SECRET_MAX, SecretReference


def fetch_secret(reference: SecretReference) -> str:
    """The secret, read anew each time, so that a new one counts at once. Raises Unavailable when it is not there."""
    if reference.variable:
        found = os.environ.get(reference.variable, "")
        where = f"the environment variable {reference.variable}"
    elif reference.path:
        found, where = _file(reference.path), f"the file {reference.path}"
    else:
        return reference.literal
    if not found:
        raise Unavailable(f"{where} holds no secret")
    return found


def _file(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(SECRET_MAX).removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as cause:
        raise Unavailable(f"the file {path} with a secret cannot be read") from cause
