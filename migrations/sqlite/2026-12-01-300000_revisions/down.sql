DROP TABLE holder_revision;
DROP TABLE permit_revision;
ALTER TABLE import_batch DROP COLUMN undone_at;
