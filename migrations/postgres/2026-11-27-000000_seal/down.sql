DROP INDEX notice_by_holder;
DROP INDEX convocation_by_holder;
DROP INDEX ledger_keys;
DROP INDEX ledger_run_ends;
DROP TABLE witness_letter;
DROP TABLE succession;
DROP TABLE checkpoint;
DROP FUNCTION refuse_change;
