UPDATE outbox SET last_reply = CASE remark
    WHEN 'held' THEN 'held by an agent'
    WHEN 'released' THEN 'let go by an agent'
    WHEN 'permit-held' THEN 'an agent holds the permit back'
    WHEN 'permit-released' THEN 'let go with its permit'
    WHEN 'readdressed' THEN 'written again to another address'
    WHEN 'address-refused' THEN 'this address sent an earlier letter back: by post'
    WHEN 'no-appointment' THEN 'the appointment does not hold any more'
    WHEN 'moved' THEN 'the appointment was moved: a newer letter tells it'
    WHEN 'deceased' THEN 'the holder is deceased'
    WHEN 'withdrawn' THEN 'the permit was withdrawn'
    WHEN 'renewed' THEN 'the permit was renewed'
    WHEN 'filed' THEN 'the renewal was requested already'
    WHEN 'too-late' THEN 'too few days are left: call the person'
    END
WHERE remark IS NOT NULL;
UPDATE outbox SET last_reply = 'posted in batch ' || post_batch WHERE post_batch IS NOT NULL;
UPDATE outbox SET last_reply = 'came back: ' || coalesce(last_reply, '') WHERE state = 'bounced';
ALTER TABLE outbox DROP COLUMN post_batch;
ALTER TABLE outbox DROP COLUMN remark;
