//! A plan as files (FORMATS, *Planning instance*): everything the planner saw and decided, and nothing personal.

use std::collections::HashMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::instance::NOWHERE;
use super::{Day, Instance, Pass, Plan, PlanningInput, Proof};

/// The plan that the prices prove, if keeping families together moved anyone.
pub const UNPINNED: &str = "plan-unpinned.csv";

/// Files by name.
pub type Files = Vec<(&'static str, Vec<u8>)>;

/// A night, its plan, and what its files contain besides.
pub struct Night<'a> {
    /// What the planner saw.
    pub input: &'a PlanningInput,
    /// Its decisions.
    pub plan: &'a Plan,
    /// The proof of the plan.
    pub proof: &'a Proof,
    /// Préfecture.
    pub dept: &'a str,
    /// SHA-256 of the rules.
    pub policy_hash: &'a str,
    /// Notice in days by channel.
    pub notice: Value,
}

impl Night<'_> {
    /// Everything the planner saw and decided, and nothing personal.
    ///
    /// # Errors
    /// None: writing to memory cannot fail.
    pub fn files<E: Serialize>(&self, explain: impl Fn(&Proof) -> E) -> io::Result<Files> {
        let Self { input, plan, proof, dept, .. } = *self;
        let meta = json!({
            "business_date": input.business_date, "seed": input.seed, "notice": self.notice, "policy_hash": self.policy_hash,
            "perish_before": input.perish_before,
            "counts": {
                "holders": proof.instance.people(), "slots": proof.instance.slots.len(),
                "late": input.candidates.len() - proof.instance.people(),
            },
        });
        let mut files = vec![
            ("meta.json", format!("{meta:#}\n").into_bytes()),
            ("holders.csv", in_memory(|out| write_holders(out, input, proof, dept))?),
            ("slots.csv", in_memory(|out| write_slots(out, &proof.instance, dept))?),
            ("plan.csv", in_memory(|out| write_first_pass(out, input, plan))?),
            ("second-pass.csv", in_memory(|out| write_second_pass(out, input, plan))?),
        ];
        files.extend(proof_files(proof, &explain(proof))?);
        if let Some(second) = &proof.second {
            files.extend(self.second_files(second, &explain(second))?);
        }
        Ok(files)
    }

    /// The second pass as an instance of its own, with the same files.
    fn second_files(&self, second: &Proof, explanation: &impl Serialize) -> io::Result<Files> {
        let Self { input, plan, dept, .. } = *self;
        let meta = json!({
            "business_date": input.business_date, "seed": input.seed, "perish_before": input.perish_before,
            "counts": {"holders": second.instance.people(), "slots": second.instance.slots.len()},
        });
        Ok(vec![
            ("second/meta.json", format!("{meta:#}\n").into_bytes()),
            ("second/holders.csv", in_memory(|out| write_second_holders(out, input, second, dept))?),
            ("second/slots.csv", in_memory(|out| write_slots(out, &second.instance, dept))?),
            ("second/plan.csv", in_memory(|out| write_within_six_months(out, input, second, plan))?),
            ("second/prices.csv", in_memory(|out| write_prices(out, second))?),
            ("second/explain.json", format!("{}\n", serde_json::to_string_pretty(explanation)?).into_bytes()),
        ])
    }
}

/// Prices, explanation and, if keeping families together moved anyone, the plan that the prices prove.
///
/// # Errors
/// None: writing to memory cannot fail.
pub fn proof_files(proof: &Proof, explanation: &impl Serialize) -> io::Result<Files> {
    let mut files = vec![("prices.csv", in_memory(|out| write_prices(out, proof))?)];
    if let Some(places) = proof.unpinned() {
        files.push((UNPINNED, in_memory(|out| write_plan(out, proof, places))?));
    }
    files.push(("explain.json", format!("{}\n", serde_json::to_string_pretty(explanation)?).into_bytes()));
    Ok(files)
}

fn in_memory(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write(&mut bytes)?;
    Ok(bytes)
}

/// Writes `holders.csv`: the people in a night's first pass.
pub fn write_holders(out: impl Write, input: &PlanningInput, proof: &Proof, dept: &str) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "id",
        "household",
        "release",
        "pref_end",
        "deadline",
        "weight",
        "category",
        "dept",
        "pools",
        "lapse_late",
    ])?;
    for (person, c) in input.candidates.iter().filter(|c| !c.is_late()).enumerate() {
        let pools: Vec<String> = c.pools.iter().map(|r| format!("{}:{}", r.pool, r.rank)).collect();
        csv.write_record([
            c.id.0.as_str(),
            c.household.as_deref().unwrap_or_default(),
            // The planner may have shortened the notice.
            &proof.instance.class_of(person).release.to_string(),
            &c.pref_end.to_string(),
            &c.deadline.to_string(),
            &c.weight.to_string(),
            c.category.code(),
            dept,
            &pools.join(";"),
            &c.lapse_late.to_string(),
        ])?;
    }
    csv.flush()
}

