"""Upstreams as people ask about them: how one fares, and having it fill the cache ahead of need."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import NotFound, RequestInvalid
from orlop.domain.job_kinds import PREFETCH, PrefetchArguments
from orlop.domain.pages import PageRequest
from orlop.domain.platforms import parse_platform
from orlop.domain.queue import Job, Order
from orlop.domain.quotas import Usage
from orlop.domain.settings import checked_path
from orlop.domain.upstreams.budget import Budget
from orlop.domain.upstreams.state import UpstreamState
from orlop.domain.upstreams.upstream import UPSTREAMS, Upstream
from orlop.domain.upstreams.wanted import wanted_images
from orlop.ports.catalog import by
from orlop.ports.queue import Jobs
from orlop.ports.settings import Documents
from orlop.ports.upstreams import UpstreamStates
from orlop.ports.usage import Usages
from orlop.services.management.operations import Gate, Operation
from orlop.services.settings.kept import existing

#: Prefetches that are looked through for those of an upstream.
_LOOKED = 200


class UpstreamStatus(msgspec.Struct, frozen=True):
    """How an upstream fares. `budgets`: of every account of its setting, in its order."""

    offline: bool
    state: UpstreamState
    budgets: tuple[Budget, ...]
    cached: Usage
    now: int


class UpstreamDesk:
    """See the module. What a caller may not see is not there for them (NotFound, Denied)."""

    def __init__(self, gate: Gate, documents: Documents, states: UpstreamStates, usages: Usages, jobs: Jobs) -> None:
        self._gate = gate
        self._documents = documents
        self._states = states
        self._usages = usages
        self._jobs = jobs

    async def status(self, caller: Caller, name: str, path: str) -> UpstreamStatus:
        """How it fares, for whoever may see its setting. Raises NotFound."""
        await self._gate.check_setting(caller, UPSTREAMS.read, checked_path(path), seeing=True)
        document = await existing(self._documents, UPSTREAMS, name, path)
        upstream = msgspec.json.decode(document.body, type=Upstream)
        state = await self._states.get(document.identity) or UpstreamState()
        known = {each.account: each for each in state.budgets}
        budgets = tuple(known.get(account, Budget(account=account)) for account in upstream.accounts)
        now = self._gate.now()
        used, _ = (await self._usages.of([path], now)).get(path, (Usage(), 0))
        return UpstreamStatus(upstream.offline, state, budgets, used, now)

    async def prefetch(self, caller: Caller, name: str, path: str, arguments: PrefetchArguments) -> Job:
        """Have images fetched that nobody asked for yet. Raises RequestInvalid, NotFound, Denied."""
        await self._gate.check(caller, Operation.UPSTREAM_PREFETCH, namespace=checked_path(path))
        await existing(self._documents, UPSTREAMS, name, path)
        for image in arguments.images:
            wanted_images(image)
        for platform in arguments.platforms:
            parse_platform(platform)
        if arguments.upstream != name:
            raise RequestInvalid(f"the prefetch of the upstream {name} names another one", {"upstream": name})
        order = Order(kind=PREFETCH.kind, arguments=msgspec.to_builtins(arguments), place=path)
        made = await self._jobs.ask(order, by(caller, self._gate.now()))
        assert made is not None, "a job without `once` is always made"
        return made

    async def may_prefetch(self, caller: Caller, path: str) -> bool:
        """Whether the caller may have images fetched ahead for a place."""
        return await self._gate.may(caller, Operation.UPSTREAM_PREFETCH, namespace=checked_path(path))

    async def prefetches(self, caller: Caller, name: str, path: str) -> tuple[Job, ...]:
        """Those of an upstream among the newest of all, for those who may ask for one. Raises Denied."""
        await self._gate.check(caller, Operation.UPSTREAM_PREFETCH, namespace=checked_path(path))
        found = await self._jobs.page(PageRequest(_LOOKED), kind=PREFETCH.kind)
        return tuple(job for job in found.items if job.place == path and job.arguments.get("upstream") == name)

    async def prefetching(self, caller: Caller, name: str, path: str, job: int) -> Job:
        """How far it came, for those who may have asked for it. Raises NotFound."""
        await self._gate.check(caller, Operation.UPSTREAM_PREFETCH, namespace=checked_path(path))
        return await self._job(name, path, job)

    async def cancel(self, caller: Caller, name: str, path: str, job: int) -> Job:
        """Have it end. Raises NotFound, Conflict."""
        await self._gate.check(caller, Operation.UPSTREAM_PREFETCH, namespace=checked_path(path))
        await self._job(name, path, job)
        return await self._jobs.cancel(job, by(caller, self._gate.now()))

    async def _job(self, name: str, path: str, job: int) -> Job:
        found = await self._jobs.get(job)
        if (
            found is None
            or found.kind != PREFETCH.kind
            or found.place != path
            or found.arguments.get("upstream") != name
        ):
            raise NotFound(f"there is no prefetch {job} of the upstream {name}", {"job": job})
        return found
