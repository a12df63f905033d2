-- The day whose facts an extract has; NULL: nobody said, so the day on which it was taken in.
ALTER TABLE import_batch ADD COLUMN as_of DATE;
