"""Settings as they are managed: checked by what their kind declares, secrets never told."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from orlop.domain.access import ROLES, Action, Caller
from orlop.domain.errors import Conflict, Denied, NotFound, RequestInvalid, Unsupported
from orlop.domain.identity.secret_references import SecretPlaces, parse_secret
from orlop.domain.pages import MAX_SIZE, Page, PageRequest, page_of
from orlop.domain.settings import Holds, SettingKind, checked_name, checked_path, place_words
from orlop.ports.catalog import by
from orlop.ports.settings import Document, Documents
from orlop.services.management.giving import Giving
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import every, seen

#: Stands for a secret that there is, where a setting is shown; given back, it leaves the secret as it is.
SET = "(set)"

#: A secret that is written down elsewhere, which is no secret itself.
_REFERENCES = ("env:", "file:")


class Shown(msgspec.Struct, frozen=True):
    """A setting as it may be seen."""

    name: str
    path: str
    body: dict[str, Any]
    version: int
    changed_at: int
    changed_by: str


class Holding(msgspec.Struct, frozen=True):
    """A setting that covers a place. `holds`: it is in force there; False where a nearer one takes its place."""

    shown: Shown
    holds: bool


#: Raises RequestInvalid for a setting, by its name and body, that its kind lets pass and that makes no sense all the
#: same: what takes time to find out.
SettingCheck = Callable[[str, Any], Awaitable[None]]


class KeptSettings:
    """See ports.settings.Documents. `kinds`: by name; `checks`: by the name of a kind. What a
    caller may not see is not there for them (NotFound)."""

    def __init__(
        self,
        gate: Gate,
        giving: Giving,
        documents: Documents,
        kinds: Mapping[str, SettingKind],
        places: SecretPlaces,
        checks: Mapping[str, SettingCheck] | None = None,
    ) -> None:
        self._gate = gate
        self._giving = giving
        self._documents = documents
        self.kinds = kinds
        self._places = places
        self._checks = checks or {}

    async def page(self, caller: Caller, kind: str, page: PageRequest, path: str | None = None) -> Page[Shown]:
        """Those of a kind that the caller may see, by path and name; of one node, if it is given."""
        known = self._kind(kind)
        if not known.placed:
            await self._gate.check_setting(caller, known.read, "", seeing=True)
        seeing = await self._gate.administers(caller)
        where = checked_path(path) if path is not None else None
        first, after = known.built_in_after(page.after)
        found: Page[Document] = Page(())
        if not known.placed or seeing.anywhere(known.read):
            found = await seen(
                lambda part: self._documents.page(kind, part, where),
                PageRequest(page.size, after),
                lambda document: document.key,
                lambda document: not known.placed or seeing.setting(known.read, document.path),
            )
        items = [_built_in(known, name) for name in first] + [self._shown(document) for document in found.items]
        return Page(tuple(items[: page.size]), more=found.more or len(items) > page.size)

    async def covering(self, caller: Caller, kind: str, path: str, after: str = "") -> Page[Shown]:
        """Those that are about a node or one above it, from the root down, as far as the caller may see them; all that
        follow a key, but for what is too much for a page."""
        known = self._kind(kind)
        seeing = await self._gate.administers(caller)
        where, _, name = after.rpartition(":")
        shown = (
            self._shown(document)
            for document in await self._documents.covering(kind, checked_path(path))
            if (document.path, document.name) > (where, name) and seeing.setting(known.read, document.path)
        )
        return page_of(shown, PageRequest(MAX_SIZE))

    async def holding(self, caller: Caller, kind: str, path: str) -> tuple[Holding, ...]:
        """Those that are about a node or one above it, from the root down, as far as the caller may see them: which of
        them are in force there."""
        known = self._kind(kind)
        seeing = await self._gate.administers(caller)
        documents = await self._documents.covering(kind, checked_path(path))
        nearest = documents[-1].path if documents and known.holds is Holds.NEAREST else None
        return tuple(
            Holding(self._shown(document), nearest in (None, document.path))
            for document in documents
            if seeing.setting(known.read, document.path)
        )

    async def check_change(self, caller: Caller, kind: str, path: str = "") -> None:
        """Raises Denied unless the caller may make and remove settings of a kind at a place: what one of them says may
        still be refused."""
        known = self._kind(kind)
        await self._gate.check_setting(caller, known.change, self._path(known, path))

    async def may_change(self, caller: Caller, kind: str, path: str = "") -> bool:
        """The same as an answer."""
        known = self._kind(kind)
        return await self._gate.may_set(caller, known.change, self._path(known, path))

    async def get(self, caller: Caller, kind: str, name: str, path: str = "") -> Shown:
        """Raises NotFound."""
        known = self._kind(kind)
        await self._gate.check_setting(caller, known.read, self._path(known, path), seeing=True)
        if name in known.built_in:
            return _built_in(known, name)
        document = await self._documents.get(kind, name, path)
        if document is None:
            raise missing(known, name, path)
        return self._shown(document)

    async def put(
        self, caller: Caller, kind: str, name: str, body: dict[str, Any], expected: int | None, path: str = ""
    ) -> Shown:
        """Make or replace one. Raises RequestInvalid for a body that is not of its kind; Conflict, Stale, Denied."""
        known, document, there = await self._written(caller, kind, name, body, path)
        await self._check_mentioned(known, document)
        if check := self._checks.get(kind):
            await check(name, known.parse(name, msgspec.json.decode(document.body)))
        if expected is None:  # what was completed with its secrets is what is replaced
            expected = there.version if there is not None else 0
        done = by(caller, self._gate.now())
        return self._shown(await self._documents.put(document, done, expected=expected, rights=known.rights))

    async def check(self, caller: Caller, kind: str, name: str, body: dict[str, Any], path: str = "") -> None:
        """Raises what `put` would, and writes nothing. What it names may come with it."""
        await self._written(caller, kind, name, body, path)

    async def _written(
        self, caller: Caller, kind: str, name: str, body: dict[str, Any], path: str
    ) -> tuple[SettingKind, Document, Document | None]:
        """The document that a body becomes, if the caller may write it, and what is there."""
        known = self._kind(kind)
        await self._gate.check_setting(caller, known.change, self._path(known, path))
        checked_name(kind, name)
        _refuse_built_in(known, name)
        there = await self._documents.get(kind, name, path)
        kept = msgspec.json.decode(there.body) if there is not None else None
        completed = _with_secrets(body, kept, known.secrets)
        parsed = known.parse(name, completed)
        await self._check_among(known, name, path, parsed)
        self._refuse_places(completed, known.secrets)
        before = _readable(known, kept)
        if completed != body:
            _refuse_redirection(known, before, parsed)
        named = _references(completed, known.secrets)
        if before is not None and _same_destination(known, before, parsed):
            named -= _references(kept, known.secrets)
        await self._check_references(caller, named)
        spoken = known.speaks_for(name, before, parsed)
        if known.rights and before is None and there is not None:  # what nobody can read may have given everything
            spoken = msgspec.structs.replace(spoken, actions=ROLES["admin"].actions)
        await self._giving.speech(caller, spoken, f"the {kind} {name}")
        if told := known.tells(path, before, parsed):
            await self._giving.telling(caller, path, told, f"what the {kind} {name} tells")
        for place, lent in known.lends(before, parsed).items():
            await self._giving.telling(caller, place, lent, f"what the {kind} {name} {known.lending}")
        if there is None and await self._how_many(kind, path) >= known.most:
            raise Conflict(f"there are {known.most} {known.plural}{known.where(path)} already; remove one first")
        return known, Document(kind, name, msgspec.json.encode(parsed), path=path, ends=known.ends(parsed)), there

    async def remove(self, caller: Caller, kind: str, name: str, expected: int | None, path: str = "") -> None:
        """Raises NotFound, Stale."""
        known = self._kind(kind)
        await self._gate.check_setting(caller, known.change, self._path(known, path))
        _refuse_built_in(known, name)
        if await self._documents.get(kind, name, path) is None:
            raise missing(known, name, path)
        done = by(caller, self._gate.now())
        await self._documents.remove(kind, name, done, path=path, expected=expected, rights=known.rights)

    async def check_end(self, caller: Caller, path: str) -> None:
        """Raises Denied unless the caller may remove every setting of a node and of all below it: they go with it."""
        for known in self.kinds.values():
            if not known.placed:
                continue
            async for document in every(partial(self._documents.page, known.kind), lambda document: document.key):
                if document.path == path or document.path.startswith(f"{path}/"):
                    await self._gate.check_setting(caller, known.change, document.path)

    async def _check_among(self, kind: SettingKind, name: str, path: str, body: Any) -> None:
        """Raises RequestInvalid for one that makes no sense beside others of its kind."""
        if kind.among is None:
            return
        others = [
            (document.path, readable)
            for document in await self._documents.all(kind.kind)
            if (document.path, document.name) != (path, name)
            and (readable := _readable(kind, msgspec.json.decode(document.body))) is not None
        ]
        try:
            kind.among(path, body, others)
        except ValueError as error:
            raise RequestInvalid(str(error), {"name": name}) from error

    async def _check_mentioned(self, kind: SettingKind, document: Document) -> None:
        """Raises RequestInvalid for one that names a setting that is nowhere at its place or above it."""
        for other, names in kind.mentions(kind.parse(document.name, msgspec.json.decode(document.body))).items():
            if not names:
                continue
            there = {each.name for each in await self._documents.covering(other, document.path)}
            for name in names:
                if name not in there:
                    where = f"{place_words(document.path)} or above it" if document.path else "the registry"
                    raise RequestInvalid(f"there are no {other} {name} at {where}: set them first", {"name": name})

    async def _how_many(self, kind: str, path: str) -> int:
        """Of a kind at a node; a page may hold fewer than were asked for."""
        kept = every(lambda part: self._documents.page(kind, part, path), lambda document: document.key)
        return len([document.name async for document in kept])

    def _kind(self, kind: str) -> SettingKind:
        known = self.kinds.get(kind)
        if known is None:
            raise Unsupported(f"this registry keeps no {kind}s")
        return known

    def _path(self, kind: SettingKind, path: str) -> str:
        if path and not kind.placed:
            raise RequestInvalid(
                f"a {kind.kind} is of the registry as a whole, and of no namespace", {"path": path[:160]}
            )
        return checked_path(path)

    async def _check_references(self, caller: Caller, named: set[tuple[str, str]]) -> None:
        """Raises Denied for secrets that stand beside the registry, unless the caller rules it: everybody else could
        have them sent to a server of their own."""
        if named and not await self._gate.may(caller, Operation.SETTING_CHANGE):
            key, text = min(named)
            raise Denied(
                f"{key}: {text}: only who rules the registry has a secret sent that stands beside it; give the secret"
                " itself",
                {"action": Action.SYSTEM.value},
            )

    def _refuse_places(self, value: Any, secrets: frozenset[str]) -> None:
        """Raises RequestInvalid for a secret that is said to be where none may be."""
        if isinstance(value, list):
            for item in value:
                self._refuse_places(item, secrets)
        if not isinstance(value, dict):
            return
        for key, item in value.items():
            if key in secrets and _is_reference(item):
                try:
                    self._places.refuse(parse_secret(item))
                except ValueError as refusal:
                    raise RequestInvalid(f"{key}: {refusal}") from refusal
            else:
                self._refuse_places(item, secrets)

    def _shown(self, document: Document) -> Shown:
        body = _hidden(msgspec.json.decode(document.body), self.kinds[document.kind].secrets)
        return Shown(document.name, document.path, body, document.version, document.changed_at, document.changed_by)


def _built_in(kind: SettingKind, name: str) -> Shown:
    return Shown(name, "", msgspec.to_builtins(kind.built_in[name]), 0, 0, "")


def _refuse_built_in(kind: SettingKind, name: str) -> None:
    if name in kind.built_in:
        raise Conflict(f"the {kind.kind} {name} is built in, and stays as it is; choose another name")


async def existing(documents: Documents, kind: SettingKind, name: str, path: str) -> Document:
    """The setting of that name at that place, for those who may see it. Raises NotFound, RequestInvalid."""
    document = await documents.get(kind.kind, checked_name(kind.kind, name), checked_path(path))
    if document is None:
        raise missing(kind, name, path)
    return document


def missing(kind: SettingKind, name: str, path: str) -> NotFound:
    """There is none of that name at that place."""
    return NotFound(
        f"there is no {kind.kind} {name}{kind.where(path)}; orlop {kind.kind} ls lists those there are"
        f"{', and their places, for --at' if kind.placed else ''}",
        {"name": name},
    )


def _readable(kind: SettingKind, kept: Any) -> Any:
    """A kept body in its type; None where there is none, or one that only another release can read."""
    try:
        return msgspec.convert(kept, kind.body) if kept is not None else None
    except msgspec.ValidationError:
        return None


def _refuse_redirection(kind: SettingKind, before: Any, after: Any) -> None:
    """Raises RequestInvalid where a secret that is kept would go elsewhere from now on."""
    if kind.destination is None:
        return
    if before is None or not _same_destination(kind, before, after):
        raise RequestInvalid(
            f"{SET} keeps a secret for where it goes now, and this {kind.kind} would send it elsewhere;"
            " give the secret anew"
        )


def _same_destination(kind: SettingKind, before: Any, after: Any) -> bool:
    """Whether secrets go where they went."""
    return kind.destination is None or kind.destination(before) == kind.destination(after)


def _references(value: Any, secrets: frozenset[str]) -> set[tuple[str, str]]:
    """Each field of a body that says where its secret is kept, and what it says."""
    if isinstance(value, list):
        return {found for item in value for found in _references(item, secrets)}
    if not isinstance(value, dict):
        return set()
    named = {(key, item) for key, item in value.items() if key in secrets and _is_reference(item)}
    return named | {found for item in value.values() for found in _references(item, secrets)}


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_REFERENCES)


def _hidden(value: Any, secrets: frozenset[str]) -> Any:
    """A body without its secrets."""
    if isinstance(value, list):
        return [_hidden(item, secrets) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: SET if key in secrets and _is_secret(item) else _hidden(item, secrets) for key, item in value.items()}


def _is_secret(value: Any) -> bool:
    return bool(value) and not _is_reference(value)


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
