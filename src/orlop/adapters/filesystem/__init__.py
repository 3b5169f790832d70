"""Blobs and uploads in a folder of a local file system."""

from orlop.adapters.filesystem.blobs import FilesystemBlobs
from orlop.adapters.filesystem.folder import FolderRefused, open_data_folder
from orlop.adapters.filesystem.layout import DataFolder

__all__ = ["DataFolder", "FilesystemBlobs", "FolderRefused", "open_data_folder"]
