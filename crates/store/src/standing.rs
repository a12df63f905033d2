//! What a letter speaks of, as of now: asked of all that wait, and of each at the moment of sending.

use anyhow::{Context, Result};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text, Timestamp};

use super::queue::sources;
use super::row::{Rows, Word, row};
use super::scope::outbox;
use super::statement::statement;
use super::{Store, on_backend};
use convoke_domain::convocation::{LetterKind, LetterState, Remark, State};
use convoke_domain::permit::Status;

row! {
    /// A letter's current state and that of its convocation and permit.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Standing,
    #[derive(QueryableByName)]
    struct StandingColumns of outbox by letter_id {
        /// Letter.
        #[diesel(sql_type = Text)]
        pub letter_id: String,
        /// Kind.
        #[diesel(sql_type = Text)]
        pub kind: LetterKind as Word<LetterKind>,
        /// SEQUENCE when it was written.
        #[diesel(sql_type = BigInt)]
        pub revision: i64,
        /// E-mail address.
        #[diesel(sql_type = Nullable<Text>)]
        pub recipient: Option<String>,
        /// State of its convocation; `None` for a notice.
        #[diesel(sql_type = Nullable<Text>)]
        pub convocation_state: Option<State> as Option<Word<State>>,
        /// Day of the appointment.
        #[diesel(sql_type = Nullable<Date>)]
        pub day: Option<NaiveDate>,
        /// SEQUENCE of the convocation.
        #[diesel(sql_type = Nullable<BigInt>)]
        pub sequence: Option<i64>,
        /// Status of the permit.
        #[diesel(sql_type = Nullable<Text>)]
        pub permit_status: Option<Status> as Option<Word<Status>>,
        /// Day on which its renewal was requested.
        #[diesel(sql_type = Nullable<Date>)]
        pub filed_on: Option<NaiveDate>,
        /// Whether an agent has put the permit on hold.
        #[diesel(sql_type = Nullable<Bool>)]
        pub permit_held: Option<bool>,
        /// An address of the holder that has bounced permanently.
        #[diesel(sql_type = Nullable<Text>)]
        pub email_refused: Option<String>,
        /// When sending was paused.
        #[diesel(sql_type = Nullable<Timestamp>)]
        pub paused_at: Option<NaiveDateTime>,
    }
}

/// The columns of [`Standing`] for the letters that `$which` selects. One statement, because it runs for every letter.
macro_rules! standing {
    ($which:literal) => {
        concat!(
            "SELECT outbox.letter_id, outbox.kind, outbox.revision, outbox.recipient, convocation.state AS convocation_state,
                 convocation.day, convocation.sequence, permit.status AS permit_status, permit.filed_on, permit.held AS permit_held,
                 holder.email_refused, prefecture.paused_at
               FROM outbox
               LEFT JOIN prefecture ON prefecture.code = outbox.prefecture
               LEFT JOIN convocation
                 ON convocation.prefecture = outbox.prefecture AND convocation.reference = outbox.reference
               LEFT JOIN notice ON notice.prefecture = outbox.prefecture AND notice.reference = outbox.reference
               LEFT JOIN permit ON permit.prefecture = outbox.prefecture
                 AND permit.permit_id = COALESCE(convocation.permit_id, notice.permit_id)
               LEFT JOIN holder ON holder.prefecture = outbox.prefecture
                 AND holder.holder_id = COALESCE(convocation.holder_id, notice.holder_id)
               WHERE outbox.prefecture = ? AND ",
            $which
        )
    };
}

impl Store {
    /// A letter's current state and that of its convocation and permit.
    pub fn standing(&mut self, letter_id: &str) -> Result<Standing> {
        let one = statement!(standing!("outbox.letter_id = ?"), self.scope.code(), letter_id);
        on_backend!(&mut self.conn, c => one.get_result::<StandingColumns>(c)).rows("reading what a letter speaks of")
    }

    /// The same for up to `limit` waiting letters after `letter_id`, due or not, by id.
    pub fn waiting_after(&mut self, letter_id: &str, limit: usize) -> Result<Vec<Standing>> {
        let waiting = statement!(
            standing!(
                "outbox.state IN ('queued', 'deferred', 'uncertain') AND outbox.letter_id > ? ORDER BY outbox.letter_id LIMIT ?"
            ),
            self.scope.code(),
            letter_id,
            limit as i64,
        );
        on_backend!(&mut self.conn, c => waiting.load::<StandingColumns>(c))
            .rows("reading what the waiting letters speak of")
    }

    /// The same for letters that wait for a person.
    pub fn held(&mut self) -> Result<Vec<Standing>> {
        let held = statement!(standing!("outbox.state = 'held' ORDER BY outbox.letter_id"), self.scope.code());
        on_backend!(&mut self.conn, c => held.load::<StandingColumns>(c)).rows("reading what the held letters speak of")
    }

    /// Takes a waiting letter out of the queue, for the reason in `remark`.
    pub fn withhold(&mut self, letter_id: &str, state: LetterState, remark: Remark) -> Result<()> {
        diesel::update(outbox::of(&self.scope).filter(outbox::letter_id.eq(letter_id)))
            .filter(outbox::state.eq_any(sources(state, |from| !from.is_in_hand())))
            .set((outbox::state.eq(state.code()), outbox::remark.eq(remark.code())))
            .execute(&mut self.conn)
            .context("withholding a letter")?;
        Ok(())
    }
}
