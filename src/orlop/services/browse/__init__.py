"""What people look through: the tree of namespaces, the tags of a repository, and what they search for."""
