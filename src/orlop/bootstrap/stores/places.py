"""How the stores that the settings name are called, in messages and at the gate of a catalog that moves."""

from orlop.config import Settings
from orlop.config.units import without_password


def blob_store_name(settings: Settings) -> str:
    """The blob store: the same text for as long as the settings name the same."""
    if settings.blobs.bucket is None:
        return f"file:{settings.data.resolve()}"
    name, prefix = settings.blobs.bucket
    where = f"s3://{name}/{prefix}".rstrip("/")
    return f"{where} at {settings.blobs.endpoint}" if settings.blobs.endpoint else where


def catalog_name(settings: Settings) -> str:
    """The catalog, without passwords."""
    if settings.catalog.is_postgres:
        return without_password(settings.catalog.url)
    return f"sqlite:{settings.data.resolve()}"


def place_name(settings: Settings) -> str:
    """Both stores."""
    return f"{catalog_name(settings)} with {blob_store_name(settings)}"
