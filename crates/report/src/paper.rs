//! The report on paper: the same figures in the same order, as text and tables.

use super::funnel::{Funnel, Stage, summary};
use super::{RunReport, words};
use convoke_domain::permit::PermitKind;
use convoke_domain::run::RunState;
use convoke_letters::{Document, Section, Table};

/// Lines shown of each list: the full lists accompany the report.
const SHOWN: usize = 200;

/// The report as a document of text and tables.
pub fn document(report: &RunReport) -> Document {
    let funnel = Funnel::of(report);
    let mut lead = vec![summary(report)];
    if report.state != RunState::Completed {
        let why = report.failure.as_ref().map_or_else(String::new, |why| format!(" {why}"));
        lead.push(format!("Exécution non terminée ({}).{why}", words::run_state(report.state)));
    }
    let document = Document {
        title: format!("Convocations, nuit du {}", words::weekday_date(report.business_date)),
        author: report.prefecture_name.clone(),
        footer: format!("Exécution {}, plan {}", report.run, &report.plan_hash[..report.plan_hash.len().min(16)]),
        lead,
        sections: vec![
            execution(report),
            examined(report, &funnel),
            people(&funnel),
            lapses(report),
            listed(report),
            margins(report),
            agenda(report),
            followed(report),
            letters(report),
            interventions(report),
            anomalies(report),
            nights(report),
            proofs(report),
        ],
    };
    // Once for the whole document, so that it cannot be forgotten in any part.
    document.map_texts(&words::visible)
}

fn section(heading: &str, text: Vec<String>, tables: Vec<Table>) -> Section {
    // An empty table is replaced by a sentence.
    let tables: Vec<Table> = tables.into_iter().filter(|t| !t.rows.is_empty()).collect();
    let text = if text.is_empty() && tables.is_empty() { vec!["Néant.".to_owned()] } else { text };
    Section { heading: heading.to_owned(), text, tables }
}

fn cut(mut table: Table) -> Table {
    table.more = table.rows.len().saturating_sub(SHOWN) as u64;
    table.rows.truncate(SHOWN);
    table
}

fn number(n: u64) -> String {
    words::number(n)
}

fn execution(report: &RunReport) -> Section {
    let row = |what: &str, value: String| vec![what.to_owned(), value];
    let mut rows = vec![
        row("Préfecture", format!("{} ({})", report.prefecture_name.clone(), report.prefecture)),
        row("Référence", format!("{}, exécution n° {} de cette nuit", report.run, report.generation)),
        row("Déclenchement", words::trigger(report.trigger).to_owned()),
        row("Auteur", report.actor.clone()),
        row("État", words::run_state(report.state).to_owned()),
        row("Début", words::instant(report.started_at)),
    ];
    rows.extend(report.reason.as_ref().map(|reason| row("Motif", reason.clone())));
    rows.extend(report.finished_at.map(|at| row("Fin", words::instant(at))));
    let warnings = report.warnings.clone();
    section("Exécution", warnings, vec![Table::of_words("De cette nuit", &["Donnée", "Valeur"], rows)])
}

fn examined(report: &RunReport, funnel: &Funnel) -> Section {
    let checks = funnel
        .checks
        .iter()
        .map(|check| format!("{}. {} : {}", if check.holds { "Vérifié" } else { "Anomalie" }, check.label, check.sum));
    let basis = |rule: &str| report.circumstances.bases.get(rule).cloned().unwrap_or_default();
    let rows = report.outcomes.iter().map(|o| vec![o.label.clone(), number(o.permits), basis(o.rule.code())]).collect();
    let mut table = Table::of_words(
        "Issue des titres examinés, par règle, dans l’ordre d’examen",
        &["Règle", "Titres", "Base"],
        rows,
    );
    table.numeric[1] = true;
    section("Titres examinés", checks.collect(), vec![table])
}

