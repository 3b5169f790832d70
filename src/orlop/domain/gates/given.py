"""What an expression is answered about: an image, by the names that expressions call it by."""

from collections.abc import Mapping

import msgspec

from orlop.domain.gates.conditions import ImageFacts


class GivenFinding(msgspec.Struct, frozen=True):
    """See OF_FINDINGS."""

    id: str
    package: str
    installed: str
    fixed: tuple[str, ...]
    severity: str
    exploited: bool


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What expressions are answered about. `findings`: None at a push, where nobody knows them."""

    repository: str
    digest: str
    said: ImageFacts
    findings: tuple[GivenFinding, ...] | None = None

    def values(self) -> Mapping[str, object]:
        """By the names of OF_IMAGES and OF_FINDINGS."""
        said = self.said
        values: dict[str, object] = {
            "image.repository": self.repository,
            "image.digest": self.digest,
            "image.platform": said.platform,
            "image.user": said.user,
            "image.labels": dict(said.labels),
            "image.base": said.base,
            "image.registry": said.registry,
            "image.size": said.size,
        }
        if self.findings is not None:
            found = self.findings
            values["findings"] = [msgspec.structs.asdict(one) | {"fixed": list(one.fixed)} for one in found]
            for severity in ("critical", "high", "medium", "low"):
                values[f"counts.{severity}"] = sum(one.severity == severity for one in found)
            values["counts.exploited"] = sum(one.exploited for one in found)
            values["counts.fixable"] = sum(bool(one.fixed) for one in found)
        return values
