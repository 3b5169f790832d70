"""How others say who somebody is: one folder or file for each protocol."""
