DROP TABLE import_waiting;
