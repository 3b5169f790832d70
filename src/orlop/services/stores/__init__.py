"""The stores looked at as a whole: whether they can be used, and whether they keep to the invariants."""
