//! The tables, the same for every database (up to 700 lines: one table after another). Defined only here; each
//! database's migrations must match.

use diesel::{allow_columns_to_appear_in_same_group_by_clause, allow_tables_to_appear_in_same_query, table};

table! {
    prefecture (code) {
        code -> Text,
        id_key -> Text,
        assessed_with -> Nullable<Text>,
        paused_at -> Nullable<Timestamp>,
        paused_by -> Nullable<Text>,
        pause_reason -> Nullable<Text>,
        data_version -> BigInt,
        watched_since -> Nullable<Timestamp>,
        clock_seen_at -> Nullable<Timestamp>,
        words_until -> Nullable<BigInt>,
    }
}

table! {
    holder (prefecture, holder_id) {
        prefecture -> Text,
        holder_id -> Text,
        number -> Text,
        family_name -> Text,
        usage_name -> Nullable<Text>,
        given_names -> Text,
        birth_date -> Nullable<Date>,
        birth_partial -> Nullable<Text>,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        language -> Text,
        address -> Text,
        postcode -> Text,
        town -> Nullable<Text>,
        commune -> Text,
        household -> Nullable<Text>,
        channel -> Nullable<Text>,
        large_print -> Bool,
        fingerprint -> BigInt,
        email_refused -> Nullable<Text>,
        email_set -> Nullable<Text>,
        email_set_over -> Nullable<Text>,
    }
}

table! {
    holder_word (prefecture, word, until) {
        prefecture -> Text,
        word -> Text,
        until -> Text,
        backwards -> Text,
        holders -> Binary,
    }
}

table! {
    permit (prefecture, permit_id) {
        prefecture -> Text,
        permit_id -> Text,
        holder_id -> Text,
        number -> Text,
        kind -> Text,
        mention -> Text,
        valid_from -> Date,
        expires_on -> Date,
        status -> Text,
        filed_on -> Nullable<Date>,
        commune -> Text,
        absent -> Bool,
        held -> Bool,
        superseded -> Bool,
        fingerprint -> BigInt,
        first_seen -> Date,
        rule -> Nullable<Text>,
        rule_since -> Nullable<Date>,
        rule_run -> Nullable<Text>,
        review_on -> Date,
        unknown_title -> Nullable<Text>,
        title_words -> Nullable<Text>,
    }
}

table! {
    holder_alias (prefecture, alias_id) {
        prefecture -> Text,
        alias_id -> Text,
        holder_id -> Text,
    }
}

table! {
    import_waiting (prefecture, waiting_id) {
        prefecture -> Text,
        waiting_id -> Text,
        path -> Text,
        sha256 -> Text,
        as_of -> Date,
        since -> Timestamp,
        options -> Text,
        why -> Text,
    }
}

table! {
    title_kept (prefecture, kind, mention) {
        prefecture -> Text,
        kind -> Text,
        mention -> Text,
    }
}

table! {
    past_verdict (prefecture, permit_id, until, run_id) {
        prefecture -> Text,
        permit_id -> Text,
        rule -> Text,
        since -> Date,
        until -> Date,
        run_id -> Text,
    }
}

table! {
    slot (prefecture, slot_id) {
        prefecture -> Text,
        slot_id -> Text,
        site -> Text,
        desk -> Text,
        day -> Date,
        start -> BigInt,
        duration_min -> BigInt,
        seats -> BigInt,
    }
}

table! {
    run (prefecture, run_id) {
        prefecture -> Text,
        run_id -> Text,
        business_date -> Date,
        generation -> BigInt,
        trigger -> Text,
        actor -> Text,
        reason -> Nullable<Text>,
        state -> Text,
        owner -> Text,
        epoch -> BigInt,
        lease_until -> Timestamp,
        input_hash -> Nullable<Text>,
        policy_hash -> Nullable<Text>,
        plan_hash -> Nullable<Text>,
        rest_hash -> Nullable<Text>,
        committed -> BigInt,
        summary -> Nullable<Text>,
        failure -> Nullable<Text>,
        started_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
    }
}

table! {
    run_outcome (prefecture, run_id, rule) {
        prefecture -> Text,
        run_id -> Text,
        rule -> Text,
        permits -> BigInt,
    }
}

table! {
    run_record (prefecture, run_id, kind) {
        prefecture -> Text,
        run_id -> Text,
        kind -> Text,
        sha256 -> Text,
        bytes -> Binary,
    }
}

table! {
    planned_block (prefecture, run_id, from_permit) {
        prefecture -> Text,
        run_id -> Text,
        from_permit -> Text,
        entries -> Text,
    }
}