/// Writes `second/holders.csv`: the people whom the first pass left out.
fn write_second_holders(out: impl Write, input: &PlanningInput, second: &Proof, dept: &str) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "id",
        "household",
        "release",
        "pref_end",
        "deadline",
        "weight",
        "category",
        "dept",
        "pools",
        "lapse_late",
    ])?;
    let instance = &second.instance;
    for person in 0..instance.people() {
        let (id, class) = (instance.id(person), instance.class_of(person));
        let found = input.candidates.binary_search_by(|c| c.id.0.as_str().cmp(id));
        let category = found.map_or("", |at| input.candidates[at].category.code());
        let pools: Vec<String> =
            instance.lists[class.list as usize].iter().map(|r| format!("{}:{}", r.pool, r.rank)).collect();
        csv.write_record([
            id,
            "",
            &class.release.to_string(),
            &class.pref_end.to_string(),
            &class.deadline.to_string(),
            &class.weight.to_string(),
            category,
            dept,
            &pools.join(";"),
            &class.lapse_late.to_string(),
        ])?;
    }
    csv.flush()
}

/// Writes `second/plan.csv`: who is seen within the six months after expiry. Whoever gets a later seat is a lapse here.
fn write_within_six_months(out: impl Write, input: &PlanningInput, second: &Proof, plan: &Plan) -> io::Result<()> {
    let late = plan.appointments.iter().filter(|a| a.pass == Pass::AfterExpiry);
    let seats: HashMap<&str, (u32, Day, u16)> =
        late.map(|a| (input.candidates[a.candidate].id.0.as_str(), (a.pool, a.day, a.start))).collect();
    let instance = &second.instance;
    let place = |person: usize| {
        let (pool, day, start) = *seats.get(instance.id(person))?;
        let within = day <= instance.class_of(person).deadline;
        within.then_some((instance.pools[pool as usize].name.as_str(), day, start))
    };
    write_places(out, (0..instance.people()).map(|person| (instance.id(person), place(person))))
}

/// Writes `slots.csv`.
pub fn write_slots(out: impl Write, instance: &Instance, dept: &str) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["pool", "site", "desk", "dept", "day", "start", "cap"])?;
    for slot in &instance.slots {
        let pool = &instance.pools[slot.pool as usize];
        csv.write_record([
            pool.name.as_str(),
            &pool.site,
            &pool.desk,
            dept,
            &slot.day.to_string(),
            &slot.start.to_string(),
            &slot.free.to_string(),
        ])?;
    }
    csv.flush()
}

/// Writes `plan.csv` of a night: its first pass. People without a seat in it are listed as lapses, whatever they get
/// after expiry.
pub fn write_first_pass(out: impl Write, input: &PlanningInput, plan: &Plan) -> io::Result<()> {
    let mut place: Vec<Option<(u32, Day, u16)>> = vec![None; input.candidates.len()];
    for a in plan.appointments.iter().filter(|a| a.pass != Pass::AfterExpiry) {
        place[a.candidate] = Some((a.pool, a.day, a.start));
    }
    let names: Vec<String> = (0..input.pools.len()).map(|number| number.to_string()).collect();
    let people = input.candidates.iter().zip(place).filter(|(c, _)| !c.is_late());
    let named = |(pool, day, start): (u32, Day, u16)| (names[pool as usize].as_str(), day, start);
    write_places(out, people.map(|(c, place)| (c.id.0.as_str(), place.map(named))))
}

/// Writes `second-pass.csv` of a night: the seats after expiry.
pub fn write_second_pass(out: impl Write, input: &PlanningInput, plan: &Plan) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["id", "pool", "day", "start", "pass"])?;
    for a in plan.appointments.iter().filter(|a| a.pass == Pass::AfterExpiry) {
        let (pool, day, start) = (a.pool.to_string(), a.day.to_string(), a.start.to_string());
        csv.write_record([input.candidates[a.candidate].id.0.as_str(), &pool, &day, &start, a.pass.code()])?;
    }
    csv.flush()
}

/// Writes `plan.csv` of a bare instance, or `plan-unpinned.csv`.
pub fn write_plan(out: impl Write, proof: &Proof, places: &[u32]) -> io::Result<()> {
    let (instance, starts) = (&proof.instance, proof.starts(places));
    let place = |person: usize| {
        let bin = places[person];
        (bin != NOWHERE).then(|| {
            let at = &instance.bins[bin as usize];
            (instance.pools[at.pool as usize].name.as_str(), at.day, starts[person])
        })
    };
    write_places(out, (0..instance.people()).map(|person| (instance.id(person), place(person))))
}

fn write_places<'a>(
    out: impl Write,
    people: impl Iterator<Item = (&'a str, Option<(&'a str, Day, u16)>)>,
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["id", "pool", "day", "start"])?;
    for (id, place) in people {
        match place {
            Some((pool, day, start)) => {
                csv.write_record([id, pool, &day.to_string(), &start.to_string()])?;
            }
            None => csv.write_record([id, "-1", "-1", "-1"])?,
        }
    }
    csv.flush()
}

/// Writes `prices.csv`.
pub fn write_prices(out: impl Write, proof: &Proof) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["pool", "day", "price"])?;
    for (bin, price) in &proof.prices {
        let at = &proof.instance.bins[*bin as usize];
        let name = &proof.instance.pools[at.pool as usize].name;
        csv.write_record([name.as_str(), &at.day.to_string(), &price.to_string()])?;
    }
    csv.flush()
}
