//! One préfecture of the console: its configuration, connections, theme and jobs.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::sync::Semaphore;

use super::assets::Theme;
use super::jobs::Jobs;
use convoke_settings::Configuration;
use convoke_store::{Store, Use};

/// Reads the current configuration of a préfecture.
pub type Load = Arc<dyn Fn() -> Result<Configuration> + Send + Sync>;

/// Concurrent requests per préfecture: each has a connection to the database.
const AT_ONCE: usize = 8;
/// How many of these may wait for the identity provider.
const AT_PROVIDER: usize = 4;

/// The console of one préfecture.
pub struct Bureau {
    pub(super) config: Arc<Configuration>,
    pub(super) load: Load,
    stores: Mutex<Vec<Store>>,
    pub(super) at_once: Semaphore,
    pub(super) at_provider: Semaphore,
    pub(super) theme: Theme,
    pub(super) jobs: Jobs,
}

impl Bureau {
    /// A préfecture; `load` reads its configuration.
    pub fn new(config: Arc<Configuration>, load: Load) -> Result<Self> {
        let theme = Theme::read(config.settings.http.theme.as_deref())?;
        Ok(Self {
            config,
            load,
            stores: Mutex::default(),
            at_once: Semaphore::new(AT_ONCE),
            at_provider: Semaphore::new(AT_PROVIDER),
            theme,
            jobs: Jobs::default(),
        })
    }

    /// Its code, below which its pages are.
    pub(super) fn code(&self) -> &str {
        &self.config.settings.prefecture.code
    }

    /// Runs a query on a pooled connection, which is kept as long as it works.
    pub(super) fn with_store<T>(&self, question: impl FnOnce(&mut Store) -> (T, bool)) -> Result<T> {
        let kept = self.stores.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut store = match kept {
            Some(store) => store,
            None => Store::open(&self.config.settings.database.url, self.code(), Use::Worker)?,
        };
        let (answer, well) = question(&mut store);
        let works = well || store.answers();
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if works {
            stores.push(store);
        } else {
            // If one connection is lost, so are the others: the next requests open new ones.
            stores.clear();
        }
        Ok(answer)
    }
}