table! {
    convocation (prefecture, reference) {
        prefecture -> Text,
        reference -> Text,
        year -> BigInt,
        number -> BigInt,
        permit_id -> Text,
        holder_id -> Text,
        slot_id -> Text,
        day -> Date,
        state -> Text,
        sequence -> BigInt,
        origin -> Text,
        run_id -> Nullable<Text>,
        created_at -> Timestamp,
        replaces -> Nullable<Text>,
        moved_by -> Nullable<Text>,
        made_expires_on -> Nullable<Date>,
        made_rule -> Nullable<Text>,
    }
}

table! {
    act_memory (prefecture, entry) {
        prefecture -> Text,
        entry -> BigInt,
        holder_id -> Text,
        data -> Text,
    }
}

table! {
    permit_revision (prefecture, import_id, permit_id) {
        prefecture -> Text,
        import_id -> BigInt,
        permit_id -> Text,
        holder_id -> Text,
        became -> BigInt,
        fingerprint -> Nullable<BigInt>,
        kind -> Nullable<Text>,
        mention -> Nullable<Text>,
        valid_from -> Nullable<Date>,
        expires_on -> Nullable<Date>,
        status -> Nullable<Text>,
        filed_on -> Nullable<Date>,
        unknown_title -> Nullable<Text>,
        title_words -> Nullable<Text>,
        commune -> Nullable<Text>,
        absent -> Nullable<Bool>,
    }
}

table! {
    holder_revision (prefecture, import_id, holder_id) {
        prefecture -> Text,
        import_id -> BigInt,
        holder_id -> Text,
        became -> BigInt,
        fingerprint -> Nullable<BigInt>,
        family_name -> Nullable<Text>,
        usage_name -> Nullable<Text>,
        given_names -> Nullable<Text>,
        birth_date -> Nullable<Date>,
        birth_partial -> Nullable<Text>,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        language -> Nullable<Text>,
        address -> Nullable<Text>,
        postcode -> Nullable<Text>,
        town -> Nullable<Text>,
        commune -> Nullable<Text>,
        household -> Nullable<Text>,
        channel -> Nullable<Text>,
        large_print -> Nullable<Bool>,
    }
}

table! {
    followed (prefecture, run_id, reference) {
        prefecture -> Text,
        run_id -> Text,
        reference -> Text,
        business_date -> Date,
        consequence -> Text,
        cause -> Text,
        slot_id -> Nullable<Text>,
        new_reference -> Nullable<Text>,
        pending -> Bool,
    }
}

table! {
    reservation (prefecture, slot_id, seat) {
        prefecture -> Text,
        slot_id -> Text,
        seat -> BigInt,
        reference -> Text,
    }
}

table! {
    outbox (prefecture, letter_id) {
        prefecture -> Text,
        letter_id -> Text,
        reference -> Text,
        kind -> Text,
        revision -> BigInt,
        occasion -> Text,
        channel -> Text,
        state -> Text,
        recipient -> Nullable<Text>,
        data -> Text,
        template_hash -> Text,
        sha256 -> Nullable<Text>,
        rendered -> Nullable<Text>,
        attempts -> BigInt,
        uncertain -> BigInt,
        next_at -> Timestamp,
        owner -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        epoch -> BigInt,
        last_reply -> Nullable<Text>,
        created_at -> Timestamp,
        has_turn -> Bool,
        relay -> Nullable<Text>,
        begun_at -> Nullable<Timestamp>,
        remark -> Nullable<Text>,
        post_batch -> Nullable<Text>,
    }
}

