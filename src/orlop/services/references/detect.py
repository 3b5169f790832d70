"""Which kind of file a text is: by its name where that says it, else by what stands in it."""

import re
from itertools import islice

from orlop.services.references import helm
from orlop.services.references.dockerfile_lines import directives, instructions
from orlop.services.references.occurrences import Format, UnknownFormat
from orlop.services.references.yaml_tree import Mapping, Node, Sequence, documents

_DOCKERFILE = re.compile(r"(?:.*\.)?(?:docker|container)file(?:[._-].*)?", re.IGNORECASE)
_COMPOSE = re.compile(r"(?:.*[._-])?(?:docker-|podman-)?compose(?:[._-].*)?\.ya?ml", re.IGNORECASE)
_VALUES = re.compile(r"(?:.*[._-])?values(?:[._-].*)?\.ya?ml", re.IGNORECASE)
_KUSTOMIZATION = re.compile(r"kustomization\.ya?ml|Kustomization")
_YAML = re.compile(r".*\.(?:ya?ml|json)|Kustomization", re.IGNORECASE)

#: What Kustomize reads, and nobody applies.
_KUSTOMIZE_GROUP = "kustomize.config.k8s.io/"
#: Keys at the top of the pipelines of CI systems; neither Compose files nor maps of images have them.
_PIPELINE = ("jobs", "stages", "steps", "pipelines", "before_script", "runs", "workflows")
#: Instructions that may be the first of a piece of a Dockerfile.
_INSTRUCTIONS = re.compile(
    r"(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER"
    r"|VOLUME|WORKDIR)\s"
)
#: How a Dockerfile begins, templates left out: `from x import y` is no beginning.
_BEGINNING = re.compile(
    r"ARG\s+[A-Za-z_]\w*(?:=.*|\s*)|FROM\s+(?:--\S+\s+)*\S+(?:\s+AS\s+\S+)?\s*", re.IGNORECASE | re.DOTALL
)
_LINE_LENGTH = 4_096
#: Lines of templates before the first instruction.
_TEMPLATE_LINE = re.compile(r"\{\{|\{%|<%|@|#include")
_TEMPLATE_LINES = 100


def detect(name: str, text: str) -> Format:
    """The format of the file called `name` (without folders). Raises UnknownFormat, and SourceInvalid for bad YAML."""
    if _YAML.fullmatch(name):
        return _by_content(name, documents(text))
    named = _DOCKERFILE.fullmatch(name) is not None
    if name.lower() in ("dockerfile", "containerfile") or _is_dockerfile(text, named=named):
        return Format.DOCKERFILE
    raise _unknown(name)


def _unknown(name: str, what: str = "nothing tells what {} is") -> UnknownFormat:
    told = what.format(repr(name[:80]))
    return UnknownFormat(f"{told}; say it with --as dockerfile, compose, kubernetes, helm or kustomize")


def _by_content(name: str, roots: list[Node]) -> Format:
    mappings = [root for root in roots if isinstance(root, Mapping)]
    versions = [version.value for root in mappings if root.scalar("kind") and (version := root.scalar("apiVersion"))]
    if any(version.startswith(_KUSTOMIZE_GROUP) for version in versions):
        return Format.KUSTOMIZE
    if versions:
        return Format.KUBERNETES
    if _KUSTOMIZATION.fullmatch(name):
        return Format.KUSTOMIZE
    if _VALUES.fullmatch(name):
        return Format.HELM
    if any(isinstance(root.get(key), Mapping | Sequence) for root in mappings for key in _PIPELINE):
        raise _unknown(name, "{} looks like a pipeline, which is not read")
    if _COMPOSE.fullmatch(name):
        return Format.COMPOSE
    services = mappings[0].get("services") if len(mappings) == 1 else None
    if isinstance(services, Mapping) and any(
        isinstance(service, Mapping) and (service.get("image") or service.get("build"))
        for _, service in services.items()
    ):
        return Format.COMPOSE
    if len(mappings) == 1 and helm.has_images(mappings[0]):
        return Format.HELM
    raise _unknown(name)


def _is_dockerfile(text: str, *, named: bool) -> bool:
    """Whether a text begins like a Dockerfile; one with the name of one may be empty, a template, or a piece."""
    head = directives(text)
    if head.syntax:
        return True
    for line in islice(instructions(text, head.escape), _TEMPLATE_LINES):
        if named and _TEMPLATE_LINE.match(line.text):
            continue
        if _BEGINNING.fullmatch(re.sub(r"\{\{.*?\}\}", "-", line.text[:_LINE_LENGTH])):
            return True
        return named and _INSTRUCTIONS.match(line.text) is not None
    return named
