"""Moving a registry to other stores while it is served: blobs first, then, behind a shut gate, the rows."""
