DROP TABLE witness_letter;
DROP TABLE succession;
DROP TABLE checkpoint;
