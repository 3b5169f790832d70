"""Where schedules may have backups made: at or below a place that the configuration names."""

from collections.abc import Sequence

from orlop.domain.backup_schedules import BackupSchedule
from orlop.domain.errors import RequestInvalid


class AllowedTargets:
    """`allowed`: folders and buckets, as the setting `backup.targets` has them."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = tuple(each.rstrip("/") for each in allowed)

    def of(self, target: str) -> str:
        """The place at or below which a target lies. Raises RequestInvalid."""
        plain = target.rstrip("/")
        for each in self._allowed:
            if plain == each or plain.startswith(f"{each}/"):
                return each
        if not self._allowed:
            raise RequestInvalid(
                "to: no target of backups is allowed; `backup.targets` in the configuration names folders and buckets",
                {"to": target[:256]},
            )
        raise RequestInvalid(
            f"to: {target[:256]} does not lie at or below {' or '.join(self._allowed)}, which `backup.targets` in the"
            " configuration allows",
            {"to": target[:256]},
        )

    async def check(self, name: str, body: BackupSchedule) -> None:
        """See services.settings.kept.SettingCheck."""
        self.of(body.to)
