//! Settings: built-in defaults ← `convoke.toml` and the files that it names ← environment ← flags. An invalid
//! configuration never starts anything: it is refused with file, line and column, and what was expected.

mod audit;
mod configuration;
mod database;
mod dispatch;
mod documents;
mod error;
mod http;
mod letters;
mod origin;
mod prefecture;
mod reading;
mod serve;
mod settings;
mod smtp;
mod spelling;

pub use audit::Audit;
pub use configuration::Configuration;
pub use database::Database;
pub use dispatch::{Dispatch, Hours, Uncertain};
pub use documents::{DocumentBlock, Documents};
pub use error::ConfigError;
pub use http::{Http, Oidc};
pub use letters::Letters;
pub use origin::{Origin, Shown, shown as origins};
pub use prefecture::Prefecture;
pub use serve::{Import, Role, Serve, Sheets};
pub use settings::{Files, Settings};
pub use smtp::{Deadlines, Fallback, Smtp};
