"""How the world reaches the services: the distribution API, operation, the command line."""
