//! Files that are there whole, or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rustix::fs::{CWD, RenameFlags};

use crate::fault;

/// Writes beside the target, synchronises, renames: whoever reads it sees the old file or the new one, never half.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// The same, for what names people: only who runs this program may read it.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    write_as(path, 0o600, |file| file.write_all(bytes))
}

/// A folder for such files, made if it does not exist. One that does keeps who may read it.
pub fn make_private_folder(folder: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("making {}", folder.display()))
}

/// The same, for what is written piece by piece.
pub fn write_with(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<()> {
    write_as(path, 0o640, write)
}

fn write_as(path: &Path, mode: u32, write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<()> {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let whole = || -> std::io::Result<()> {
        let named = tempfile::Builder::new().permissions(PermissionsExt::from_mode(mode)).tempfile_in(folder)?;
        let (file, place) = named.into_parts();
        let mut file = BufWriter::new(file);
        write(&mut file)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        place.persist(path)?;
        Ok(())
    };
    whole().with_context(|| format!("writing {}", path.display()))
}

/// A whole folder of files, by their path within it: whoever looks at `target` sees none of it, or all. An empty folder gives way,
/// and so does one that `is_ours` to replace: it is lost.
pub fn write_folder<'f>(
    target: &Path,
    is_ours: impl FnOnce(&Path) -> bool,
    files: impl IntoIterator<Item = (&'f String, &'f Vec<u8>)>,
) -> Result<()> {
    let parent = target.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
    let taken = fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some());
    ensure!(
        !taken || is_ours(target),
        "{} holds other files: name an empty folder, or one that is not there yet",
        target.display()
    );
    let place = tempfile::Builder::new().prefix(".convoke-").tempdir_in(parent);
    let place = place.with_context(|| format!("making a folder in {}", parent.display()))?;
    for (name, bytes) in files {
        let file = place.path().join(name);
        fs::create_dir_all(file.parent().unwrap_or(parent)).with_context(|| format!("making the folder of {name}"))?;
        write_whole(&file, bytes)?;
    }
    fs::set_permissions(place.path(), PermissionsExt::from_mode(0o750)).context("setting who may read a folder")?;
    fault::point("before-folder");
    // From here on the folder is either where it was made, or where it is to be; what was there before takes its place, and goes.
    let renamed = if taken {
        rustix::fs::renameat_with(CWD, place.path(), CWD, target, RenameFlags::EXCHANGE).map_err(std::io::Error::from)
    } else {
        fs::rename(place.path(), target)
    };
    renamed.with_context(|| format!("writing {}", target.display()))?;
    fault::point("after-folder");
    File::open(parent).and_then(|f| f.sync_all()).with_context(|| format!("synchronising {}", parent.display()))?;
    if !taken {
        // It has moved: there is nothing left to remove.
        let _ = place.keep();
    }
    Ok(())
}

/// Files as one, as they are: what is large in them is compressed already. The same files give the same bytes.
pub fn archive<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let how = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default());
    for (name, bytes) in files {
        zip.start_file(name, how).with_context(|| format!("putting {name} into an archive"))?;
        zip.write_all(bytes).with_context(|| format!("putting {name} into an archive"))?;
    }
    Ok(zip.finish().context("ending an archive")?.into_inner())
}

/// The files of a folder, by their path within it. Links are not followed, and anything else than files and folders is refused.
pub fn read_folder(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![(folder.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().with_context(|| format!("looking at {name}"))?;
            if kind.is_dir() {
                folders.push((entry.path(), format!("{name}/")));
            } else {
                ensure!(kind.is_file(), "{name} is neither a file nor a folder");
                found.insert(name.clone(), fs::read(entry.path()).with_context(|| format!("reading {name}"))?);
            }
        }
    }
    Ok(found)
}
