"""What VEX documents say of an image: of its referrers those that a rule trusts, and those given for its place."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeAlias

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.inside.vex.saying import VexImage, VexSayings, VexSource, is_about_holders
from orlop.domain.inside.vex.statements import VexDocument
from orlop.domain.inside.vex.trust import VEX_FILES, VEX_TRUSTS, VexOrigin, VexTrust
from orlop.domain.names import RepositoryName
from orlop.ports.vex import AttachedVex, VexDocuments, VexState
from orlop.services.access.standing import AccountStanding
from orlop.services.settings.in_force import SettingsInForce

#: Asks for the package URLs of all packages of an image.
Purls: TypeAlias = Callable[[], Awaitable[Sequence[str]]]

#: Referrers of one image that are looked at, the newest.
_REFERRERS = 100
#: Of these so many that count, and so many remarks on those that do not.
_READ, _REMARKS = 20, 20
#: Accounts that are looked at for one image.
_ASKED = 20


class SaidOfImage(msgspec.Struct, frozen=True):
    """What counts, and what is known of documents that do not, as sentences without a full stop."""

    sayings: VexSayings
    remarks: tuple[str, ...]


class VexOfImages:
    """See the module."""

    def __init__(self, store: VexDocuments, settings: SettingsInForce, editors: AccountStanding) -> None:
        self._editors = editors
        self._store = store
        self._settings = settings

    async def referred(self, repository: RepositoryName, images: Collection[Digest]) -> Collection[str]:
        """Those of these images that documents refer to."""
        return await self._store.referred(repository, images)

    async def of(
        self,
        repository: RepositoryName,
        images: Sequence[Digest],
        tags: frozenset[str],
        purls: Purls,
        referred: Collection[str] | None = None,
    ) -> SaidOfImage:
        """Of an image and the index that it was asked for by; `purls` is asked where a statement is about a package
        that holds others. `referred`: of many images, those that documents refer to at all."""
        sources = [
            VexSource(
                document=VexDocument(id=held.body.document, author=held.body.author, statements=held.body.statements),
                name=held.name,
                path=held.path,
            )
            for held in await self._settings.covering(VEX_FILES, repository)
        ]
        remarks: list[str] = []
        sought = [image for image in images if referred is None or image in referred]
        attached = await self._store.of(repository, sought, _REFERRERS) if sought else ()
        rules = [held.body for held in await self._settings.covering(VEX_TRUSTS, repository)] if attached else []
        origins = await self._origins(repository, attached, rules)
        may_count = [
            referrer
            for referrer in attached
            if referrer.state is VexState.READ
            and any(rule.trusts_origin(origins[referrer.pushed_by]) for rule in rules)
        ][:_READ]
        documents = await self._store.documents([referrer.row for referrer in may_count]) if may_count else {}
        for referrer in attached:
            origin, counts = origins[referrer.pushed_by], False
            for document in documents.get(referrer.row, ()):
                if any(rule.trusts(origin, document) for rule in rules):
                    counts = True
                    sources.append(VexSource(document=document, referrer=referrer.digest, pushed_by=referrer.pushed_by))
            if not counts and len(remarks) < _REMARKS:
                remarks.append(_remark(referrer))
        held = tuple(await purls()) if any(is_about_holders(source.document) for source in sources) else ()
        image = VexImage(repository=repository, digests=frozenset(images), tags=tags, purls=held)
        return SaidOfImage(VexSayings(image, sources), tuple(remarks))

    async def _origins(
        self, repository: RepositoryName, attached: Sequence[AttachedVex], rules: Sequence[VexTrust]
    ) -> Mapping[str, VexOrigin]:
        """Those who pushed, and, where a rule asks, whether they may edit rules there."""
        asked = any(rule.editors for rule in rules)
        names = dict.fromkeys(referrer.pushed_by for referrer in attached)
        return {
            name: VexOrigin(name, asked and number < _ASKED and await self._editors.may_edit(name, repository))
            for number, name in enumerate(names)
        }


def _remark(referrer: AttachedVex) -> str:
    """Why a referrer does not count."""
    if referrer.state is VexState.UNREAD:
        return f"the VEX document {referrer.digest} could not be read: {referrer.unread}"
    if referrer.state is VexState.WAITING:
        return f"the VEX document {referrer.digest} was not read yet"
    who = referrer.pushed_by or "nobody that is known"
    return f"the VEX document {referrer.digest} does not count: no vex-trust of the place trusts it, pushed by {who}"
