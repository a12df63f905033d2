ALTER TABLE import_batch DROP COLUMN as_of;
