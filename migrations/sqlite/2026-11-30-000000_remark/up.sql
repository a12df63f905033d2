-- The program's own remark on a letter, and the post batch that took it, were sentences in `last_reply`.
-- `last_reply` is now what a server said, and nothing else.
ALTER TABLE outbox ADD COLUMN remark TEXT CHECK (remark IN ('held', 'released', 'permit-held', 'permit-released', 'readdressed', 'address-refused', 'no-appointment', 'moved', 'deceased', 'withdrawn', 'renewed', 'filed', 'too-late'));
ALTER TABLE outbox ADD COLUMN post_batch TEXT;
UPDATE outbox SET remark = CASE last_reply
    WHEN 'held by an agent' THEN 'held'
    WHEN 'let go by an agent' THEN 'released'
    WHEN 'an agent holds the permit back' THEN 'permit-held'
    WHEN 'let go with its permit' THEN 'permit-released'
    WHEN 'written again to another address' THEN 'readdressed'
    WHEN 'this address sent an earlier letter back: by post' THEN 'address-refused'
    WHEN 'the appointment does not hold any more' THEN 'no-appointment'
    WHEN 'the appointment was moved: a newer letter tells it' THEN 'moved'
    WHEN 'the holder is deceased' THEN 'deceased'
    WHEN 'the permit was withdrawn' THEN 'withdrawn'
    WHEN 'the permit was renewed' THEN 'renewed'
    WHEN 'the renewal was requested already' THEN 'filed'
    WHEN 'too few days are left: call the person' THEN 'too-late'
    END
WHERE last_reply IS NOT NULL;
UPDATE outbox SET last_reply = NULL WHERE remark IS NOT NULL;
UPDATE outbox SET post_batch = substr(last_reply, 17), last_reply = NULL WHERE last_reply LIKE 'posted in batch %';
UPDATE outbox SET last_reply = trim(replace(substr(last_reply, 12), 'without a status', '')) WHERE last_reply LIKE 'came back: %';
