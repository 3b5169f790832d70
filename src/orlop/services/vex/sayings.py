"""What VEX documents say of an image: of its referrers those that a rule trusts, and those given for its place."""

from collections.abc import Sequence

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.inside.vex.saying import VexImage, VexSayings, VexSource
from orlop.domain.inside.vex.statements import VexDocument
from orlop.domain.inside.vex.trust import VEX_FILES, VEX_TRUSTS, VexOrigin
from orlop.domain.names import RepositoryName
from orlop.ports.vex import VexDocuments, VexState
from orlop.services.settings.in_force import SettingsInForce

#: Referrers of one image that are looked at, the newest.
_REFERRERS = 100


class SaidOfImage(msgspec.Struct, frozen=True):
    """What counts, and what is known of documents that do not, as sentences without a full stop."""

    sayings: VexSayings
    remarks: tuple[str, ...]


class VexOfImages:
    """See the module."""

    def __init__(self, store: VexDocuments, settings: SettingsInForce) -> None:
        self._store = store
        self._settings = settings

    async def of(
        self, repository: RepositoryName, images: Sequence[Digest], tags: frozenset[str], purls: Sequence[str]
    ) -> SaidOfImage:
        """Of an image and the index that it was asked for by, whose packages these are."""
        sources = [
            VexSource(
                document=VexDocument(id=held.body.document, author=held.body.author, statements=held.body.statements),
                name=held.name,
                path=held.path,
            )
            for held in await self._settings.covering(VEX_FILES, repository)
        ]
        remarks: list[str] = []
        attached = await self._store.of(repository, images, _REFERRERS)
        rules = [held.body for held in await self._settings.covering(VEX_TRUSTS, repository)] if attached else []
        for referrer in attached:
            if referrer.state is VexState.UNREAD:
                remarks.append(f"the VEX document {referrer.digest} could not be read: {referrer.unread}")
            elif referrer.state is VexState.WAITING:
                remarks.append(f"the VEX document {referrer.digest} was not read yet")
            origin = VexOrigin(referrer.pushed_by)
            for document in referrer.documents:
                if any(rule.trusts(origin, document) for rule in rules):
                    sources.append(VexSource(document=document, referrer=referrer.digest, pushed_by=referrer.pushed_by))
                else:
                    remarks.append(
                        f"the VEX document {referrer.digest} does not count: no vex-trust of the place trusts"
                        f" {referrer.pushed_by or 'whoever'} who pushed it"
                        + (f", with {document.author!r} as its author" if document.author else "")
                    )
        image = VexImage(repository=repository, digests=frozenset(images), tags=tags, purls=tuple(purls))
        return SaidOfImage(VexSayings(image, sources), tuple(remarks))
