//! Typesetting: from words to pages, and from pages to a PDF.
//!
//! [`Text`] is set in a width as a [`Paragraph`] of lines (UAX 9, UAX 14). A [`Flow`] puts paragraphs, lists, boxes and
//! tables onto [`Pages`], each with what it means to someone who listens to it; [`write()`] makes a file of
//! them. Nothing here knows what a letter is. Lengths are in points.

mod face;
mod faces;
mod figures;
mod flow;
mod lines;
mod logo;
mod pages;
mod table;
mod tags;
mod text;
mod words;
mod write;

pub(crate) use face::Face;
pub(crate) use faces::Faces;
pub(crate) use figures::{Pictogram, rectangle};
pub(crate) use flow::{A4, Flow, Gaps, Margins};
pub(crate) use lines::{Paragraph, natural_width};
pub(crate) use logo::Logo;
pub(crate) use pages::{Colour, Pages, Part, Pixels};
pub(crate) use table::{Cell, Look, Width, table};
pub(crate) use text::{Kind, MM, Style, Text};
pub(crate) use write::{About, NotWritten, write};
