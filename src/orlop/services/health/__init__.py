"""How the server fares, gathered for the page that tells it."""
