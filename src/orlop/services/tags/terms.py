"""The terms of every write: what the caller may do, what rules say of the tags, and how much room there is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

import msgspec

from orlop.domain.access import Caller, SubjectKind
from orlop.domain.access.membership import Membership
from orlop.domain.attesting.statements import attestations_tag
from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, NameUnknown, RegistryError, SettingsMoved
from orlop.domain.names import Tag
from orlop.domain.quarantine.rules import QUARANTINE_RULES
from orlop.domain.quotas import QUOTAS, Quota, Room
from orlop.domain.tag_rules import TAG_RULES
from orlop.domain.trash_rules import TRASH_RULES, kept_for
from orlop.ports.terms import Terms
from orlop.services.access.decisions import TRIES, Access
from orlop.services.read_only.mode import ReadOnlyMode
from orlop.services.settings.in_force import REMEMBERED, InForce, SettingsInForce
from orlop.services.tags.rules import RulesOfTags
from orlop.services.upstreams.shown import Upstreams

T = TypeVar("T")

#: What the registry is told that would set or remove a tag of somebody's.
_TAGS_NOTHING = Denied("the registry itself sets and removes no tag")


class WriteTerms:
    """A service that changes content asks here first, and passes what it gets into the transaction."""

    def __init__(
        self, access: Access, settings: SettingsInForce, shown: Upstreams, read_only: ReadOnlyMode | None = None
    ) -> None:
        self._read_only = read_only
        self._access = access
        self._settings = settings
        self._shown = shown
        self._rooms: dict[str, tuple[tuple[InForce, ...], tuple[Room, ...]]] = {}
        """By the nearest node that has any, with the quotas that they were made from."""

    async def keep(self, make: Callable[[], Awaitable[Terms]], write: Callable[[Terms], Awaitable[T]]) -> T:
        """Write on terms, and on new ones where a setting that they were made from changes before that takes effect.

        Raises SettingsMoved where settings change again and again.
        """
        for _ in range(TRIES - 1):
            try:
                return await write(await make())
            except SettingsMoved:
                self._settings.forget()
        return await write(await make())

    async def _check_writable(self) -> None:
        """Raises RegistryReadOnly. Asked after the version of the settings that terms hold by: a switch that is set
        later moves that."""
        if self._read_only is not None:
            await self._read_only.check()

    async def check_push(self, caller: Caller, repository: str) -> None:
        """Raises Denied or RegistryReadOnly where no push is taken at all: before a client sends what is not kept."""
        await self._check_writable()
        if caller.subject.kind is not SubjectKind.SYSTEM:
            await self._shown.check_push(repository)

    async def room(self, repository: str) -> tuple[Room, ...]:
        """The quotas that cover a repository, from the root down."""
        return (await self._versioned_room(repository))[1]

    async def _versioned_room(self, repository: str) -> tuple[int, tuple[Room, ...]]:
        version, quotas = await self._settings.versioned(QUOTAS, repository)
        if not quotas:
            return version, ()
        nearest = quotas[-1].path
        known = self._rooms.get(nearest)
        if known is None or known[0] is not quotas:
            if len(self._rooms) >= REMEMBERED:
                self._rooms.clear()
            known = self._rooms[nearest] = quotas, tuple(_room(each.name, each.path, each.body) for each in quotas)
        return version, known[1]

    async def push(
        self,
        caller: Caller,
        repository: str,
        tags: Sequence[Tag] = (),
        expected: Mapping[Tag, Digest | None] | None = None,
    ) -> Terms:
        """Those of a push that perhaps sets tags, if they are what is expected. Raises Denied where none is taken.

        What the registry itself attaches to content keeps to quotas, and is for repositories that are there alone.
        """
        if caller.subject.kind is SubjectKind.SYSTEM:
            return await self._attaching(repository, tags)
        return await self._pushing(caller, repository, tags, expected)

    async def by_itself(self, caller: Caller, repository: str, tags: Sequence[Tag]) -> Terms:
        """Those of what a pipeline brings into a repository without anybody's rights: it may what a push may that is
        nobody's, so that rules for tags except it from nothing. Raises Denied where no push is taken."""
        return await self._pushing(caller, repository, tags, None)

    async def _pushing(
        self, caller: Caller, repository: str, tags: Sequence[Tag], expected: Mapping[Tag, Digest | None] | None
    ) -> Terms:
        # The versions first: what is read after them is no older.
        version, room = await self._versioned_room(repository)
        await self._check_writable()
        await self._shown.check_push(repository)
        of_rules, rules = await self._settings.versioned(TAG_RULES, repository) if tags else (version, ())
        terms = await self._access.push_terms(caller, repository, tags)
        if not tags:
            if not room:
                return terms
            return msgspec.structs.replace(terms, room=room, settings=min(version, terms.settings or version))
        said = RulesOfTags(
            rules, repository, await self._access.membership(caller, repository) if rules else Membership()
        )
        new = {tag: refusal for tag in tags if (refusal := said.creating(tag)) is not None}
        fixed = {tag: refusal for tag in tags if (refusal := said.moving(tag)) is not None}
        return msgspec.structs.replace(
            terms,
            tag={**new, **terms.tag},
            overwrite={**fixed, **terms.overwrite},
            expected=expected or {},
            room=room,
            settings=min(version, of_rules, terms.settings or version),
        )

    async def manifest(
        self,
        caller: Caller,
        repository: str,
        tags: Sequence[Tag] = (),
        expected: Mapping[Tag, Digest | None] | None = None,
    ) -> Terms:
        """Those of a push of a manifest, which lands in quarantine where a rule says so. Raises as `push`."""
        version, quarantines = await self._settings.versioned(QUARANTINE_RULES, repository)
        terms = await self.push(caller, repository, tags, expected)
        settings = min(version, terms.settings or version)
        return msgspec.structs.replace(terms, quarantine=bool(quarantines), settings=settings)

    async def released(self, repository: str, tags: Sequence[Tag]) -> Terms:
        """Those of what was pushed into quarantine and gets its tags now. Whether whoever pushed it may set them was
        asked then; whether they may become something else at all is asked again."""
        version, room = await self._versioned_room(repository)
        await self._check_writable()
        of_rules, rules = await self._settings.versioned(TAG_RULES, repository)
        said = RulesOfTags(rules, repository, None)
        return Terms(
            tag={tag: refusal for tag in tags if (refusal := said.creating(tag)) is not None},
            overwrite={tag: refusal for tag in tags if (refusal := said.moving(tag)) is not None},
            room=room,
            settings=min(version, of_rules),
        )

    async def refused(self, repository: str) -> Terms:
        """Those of what is deleted out of quarantine, where it has no tags. The version of the settings by which they
        hold is the caller's, who read it before."""
        await self._check_writable()
        return Terms(trash=await self.kept(repository))

    async def attesting(self, repository: str, subject: Digest, expected: Mapping[Tag, Digest | None]) -> Terms:
        """Those of what the registry attests of a manifest, below the one tag where cosign looks for it: rules for tags
        hold as for one who is in no list, and in a cache all tags are those of its upstream."""
        tag = attestations_tag(subject)
        terms = await self._attaching(repository, ())
        if tag is None or set(expected) != {tag} or terms.cache is not None:
            refused = dict.fromkeys(expected, _TAGS_NOTHING)
            return msgspec.structs.replace(terms, tag=refused, overwrite=refused)
        of_rules, rules = await self._settings.versioned(TAG_RULES, repository)
        said = RulesOfTags(rules, repository, Membership())
        new, fixed = said.creating(tag), said.moving(tag)
        return msgspec.structs.replace(
            terms,
            tag={tag: new} if new is not None else {},
            overwrite={tag: fixed} if fixed is not None else {},
            expected=expected,
            settings=min(terms.settings, of_rules),
        )

    async def _attaching(self, repository: str, tags: Sequence[Tag]) -> Terms:
        """Those of what the registry itself pushes: in a cache it is cached, as what it is attached to."""
        version, room = await self._versioned_room(repository)
        await self._check_writable()
        gone = NameUnknown(f"there is no repository {repository} any more", {"name": repository})
        refused = dict.fromkeys(tags, _TAGS_NOTHING)
        if (showing := await self._shown.of(repository)) is not None:
            cached = await self.cached(showing.path, repository)
            return msgspec.structs.replace(cached, create=gone, tag=refused, overwrite=refused)
        if await self._shown.is_left(repository):
            raise Denied(f"{repository} is the cache of an upstream that is no more: nothing is attached there")
        return Terms(create=gone, tag=refused, overwrite=refused, room=room, settings=version)

    async def cached(self, path: str, repository: str, tags: Sequence[Tag] = ()) -> Terms:
        """Those of what the upstream of a node brings into a repository: nobody pushes it, so the rules for tags and
        the quotas of the registry as a whole, at the node and below are all that speaks. Raises Denied while
        the registry is read-only: what came is served, and not kept."""
        version, room = await self._versioned_room(repository)
        if self._read_only is not None and (standing := await self._read_only.standing()) is not None:
            raise Denied(standing.sentence)
        of_rules, rules = await self._settings.versioned(TAG_RULES, repository) if tags else (version, ())
        said = RulesOfTags(rules, repository, Membership())
        return Terms(
            tag={tag: refusal for tag in tags if (refusal := said.creating(tag)) is not None},
            overwrite={tag: refusal for tag in tags if (refusal := said.moving(tag)) is not None},
            room=tuple(each for each in room if not each.path or len(each.path) >= len(path)),
            cache=path,
            settings=min(version, of_rules),
        )

    async def of_rules(self, repository: str, rules: Sequence[InForce], settings: int) -> Terms:
        """Those of a removal that nobody asks for but rules for retention, by these rules for tags: it is nobody's."""
        await self._check_writable()
        trash = await self.kept(repository)
        return Terms(untag=RulesOfTags(rules, repository, Membership()).removing, trash=trash, settings=settings)

    async def removal(
        self, caller: Caller, repository: str, expected: Mapping[Tag, Digest | None] | None = None
    ) -> Terms:
        """Those of whatever removes tags, alone or with what they point at: what goes lies in the trash for a while,
        unless nobody could restore it, because everybody may do everything. Raises as `Access.removal_terms`."""
        version, rules = await self._settings.versioned(TAG_RULES, repository)
        await self._check_writable()
        if caller.subject.kind is SubjectKind.SYSTEM:
            return Terms(untag=lambda _: _TAGS_NOTHING)
        terms = await self._access.removal_terms(caller, repository)
        said = RulesOfTags(
            rules, repository, await self._access.membership(caller, repository) if rules else Membership()
        )

        def refusal(tag: Tag) -> RegistryError | None:
            refused = terms.untag(tag) if terms.untag is not None else None
            return refused or said.removing(tag)

        untag = refusal if rules else terms.untag
        trash = await self.kept(repository)
        return msgspec.structs.replace(terms, untag=untag, expected=expected or {}, trash=trash, settings=version)

    async def kept(self, path: str) -> int:
        """How long what is deleted at a place lies in the trash, in microseconds; 0: it is gone at once."""
        if self._access.everyone:
            return 0
        return kept_for(rule.body for rule in await self._settings.covering(TRASH_RULES, path))


@lru_cache(maxsize=10_000)
def _room(name: str, path: str, quota: Quota) -> Room:
    return Room(name, path, quota.limits, quota.warn)
