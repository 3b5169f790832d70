"""Rules for what nobody needs any more and no collection takes by itself: repositories that hold nothing."""

from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.settings import SettingKind, nobody


class CleanUpRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When repositories go by themselves. The rules of the nearest namespace that has any hold."""

    empty_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36_500,
            description="Repositories go that have held no tag, manifest or blob for so many days. 0: they stay.",
        ),
    ]


#: Clean-up rules as settings.
CLEAN_UP_RULES = SettingKind(
    kind="clean-up-rule",
    plural="clean-up-rules",
    text="When repositories that hold nothing go by themselves.",
    body=CleanUpRule,
    speaks_for=nobody,
    read=Action.PULL,
)
