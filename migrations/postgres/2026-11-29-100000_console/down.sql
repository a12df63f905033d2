DROP INDEX convocation_by_run;
DROP INDEX outbox_by_state;
DROP TABLE sign_in;
DROP TABLE console_session;
DROP TABLE account;
