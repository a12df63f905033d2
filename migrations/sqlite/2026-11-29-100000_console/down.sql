DROP TABLE sign_in;
DROP TABLE console_session;
DROP TABLE account;
