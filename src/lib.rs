//! `convoke` convokes residence-permit holders to their renewal appointment before the permit expires.
//!
//! ```text
//! files ──import──▶ permits, slots                        (store)
//! night:  observe ─▶ assess ─▶ plan ─▶ check ─▶ commit     one run, one business date
//!             │        │        │                 │
//!        one read   verdicts  pure            reservations + outbox + ledger, together
//! day:    claim ─▶ render ─▶ send ─▶ record                dispatch, any number of workers
//! after:  report, verify, forecast                         reads only
//! ```
//!
//! Three laws: everything is read, then decided purely, then written once; a run never speaks SMTP and a send never decides
//! who is convoked; the database, not a lock in memory, makes double booking and double sending impossible.
//!
//! Who may import whom (held by `tests/architecture.rs`): the pure modules ([`access`], [`agenda`], [`bundle`], [`calendar`],
//! [`columns`], [`convocation`], [`eligibility`], [`forecast`], [`ids`], [`ledger`], [`letters`], [`movers`], [`permit`], [`planning`], [`policy`], [`report`], [`requests`],
//! [`schedule`], [`seal`], [`search`], [`timeline`]) name no database, mail, runtime, file or environment; [`run`] does not name [`dispatch`]; [`dispatch`] does not name [`planning`]; only [`cli`],
//! [`console`], [`serve`] and [`demo`] see both. Time comes from [`clock`], randomness from [`entropy`], and from nowhere else.
//!
//! | French | here |
//! |---|---|
//! | titre de séjour, titulaire | [`permit::Permit`], [`permit::Holder`] |
//! | type de titre, mention | [`permit::PermitKind`], `mention` |
//! | numéro étranger | foreigner number: [`permit::is_foreigner_number`] |
//! | fin de validité, dépôt | `expires_on`, `filed_on` |
//! | site, guichet, créneau, place | [`agenda::Site`], [`agenda::Desk`], [`agenda::Slot`], seat |
//! | ressort | [`agenda::Jurisdiction`]: communes, by INSEE code |
//! | jour férié | [`calendar::Holiday`] |
//! | préavis, préavis réduit | notice, short notice: [`policy::Policy`] |
//! | fenêtre de dépôt | [`policy::Window`] |
//! | à convoquer, en retard | [`eligibility::Rule::Due`], [`eligibility::Rule::DueLate`] |
//! | sans rendez-vous avant l'expiration | [`planning::Lapse`] |
//! | rendez-vous ferme | firm: reserved, its letter written |
//! | foyer | household |
//! | prévision, charge | [`forecast`], load: people due for a hundred seats |
//! | convocation, présence | [`convocation::State`], mark: [`convocation::Presence`] |
//! | feuille de guichet, liste de porte | sheet: [`sheet::SiteDay`] |
//! | courrier, voie postale | letter: [`letters`], [`dispatch`]; [`post`] |
//! | dépôt en ligne, transfert | notices: [`letters::Matter::OnlineFiling`], [`letters::Matter::Transfer`] |
//! | demande écrite | request: [`requests`] |
//! | registre, témoin | ledger: [`ledger`], signed by [`seal`]; witness |
//! | rapport, pièces | report: [`report`]; what is handed out of it: [`bundle`] |
//! | hors ressort, transfert de dossier | [`movers`]: people under two préfectures |
//! | recherche d'une personne | [`search`], [`store::Store::find`] |
//! | rattrapage | catch-up: [`serve::Night::missed`] |
//! | lecteur, opérateur, auditeur, administrateur | [`access::Role`] |
//! | suspendre, déplacer, annuler, fermer | what is done by hand: [`acts`] |

pub mod access;
pub mod acts;
pub mod agenda;
pub mod bundle;
pub mod calendar;
pub mod cli;
pub mod clock;
mod code;
pub mod columns;
pub mod confirm;
pub mod console;
pub mod convocation;
pub mod demo;
pub mod dispatch;
pub mod eligibility;
pub mod entropy;
mod fault;
pub mod files;
pub mod forecast;
mod french;
pub mod ids;
pub mod import;
pub mod ledger;
pub mod letters;
pub mod movers;
pub mod permit;
pub mod planning;
pub mod policy;
pub mod post;
pub mod process;
pub mod report;
pub mod requests;
pub mod run;
pub mod schedule;
pub mod seal;
pub mod search;
pub mod serve;
pub mod settings;
pub mod sheet;
pub mod store;
pub mod telemetry;
pub mod timeline;
