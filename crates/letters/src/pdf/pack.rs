//! Compresses a PDF's small objects together (ISO 32000-1, 7.5.7 and 7.5.8): a tagged letter has a hundred of them, and
//! krilla writes each uncompressed. This saves a third of every e-mail; nothing else in the file changes.

use std::io::Write;
use std::ops::Range;

use flate2::{Compression, write::ZlibEncoder};

/// Ends a stream, with CR and LF: if a stream's bytes happened to end in CR, a lone LF after them would make it seem
/// one byte shorter than declared (ISO 19005-2, 6.1.7.1).
const END: &[u8] = b"\r\nendstream\nendobj\n";

/// The same document with its objects packed; `None` if the file does not have krilla's structure.
pub(super) fn pack(pdf: &[u8]) -> Option<Vec<u8>> {
    let (objects, trailer) = objects(pdf)?;
    let (holder, index) = (objects.len() + 1, objects.len() + 2);
    let mut out = pdf[..objects.iter().map(|range| range.start).min()?].to_vec();
    // Where each object is: in the file, or at an index in the object stream.
    let mut places = vec![(0u8, 0u32, u16::MAX)];
    let (mut numbers, mut bodies, mut packed) = (String::new(), Vec::new(), 0u16);
    for (number, range) in (1..).zip(&objects) {
        let object = &pdf[range.clone()];
        let body = between(object, b" obj", b"endobj")?.trim_ascii();
        if let Some(until) = body.strip_suffix(b"\nendstream") {
            places.push((1, out.len() as u32, 0));
            writeln!(out, "{number} 0 obj").ok()?;
            out.extend_from_slice(until);
            out.extend_from_slice(END);
        } else {
            numbers.extend([number.to_string(), " ".into(), bodies.len().to_string(), " ".into()]);
            places.push((2, holder as u32, packed));
            packed = packed.checked_add(1)?;
            bodies.extend_from_slice(body);
            bodies.push(b'\n');
        }
    }
    places.push((1, out.len() as u32, 0));
    let mut held = numbers.clone().into_bytes();
    held.extend_from_slice(&bodies);
    let entries = format!("/Type/ObjStm/N {packed}/First {}", numbers.len());
    stream(&mut out, holder, &entries, &held)?;

    let start = out.len();
    places.push((1, start as u32, 0));
    let table: Vec<u8> = places
        .iter()
        .flat_map(|(kind, at, position)| [&[*kind][..], &at.to_be_bytes(), &position.to_be_bytes()].concat())
        .collect();
    // Root, Info and ID stay unchanged; the size is the new one.
    let kept = trailer_without_size(trailer)?;
    stream(&mut out, index, &format!("/Type/XRef/W[1 4 2]/Size {}{kept}", places.len()), &table)?;
    write!(out, "startxref\n{start}\n%%EOF").ok()?;
    Some(out)
}

/// The range of each object by number, from 1, and the trailer's dictionary.
fn objects(pdf: &[u8]) -> Option<(Vec<Range<usize>>, &[u8])> {
    let at = find_last(pdf, b"startxref")?;
    let start: usize = std::str::from_utf8(pdf[at + 9..].split(|b| *b == b'%').next()?).ok()?.trim().parse().ok()?;
    let cross_references = pdf.get(start..at)?;
    let middle = find_last(cross_references, b"trailer")?;
    let table = std::str::from_utf8(cross_references[..middle].strip_prefix(b"xref")?).ok()?;
    let trailer = &cross_references[middle + b"trailer".len()..];
    let mut offsets = Vec::new();
    for line in table.trim().lines().skip(2) {
        let (offset, state) = line.trim().split_once(' ')?;
        offsets.push(offset.parse().ok().filter(|_| state.ends_with('n'))?);
    }
    let mut ends: Vec<usize> = offsets.clone();
    ends.push(start);
    ends.sort_unstable();
    let end_of = |offset: &usize| ends.iter().find(|end| *end > offset).copied();
    let ranges: Option<Vec<Range<usize>>> = offsets.iter().map(|o| Some(*o..end_of(o)?)).collect();
    Some((ranges?, trailer))
}

/// The entries of a trailer's dictionary, except its size.
fn trailer_without_size(trailer: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(trailer).ok()?.trim();
    let inner = text.strip_prefix("<<")?.trim_end_matches(">>");
    let (before, after) = inner.split_once("/Size")?;
    let after = after.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
    Some(format!("{before}{after}"))
}

fn stream(out: &mut Vec<u8>, number: usize, entries: &str, bytes: &[u8]) -> Option<()> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).ok()?;
    let packed = encoder.finish().ok()?;
    write!(out, "{number} 0 obj\n<<{entries}/Filter/FlateDecode/Length {}>>\nstream\n", packed.len()).ok()?;
    out.extend_from_slice(&packed);
    out.extend_from_slice(END);
    Some(())
}

fn between<'a>(bytes: &'a [u8], open: &[u8], close: &[u8]) -> Option<&'a [u8]> {
    let start = bytes.windows(open.len()).position(|w| w == open)? + open.len();
    let end = find_last(&bytes[start..], close)?;
    Some(&bytes[start..start + end])
}

fn find_last(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).rposition(|w| w == what)
}
