"""Puts the program together, alone in naming adapters: a folder for servers, one for commands, one for stores."""
