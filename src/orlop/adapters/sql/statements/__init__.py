"""Every SQL statement, by name; they live in the `.sql` files of this folder, under `-- name: …` lines."""

from importlib.resources import files


def _read() -> dict[str, str]:
    statements: dict[str, str] = {}
    for source in sorted(files(__package__).iterdir(), key=lambda entry: entry.name):
        if not source.name.endswith(".sql"):
            continue
        for block in source.read_text("utf-8").split("-- name: ")[1:]:
            name, _, text = block.partition("\n")
            if name.strip() in statements:
                raise ValueError(f"two statements are named {name.strip()}")
            statements[name.strip()] = text.strip().rstrip(";")
    return statements


#: Name to text. Parameters are numbered, `?1` and on.
STATEMENTS = _read()
