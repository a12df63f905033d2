DROP TABLE holder_alias;
