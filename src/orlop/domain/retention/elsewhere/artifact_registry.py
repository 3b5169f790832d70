"""Clean-up policies of Google Artifact Registry, as JSON."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from orlop.domain.durations import DAY, HOUR, MINUTE, SECOND
from orlop.domain.retention.elsewhere.policy import Image, Translation, finished, images, tags_of, without_empty
from orlop.domain.retention.inventory import Inventory

_AGE = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


class _Condition(msgspec.Struct, frozen=True, rename="camel"):
    tag_state: str = "any"
    tag_prefixes: tuple[str, ...] = ()
    version_name_prefixes: tuple[str, ...] = ()
    package_name_prefixes: tuple[str, ...] = ()
    older_than: str = ""
    newer_than: str = ""

    @property
    def state(self) -> str:
        """In small letters: the API writes them in capitals."""
        return self.tag_state.lower()

    def has(self, image: Image, package: str, now: int) -> bool:
        """Whether a version fulfils all of it."""
        return (
            (self.state != "tagged" or bool(image.tags))
            and (self.state != "untagged" or not image.tags)
            and (not self.tag_prefixes or any(tag.startswith(self.tag_prefixes) for tag in image.tags))
            and (not self.version_name_prefixes or image.digest.startswith(self.version_name_prefixes))
            and (not self.package_name_prefixes or package.startswith(self.package_name_prefixes))
            and (not self.older_than or image.pushed_at < now - _age(self.older_than))
            and (not self.newer_than or image.pushed_at > now - _age(self.newer_than))
        )


class _Recent(msgspec.Struct, frozen=True, rename="camel"):
    keep_count: Annotated[int, Meta(ge=1)]
    package_name_prefixes: tuple[str, ...] = ()


class _Action(msgspec.Struct, frozen=True):
    type: str


class _Policy(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    action: _Action
    condition: _Condition | None = None
    most_recent_versions: _Recent | None = None

    @property
    def keeps(self) -> bool:
        """Rather than deletes."""
        return self.action.type.lower() == "keep"


class ArtifactRegistryPolicies(msgspec.Struct, frozen=True):
    """See https://docs.cloud.google.com/artifact-registry/docs/repositories/cleanup-policy-overview and, for the file,
    https://docs.cloud.google.com/artifact-registry/docs/repositories/cleanup-policy."""

    policies: Annotated[tuple[_Policy, ...], Meta(min_length=1, max_length=10)]

    def translate(self) -> Translation:
        """See policy.ForeignPolicy."""
        delete: list[Any] = []
        keep: list[Any] = []
        untagged = ""
        differs = [
            "there a version goes with all its tags, by those of any of them; here each tag goes by its own name",
            "there ages are those of the upload of the version; here of when the tag was pointed at it",
        ]
        for policy in self.policies:
            if policy.most_recent_versions is not None:
                recent = policy.most_recent_versions
                keep.append(without_empty(_packages(recent.package_name_prefixes) | {"newest": recent.keep_count}))
                differs.append(f"{policy.name} counts versions; here tags are counted, and a version may have many")
                continue
            condition = policy.condition or _Condition()
            if condition.package_name_prefixes:
                differs.append(f"{policy.name} names packages by how they begin; here these are the last components")
            if condition.version_name_prefixes:
                differs.append(f"{policy.name} names versions by their digests, which no rule does here: left out")
                if policy.keeps:
                    keep.append({})
                continue
            if condition.state != "tagged" and not condition.tag_prefixes:
                if policy.keeps:
                    differs.append(f"{policy.name} keeps untagged versions; here all rules but newest keep those, too")
                elif condition.newer_than or condition.package_name_prefixes or not condition.older_than:
                    differs.append(f"{policy.name} deletes untagged versions by more than their age: left out for them")
                else:
                    untagged = max(untagged, condition.older_than, key=lambda text: _age(text) if text else 0)
            if condition.state == "untagged":
                continue
            said = _packages(condition.package_name_prefixes) | {
                "tags": tuple(f"{prefix}*" for prefix in condition.tag_prefixes),
                "not_pushed_within": _span(condition.older_than),
                "pushed_within": _span(condition.newer_than),
            }
            (keep if policy.keeps else delete).append(without_empty(said))
        body = {"delete": delete, "keep": keep, "untagged_after": _span(untagged)}
        return finished(body, differs)

    def deletes(self, inventory: Inventory, now: int) -> frozenset[str]:
        """What both a delete and a keep policy fit is kept. The most recent versions are counted for each package."""
        package = inventory.repository.rpartition("/")[2]
        there = images(inventory)
        kept: set[str] = set()
        gone: dict[str, Image] = {}
        for policy in self.policies:
            found = {image.digest: image for image in self._matching(policy, there, package, now)}
            if policy.keeps:
                kept |= found.keys()
            else:
                gone |= found
        return tags_of([image for digest, image in gone.items() if digest not in kept])

    def _matching(self, policy: _Policy, there: Sequence[Image], package: str, now: int) -> Iterable[Image]:
        recent = policy.most_recent_versions
        if recent is not None:
            if recent.package_name_prefixes and not package.startswith(recent.package_name_prefixes):
                return ()
            return there[-recent.keep_count :]
        condition = policy.condition or _Condition()
        return [image for image in there if condition.has(image, package, now)]


def _packages(prefixes: Sequence[str]) -> dict[str, Any]:
    names = [name for prefix in prefixes for name in (f"{prefix}*", f"**/{prefix}*")]
    return {"repositories": tuple(names)}


def _age(text: str) -> int:
    found = _AGE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:32]!r} is no age: write 30d or 3600s")
    return int(found[1]) * _UNITS[found[2]]


def _span(text: str) -> str:
    """In the largest unit that fits, as our rules write it."""
    if not text:
        return ""
    age = _age(text)
    unit = next(unit for unit in "dhms" if age % _UNITS[unit] == 0)
    return f"{age // _UNITS[unit]}{unit}"


def read(document: Any) -> ArtifactRegistryPolicies:
    """A file of policies, or a description of a repository that has them. Raises ValueError."""
    if isinstance(document, dict):
        policies = document.get("cleanupPolicies", document)
        document = [{"name": name} | policy for name, policy in policies.items()]
    made = ArtifactRegistryPolicies(msgspec.convert(document, tuple[_Policy, ...]))
    for policy in made.policies:
        for text in (policy.condition.older_than, policy.condition.newer_than) if policy.condition else ():
            if text:
                _age(text)
    return made