table! {
    notice (prefecture, reference) {
        prefecture -> Text,
        reference -> Text,
        kind -> Text,
        year -> BigInt,
        number -> BigInt,
        permit_id -> Text,
        holder_id -> Text,
        run_id -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

table! {
    template_bundle (prefecture, sha256) {
        prefecture -> Text,
        sha256 -> Text,
        kept_at -> Timestamp,
        bytes -> Binary,
    }
}

table! {
    delivery_attempt (prefecture, letter_id, epoch) {
        prefecture -> Text,
        letter_id -> Text,
        epoch -> BigInt,
        owner -> Text,
        relay -> Text,
        started_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        stage -> Nullable<Text>,
        code -> Nullable<BigInt>,
        reply -> Nullable<Text>,
        outcome -> Nullable<Text>,
        enhanced -> Nullable<Text>,
    }
}

table! {
    pace (prefecture, scope) {
        prefecture -> Text,
        scope -> Text,
        next_at -> Timestamp,
    }
}

table! {
    bounce (prefecture, sha256) {
        prefecture -> Text,
        sha256 -> Text,
        letter_id -> Nullable<Text>,
        class -> Text,
        status -> Nullable<Text>,
        diagnostic -> Nullable<Text>,
        consequence -> Text,
        recorded_at -> Timestamp,
    }
}

table! {
    holder_key (prefecture, holder_id) {
        prefecture -> Text,
        holder_id -> Text,
        key -> Text,
    }
}

table! {
    ledger_entry (prefecture, seq) {
        prefecture -> Text,
        seq -> BigInt,
        prev_hash -> Text,
        hash -> Text,
        run_id -> Nullable<Text>,
        actor -> Text,
        kind -> Text,
        payload -> Text,
    }
}

table! {
    import_batch (prefecture, import_id) {
        prefecture -> Text,
        import_id -> BigInt,
        kind -> Text,
        imported_at -> Timestamp,
        imported_on -> Date,
        file_sha256 -> Text,
        rows_read -> BigInt,
        rows_inserted -> BigInt,
        rows_updated -> BigInt,
        rows_rejected -> BigInt,
        as_of -> Nullable<Date>,
        undone_at -> Nullable<Timestamp>,
    }
}

table! {
    household_link (prefecture, holder_id) {
        prefecture -> Text,
        holder_id -> Text,
        household -> Text,
        linked_at -> Timestamp,
    }
}

table! {
    closed_day (prefecture, site, desk, day) {
        prefecture -> Text,
        site -> Text,
        desk -> Text,
        day -> Date,
        reason -> Text,
        closed_at -> Timestamp,
    }
}

table! {
    request (prefecture, request_id) {
        prefecture -> Text,
        request_id -> Text,
        year -> BigInt,
        number -> BigInt,
        holder_id -> Text,
        permit_id -> Text,
        wish -> Text,
        received_on -> Date,
        needed_by -> Nullable<Date>,
        state -> Text,
        slot_id -> Nullable<Text>,
        run_id -> Nullable<Text>,
        reference -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        decided_by -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

table! {
    concerned (prefecture, holder_id, seq) {
        prefecture -> Text,
        holder_id -> Text,
        seq -> BigInt,
    }
}

table! {
    avoided_day (prefecture, holder_id, first_day) {
        prefecture -> Text,
        holder_id -> Text,
        first_day -> Date,
        last_day -> Date,
    }
}

table! {
    night (prefecture, business_date) {
        prefecture -> Text,
        business_date -> Date,
        scheduled_at -> Timestamp,
        state -> Text,
        attempts -> BigInt,
        next_at -> Timestamp,
        started_at -> Nullable<Timestamp>,
        finished_at -> Nullable<Timestamp>,
        run_id -> Nullable<Text>,
        covered_by -> Nullable<Date>,
        failure -> Nullable<Text>,
    }
}

table! {
    checkpoint (prefecture, size) {
        prefecture -> Text,
        size -> BigInt,
        root -> Text,
        run_id -> Text,
        sealed_at -> Timestamp,
        key -> Text,
        signature -> Text,
    }
}

table! {
    succession (prefecture, from_key) {
        prefecture -> Text,
        from_key -> Text,
        to_key -> Text,
        passed_at -> Timestamp,
        endorsement -> Text,
    }
}

table! {
    witness_letter (prefecture, size, address) {
        prefecture -> Text,
        size -> BigInt,
        address -> Text,
        attempts -> BigInt,
        next_at -> Timestamp,
        accepted_at -> Nullable<Timestamp>,
        last_reply -> Nullable<Text>,
    }
}

table! {
    account (prefecture, login) {
        prefecture -> Text,
        login -> Text,
        role -> Text,
        password -> Text,
        totp -> Nullable<Text>,
        totp_step -> BigInt,
        failures -> BigInt,
        locked_until -> Nullable<Timestamp>,
        created_at -> Timestamp,
    }
}

table! {
    console_session (prefecture, token) {
        prefecture -> Text,
        token -> Text,
        token_before -> Nullable<Text>,
        actor -> Text,
        role -> Text,
        language -> Text,
        began_at -> Timestamp,
        seen_at -> Timestamp,
        rotated_at -> Timestamp,
        notice -> Nullable<Text>,
        sought -> Nullable<Text>,
    }
}

table! {
    sign_in (prefecture, state) {
        prefecture -> Text,
        state -> Text,
        browser -> Text,
        nonce -> Text,
        verifier -> Text,
        target -> Text,
        began_at -> Timestamp,
    }
}

allow_tables_to_appear_in_same_query!(
    prefecture,
    holder,
    holder_word,
    permit,
    past_verdict,
    slot,
    run,
    run_outcome,
    run_record,
    planned_block,
    convocation,
    reservation,
    outbox,
    notice,
    template_bundle,
    delivery_attempt,
    pace,
    bounce,
    holder_key,
    household_link,
    holder_alias,
    act_memory,
    permit_revision,
    holder_revision,
    followed,
    import_waiting,
    title_kept,
    ledger_entry,
    import_batch,
    checkpoint,
    succession,
    witness_letter,
    closed_day,
    avoided_day,
    concerned,
    request,
    account,
    console_session,
    sign_in
);

allow_columns_to_appear_in_same_group_by_clause!(slot::site, slot::desk, convocation::day, convocation::state);
