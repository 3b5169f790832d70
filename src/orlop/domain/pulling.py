"""How people get what a registry holds: the line for each tool, by tag and by digest."""

import msgspec

from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag


class Way(msgspec.Struct, frozen=True):
    """One tool, and what to type or write for it. `by_tag` is empty where what is shown has no tag."""

    tool: str
    by_tag: str
    by_digest: str


def ways(
    host: str, repository: RepositoryName, tag: Tag | None, digest: Digest, kind: ContentKind, *, plain: bool
) -> tuple[Way, ...]:
    """The ways to get it, the most usual first. `plain`: the registry is reached without TLS, which tools other than
    Docker have to be told."""
    name = f"{host}/{repository}"
    tagged, exact = f"{name}:{tag}" if tag is not None else "", f"{name}@{digest}"

    def way(tool: str, start: str, end: str = "") -> Way:
        return Way(tool, f"{start}{tagged}{end}" if tagged else "", f"{start}{exact}{end}")

    unencrypted = " --plain-http" if plain else ""
    oras, copy = way("oras", f"oras pull{unencrypted} "), way("orlop", "orlop cp ", " oci:./image")
    match kind:
        case ContentKind.IMAGE | ContentKind.INDEX:
            return (
                way("docker", "docker pull "),
                way("podman", f"podman pull{' --tls-verify=false' if plain else ''} "),
                way("nerdctl", f"nerdctl{' --insecure-registry' if plain else ''} pull "),
                way("ctr", f"ctr images pull{unencrypted} "),
                way("Kubernetes", "image: "),
                way("Dockerfile", "FROM "),
                copy,
            )
        case ContentKind.CHART:
            pull = f"helm pull{unencrypted} oci://{name}"
            shown = f"helm install{unencrypted} {repository.rpartition('/')[2]} oci://{name}"
            version = f" --version {chart_version(tag)}" if tag is not None else ""
            return (
                Way("helm pull", f"{pull}{version}" if version else "", f"{pull}@{digest}"),
                Way("helm install", f"{shown}{version}" if version else "", f"{shown}@{digest}"),
                oras,
                copy,
            )
        case ContentKind.MODEL:
            return (way("modctl", f"modctl pull{unencrypted} "), oras, copy)
        case _:
            return (oras, copy)


def chart_version(tag: Tag) -> str:
    """The version of a chart by its tag: "the plus sign is not allowed in tags, so Helm writes an underscore"
    (helm.sh/docs/topics/registries)."""
    return tag.replace("_", "+")
