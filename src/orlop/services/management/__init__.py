"""Managing who there is and who may do what: one module per kind of thing, each of which checks what it is asked."""
