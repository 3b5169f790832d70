"""What `orlop retention` and `orlop in-use` do and print. How they are typed is in `commands`."""

import asyncio
from pathlib import Path
from typing import Any

from orlop.domain.digest import Digest
from orlop.domain.errors import DigestInvalid
from orlop.domain.retention.plans import PlanState
from orlop.domain.settings import place_words
from orlop.faces.cli import shown
from orlop.faces.cli.management import typed
from orlop.faces.cli.running import DONE, FAILED, UsageError, counted, tell
from orlop.faces.cli.servers import everything, setting_at
from orlop.ports.management import ManagementServer

#: How often a plan that is under way is asked about, in seconds; items that are shown without --json.
_LOOK_EVERY, _SHOWN = 0.2, 200

_PLANS: dict[str, Any] = {
    "ID": "id",
    "PLACE": lambda plan: place_words(plan["path"]),
    "STATE": lambda plan: "over the brake" if _waits(plan) else plan["state"],
    "BY": "asked_by",
    "ASKED": "asked_at",
    "DELETES": lambda plan: f"{plan['deleted_tags']} of {counted(plan['tags'], 'tag')}",
    "BYTES": "bytes",
    "DONE": lambda plan: str(plan["done"]),
    "LEFT": lambda plan: str(plan["skipped"]),
}
_ITEMS: dict[str, Any] = {
    "REPOSITORY": "repository",
    "TAG": lambda item: item["tag"] or item["digest"][:19],
    "": lambda item: ("deleted with its manifest" if item["manifest"] else "deleted") if item["deleted"] else "kept",
    "WHY": lambda item: item["reason"],
}
_DONE_ITEMS = _ITEMS | {"OUTCOME": lambda item: item["outcome"] or "-"}
_IN_USE: dict[str, Any] = {
    "PLACE": lambda one: place_words(one["path"]),
    "NAME": "name",
    "DIGESTS": "digests",
    "BY": "posted_by",
    "POSTED": "posted_at",
    "UNTIL": "expires_at",
}


async def preview(server: ManagementServer, place: str, *, json: bool) -> int:
    """Have a plan made, wait for it and print it; the exit code."""
    asked = (await server.ask("POST", "/retention-plans", body={"path": typed.here(place).strip("/")})).value
    made = await _settled(server, asked, PlanState.PLANNED)
    if made["state"] == PlanState.PLANNING:
        return FAILED
    await plan(server, made["id"], kept=False, json=json)
    return DONE


async def try_rule(server: ManagementServer, name: str, file: Path, place: str, *, json: bool) -> None:
    """Print what rules would do if one of them said what a file says."""
    rule = typed.body_of("retention", name, typed.document(file), file)
    path = typed.here(place).strip("/") if place else ""
    body = {"name": name, "path": path, "rule": rule}
    found = (await server.ask("POST", "/retention-trials", body=body)).value
    if json:
        shown.print_json(found)
        return
    if found["items"]:
        shown.rows(found["items"], _ITEMS, json=False, widest=400)
    if found["cut"]:
        tell("there is more there than was looked at; orlop retention preview looks at all of it")
    print(
        f"{name} at {place_words(path)} would delete {found['deleted_tags']} of {found['tags']} tags and"
        f" {found['deleted_manifests']} of {found['manifests']} manifests, and free {found['bytes']} bytes"
    )


async def plans(server: ManagementServer, place: str, limit: int, *, json: bool) -> None:
    """Print the newest. Raises UsageError."""
    if limit < 1:
        raise UsageError("--limit is 1 or more")
    query = {"n": str(min(limit, 1_000)), **({"path": typed.here(place).strip("/")} if place else {})}
    reply = await server.ask("GET", "/retention-plans", query=query)
    found = list(reply.value)
    while reply.next and len(found) < limit:
        reply = await server.ask("GET", reply.next)
        found += reply.value
    shown.rows(found[:limit], _PLANS, json=json)


async def plan(server: ManagementServer, number: int, *, kept: bool, json: bool) -> None:
    """Print one with what is in it."""
    found = (await server.ask("GET", f"/retention-plans/{number}")).value
    query = {"n": "1000"} | ({} if kept else {"deleted": "true"})
    path = f"/retention-plans/{number}/items"
    if json:
        shown.print_json(found | {"items": await everything(server, path, **query)})
        return
    reply = await server.ask("GET", path, query=query | {"n": str(_SHOWN)})
    if reply.value:
        columns = _DONE_ITEMS if found["applied_at"] else _ITEMS
        shown.rows(reply.value, columns, json=False, widest=400)
    if reply.next:
        print("… and more; --json prints all of them")
    _say(found)


