//! What the words of extracts for titles mean: a person says it once, and all permits so worded follow.

use std::fs;

use anyhow::{Context, Result};
use chrono::{Datelike, Days, Months, NaiveDate};
use serde_json::json;

use convoke_domain::eligibility::NEVER;
use convoke_domain::ledger::Event;
use convoke_domain::permit::mention_code;
use convoke_domain::policy::Policy;
use convoke_domain::title::{Meaning, Spelling, TitleId, Titles, begins_as_student, code_of};
use convoke_machine::clock::Clock;
use convoke_machine::files::write_whole;
use convoke_settings::Configuration;
use convoke_store::{Store, TitleInUse};

/// Expiries that matter tonight: not expired for too long, and within the horizon.
pub fn due_span(policy: &Policy, today: NaiveDate) -> [NaiveDate; 2] {
    [
        today.checked_sub_months(Months::new(policy.late_months)).unwrap_or(NaiveDate::MIN),
        today.checked_add_days(Days::new(policy.horizon_days.into())).unwrap_or(NEVER),
    ]
}

/// Mentions that keep the verdict that they had before titles were known by a table: nobody has said what they are.
pub fn kept(store: &mut Store, titles: &Titles) -> Result<Vec<(String, String)>> {
    let used = store.titles_in_use()?;
    let is_open = |(kind, mention): &(String, String)| {
        used.iter().any(|u| !u.is_unknown && (&u.kind, &u.mention) == (kind, mention))
            && matches!(titles.meaning(kind, mention), Meaning::Unknown { .. })
    };
    Ok(store.kept_titles()?.into_iter().filter(is_open).collect())
}

/// Gives the stored permits the titles that their words have now. Returns how many changed.
pub fn settle(store: &mut Store, titles: &Titles) -> Result<u64> {
    let kept = store.kept_titles()?;
    let mut changed = 0;
    for used in store.titles_in_use()? {
        let words = used.words.clone().unwrap_or_else(|| format!("{}\n{}", used.kind, used.mention));
        let (kind, mention) = words.split_once('\n').context("an unknown title has two lines")?;
        match titles.meaning(kind, mention) {
            Meaning::Known(id) => {
                if used.is_unknown || (id.kind.code(), &id.mention) != (used.kind.as_str(), &used.mention) {
                    changed += store.retitle(&used, &id, None)?;
                }
            }
            Meaning::Unknown { mention: code, .. } => {
                let is_kept = kept.iter().any(|(kind, mention)| (kind, mention) == (&used.kind, &used.mention));
                if is_kept && begins_as_student(&code) {
                    store.forget_kept_title(&used.kind, &used.mention)?;
                }
                if !used.is_unknown && (!is_kept || begins_as_student(&code)) {
                    let id = TitleId { kind: used.kind.parse().context("a stored type")?, mention: code };
                    changed += store.retitle(&used, &id, Some(&words))?;
                }
            }
        }
    }
    Ok(changed)
}

/// Why an answer is not taken.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoTitle(String);

/// Reads what the préfecture's file would be with one more answer.
fn extended_file(known: &str, entry: &str) -> Result<String, NoTitle> {
    let text = format!("{known}{entry}");
    let read: Result<Titles, _> = toml::from_str(&text);
    read.map(|_| text).map_err(|error| {
        NoTitle(format!("titles.toml would not be read with this answer appended: {error}; add it there by hand"))
    })
}

/// Says what a spelling means: in the préfecture's `titles.toml`, for all its permits, and in the ledger.
/// Returns how many permits there are.
pub fn answer(
    store: &mut Store,
    config: &Configuration,
    spelling: &Spelling,
    replace: bool,
    (actor, reason): (&str, &str),
    clock: &Clock,
) -> Result<u64> {
    let known = &config.settings.policy.titles;
    if let (Meaning::Known(id), false) = (known.meaning(&spelling.kind, &spelling.mention), replace) {
        let id = String::from(id);
        return Err(NoTitle(format!(
            "these words are known already: they mean {id}; --replace gives them another title"
        ))
        .into());
    }
    let own = Titles { spelling: vec![spelling.clone()], ..Titles::default() };
    let titles = known.clone().extended(own);
    titles.validate().map_err(|why| NoTitle(format!("{why}; `convoke titles list --all` shows the titles")))?;
    let file = config.folder.join(&config.settings.files.titles);
    let known = if file.exists() {
        fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?
    } else {
        String::new()
    };
    let (today, quoted) =
        (clock.today(config.settings.prefecture.zone), |text: &str| toml::Value::from(text).to_string());
    let entry = format!(
        "\n# {:02}/{:02}/{}\n[[spelling]]\ntype = {}\nmention = {}\ntitle = {}\n",
        today.day(),
        today.month(),
        today.year(),
        quoted(&spelling.kind),
        quoted(&spelling.mention),
        quoted(&String::from(spelling.title.clone())),
    );
    // The file first: a night finds there what the database does not say yet.
    write_whole(&file, extended_file(&known, &entry)?.as_bytes())?;
    store.write(|s| {
        let code = mention_code(&spelling.mention);
        for TitleInUse { kind, mention, .. } in s.titles_in_use()? {
            if code_of(&kind) == code_of(&spelling.kind) && mention == code {
                s.forget_kept_title(&kind, &mention)?;
            }
        }
        let permits = settle(s, &titles)?;
        let payload = json!({"type": spelling.kind, "mention": spelling.mention, "title": spelling.title,
            "permits": permits, "reason": reason});
        s.record(actor, clock.now(), vec![Event { kind: "title.answered", payload }])?;
        Ok(permits)
    })
}
