"""The PostgreSQL engine: the catalog's scripts on a database that any number of processes and machines share."""
