DROP INDEX ledger_run_ends;
DROP TABLE witness_letter;
DROP TABLE succession;
DROP TABLE checkpoint;
DROP FUNCTION refuse_change;
