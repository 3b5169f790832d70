"""Packages of conda environments: a record of each in `conda-meta` (docs.conda.io, "Conda package metadata")."""

from orlop.adapters.inside.readers.harvest import MANY, Harvest, json_of, table, text, texts
from orlop.adapters.inside.readers.reader import Reader
from orlop.domain.inside.layers import Found


def wants_conda(path: str, mode: int, size: int) -> bool:
    """Whether it is the record of an installed package."""
    folder, _, name = path.rpartition("/")
    return name.endswith(".json") and (folder == "conda-meta" or folder.endswith("/conda-meta"))


def read_conda(path: str, content: bytes) -> Found | None:
    """The package that the record is of."""
    harvest = Harvest(path, "conda")
    try:
        record = table(json_of(content))
    except ValueError as cause:
        harvest.unread = str(cause)
    else:
        name, version = text(record.get("name")), text(record.get("version"))
        harvest.add("conda", name, version, licences=texts(record.get("license")))
    return harvest.found()


CONDA = Reader(name="conda", wants=wants_conda, most=MANY, read=read_conda)
