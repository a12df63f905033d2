-- The wider constraints stay: they allow all that the older version writes.
UPDATE outbox SET state = 'cancelled' WHERE state = 'replaced';
UPDATE outbox SET remark = NULL WHERE remark NOT IN ('held', 'released', 'permit-held', 'permit-released', 'readdressed', 'address-refused', 'no-appointment', 'moved', 'deceased', 'withdrawn', 'renewed', 'filed', 'too-late');