fn people(funnel: &Funnel) -> Section {
    let lines = |stage: &Stage| {
        let own = vec![stage.label.to_owned(), number(stage.count)];
        let parts = stage.parts.iter().map(|part| vec![format!("– {}", part.label), number(part.count)]);
        std::iter::once(own).chain(parts).collect::<Vec<_>>()
    };
    let rows = funnel.convoked.iter().flat_map(lines).collect();
    section(
        "Personnes à convoquer",
        vec![],
        vec![Table::of_figures("Des personnes aux lettres", &["Étape", "Nombre"], rows)],
    )
}

fn lapses(report: &RunReport) -> Section {
    let row = |lapse: &super::LapseLine| {
        let seat = lapse.seat.as_ref().map_or_else(
            || "aucune place".to_owned(),
            |(site, desk, day, start)| {
                format!("{} à {}, {}, {}", words::date(*day), words::time(*start), site.clone(), desk.clone())
            },
        );
        let cause = words::lapse_cause(lapse.cause).to_owned();
        vec![
            lapse.permit.clone(),
            words::label(&lapse.kind, PermitKind::label),
            words::date(lapse.expires_on),
            cause,
            seat,
        ]
    };
    let rows = report.lapses.iter().map(row).collect();
    let header = ["Titre", "Type", "Expire le", "Cause", "Rendez-vous ensuite"];
    let missing = report
        .circumstances
        .shortages
        .iter()
        .map(|s| vec![format!("{}, {}", s.site.clone(), s.desk.clone()), words::week(&s.week), number(s.seats)]);
    let mut more = Table::of_words("Places qui ont manqué", &["Site, guichet", "Semaine", "Places"], missing.collect());
    more.numeric[2] = true;
    section(
        "Personnes sans rendez-vous avant l’expiration",
        vec![],
        vec![cut(Table::of_words("Cause, et rendez-vous ensuite", &header, rows)), cut(more)],
    )
}

fn listed(report: &RunReport) -> Section {
    let rows =
        report.listed.iter().map(|l| vec![l.permit.clone(), l.rule.label_fr().to_owned(), l.detail.clone()]).collect();
    let table = Table::of_words("Titres", &["Titre", "Règle", "Précision"], rows);
    section("Titres à examiner par un agent", vec![], vec![cut(table)])
}

fn margins(report: &RunReport) -> Section {
    let c = &report.circumstances;
    let rows = c.margins.iter().map(|m| vec![words::margin(m.days), number(m.appointments)]).collect();
    let windows = c.windows.iter().map(|w| {
        let closes = if w.closes == 0 { "à l’expiration".to_owned() } else { w.closes.to_string() };
        vec![w.id.clone(), words::procedure(&w.procedure).to_owned(), w.opens.to_string(), closes, w.basis.clone()]
    });
    let header = ["Règle", "Démarche", "S’ouvre", "Se ferme", "Base"];
    section(
        "Délai entre le rendez-vous et l’expiration",
        vec![],
        vec![
            Table::of_figures("Rendez-vous du plan", &["Jours avant l’expiration", "Rendez-vous"], rows),
            Table::of_words("Fenêtres de demande en vigueur, en jours avant l’expiration", &header, windows.collect()),
        ],
    )
}

fn agenda(report: &RunReport) -> Section {
    let rows = report.occupancy.iter().map(|o| {
        let full = (o.reserved + o.planned) * 100 / o.seats.max(1);
        let place = format!("{}, {}, semaine du {}", o.site.clone(), o.desk.clone(), words::date(o.week));
        vec![place, number(o.seats), number(o.reserved), number(o.planned), format!("{full} %")]
    });
    let header = ["Site, guichet, semaine", "Places", "Réservées", "Prévues", "Taux"];
    section(
        "Occupation de l’agenda",
        vec![],
        vec![cut(Table::of_figures("Par guichet et par semaine", &header, rows.collect()))],
    )
}

