-- A letter that a newer one replaced before it left, and more reasons for which a letter waits.
ALTER TABLE outbox
    DROP CONSTRAINT outbox_state_check,
    ADD CONSTRAINT outbox_state_check CHECK (state IN ('queued', 'leased', 'sending', 'accepted', 'deferred', 'failed', 'uncertain', 'bounced',
        'held', 'cancelled', 'replaced', 'expired', 'to_post', 'posted', 'returned')),
    DROP CONSTRAINT outbox_remark_check,
    ADD CONSTRAINT outbox_remark_check CHECK (remark IN ('held', 'released', 'permit-held', 'permit-released', 'readdressed', 'address-refused', 'no-appointment', 'moved', 'deceased',
        'withdrawn', 'renewed', 'filed', 'too-late', 'absent', 'student', 'not-renewable', 'unknown-title', 'no-desk', 'moved-away', 'need-again',
        'replaced', 'delivered', 'never-told', 'undone', 'untrue', 'place-lost'));
