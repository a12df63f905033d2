//! Files that are there whole, or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};

/// Writes beside the target, synchronises, renames: whoever reads it sees the old file or the new one, never half.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// The same, for what is written piece by piece.
pub fn write_with(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<()> {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let whole = || -> std::io::Result<()> {
        let named = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o640))
            .tempfile_in(folder)?;
        let (file, place) = named.into_parts();
        let mut file = BufWriter::new(file);
        write(&mut file)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        place.persist(path)?;
        Ok(())
    };
    whole().with_context(|| format!("writing {}", path.display()))
}
