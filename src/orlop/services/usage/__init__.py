"""How much lies where: told, kept by the day, and forecast."""
