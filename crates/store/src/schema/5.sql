-- The engine's state is megabytes. In a table without row numbers SQLite reads a row as a whole to compare its key: each of the
-- thousands of small checkpoints that come and go beside the state cost as much as reading that.
CREATE TABLE checkpoints_by_number (
    name {text} PRIMARY KEY,
    state BYTEA NOT NULL,
    updated BIGINT NOT NULL
);
INSERT INTO checkpoints_by_number (name, state, updated) SELECT name, state, updated FROM checkpoints;
DROP TABLE checkpoints;
ALTER TABLE checkpoints_by_number RENAME TO checkpoints;
