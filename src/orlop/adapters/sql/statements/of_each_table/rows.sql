-- Whole tables, for a move to another catalog: pages of rows in the order of their keys, which come first in each row, and
-- what takes such rows. Each is made for every table (see `tables`). Nothing here is on the way of a request.

-- name: rows_{table}
SELECT {columns} FROM {table} WHERE ({key}) > ({after}) ORDER BY {key} LIMIT {limit};

-- name: row_{table}
INSERT INTO {table} ({columns}) VALUES ({values});

-- name: last_{table}
SELECT {key} FROM {table} ORDER BY {key_backwards} LIMIT 1;

-- name: inspect_count_{table}
SELECT count(*) FROM {table};

-- name: clear_{table}
DELETE FROM {table};
