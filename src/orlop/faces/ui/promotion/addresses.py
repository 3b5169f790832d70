"""Where pages of promotions are."""

from urllib.parse import quote, urlencode


def board_address(name: str, path: str, last: str = "") -> str:
    """The board of a pipeline, by its name and place; `last`: behind that image."""
    said = {key: value for key, value in (("path", path), ("last", last)) if value}
    return f"/boards/{quote(name, safe='')}" + (f"?{urlencode(said)}" if said else "")


def board_image_address(name: str, path: str, image: str) -> str:
    """One image of a board, by its name below the stages."""
    said = {key: value for key, value in (("path", path), ("image", image)) if value}
    return f"/boards/{quote(name, safe='')}/image?{urlencode(said)}"


def promotion_address(number: int) -> str:
    """One promotion."""
    return f"/promotions/{number}"
