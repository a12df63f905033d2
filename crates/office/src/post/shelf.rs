//! Batches prepared in the console that have not left yet. They are stored beside the configuration, where nobody else
//! may read them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Batch, MANIFEST, Manifest};
use convoke_machine::files::{archive, make_private_folder, write_folder};
use convoke_settings::Configuration;

/// Letters and addresses of a batch, for download.
const ARCHIVE: &str = "lot.zip";

/// The name of a batch: exactly twelve hexadecimal digits, so that it is safe in a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LotId(String);

impl LotId {
    /// Parses a name of that form.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 12 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The folder of waiting batches.
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// The shelf of a préfecture.
    pub fn of(config: &Configuration) -> Self {
        Self { folder: config.folder.join("post-batches") }
    }

    /// Stores a batch. The same letters give the same batch, which replaces the earlier one. `None` if no letter waits.
    pub fn keep(&self, batch: Batch) -> Result<Option<LotId>> {
        let Some(lot) = LotId::parse(&batch.manifest.batch).filter(|_| !batch.manifest.letters.is_empty()) else {
            return Ok(None);
        };
        let (_, files) = batch.into_files()?;
        let zip = archive(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))?;
        let manifest = files.into_iter().next_back().context("a batch ends with its manifest")?;
        make_private_folder(&self.folder)?;
        write_folder(
            &self.place(&lot),
            |_| true,
            &std::collections::BTreeMap::from([manifest, (ARCHIVE.to_owned(), zip)]),
        )?;
        Ok(Some(lot))
    }

    /// Waiting batches, oldest first.
    pub fn lots(&self) -> Result<Vec<Manifest>> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Ok(Vec::new()) };
        let names = entries.filter_map(|e| LotId::parse(e.ok()?.file_name().to_str()?));
        let mut lots = names.filter_map(|lot| self.manifest(&lot).transpose()).collect::<Result<Vec<_>>>()?;
        lots.sort_by(|a, b| (a.prepared_on, &a.batch).cmp(&(b.prepared_on, &b.batch)));
        Ok(lots)
    }

    /// The manifest of a batch.
    pub fn manifest(&self, lot: &LotId) -> Result<Option<Manifest>> {
        let file = self.place(lot).join(MANIFEST);
        let Ok(text) = fs::read_to_string(&file) else { return Ok(None) };
        serde_json::from_str(&text).map(Some).with_context(|| format!("reading {}", file.display()))
    }

    /// Its files, as one archive.
    pub fn archive(&self, lot: &LotId) -> Result<Option<Vec<u8>>> {
        match fs::read(self.place(lot).join(ARCHIVE)) {
            Ok(zip) => Ok(Some(zip)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("reading batch {}", lot.as_str())),
        }
    }

    /// Removes a batch, with the names and addresses in it.
    pub fn remove(&self, lot: &LotId) -> Result<()> {
        match fs::remove_dir_all(self.place(lot)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("taking batch {} away", lot.as_str()))
            }
            _ => Ok(()),
        }
    }

    fn place(&self, lot: &LotId) -> PathBuf {
        self.folder.join(lot.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        assert!(LotId::parse("0123456789ab").is_some());
        for other in [
            "",
            "..",
            "../../etc",
            "0123456789AB",
            "0123456789a/",
            "0123456789abc",
            "0123456789a\u{e9}",
            "....../.....",
        ] {
            assert_eq!(LotId::parse(other), None, "{other}");
        }
    }
}
