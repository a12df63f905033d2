//! The demo's world: an extract of residence permits, invented from a seed.
//!
//! Pure: the same arguments give the same bytes on every machine. Draws are integers from `ChaCha8`; nothing
//! here reads a clock, a locale or a float. Communes are real, everyone who lives in them is invented:
//! addresses are at `example.org`, telephone numbers come from the ranges that ARCEP reserves for fiction.
//!
//! Renewals at the counter are not drawn but dealt: 65 a week for 5,000 permits, in proportion for other
//! sizes, so that a demo of any size shows the load of the same préfecture.

use std::io::{self, Write};

use cast::{
    Commune, ELSEWHERE, GIVEN_NAMES, GUESTS, Guest, Kind, LONG, NAMES, NOT_RENEWABLE, RENEWABLE, STREETS, STUDENT,
    communes,
};
use chrono::{Months, NaiveDate, TimeDelta};
use deal::{Role, Weeks, draw_role};
use dice::Dice;

mod cast;
mod deal;
mod dice;

/// The address that the demo's relay refuses with 550. Its holder's permit expires too soon for a full
/// notice, so that the appointment is firm, and the letter refused, in the first night.
pub const REFUSED_ADDRESS: &str = "adresse.refusee@example.org";

/// Renewals at the counter expiring each week, for [`USUAL_PERMITS`] permits.
pub const RENEWALS_PER_WEEK: u64 = 65;

/// The size of extract for which [`RENEWALS_PER_WEEK`] is stated.
pub const USUAL_PERMITS: u64 = 5_000;

const HEADER: &str = "numero_etranger;nom;prenoms;email;telephone;langue;adresse_1;adresse_2;adresse_3;\
    code_postal;commune_insee;ville;foyer;canal;date_naissance;numero_titre;type_titre;mention;\
    debut_validite;fin_validite;statut;depot_le";

/// The extract as one string: `permits` rows under a header, as `convoke import permits` reads them.
///
/// # Panics
///
/// If `first_night` is within centuries of the calendar's bounds.
#[must_use]
pub fn permits_csv(seed: u64, permits: usize, first_night: NaiveDate) -> String {
    let mut bytes = Vec::new();
    write_permits(seed, permits, first_night, &mut bytes).expect("a Vec takes every write");
    String::from_utf8(bytes).expect("every field is a string")
}

/// Writes the extract row by row, in memory that does not grow with `permits`.
///
/// # Errors
///
/// What `out` refuses.
///
/// # Panics
///
/// If `first_night` is within centuries of the calendar's bounds.
pub fn write_permits(seed: u64, permits: usize, first_night: NaiveDate, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = csv::WriterBuilder::new().delimiter(b';').from_writer(out);
    rows.write_record(HEADER.split(';'))?;
    let mut world = World::new(seed, permits as u64, first_night);
    for _ in 0..permits {
        let (holder, permit) = world.next_row();
        rows.write_record(fields(&holder, &permit))?;
    }
    rows.flush()
}

fn fields(holder: &Holder, permit: &Permit) -> [String; 22] {
    let home = holder.home.clone();
    let (kind, mention) = permit.kind;
    [
        holder.number.clone(),
        holder.name.clone(),
        holder.given_names.clone(),
        holder.email.clone(),
        holder.phone.clone(),
        holder.language.to_owned(),
        home.street,
        home.building,
        home.estate,
        home.commune.postcode.to_owned(),
        home.commune.insee.to_owned(),
        home.commune.name.to_owned(),
        holder.household.clone(),
        holder.channel.to_owned(),
        holder.born_on.to_string(),
        permit.number.clone(),
        kind.to_owned(),
        mention.to_owned(),
        permit.begins_on.to_string(),
        permit.expires_on.to_string(),
        permit.status.to_owned(),
        permit.filed_on.map(|day| day.to_string()).unwrap_or_default(),
    ]
}

#[derive(Clone)]
struct Home {
    street: String,
    building: String,
    estate: String,
    commune: Commune,
}

#[derive(Clone)]
struct Holder {
    number: String,
    name: String,
    given_names: String,
    email: String,
    phone: String,
    language: &'static str,
    home: Home,
    household: String,
    channel: &'static str,
    born_on: NaiveDate,
}

#[derive(Clone)]
struct Permit {
    number: String,
    kind: Kind,
    begins_on: NaiveDate,
    expires_on: NaiveDate,
    status: &'static str,
    filed_on: Option<NaiveDate>,
}

