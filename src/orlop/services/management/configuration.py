"""The settings that this server runs with, and where each value came from; of a secret only whether there is one."""

from collections.abc import Mapping

import msgspec

from orlop.config import Settings
from orlop.config.sources import all_settings, value_of, value_text
from orlop.domain.access import Caller
from orlop.services.management.operations import Gate, Operation

#: Where a value comes from that nobody gave.
DEFAULT = "default"


class ValueInForce(msgspec.Struct, frozen=True):
    """One setting, as it is written in a file. `source`: a flag, a variable, a file or `default`."""

    key: str
    value: str
    source: str
    meaning: str


class ConfigurationInForce:
    """For those who rule or audit the registry. `sources`: by key; what is not there is a default."""

    def __init__(self, gate: Gate, settings: Settings, sources: Mapping[str, str]) -> None:
        self._gate = gate
        self._settings = settings
        self._sources = sources

    async def all(self, caller: Caller) -> tuple[ValueInForce, ...]:
        """Every setting, in the order of the reference. Raises Denied, Unauthorized."""
        await self._gate.check(caller, Operation.CONFIGURATION_READ)
        return tuple(
            ValueInForce(
                key,
                value_text(setting, value_of(self._settings, key)),
                self._sources.get(key, DEFAULT),
                setting.meaning.text,
            )
            for key, setting in all_settings().items()
        )
