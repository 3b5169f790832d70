"""Which kind of file a text is: by its name where that says it, else by what stands in it."""

import re

from orlop.services.references import helm
from orlop.services.references.dockerfile_lines import directives, instructions
from orlop.services.references.occurrences import Format, UnknownFormat
from orlop.services.references.yaml_tree import Mapping, Node, documents

_DOCKERFILE = re.compile(r"(?:.*\.)?(?:docker|container)file(?:[._-].*)?", re.IGNORECASE)
_COMPOSE = re.compile(r"(?:.*[._-])?(?:docker-|podman-)?compose(?:[._-].*)?\.ya?ml", re.IGNORECASE)
_VALUES = re.compile(r"(?:.*[._-])?values(?:[._-].*)?\.ya?ml", re.IGNORECASE)
_YAML = re.compile(r".*\.(?:ya?ml|json)", re.IGNORECASE)


def detect(name: str, text: str) -> Format:
    """The format of the file called `name` (without folders). Raises UnknownFormat, and SourceInvalid for bad YAML."""
    if _COMPOSE.fullmatch(name):
        return Format.COMPOSE
    if _YAML.fullmatch(name):
        return _by_content(name, documents(text), text)
    if _DOCKERFILE.fullmatch(name) or _begins_like_a_dockerfile(text):
        return Format.DOCKERFILE
    raise _unknown(name)


def _unknown(name: str) -> UnknownFormat:
    return UnknownFormat(
        f"nothing tells what {name[:80]!r} is; say it with --as dockerfile, compose, kubernetes or helm"
    )


def _by_content(name: str, roots: list[Node], text: str) -> Format:
    mappings = [root for root in roots if isinstance(root, Mapping)]
    if any(root.scalar("apiVersion") and root.scalar("kind") for root in mappings):
        return Format.KUBERNETES
    if _VALUES.fullmatch(name):
        return Format.HELM
    services = mappings[0].get("services") if len(mappings) == 1 else None
    if isinstance(services, Mapping) and any(
        isinstance(service, Mapping) and (service.get("image") or service.get("build"))
        for _, service in services.items()
    ):
        return Format.COMPOSE
    if len(mappings) == 1 and next(helm.find(text), None) is not None:
        return Format.HELM
    raise _unknown(name)


def _begins_like_a_dockerfile(text: str) -> bool:
    head = directives(text)
    if head.syntax:
        return True
    first = next(instructions(text, head.escape), None)
    return first is not None and re.match(r"(?:FROM|ARG)\s+\S", first.text, re.IGNORECASE) is not None
