//! The case that each row shows, and the week in which its permit expires.

use super::{RENEWALS_PER_WEEK, USUAL_PERMITS, cast::GUESTS, dice::Dice};

/// The case that a row shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Renewed at the counter, in the week that it was dealt.
    Renewal,
    Student,
    NotRenewable,
    /// Living outside the department.
    Elsewhere,
    Withdrawn,
    Deceased,
    /// An older permit of the holder in the row before.
    Superseded,
    /// Renewal already filed.
    Filed,
    /// Expired for more than six months.
    Expired,
    /// Expired for less than six months, not filed.
    Late,
    /// A ten-year card with years to run.
    FarOff,
}

/// Rows in a deck.
const DECK_SIZE: u64 = 200;

/// Those of them that are renewals at the counter.
const RENEWALS: u64 = 137;

/// Rows of a deck, by role.
const DECK: [(Role, u64); 11] = [
    (Role::Renewal, RENEWALS),
    (Role::Student, 21),
    (Role::FarOff, 12),
    (Role::Filed, 9),
    (Role::Superseded, 6),
    (Role::Elsewhere, 3),
    (Role::Expired, 3),
    (Role::Late, 3),
    (Role::NotRenewable, 2),
    (Role::Withdrawn, 2),
    (Role::Deceased, 2),
];

/// The role of the next row, from a deck that is shuffled anew whenever it is used up.
pub(super) fn draw_role(deck: &mut Vec<Role>, dice: &mut Dice) -> Role {
    if deck.is_empty() {
        deck.extend(DECK.iter().flat_map(|&(role, n)| (0..n).map(move |_| role)));
        dice.shuffle(deck);
    }
    deck.pop().unwrap_or(Role::Renewal)
}

/// Deals the days on which renewals expire, at a constant rate.
///
/// The coming weeks are cut into ticks, one renewal each, eight ticks to a cell. Cells are dealt in a
/// scattered order and the ticks of a cell one after the other: renewals that follow each other in the
/// file, such as those of a household, mostly expire together, and the file as a whole is in no order.
pub(super) struct Weeks {
    permits: u64,
    cells: u64,
    stride: u64,
    offset: u64,
    dealt: u64,
}

impl Weeks {
    const CELL: u64 = 8;

    pub(super) fn new(permits: u64) -> Self {
        let renewals = permits.saturating_sub(GUESTS.len() as u64) * RENEWALS / DECK_SIZE;
        let cells = renewals.div_ceil(Self::CELL).max(1);
        // Prime to `cells`, so that each cell is dealt once; near the golden section, so that it scatters.
        let stride = (cells * 618 / 1_000..=cells + 1).find(|&n| gcd(n, cells) == 1).unwrap_or(1);
        Self {
            permits: permits.max(1),
            cells,
            stride,
            // The cell dealt last, which few rows may reach, is then the last of the coming weeks too.
            offset: (stride + cells - 1) % cells,
            dealt: 0,
        }
    }

    /// Days from the first night to the next renewal's expiry.
    pub(super) fn deal(&mut self) -> i64 {
        let cell = (self.dealt / Self::CELL * self.stride + self.offset) % self.cells;
        let tick = cell * Self::CELL + self.dealt % Self::CELL;
        self.dealt += 1;
        (tick * 7 * USUAL_PERMITS / (RENEWALS_PER_WEEK * self.permits)).cast_signed()
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
