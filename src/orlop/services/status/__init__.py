"""How a whole registry stands, on one screen; and its servers, which tell each other that they are there."""