/// A household with members still to be generated.
struct Household {
    id: String,
    name: String,
    home: Home,
    missing: u64,
}

/// The generator: its sources, then its state.
struct World {
    first_night: NaiveDate,
    communes: Vec<(Commune, u64)>,
    dice: Dice,
    weeks: Weeks,
    deck: Vec<Role>,
    guests: std::slice::Iter<'static, Guest>,
    serial: u64,
    household: Option<Household>,
    latest: Option<(Holder, Permit)>,
}

impl World {
    fn new(seed: u64, permits: u64, first_night: NaiveDate) -> Self {
        Self {
            first_night,
            communes: communes(),
            weeks: Weeks::new(permits),
            dice: Dice::new(seed),
            deck: Vec::new(),
            guests: GUESTS.iter(),
            serial: 0,
            household: None,
            latest: None,
        }
    }

    fn next_row(&mut self) -> (Holder, Permit) {
        self.serial += 1;
        let row = match (self.guests.next(), &self.latest) {
            (Some(guest), _) => self.guest(guest),
            (None, latest) => match (draw_role(&mut self.deck, &mut self.dice), latest) {
                (Role::Superseded, Some((holder, newer))) => {
                    let (holder, newer) = (holder.clone(), newer.clone());
                    (holder, self.superseded(&newer))
                }
                (role, _) => {
                    let permit = self.permit(role);
                    (self.holder(role, &permit), permit)
                }
            },
        };
        self.latest = Some(row.clone());
        row
    }

    fn guest(&mut self, guest: &Guest) -> (Holder, Permit) {
        let permit = self.permit_of(("CST", "salarie"), guest.expires_in_days);
        // Drawn as a resident of another commune, so that no household waits for a guest; then moved here.
        let holder = Holder {
            name: guest.name.to_owned(),
            given_names: guest.given_names.to_owned(),
            email: guest.email.map_or_else(|| mailbox(self.serial), str::to_owned),
            language: guest.language,
            channel: "",
            household: String::new(),
            home: self.home(false),
            ..self.holder(Role::Elsewhere, &permit)
        };
        (holder, permit)
    }

    fn permit(&mut self, role: Role) -> Permit {
        let kind = match role {
            Role::Student => self.dice.weighted(&STUDENT),
            Role::NotRenewable => self.dice.weighted(&NOT_RENEWABLE),
            Role::FarOff => self.dice.weighted(&LONG),
            _ => self.dice.weighted(&RENEWABLE),
        };
        let expires_in_days = match role {
            Role::Renewal => self.weeks.deal(),
            Role::Late => -self.dice.days(1, 150),
            Role::Expired => -self.dice.days(190, 1_000),
            Role::FarOff => self.dice.days(730, 3_400),
            Role::Filed => self.dice.days(0, 90) - 30,
            _ => self.dice.days(0, 370),
        };
        let mut permit = self.permit_of(kind, expires_in_days);
        match role {
            Role::Withdrawn => permit.status = "retire",
            Role::Deceased => permit.status = "decede",
            Role::Filed => {
                let known = permit.expires_on.min(self.first_night);
                permit.filed_on = Some(known - TimeDelta::days(self.dice.days(1, 45)));
            }
            _ => {}
        }
        permit
    }

    fn permit_of(&self, kind: Kind, expires_in_days: i64) -> Permit {
        let expires_on = self.first_night + TimeDelta::days(expires_in_days);
        Permit {
            number: format!("D94{:08}", self.dice.scatter(self.serial, 27_182_817, 100_000_000)),
            kind,
            begins_on: expires_on + TimeDelta::days(1) - validity(kind.0),
            expires_on,
            status: "actif",
            filed_on: None,
        }
    }

    /// The permit that `newer` replaced. One in six is still `actif`, in an extract that has not caught up.
    fn superseded(&mut self, newer: &Permit) -> Permit {
        let kind = match newer.kind.0 {
            "CRA1" | "CRA10" => ("CRA1", "vie-privee-familiale"),
            "CR" | "LD-UE" | "RETRAITE" => ("CSP", "vie-privee-familiale"),
            _ => ("VLS-TS", newer.kind.1),
        };
        let expires_on = newer.begins_on - TimeDelta::days(1);
        let mut permit = self.permit_of(kind, (expires_on - self.first_night).num_days());
        if !self.dice.one_in(6) {
            permit.status = "renouvele";
        }
        permit
    }

