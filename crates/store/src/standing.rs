//! What a letter speaks of, as of now: asked of all that wait, and of each at the moment of sending.

use anyhow::{Context, Result};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Integer, Nullable, Text, Timestamp};

use super::holders::email_of;
use super::permits::with_flags;
use super::queue::sources;
use super::row::{Rows, Word, row};
use super::scope::outbox;
use super::statement::statement;
use super::{Store, on_backend};
use convoke_domain::convocation::{FAREWELL, LetterKind, LetterState, Remark, State};
use convoke_domain::eligibility::{Facts, Rule};
use convoke_domain::permit::{Channel, PermitKind, Status};
use convoke_domain::slot::SlotId;

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
        /// Its slot.
        #[diesel(sql_type = Nullable<Text>)]
        pub slot_id: Option<SlotId> as Option<Word<SlotId>>,
        /// Day of the appointment.
        #[diesel(sql_type = Nullable<Date>)]
        pub day: Option<NaiveDate>,
        /// SEQUENCE of the convocation.
        #[diesel(sql_type = Nullable<BigInt>)]
        pub sequence: Option<i64>,
        /// The verdict under which its convocation was made, if that was recorded.
        #[diesel(sql_type = Nullable<Text>)]
        pub made_rule: Option<Rule> as Option<Word<Rule>>,
        /// Type of the permit; `None` if it was erased.
        #[diesel(sql_type = Nullable<Text>)]
        pub permit_kind: Option<PermitKind> as Option<Word<PermitKind>>,
        /// Mention of the permit.
        #[diesel(sql_type = Nullable<Text>)]
        pub mention: Option<String>,
        /// INSEE code of the permit.
        #[diesel(sql_type = Nullable<Text>)]
        pub commune: Option<String>,
        /// Last day of the permit.
        #[diesel(sql_type = Nullable<Date>)]
        pub expires_on: Option<NaiveDate>,
        /// Status of the permit.
        #[diesel(sql_type = Nullable<Text>)]
        pub permit_status: Option<Status> as Option<Word<Status>>,
        /// Filed, held, absent, superseded, of an unknown title: as the scan reads them.
        #[diesel(sql_type = Nullable<Integer>)]
        pub flags: Option<i32>,
        /// Which of several letters of the kind.
        #[diesel(sql_type = Text)]
        pub occasion: String,
        /// The program's own remark on its state.
        #[diesel(sql_type = Nullable<Text>)]
        pub remark: Option<Remark> as Option<Word<Remark>>,
        /// The holder's address in the extract.
        #[diesel(sql_type = Nullable<Text>)]
        pub email: Option<String>,
        /// The address that an agent set.
        #[diesel(sql_type = Nullable<Text>)]
        pub email_set: Option<String>,
        /// The address in the extract over which it was set.
        #[diesel(sql_type = Nullable<Text>)]
        pub email_set_over: Option<String>,
        /// An address of the holder that has bounced permanently.
        #[diesel(sql_type = Nullable<Text>)]
        pub email_refused: Option<String>,
        /// When sending was paused.
        #[diesel(sql_type = Nullable<Timestamp>)]
        pub paused_at: Option<NaiveDateTime>,
    }
}

impl Standing {
    /// The facts on which the permit is assessed, as if nobody had been convoked; `None` if it was erased.
    pub fn facts(&self) -> Option<Facts<'_>> {
        let facts = Facts {
            kind: self.permit_kind?,
            mention: self.mention.as_deref()?,
            status: self.permit_status?,
            expires_on: self.expires_on?,
            commune: self.commune.as_deref()?,
            filed: false,
            held: false,
            absent: false,
            superseded: false,
            unknown: false,
            convoked_for: None,
        };
        Some(with_flags(facts, self.flags?))
    }

    /// Whether it goes to the address that its holder has now; the last letter to a former address does not.
    pub fn goes_to_its_holder(&self) -> bool {
        let address = email_of(self.email.clone(), self.email_set.clone(), self.email_set_over.as_deref());
        self.occasion.starts_with(FAREWELL) || self.permit_kind.is_none() || address == self.recipient
    }
}

/// The columns of [`Standing`] for the letters that `$which` selects. One statement, because it runs for every letter.
macro_rules! standing {
    ($which:literal) => {
        concat!(
            "SELECT outbox.letter_id, outbox.kind, outbox.revision, outbox.recipient, convocation.state AS convocation_state,
                 convocation.slot_id, convocation.day, convocation.sequence, convocation.made_rule, permit.kind AS permit_kind, permit.mention, permit.commune,
                 permit.expires_on, permit.status AS permit_status,
                 CASE WHEN permit.filed_on IS NULL THEN 0 ELSE 1 END + CASE WHEN permit.held THEN 2 ELSE 0 END
                 + CASE WHEN permit.absent THEN 4 ELSE 0 END + CASE WHEN permit.superseded THEN 8 ELSE 0 END
                 + CASE WHEN permit.unknown_title IS NULL THEN 0 ELSE 16 END AS flags,
                 outbox.occasion, outbox.remark, holder.email, holder.email_set, holder.email_set_over, holder.email_refused,
                 prefecture.paused_at
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

    /// Lets a held letter wait again, by its channel.
    pub fn let_go(&mut self, letter_id: &str, remark: Remark) -> Result<()> {
        for channel in Channel::ALL {
            diesel::update(outbox::of(&self.scope).filter(outbox::letter_id.eq(letter_id)))
                .filter(outbox::state.eq(LetterState::Held.code()).and(outbox::channel.eq(channel.code())))
                .set((outbox::state.eq(LetterState::waiting(*channel).code()), outbox::remark.eq(remark.code())))
                .execute(&mut self.conn)
                .context("letting a letter go")?;
        }
        Ok(())
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
