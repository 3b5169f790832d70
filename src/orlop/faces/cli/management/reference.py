"""Writes docs/settings.md from what kinds of settings declare: `python -m orlop.faces.cli.management.reference`."""

import sys
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import inspect as types

from orlop.domain.kinds import KINDS
from orlop.domain.settings import Holds, SettingKind, lending_nothing

_HEAD = """\
# Settings

A setting is a document with a place: a namespace, with everything below it, or one repository, or `/` for the registry
as a whole. `team/app/` and `team/app` are the same place. Each kind has the same commands, the same routes of the
[API](openapi.json), and is written in files for `orlop apply` and `orlop export` ([management.md](management.md)) as

```yaml
kind: tag-rule
at: team/
name: releases
body: {tags: ["v*"], except: ["*-rc*"], immutable: true}
```

The file of `set NAME -f FILE` is such a document, or its body alone. `--at` says where a body alone is to hold.

Every change is on record with its place ([audit.md](audit.md)). To see or to change one takes an action of
[access.md](access.md) at its place. Those who rule or audit the registry see all of them. This page is generated from
the program: `make docs`.
"""

_HOLDS = {
    Holds.NEAREST: "those of the nearest place that has any; what is below takes the place of what is above",
    Holds.ALL: "all of them, from the repository up to the registry; nothing below loosens what is above",
}

#: What is described at length elsewhere.
_PAGES = {
    "role": "[access.md](access.md)",
    "provider": "[single-sign-on.md](single-sign-on.md), [ldap.md](ldap.md)",
    "trust": "[ci.md](ci.md)",
    "certificate-rule": "[client-certificates.md](client-certificates.md)",
    "tag-rule": "[tags.md](tags.md)",
    "repository-rule": "[tags.md](tags.md#how-repositories-are-named)",
    "quota": "[quotas.md](quotas.md)",
    "retention": "[retention.md](retention.md)",
    "trash-rule": "[trash.md](trash.md)",
    "webhook": "[webhooks.md](webhooks.md)",
    "virtual": "[virtual.md](virtual.md)",
    "gate": "[gates.md](gates.md)",
    "pipeline": "[promotion.md](promotion.md)",
    "quarantine-rule": "[quarantine.md](quarantine.md)",
    "receipt-rule": "[signing.md](signing.md)",
    "advisory-source": "[vulnerabilities.md](vulnerabilities.md#sources)",
    "job-schedule": "[jobs.md](jobs.md)",
    "read-only": "[read-only.md](read-only.md)",
}

#: Commands that one kind alone has.
_OWN = {
    "read-only": ", [`on --reason WHY`, `off`, `status`](read-only.md)",
    "retention": ", [`preview PLACE`, `plans`, `plan ID`, `apply ID`, `import FILE`](retention.md)",
    "provider": ", [`adopt NAME [ACCOUNT…]`](single-sign-on.md#a-provider-that-moves), "
    "[`test NAME`](single-sign-on.md#whether-a-provider-answers)",
}


def document() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(line for kind in KINDS.values() for line in _kind(kind))]).rstrip() + "\n"


def _kind(kind: SettingKind) -> Iterable[str]:
    where = " [--at PLACE]" if kind.placed else ""
    yield f"## {kind.kind}\n"
    yield f"{kind.text}" + (f" See {_PAGES[kind.kind]}." if kind.kind in _PAGES else "") + "\n"
    yield "| | |"
    yield "|---|---|"
    given = f"{kind.behind.upper()}…" if kind.behind else "-f FILE"
    commands = f"`orlop {kind.kind} ls`, `show NAME{where}`, `set NAME {given}{where}`, `rm NAME{where}`"
    yield f"| commands | {commands}{_OWN.get(kind.kind, '')} |"
    yield f"| API | `/api/v1/{kind.plural}`, `/api/v1/{kind.plural}/NAME{'?path=PLACE' if kind.placed else ''}` |"
    yield f"| place | {'a namespace, a repository, or the registry' if kind.placed else 'the registry as a whole'} |"
    if kind.placed:
        yield f"| of several that cover a repository hold | {_HOLDS[kind.holds]} |"
    if kind.flat:
        yield "| in files | its fields stand beside `name`, without a `body` |"
    yield f"| seeing it takes | {f'`{kind.read}`' if kind.read else 'to be signed in'} |"
    yield f"| changing it takes | `{kind.change}`{_spoken(kind)} |"
    yield ""
    body = types.type_info(kind.body)
    if isinstance(body, types.StructType):
        yield "| field | | default | meaning |"
        yield "|---|---|---|---|"
        yield from map(_field, body.fields)
        yield ""


def _spoken(kind: SettingKind) -> str:
    spoken = ", and the right to all that those may do whom it speaks for" if kind.rights else ""
    return spoken + (
        ", and elsewhere the right to what others do there by it" if kind.lends is not lending_nothing else ""
    )


def _field(field: types.Field) -> str:
    kind, text = field.type, ""
    if isinstance(kind, types.Metadata):
        text = str((kind.extra_json_schema or {}).get("description", ""))
        kind = kind.type
    default = "" if field.required else f"`{msgspec.json.encode(field.default).decode()}`"
    return f"| `{field.encode_name}` | {_words(kind)} | {default} | {text} |"


def _words(kind: Any) -> str:
    match kind:
        case types.BoolType():
            return "yes or no"
        case types.IntType():
            return "number"
        case types.StrType():
            return "text"
        case types.EnumType():
            return "word"
        case types.VarTupleType() | types.ListType():
            return "list"
    return "object"


if __name__ == "__main__":
    sys.stdout.write(document())
