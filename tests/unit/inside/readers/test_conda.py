"""Records of conda environments."""

from orlop.adapters.inside.readers.conda import CONDA, read_conda
from tests.packages import licences, listed

_PATH = "opt/conda/conda-meta/numpy-1.24.3-py311h0.json"


def test_a_record() -> None:
    found = read_conda(_PATH, b'{"name":"numpy","version":"1.24.3","build":"py311h0","license":"BSD-3-Clause"}')
    assert listed(found) == ["conda:numpy@1.24.3"]
    assert licences(found) == {"numpy": ("BSD-3-Clause",)}


def test_which_files() -> None:
    assert CONDA.wants(_PATH, 0o644, 1)
    assert CONDA.wants("conda-meta/a.json", 0o644, 1)
    assert not CONDA.wants("opt/conda/conda-meta/history", 0o644, 1)
    assert not CONDA.wants("opt/not-conda-meta/a.json", 0o644, 1)


def test_a_damaged_record_is_told() -> None:
    found = read_conda(_PATH, b'{"name":')
    assert found is not None
    assert found.unread == "it is damaged, or not of this format"
    assert read_conda(_PATH, b"[1]") is None
