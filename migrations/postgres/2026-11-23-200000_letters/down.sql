DROP TABLE template_bundle;
DROP TABLE notice;
DROP INDEX outbox_to_post;
-- The older version knows no other kind, and one channel a letter.
DELETE FROM outbox WHERE kind <> 'convocation';
DELETE FROM outbox o USING outbox earlier
    WHERE earlier.prefecture = o.prefecture AND earlier.reference = o.reference AND earlier.revision = o.revision
      AND (earlier.channel, earlier.occasion) < (o.channel, o.occasion);
ALTER TABLE outbox
    DROP CONSTRAINT outbox_one_of_each,
    ADD CONSTRAINT outbox_prefecture_reference_kind_revision_key UNIQUE (prefecture, reference, kind, revision),
    DROP CONSTRAINT outbox_kind_check,
    ADD CONSTRAINT outbox_kind_check CHECK (kind IN ('convocation')),
    DROP COLUMN rendered,
    DROP COLUMN occasion;
