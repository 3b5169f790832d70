"""Scanners as people ask about them: how one fares, and trying it."""

from collections.abc import Awaitable, Callable

import msgspec

from orlop.domain.access import Caller
from orlop.domain.access.subjects import SYSTEM
from orlop.domain.scanning.scanner import SCANNERS, Scanner
from orlop.domain.settings import checked_path
from orlop.ports.by import By
from orlop.ports.scans import ScannerAway, ScannerClient, ScannerState, ScannerStates, ScanRefused
from orlop.ports.settings import Document, Documents
from orlop.services.management.operations import Gate
from orlop.services.scanning.addressing import Addressing
from orlop.services.settings.kept import existing


class ScannerDesk:
    """What a caller may not see is not there for them (NotFound, Denied). `news` is called when one answers: what
    waited for it goes on."""

    def __init__(
        self,
        gate: Gate,
        documents: Documents,
        states: ScannerStates,
        client: ScannerClient,
        addressing: Addressing,
        news: Callable[[], Awaitable[object]],
    ) -> None:
        self._gate = gate
        self._documents = documents
        self._states = states
        self._client = client
        self._addressing = addressing
        self._news = news

    async def status(self, caller: Caller, name: str, path: str) -> ScannerState:
        """How it fares, for whoever may see its setting. Raises NotFound."""
        await self._gate.check_setting(caller, SCANNERS.read, checked_path(path), seeing=True)
        return await self._state(await existing(self._documents, SCANNERS, name, path))

    async def check(self, caller: Caller, name: str, path: str) -> ScannerState:
        """Ask it what it can do, now, and write down whether it answers. Raises NotFound."""
        await self._gate.check_setting(caller, SCANNERS.change, checked_path(path))
        document = await existing(self._documents, SCANNERS, name, path)
        scanner = msgspec.json.decode(document.body, type=Scanner)
        try:
            metadata = await self._client.metadata(await self._addressing.of(scanner))
            await self._states.answered(document.identity, self._by(), metadata)
            await self._news()
        except (ScannerAway, ScanRefused) as failure:
            await self._states.failed(document.identity, str(failure), 0, self._by())
        return await self._state(document)

    async def _state(self, document: Document) -> ScannerState:
        return await self._states.get(document.identity) or ScannerState()

    def _by(self) -> By:
        return By(SYSTEM.name, self._gate.now())
