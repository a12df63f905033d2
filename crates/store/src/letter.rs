//! A letter as it is written, and as it is stored.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

use super::row::{Word, row};
use super::scope::outbox;
use convoke_domain::convocation::{LetterKind, LetterState, Remark};
use convoke_domain::permit::Channel;

/// A letter to put into the outbox.
#[derive(Clone, Debug)]
pub struct NewLetter {
    /// Letter.
    pub letter_id: String,
    /// Reference of the convocation or notice.
    pub reference: String,
    /// Kind.
    pub kind: LetterKind,
    /// SEQUENCE of the convocation now.
    pub revision: i64,
    /// Which of several letters of the kind, such as J-7; empty if there is only one.
    pub occasion: String,
    /// Channel.
    pub channel: Channel,
    /// State: where a letter of its channel waits, or held.
    pub state: LetterState,
    /// Why it is held.
    pub remark: Option<Remark>,
    /// E-mail address.
    pub recipient: Option<String>,
    /// The letter's content, as data.
    pub data: String,
    /// Hash of the templates.
    pub template_hash: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// Not to leave before.
    pub not_before: DateTime<Utc>,
}

row! {
    /// A letter in the outbox.
    #[derive(Clone, Debug)]
    pub struct LetterRow,
    #[derive(Clone, Queryable, QueryableByName, Insertable, Selectable)]
    #[diesel(treat_none_as_default_value = false)]
    struct LetterColumns of outbox by letter_id {
        /// Préfecture.
        pub prefecture: String,
        /// Letter.
        pub letter_id: String,
        /// Reference of the convocation or notice.
        pub reference: String,
        /// Kind.
        pub kind: LetterKind as Word<LetterKind>,
        /// SEQUENCE of the convocation when it was written.
        pub revision: i64,
        /// Which of several letters of the kind, such as J-7; empty if there is only one.
        pub occasion: String,
        /// Channel.
        pub channel: Channel as Word<Channel>,
        /// State.
        pub state: LetterState as Word<LetterState>,
        /// The program's own remark on that state.
        pub remark: Option<Remark> as Option<Word<Remark>>,
        /// E-mail address.
        pub recipient: Option<String>,
        /// The letter's content, as data.
        pub data: String,
        /// Hash of the templates.
        pub template_hash: String,
        /// SHA-256 of the message as sent.
        pub sha256: Option<String>,
        /// How it was rendered, as JSON.
        pub rendered: Option<String>,
        /// Attempts that count.
        pub attempts: i64,
        /// How often its delivery was uncertain.
        pub uncertain: i64,
        /// Not to be tried before.
        pub next_at: NaiveDateTime,
        /// Worker.
        pub owner: Option<String>,
        /// The worker's lease ends then.
        pub lease_until: Option<NaiveDateTime>,
        /// Fencing token.
        pub epoch: i64,
        /// Last reply of a relay.
        pub last_reply: Option<String>,
        /// The post batch that took it.
        pub post_batch: Option<String>,
        /// When it was written.
        pub created_at: NaiveDateTime,
        /// Whether its domain's rate limit has given it a turn: `next_at` is that turn.
        pub has_turn: bool,
    }
}

impl NewLetter {
    /// The same letter, waiting until an instant.
    #[must_use]
    pub fn held_until(self, not_before: DateTime<Utc>) -> Self {
        Self { not_before, ..self }
    }

    pub(super) fn columns(&self, prefecture: &str) -> LetterColumns {
        let new = self.clone();
        LetterColumns {
            prefecture: prefecture.to_owned(),
            letter_id: new.letter_id,
            reference: new.reference,
            kind: new.kind.into(),
            revision: new.revision,
            occasion: new.occasion,
            channel: new.channel.into(),
            state: new.state.into(),
            remark: new.remark.map(Word::from),
            recipient: new.recipient,
            data: new.data,
            template_hash: new.template_hash,
            sha256: None,
            rendered: None,
            attempts: 0,
            uncertain: 0,
            next_at: new.not_before.naive_utc(),
            owner: None,
            lease_until: None,
            epoch: 0,
            last_reply: None,
            post_batch: None,
            created_at: new.created_at.naive_utc(),
            has_turn: false,
        }
    }
}
