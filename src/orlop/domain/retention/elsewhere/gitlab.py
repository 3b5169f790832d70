"""Clean-up policies of GitLab's container registry, as JSON."""

import re
from typing import Any

import msgspec

from orlop.domain.retention.elsewhere.policy import Translation, older, without_empty
from orlop.domain.retention.elsewhere.texts import globs
from orlop.domain.retention.inventory import Inventory

#: It stays there, whatever a policy says.
_LATEST = "latest"


class GitLabPolicy(msgspec.Struct, frozen=True):
    """See https://docs.gitlab.com/user/packages/container_registry/reduce_container_registry_storage/."""

    name_regex: str | None = None
    name_regex_delete: str | None = None
    name_regex_keep: str | None = None
    keep_n: int | None = None
    older_than: str | None = None
    enabled: bool = True
    cadence: str = "1d"

    @property
    def deleting(self) -> str:
        """By either of its names; `.*` where none is given."""
        return self.name_regex_delete or self.name_regex or ".*"

    @property
    def days(self) -> int:
        """0: of any age."""
        return int((self.older_than or "0d").removesuffix("d"))

    def translate(self) -> Translation:
        """See policy.ForeignPolicy."""
        differs = ["there the newest and the oldest are so by when the image was made; here by when the tag was set"]
        if self.cadence:
            differs.append(f"there it runs every {self.cadence}; here as orlop jobs schedule set retention says")
        if not self.enabled:
            differs.append("there it is disabled: here it would not be")
        tags = globs(self.deleting, wider=False)
        if tags is None:
            differs.append(f"name_regex {self.deleting} says more than patterns can: nothing is deleted by it")
            return Translation({"keep": [{}]}, tuple(differs))
        kept: tuple[str, ...] = ()
        if self.name_regex_keep:
            exact = globs(self.name_regex_keep, wider=False)
            kept = exact or globs(self.name_regex_keep, wider=True) or ("*",)
            if exact is None:
                differs.append(f"name_regex_keep {self.name_regex_keep} says more than patterns can: more is kept")
        kept = tuple(dict.fromkeys((_LATEST, *kept)))
        about = {"tags": () if "*" in tags else tags, "except": kept}
        delete = without_empty(about | {"not_pushed_within": f"{self.days}d" if self.days else ""})
        keep: list[Any] = [{"tags": kept}]
        if self.keep_n:
            keep.append(without_empty(about | {"newest": self.keep_n}))
        return Translation({"delete": [delete], "keep": keep}, tuple(differs))

    def deletes(self, inventory: Inventory, now: int) -> frozenset[str]:
        """The steps in our words: all tags but `latest`; those that name_regex matches and name_regex_keep does not,
        each as a whole; from the newest on without the first keep_n and those younger than older_than."""
        if not self.enabled:
            return frozenset()
        deleting = re.compile(self.deleting)
        keeping = re.compile(self.name_regex_keep) if self.name_regex_keep else None
        left = [
            tag
            for tag in inventory.tags
            if tag.name != _LATEST
            and deleting.fullmatch(tag.name)
            and not (keeping is not None and keeping.fullmatch(tag.name))
        ]
        left.sort(key=lambda tag: (inventory.manifests[tag.digest].pushed_at, tag.name), reverse=True)
        return frozenset(
            tag.name
            for tag in left[self.keep_n or 0 :]
            if not self.days or older(inventory.manifests[tag.digest].pushed_at, self.days, now)
        )


def read(document: Any) -> GitLabPolicy:
    """A policy as the API of projects gives or takes it. Raises msgspec.ValidationError, ValueError."""
    for wrapped in ("container_expiration_policy", "container_expiration_policy_attributes"):
        if isinstance(document, dict) and wrapped in document:
            document = document[wrapped]
    made = msgspec.convert(document, GitLabPolicy)
    if made.older_than and not re.fullmatch(r"[0-9]{1,4}d", made.older_than):
        raise ValueError(f"older_than: {made.older_than[:32]!r} is no number of days such as 30d")
    for text in (made.deleting, made.name_regex_keep or ""):
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(f"{text[:80]!r} is no regular expression: {error}") from error
    return made
