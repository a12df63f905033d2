//! The mapping file (TOML): how a préfecture's own extract names its columns and values.
//!
//! ```toml
//! [columns]                                  # our name = theirs
//! numero_etranger = "AGDREF"
//! [values.type_titre]                        # theirs = ours
//! "Carte de séjour temporaire" = "CST"
//! [constants]                                # for columns that the file does not have
//! langue = "fr"
//! ```

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::result::FileFault;
use super::table::layout::Layout;

/// Names of columns and values in an extract. The default maps nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// Our name of a column → its name in the file.
    pub(super) columns: HashMap<String, String>,
    /// Our name of a column → a value in the file → our value.
    pub(super) values: HashMap<String, HashMap<String, String>>,
    /// Our name of a column → the value of every row.
    pub(super) constants: HashMap<String, String>,
}

impl Mapping {
    /// The name that a column of ours has in the file.
    pub(super) fn name_of<'a>(&'a self, ours: &'a str) -> &'a str {
        self.columns.get(ours).map_or(ours, String::as_str)
    }

    /// Reads a mapping file for files of this layout.
    pub fn read(file: &Path, layout: &Layout) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("reading the mapping {}", file.display()))?;
        Self::parse(&text, layout).with_context(|| format!("the mapping {}", file.display()))
    }

    /// Reads a mapping for files of this layout. Errors carry line and column of the TOML text.
    pub fn parse(text: &str, layout: &Layout) -> Result<Self, FileFault> {
        let mapping: Self =
            toml::from_str(text).map_err(|error| FileFault::Mapping(error.to_string().trim_end().to_owned()))?;
        let mut unknown: Vec<&str> = (mapping.columns.keys())
            .chain(mapping.values.keys())
            .chain(mapping.constants.keys())
            .map(String::as_str)
            .filter(|name| !layout.columns.contains(name))
            .collect();
        unknown.sort_unstable();
        unknown.dedup();
        if unknown.is_empty() {
            return Ok(mapping);
        }
        Err(FileFault::Mapping(format!(
            "there is no column {}; known are: {}",
            unknown.join(", "),
            layout.columns.join(", ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout { columns: &["nom", "statut"], required: 1 };

    #[test]
    fn a_wrong_mapping_is_refused_with_its_place_or_the_names_that_exist() {
        let refusal = |text| Mapping::parse(text, &LAYOUT).unwrap_err().to_string();
        assert!(refusal("[columns]\nnom = 3").contains("line 2, column 7"), "{}", refusal("[columns]\nnom = 3"));
        assert!(refusal("[colums]\nnom = \"N\"").contains("unknown field `colums`"));
        assert_eq!(
            refusal("[columns]\nname = \"N\"\n[values.state]\n\"1\" = \"actif\""),
            "the mapping file is refused: there is no column name, state; known are: nom, statut"
        );
        assert_eq!(Mapping::parse("", &LAYOUT).unwrap(), Mapping::default());
    }
}
