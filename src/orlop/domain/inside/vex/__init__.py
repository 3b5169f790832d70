"""Documents that say whether an advisory concerns a product (VEX): read, trusted, and compared with findings."""
