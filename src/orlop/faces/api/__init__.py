"""The management API, /api/v1: who there is and who may do what, for programs. What is allowed is not decided here."""
