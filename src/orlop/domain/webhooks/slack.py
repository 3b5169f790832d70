"""A sentence for people, as Slack's incoming webhooks take it, and what is compatible with them."""

import msgspec

from orlop.domain.events import EventKind
from orlop.domain.webhooks.facts import TEST, Content, Facts, Source

#: What happened, for kinds that people hear of most; the others are told by their names.
_WORDS = {
    EventKind.MANIFEST_PUSHED: "pushed",
    EventKind.TAG_SET: "tagged",
    EventKind.TAG_DELETED: "removed the tag",
    EventKind.MANIFEST_DELETED: "deleted",
    EventKind.MANIFEST_PULLED: "pulled",
    EventKind.REPOSITORY_CREATED: "made the repository",
    EventKind.REPOSITORY_DELETED: "deleted the repository",
}


def text(facts: Facts, source: Source) -> Content:
    """One sentence."""
    return Content("application/json", msgspec.json.encode({"text": _sentence(facts, source)}))


def _sentence(facts: Facts, source: Source) -> str:
    if facts.kind == TEST:
        return f"{_plain(facts.actor)} tries this webhook of {_plain(source.host)}."
    who, what = _plain(facts.actor or "somebody"), _about(facts)
    words = _WORDS.get(EventKind(facts.kind))
    if words is None:
        return f"{who}: {facts.kind} {what}".rstrip() + "."
    digest = f" ({facts.digest[:19]}…)" if facts.tag and facts.digest else ""
    return f"{who} {words} {what}{digest}."


def _about(facts: Facts) -> str:
    if not facts.repository:
        return _code(facts.subject) if facts.subject else ""
    if facts.tag:
        return _code(f"{facts.repository}:{facts.tag}")
    return _code(f"{facts.repository}@{facts.digest[:19]}…" if facts.digest else facts.repository)


def _code(words: str) -> str:
    return f"`{_plain(words).replace('`', '')}`"


def _plain(words: str) -> str:
    """Slack, "Formatting text for app surfaces": these three characters are its own."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
