"""The stores from the command line: `orlop gc`, `verify`, `migrate` and `store`."""
