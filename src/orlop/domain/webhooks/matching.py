"""Which events a hook wants: by where they happened, what they are, and what its format can say."""

from orlop.domain.access.patterns import pattern
from orlop.domain.events import Event
from orlop.domain.webhooks import distribution, harbor
from orlop.domain.webhooks.hook import Format, Webhook

#: Kinds of events that a format has words for; those that are not here have words for all.
_SAYS = {Format.DISTRIBUTION: frozenset(distribution.ACTIONS), Format.HARBOR: frozenset(harbor.TYPES)}


def wants(hook: Webhook, path: str, event: Event) -> bool:
    """Whether a hook of the node `path` is to be told of an event.

    It hears of the node and of what lies below, and of nothing else: what happens to no repository and no namespace,
    such as to accounts, is for hooks of the registry (the empty path) alone.
    """
    below = _below(path, event.repository)
    if below is None or not _among(hook.events, event.kind):
        return False
    known = _SAYS.get(hook.format)
    if known is not None and event.kind not in known:
        return False
    if hook.tags and not (event.tag and _among(hook.tags, event.tag)):
        return False
    return _any_repository(hook) or (bool(below) and _among(hook.repositories, below, "/"))


def _below(path: str, repository: str) -> str | None:
    """What is left of a repository's name below a node, that of the node itself being its last component; None where
    it lies elsewhere."""
    if not path:
        return repository
    if repository == path:
        return path.rpartition("/")[2]
    return repository.removeprefix(f"{path}/") if repository.startswith(f"{path}/") else None


def _any_repository(hook: Webhook) -> bool:
    return "**" in hook.repositories or not hook.repositories


def _among(patterns: tuple[str, ...], text: str, separator: str = "") -> bool:
    return any(pattern(each, separator).matches(text) for each in patterns)
