//! One picture of many pages, for people who review letters: made by pdftoppm (poppler-utils) if it is installed.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use convoke_machine::files::write_whole;

/// Dots per inch: a page is 331 pixels wide, and its title can be read.
const RESOLUTION: &str = "40";
/// Pages in a row.
const COLUMNS: usize = 6;
/// Pixels between pages.
const GAP: usize = 8;

/// A page as pixels of three bytes (RGB).
struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// Writes `contact-sheet.png` with the pages of all these files; `false` if pdftoppm is not installed.
pub(super) fn write(out: &Path, pdfs: &[String]) -> Result<bool> {
    let mut pages = Vec::new();
    for pdf in pdfs {
        let command =
            Command::new("pdftoppm").args(["-r", RESOLUTION, pdf]).current_dir(out).stdin(Stdio::null()).output();
        let output = match command {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            other => other.context("running pdftoppm")?,
        };
        ensure!(output.status.success(), "pdftoppm could not read {pdf}: {}", String::from_utf8_lossy(&output.stderr));
        let mut rest = output.stdout.as_slice();
        while !rest.is_empty() {
            let (page, after) = picture(rest).with_context(|| format!("what pdftoppm made of {pdf}"))?;
            pages.push(page);
            rest = after;
        }
    }
    let (width, height) = pages.iter().fold((0, 0), |(w, h), page| (w.max(page.width), h.max(page.height)));
    let columns = COLUMNS.min(pages.len()).max(1);
    let (wide, high) = (columns * (width + GAP), pages.len().div_ceil(columns) * (height + GAP));
    let mut sheet = vec![128; wide * high * 3];
    for (n, page) in pages.iter().enumerate() {
        let (left, top) = (n % columns * (width + GAP), n / columns * (height + GAP));
        for (y, row) in page.pixels.chunks_exact(page.width * 3).enumerate() {
            let start = ((top + y) * wide + left) * 3;
            sheet[start..start + row.len()].copy_from_slice(row);
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, wide as u32, high as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().and_then(|mut w| w.write_image_data(&sheet)).context("writing the contact sheet")?;
    write_whole(&out.join("contact-sheet.png"), &file)?;
    Ok(true)
}

/// The first of several binary PPM pictures (`P6`, three numbers, pixels), and what follows it.
fn picture(bytes: &[u8]) -> Option<(Picture, &[u8])> {
    let mut rest = bytes.strip_prefix(b"P6")?;
    let mut number = || {
        rest = rest.trim_ascii_start();
        let end = rest.iter().position(|b| !b.is_ascii_digit())?;
        let (digits, after) = rest.split_at(end);
        rest = after;
        std::str::from_utf8(digits).ok()?.parse::<usize>().ok()
    };
    let (width, height, _) = (number()?, number()?, number()?);
    let (pixels, after) = rest.get(1..)?.split_at_checked(width.checked_mul(height)?.checked_mul(3)?)?;
    Some((Picture { width, height, pixels: pixels.to_vec() }, after))
}
