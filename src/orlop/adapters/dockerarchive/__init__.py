"""Archives that `docker save` writes and `docker load` reads."""
