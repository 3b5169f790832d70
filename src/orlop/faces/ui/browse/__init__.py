"""Pages that people look through: namespaces, repositories with their tags and history, searches."""