    fn holder(&mut self, role: Role, permit: &Permit) -> Holder {
        let (household, name, home) = self.family(role == Role::Elsewhere);
        let given_names = self.given_names();
        let email = !self.dice.one_in(12);
        let phone = !self.dice.one_in(7);
        let channel = match (email, phone) {
            (true, _) => self.dice.weighted(&[("", 60), ("email", 3), ("post", 1)]),
            (false, true) => self.dice.weighted(&[("", 5), ("post", 3), ("phone", 2)]),
            (false, false) => "post",
        };
        let (age_from, age_to) = match permit.kind {
            ("RETRAITE", _) => (62, 90),
            (_, mention) if mention.starts_with("etudiant") => (18, 30),
            _ => (19, 75),
        };
        Holder {
            number: self.foreigner_number(),
            name,
            given_names,
            email: if email { mailbox(self.serial) } else { String::new() },
            phone: if phone { self.phone() } else { String::new() },
            language: self.dice.weighted(&[("", 80), ("fr", 8), ("en", 7), ("ar", 3), ("es", 2)]),
            home,
            household,
            channel,
            born_on: self.first_night - TimeDelta::days(self.dice.days(age_from * 366, age_to * 365)),
        }
    }

    /// Household, family name and home: of a household not complete yet, of a new one (15 % of holders live in one of
    /// two to four permit holders), or of a single person.
    fn family(&mut self, elsewhere: bool) -> (String, String, Home) {
        if elsewhere {
            return (String::new(), self.name(), self.home(true));
        }
        if let Some(mut family) = self.household.take() {
            let member = (family.id.clone(), family.name.clone(), family.home.clone());
            family.missing -= 1;
            self.household = (family.missing > 0).then_some(family);
            return member;
        }
        let (name, home) = (self.name(), self.home(false));
        if !self.dice.one_in(18) {
            return (String::new(), name, home);
        }
        let id = format!("F{:07}", self.serial);
        self.household =
            Some(Household { id: id.clone(), name: name.clone(), home: home.clone(), missing: 1 + self.dice.below(3) });
        (id, name, home)
    }

    fn name(&mut self) -> String {
        let name = self.dice.pick(&NAMES);
        if self.dice.one_in(3) { format!("{name}-{}", self.dice.pick(&NAMES)) } else { name.to_owned() }
    }

    /// One in 200 has none: some civil registers know a single name.
    fn given_names(&mut self) -> String {
        match self.dice.below(200) {
            0 => String::new(),
            1..=60 => {
                let first = self.dice.pick(&GIVEN_NAMES);
                format!("{first} {}", self.dice.pick(&GIVEN_NAMES))
            }
            _ => self.dice.pick(&GIVEN_NAMES).to_owned(),
        }
    }

    fn home(&mut self, elsewhere: bool) -> Home {
        let commune = if elsewhere { self.dice.pick(&ELSEWHERE) } else { self.dice.weighted(&self.communes) };
        Home {
            street: format!("{} {}", 1 + self.dice.below(120), self.dice.pick(&STREETS)),
            building: match self.dice.below(20) {
                0..=3 => format!("Bâtiment {}", self.dice.pick(&["A", "B", "C", "D"])),
                4 => format!("chez {}", self.dice.pick(&NAMES)),
                _ => String::new(),
            },
            estate: if self.dice.one_in(12) { "Résidence des Maquettes".to_owned() } else { String::new() },
            commune,
        }
    }

    /// Ten digits, some of them leading zeros; half of those below 10⁹ are written with nine.
    fn foreigner_number(&self) -> String {
        let number = self.dice.scatter(self.serial, 3_141_592_653, 10_000_000_000);
        if number < 1_000_000_000 && self.serial.is_multiple_of(2) {
            format!("{number:09}")
        } else {
            format!("{number:010}")
        }
    }

    fn phone(&mut self) -> String {
        let range = if self.dice.one_in(4) { "019900" } else { "063998" };
        format!("{range}{:04}", self.dice.below(10_000))
    }
}

fn mailbox(serial: u64) -> String {
    format!("titulaire.{serial:06}@example.org")
}

/// Validity of this type of permit.
fn validity(kind: &str) -> Months {
    Months::new(match kind {
        "APS" => 6,
        "CSP" | "TALENT" => 48,
        "CR" | "CRA10" | "LD-UE" | "RETRAITE" => 120,
        _ => 12,
    })
}
