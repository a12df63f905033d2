//! Where results go: a terminal, or a folder.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, Result};

use super::failure::Usage;

/// Columns of a line on standard output. A pipe and a file have no width: they get 80, which can be read everywhere,
/// also on paper, whatever the terminal.
pub(super) fn terminal_width() -> u16 {
    comfy_table::Table::new().width().filter(|_| std::io::stdout().is_terminal()).unwrap_or(80)
}

/// The folder of `--out`, made if it does not exist.
pub(super) fn make_folder(out: &Path) -> Result<()> {
    if out.is_file() {
        return Err(Usage(format!("--out {}: is a file", out.display())).into());
    }
    std::fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))
}
