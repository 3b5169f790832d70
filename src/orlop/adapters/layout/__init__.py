"""OCI image layouts (image-spec, image-layout.md), as folders and as tar archives."""
