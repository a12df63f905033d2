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
//! Three laws: everything is read, then decided purely, then written once; a run never speaks SMTP and a send never
//! decides who is convoked; the database, not a lock in memory, makes double booking and double sending impossible.
//!
//! This crate is the program: it starts, asks and prints, and decides nothing. What decides is pure and has a crate of
//! its own ([`convoke_domain`], [`convoke_instance`], [`convoke_planning`], [`convoke_check`], [`convoke_letters`],
//! [`convoke_report`]); docs/ARCHITECTURE.md draws them all.
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
//! | sans rendez-vous avant l'expiration | [`convoke_instance::Lapse`] |
//! | rendez-vous ferme | firm: reserved, its letter written |
//! | foyer | household |
//! | prévision, charge | [`forecast`], load: people due for a hundred seats |
//! | convocation, présence | [`convocation::State`], mark: [`convocation::Presence`] |
//! | feuille de guichet, liste de porte | sheet: [`sheet::SiteDay`] |
//! | courrier, voie postale | letter: [`letters`], [`dispatch`]; [`post`] |
//! | dépôt en ligne, transfert | notices: [`letters::Matter::OnlineFiling`], [`letters::Matter::Transfer`] |
//! | demande écrite | request: [`requests`] |
//! | registre, témoin | ledger: [`ledger`], signed by [`seal`]; witness |
//! | rapport, pièces | report: [`report`]; the files handed out: [`bundle`] |
//! | hors ressort, transfert de dossier | [`movers`]: people under two préfectures |
//! | recherche d'une personne | [`search`], [`store::Store::find`] |
//! | rattrapage | catch-up: [`serve::Night::missed`] |
//! | lecteur, opérateur, auditeur, administrateur | [`access::Role`] |
//! | suspendre, déplacer, annuler, fermer | acts done by hand: [`acts`] |
//!
//! [`permit::Permit`]: convoke_domain::permit::Permit
//! [`permit::Holder`]: convoke_domain::permit::Holder
//! [`permit::PermitKind`]: convoke_domain::permit::PermitKind
//! [`permit::is_foreigner_number`]: convoke_domain::permit::is_foreigner_number
//! [`agenda::Site`]: convoke_domain::agenda::Site
//! [`agenda::Desk`]: convoke_domain::agenda::Desk
//! [`agenda::Slot`]: convoke_domain::agenda::Slot
//! [`agenda::Jurisdiction`]: convoke_domain::agenda::Jurisdiction
//! [`calendar::Holiday`]: convoke_domain::calendar::Holiday
//! [`policy::Policy`]: convoke_domain::policy::Policy
//! [`policy::Window`]: convoke_domain::policy::Window
//! [`eligibility::Rule::Due`]: convoke_domain::eligibility::Rule::Due
//! [`eligibility::Rule::DueLate`]: convoke_domain::eligibility::Rule::DueLate
//! [`forecast`]: convoke_report::forecast
//! [`convocation::State`]: convoke_domain::convocation::State
//! [`convocation::Presence`]: convoke_domain::convocation::Presence
//! [`sheet::SiteDay`]: convoke_office::sheet::SiteDay
//! [`letters`]: convoke_letters
//! [`dispatch`]: convoke_dispatch
//! [`post`]: convoke_office::post
//! [`letters::Matter::OnlineFiling`]: convoke_letters::Matter::OnlineFiling
//! [`letters::Matter::Transfer`]: convoke_letters::Matter::Transfer
//! [`requests`]: convoke_domain::requests
//! [`ledger`]: convoke_domain::ledger
//! [`seal`]: convoke_domain::seal
//! [`report`]: convoke_report
//! [`bundle`]: convoke_report::bundle
//! [`movers`]: convoke_domain::movers
//! [`search`]: convoke_domain::search
//! [`store::Store::find`]: convoke_store::Store::find
//! [`access::Role`]: convoke_domain::access::Role
//! [`acts`]: convoke_office::acts

pub mod cli;
pub mod demo;
pub mod serve;
