"""Licences of what images hold, and what rules find wrong with them."""
