"""The content as files under the paths of the API, for nginx."""

from pathlib import Path

from bench.scenes import content


def write(root: Path, repositories: int) -> None:
    """One file for each manifest and blob."""
    for name, tagged in content.crowd(repositories):
        folder = root / "v2" / name / "manifests"
        folder.mkdir(parents=True)
        for tag, manifest in tagged:
            (folder / tag).write_bytes(manifest.content)
    for name, pieces in (
        (content.BLOBS, [each for size in content.BLOB_COUNTS for each in content.blobs(size)]),
        (content.IMAGE, [content.config(), *content.image_layers()]),
    ):
        folder = root / "v2" / name / "blobs"
        folder.mkdir(parents=True)
        for each in pieces:
            (folder / each.digest).write_bytes(each.content)
    folder = root / "v2" / content.IMAGE / "manifests"
    folder.mkdir(parents=True)
    (folder / "v0").write_bytes(content.manifest(content.image_layers(), "image").content)
