"""Trusts, sign-on providers and whatever else is kept as documents: checked by its own kind, secrets never told."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import NotFound, RequestInvalid, Unsupported
from orlop.domain.fields import refuse_unknown
from orlop.domain.secret_references import SecretPlaces, parse_secret
from orlop.ports.catalog import by
from orlop.ports.identity import Document, Documents
from orlop.services.management.giving import NOBODY, Giving, SpeaksFor
from orlop.services.management.operations import Gate, Operation

#: Stands for a secret that there is, where a document is shown; given back, it leaves the secret as it is.
SET = "(set)"

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?", re.ASCII)
#: A secret that is written down elsewhere, which is no secret itself.
_REFERENCES = ("env:", "file:")


def nobody(name: str, before: Any, after: Any) -> SpeaksFor:
    """What a kind says whose documents let nobody sign in, and give nobody anything."""
    return NOBODY


def _nothing(name: str, body: Any) -> None:
    return None


class DocumentKind(msgspec.Struct, frozen=True):
    """A kind of documents: what its bodies are, and what has to be known of them here."""

    kind: str
    body: Any
    """The type of a body: a struct, or a union of structs that a field tells apart."""
    speaks_for: Callable[[str, Any, Any], SpeaksFor]
    """Whom a document of this name speaks for that it did not speak for before: name, body before (None: there was
    none that can be read), body now. To write it takes the right to everything that they may do."""
    secrets: frozenset[str] = frozenset()
    """Fields whose text is a secret unless it says where one is kept (`env:NAME`, `file:PATH`); at any depth."""
    destination: Callable[[Any], object] | None = None
    """Where the secrets of a body are sent. A secret that was given for one place is not kept for another."""
    check: Callable[[str, Any], None] = _nothing
    """Raises RequestInvalid for a name and a body that its type lets pass and that still make no sense."""

    def __post_init__(self) -> None:
        if self.secrets and self.destination is None:
            raise TypeError(f"say where the secrets of a {self.kind} go")


class Shown(msgspec.Struct, frozen=True):
    """A document as it may be seen."""

    name: str
    body: dict[str, Any]
    version: int
    changed_at: int
    changed_by: str


class DocumentsOfKinds:
    """See ports.identity.Documents; for those who rule the registry, and to be seen by those who audit it."""

    def __init__(
        self,
        gate: Gate,
        giving: Giving,
        documents: Documents,
        kinds: Mapping[str, DocumentKind],
        places: SecretPlaces,
    ) -> None:
        self._gate = gate
        self._giving = giving
        self._documents = documents
        self._kinds = kinds
        self._places = places

    async def all(self, caller: Caller, kind: str) -> tuple[Shown, ...]:
        """Every one of a kind, by name."""
        await self._gate.check(caller, Operation.DOCUMENT_READ)
        return tuple(self._shown(document) for document in await self._documents.all(kind))

    async def get(self, caller: Caller, kind: str, name: str) -> Shown:
        """Raises NotFound."""
        await self._gate.check(caller, Operation.DOCUMENT_READ)
        return self._shown(await self._one(kind, name))

    async def put(self, caller: Caller, kind: str, name: str, body: dict[str, Any], expected: int | None) -> Shown:
        """Make or replace one. Raises RequestInvalid for a body that is not of its kind; Conflict, Stale, Denied."""
        await self._gate.check(caller, Operation.DOCUMENT_CHANGE)
        known = self._kinds.get(kind)
        if known is None:
            raise Unsupported(f"this registry keeps no {kind}s")
        if not _NAME.fullmatch(name):
            raise RequestInvalid(
                f"a {kind}'s name is 1 to 63 lower-case letters, digits and . _ - with none of these at an end",
                {"name": name[:160]},
            )
        there = await self._documents.get(kind, name)
        kept = msgspec.json.decode(there.body) if there is not None else None
        completed = _with_secrets(body, kept, known.secrets)
        parsed = read_body(known, name, completed)
        self._refuse_places(completed, known.secrets)
        before = _readable(known, kept)
        if completed != body:
            _refuse_redirection(known, before, parsed)
        await self._giving.speech(caller, known.speaks_for(name, before, parsed), f"the {kind} {name}")
        if expected is None:  # what was completed with its secrets is what is replaced
            expected = there.version if there is not None else 0
        document = Document(kind, name, msgspec.json.encode(parsed))
        return self._shown(await self._documents.put(document, by(caller, self._gate.now()), expected=expected))

    async def remove(self, caller: Caller, kind: str, name: str, expected: int | None) -> None:
        """Raises NotFound, Stale."""
        await self._gate.check(caller, Operation.DOCUMENT_CHANGE)
        await self._documents.remove(kind, name, by(caller, self._gate.now()), expected=expected)

    def _refuse_places(self, value: Any, secrets: frozenset[str]) -> None:
        """Raises RequestInvalid for a secret that is said to be where none may be."""
        if isinstance(value, list):
            for item in value:
                self._refuse_places(item, secrets)
        if not isinstance(value, dict):
            return
        for key, item in value.items():
            if key in secrets and isinstance(item, str) and item.startswith(_REFERENCES):
                try:
                    self._places.refuse(parse_secret(item))
                except ValueError as refusal:
                    raise RequestInvalid(f"{key}: {refusal}") from refusal
            else:
                self._refuse_places(item, secrets)

    async def _one(self, kind: str, name: str) -> Document:
        document = await self._documents.get(kind, name)
        if document is None:
            raise NotFound(f"there is no {kind} {name}")
        return document

    def _shown(self, document: Document) -> Shown:
        body = _hidden(msgspec.json.decode(document.body), self._kinds[document.kind].secrets)
        return Shown(document.name, body, document.version, document.changed_at, document.changed_by)


def _readable(kind: DocumentKind, kept: Any) -> Any:
    """A kept body in its type; None where there is none, or one that only another release can read."""
    try:
        return msgspec.convert(kept, kind.body) if kept is not None else None
    except msgspec.ValidationError:
        return None


def _refuse_redirection(kind: DocumentKind, before: Any, after: Any) -> None:
    """Raises RequestInvalid where a secret that is kept would go elsewhere from now on."""
    if kind.destination is None:
        return
    if before is None or kind.destination(before) != kind.destination(after):
        raise RequestInvalid(
            f"{SET} keeps a secret for where it goes now, and this {kind.kind} would send it elsewhere;"
            " give the secret anew"
        )


def read_body(kind: DocumentKind, name: str, body: dict[str, Any]) -> Any:
    """A body in its type. Raises RequestInvalid."""
    refuse_unknown(kind.body, body)
    try:
        parsed = msgspec.convert(body, kind.body)
    except msgspec.ValidationError as error:
        raise RequestInvalid(f"the {kind.kind} {name} cannot be read: {error}") from error
    kind.check(name, parsed)
    return parsed


def _hidden(value: Any, secrets: frozenset[str]) -> Any:
    """A body without its secrets."""
    if isinstance(value, list):
        return [_hidden(item, secrets) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: SET if key in secrets and _is_secret(item) else _hidden(item, secrets) for key, item in value.items()}


def _is_secret(value: Any) -> bool:
    return bool(value) and not (isinstance(value, str) and value.startswith(_REFERENCES))


def _with_secrets(value: Any, kept: Any, secrets: frozenset[str]) -> Any:
    """A body with the secrets that it leaves as they are. Raises RequestInvalid where there is none to leave."""
    if isinstance(value, list):
        known = kept if isinstance(kept, list) and len(kept) == len(value) else [None] * len(value)
        return [_with_secrets(item, before, secrets) for item, before in zip(value, known, strict=True)]
    if not isinstance(value, dict):
        return value
    before = kept if isinstance(kept, dict) else {}
    made = {}
    for key, item in value.items():
        if key in secrets and item == SET:
            if not _is_secret(before.get(key)):
                raise RequestInvalid(f"{key} is {SET}, which keeps the secret that there is, and there is none")
            made[key] = before[key]
        else:
            made[key] = _with_secrets(item, before.get(key), secrets)
    return made