async def apply(server: ManagementServer, number: int, *, yes: bool, over_brake: bool, json: bool) -> int:
    """Have a plan applied, and wait for it; the exit code."""
    if not yes:
        await plan(server, number, kept=False, json=json)
        tell("nothing was deleted; --yes does it")
        return FAILED
    asked = (await server.ask("POST", f"/retention-plans/{number}/apply", body={"over_brake": over_brake})).value
    done = await _settled(server, asked, PlanState.APPLIED)
    if json:
        shown.print_json(done)
    elif done["state"] == PlanState.APPLIED:
        left = f", {done['skipped']} left: orlop retention plan {number} says why" if done["skipped"] else ""
        print(f"plan {number} was applied: {done['done']} deleted{left}")
    return DONE if done["state"] == PlanState.APPLIED else FAILED


async def in_use(server: ManagementServer, name: str, file: Path, expires: str, place: str, *, json: bool) -> None:
    """Post what a file lists. Raises UsageError for a line without a digest."""
    until = typed.until(expires)
    if until is None:
        raise UsageError("--expires is a length of time or a date: what is in use is posted again before it ends")
    body = {"digests": digests(typed.text_of(file), file), "expires_at": until}
    kept = (await server.ask("PUT", in_use_at(name, place), body=body)).value
    if json:
        shown.print_json(kept)
    else:
        print(
            f"{kept['digests']} digests are in use by {name} at {place_words(kept['path'])} until {kept['expires_at']}"
        )


async def list_in_use(server: ManagementServer, *, json: bool) -> None:
    """Print every set."""
    shown.rows(await everything(server, "/in-use"), _IN_USE, json=json)


def in_use_at(name: str, place: str) -> str:
    """Where the API has a set."""
    return setting_at("in-use", name, typed.here(place).strip("/"))


def digests(text: str, file: Path) -> list[str]:
    """The digests of a file of images, each once. Raises UsageError."""
    found: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        image = line.partition("#")[0].strip()
        if not image:
            continue
        digest = image.rpartition("@")[2]
        if ":" not in digest or "/" in digest:
            raise UsageError(f"{file}, line {number}: {image[:80]!r} has no digest: write it as IMAGE@sha256:…")
        try:
            found[Digest(digest)] = None
        except DigestInvalid as error:
            raise UsageError(f"{file}, line {number}: {error.message}") from error
    return [str(digest) for digest in found]


async def _settled(server: ManagementServer, plan: dict[str, Any], until: PlanState) -> dict[str, Any]:
    """A plan when it is that far, or its job has ended otherwise, which is told."""
    while plan["state"] != until and not plan["trouble"]:
        await asyncio.sleep(_LOOK_EVERY)
        plan = (await server.ask("GET", f"/retention-plans/{plan['id']}")).value
    if plan["trouble"]:
        tell(f"plan {plan['id']}: {plan['trouble']}")
    return plan


def _waits(plan: dict[str, Any]) -> bool:
    return bool(plan["over_brake"]) and plan["state"] == PlanState.PLANNED


def _say(plan: dict[str, Any]) -> None:
    """The sum of a plan, and what to do next."""
    number, where = plan["id"], place_words(plan["path"])
    if plan["state"] == PlanState.PLANNING:
        print(f"plan {number} of {where} is being made; orlop jobs show {plan['job']} --follow shows how far it is")
        return
    print(
        f"plan {number} of {where} deletes {plan['deleted_tags']} of {counted(plan['tags'], 'tag')} and"
        f" {plan['deleted_manifests']} of {counted(plan['manifests'], 'manifest')} in"
        f" {counted(plan['repositories'], 'repository')}, and frees {counted(plan['bytes'], 'byte')}"
    )
    match plan["state"]:
        case PlanState.PLANNED if plan["over_brake"]:
            print(
                f"that is more than {plan['brake']} %, the brake of the rules: orlop retention apply {number} --yes"
                " --over-brake"
            )
        case PlanState.PLANNED if plan["deleted_tags"] or plan["deleted_manifests"]:
            print(f"orlop retention apply {number} --yes does it")
        case PlanState.APPLYING:
            print(f"it is being applied: {plan['done']} deleted, {plan['skipped']} left so far")
        case PlanState.APPLIED:
            print(f"it was applied by {plan['applied_by']}: {plan['done']} deleted, {plan['skipped']} left")