fn letters(report: &RunReport) -> Section {
    let rows = report.letters.iter().map(|l| {
        vec![words::label(&l.state, words::letter_state), words::label(&l.channel, words::channel), number(l.letters)]
    });
    let mut states = Table::of_words("Par état et par canal", &["État", "Canal", "Lettres"], rows.collect());
    states.numeric[2] = true;
    let rows = report.circumstances.replies.iter().map(|r| {
        let code = if r.code.is_empty() { "aucune".to_owned() } else { r.code.clone() };
        vec![words::label(&r.state, words::letter_state), code, number(r.letters)]
    });
    let mut replies =
        Table::of_words("Dernière réponse des relais", &["État de la lettre", "Code", "Lettres"], rows.collect());
    replies.numeric[2] = true;
    let twice = report.letters_perhaps_twice.iter();
    let twice = twice
        .map(|l| vec![l.reference.clone(), words::label(&l.state, words::letter_state), number(l.uncertain)])
        .collect();
    let mut twice =
        Table::of_words("Lettres peut-être reçues deux fois", &["Référence", "État", "Sans réponse"], twice);
    twice.numeric[2] = true;
    section("Lettres de cette exécution", vec![], vec![states, replies, cut(twice)])
}

fn followed(report: &RunReport) -> Section {
    let rows = report.followed.iter().map(|line| {
        vec![line.reference.clone(), line.consequence.label_fr().to_owned(), words::followed_cause(&line.cause)]
    });
    let table =
        Table::of_words("Rendez-vous donnés une nuit précédente", &["Référence", "Suite", "Motif"], rows.collect());
    section("Suites", vec![], vec![cut(table)])
}

fn interventions(report: &RunReport) -> Section {
    let rows = report.circumstances.interventions.iter().map(|i| {
        let reason = i.reason.clone().unwrap_or_default();
        let when = i.at.map(words::instant).unwrap_or_default();
        vec![words::intervention(&i.kind).to_owned(), when, i.actor.clone(), reason, number(i.times)]
    });
    let header = ["Acte", "La première fois", "Auteur", "Motif", "Fois"];
    let mut table = Table::of_words("Tel que le registre l’a retenu", &header, rows.collect());
    table.numeric[4] = true;
    section("Interventions depuis l’exécution précédente", vec![], vec![cut(table)])
}

fn anomalies(report: &RunReport) -> Section {
    let rows = report.circumstances.anomalies.iter();
    let rows = rows.map(|a| vec![words::anomaly(&a.kind).to_owned(), number(a.count), number(a.concerned)]).collect();
    let header = ["Constat", "Nombre", "Concernés"];
    section("Constats à examiner", vec![], vec![Table::of_figures("Ce qui sort de l’ordinaire", &header, rows)])
}

fn nights(report: &RunReport) -> Section {
    let rows = report.circumstances.nights.iter().map(|n| {
        let figures = [n.scanned, n.due, n.firm, n.lapses, n.letters].map(number);
        std::iter::once(words::date(n.business_date)).chain(figures).collect()
    });
    let header = ["Nuit", "Examinés", "À convoquer", "Convoqués", "Sans rendez-vous à temps", "Lettres"];
    section(
        "Comparaison avec les nuits précédentes",
        vec![],
        vec![Table::of_figures("Exécutions achevées", &header, rows.collect())],
    )
}

fn proofs(report: &RunReport) -> Section {
    let rows = [
        ("Données du plan", report.input_hash.clone()),
        ("Règles", report.policy_hash.clone()),
        ("Plan", report.plan_hash.clone()),
        ("Certificat", words::certificate(&report.certificate).to_owned()),
        ("Registre", format!("{} écritures", number(report.ledger_size as u64))),
        ("Tête du registre", report.ledger_root.clone()),
        ("Version", report.version.clone()),
    ];
    let rows = rows.map(|(what, value)| vec![what.to_owned(), value]).into();
    let said = "Les mêmes données, les mêmes règles et le même programme donnent le même plan. Ces empreintes (SHA-256) permettent de le vérifier.";
    section("Preuves", vec![said.to_owned()], vec![Table::of_words("Empreintes", &["Donnée", "Valeur"], rows)])
}
