//! Packs the letters' fonts.

use std::path::Path;
use std::{env, fs, io};

use flate2::{Compression, write::GzEncoder};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    pack_fonts(Path::new("../../templates/fonts"), Path::new(&env::var("OUT_DIR").map_err(io::Error::other)?))
}

/// Packs the fonts by gzip, which also stores their size: five megabytes of the program become less than three.
fn pack_fonts(from: &Path, to: &Path) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", from.display());
    for entry in fs::read_dir(from)? {
        let (path, name) = entry.map(|e| (e.path(), e.file_name()))?;
        if path.extension().is_some_and(|e| e == "ttf") {
            let mut packed = GzEncoder::new(fs::File::create(to.join(name))?, Compression::best());
            io::copy(&mut fs::File::open(path)?, &mut packed)?;
            packed.finish()?;
        }
    }
    Ok(())
}
