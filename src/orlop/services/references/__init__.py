"""Image references in the files of others: found, explained, pinned. Works on text; reads no file, asks no registry."""
