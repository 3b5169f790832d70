"""How images are named to people by gates."""

from orlop.domain.names import Reference, RepositoryName, Tag

#: Characters of a digest that tell images apart.
_SHORT = 19


def image_words(repository: RepositoryName, reference: Reference, path: str) -> str:
    """An image by the name that it has below the place of a gate."""
    within = repository.removeprefix(f"{path}/") if path else str(repository)
    return f"{within}:{reference}" if isinstance(reference, Tag) else f"{within}@{str(reference)[:_SHORT]}"
