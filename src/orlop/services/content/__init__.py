"""What repositories hold: uploads, blobs, manifests, tags, and who refers to them."""
