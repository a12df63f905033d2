//! How letters look on paper: `letter.toml`, which a préfecture may replace.

mod opening;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;

use super::TemplateError;
use super::templates::DESIGN;
use super::typeset::{Colour, MM};
pub(super) use opening::Area;
use opening::{Opening, SHEET};

/// What the program does by itself.
pub(super) const EMBEDDED: &str = include_str!("../../../config/letter.toml");

/// What `letter.toml` may say. What it leaves out is as in `config/letter.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Design {
    /// Names of the openings in which the address shows whole, and nothing else.
    envelopes: Vec<String>,
    /// By how much the sheet moves within its envelope, in each direction, in millimetres.
    #[schemars(range(min = 0, max = 10))]
    play: f32,
    /// Margins.
    pub(super) margins: PageMargins,
    /// Sizes of type.
    pub(super) sizes: Sizes,
    /// Colours.
    colours: Colours,
    /// Fonts.
    pub(super) fonts: Families,
    /// Closing and signature.
    pub(super) signature: Signature,
    /// Openings of envelopes.
    opening: Vec<Opening>,
}

/// Margins of a page, in millimetres.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PageMargins {
    /// Left and right: 10 to 22.
    #[schemars(range(min = 10, max = 22))]
    pub(super) side: f32,
    /// Above: 5 to 40.
    #[schemars(range(min = 5, max = 40))]
    pub(super) top: f32,
    /// Below, where the foot of the page is: 12 to 40.
    #[schemars(range(min = 12, max = 40))]
    pub(super) bottom: f32,
}

/// Sizes of type, in points.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sizes {
    /// Of the letter: 11 to 12.
    #[schemars(range(min = 11, max = 12))]
    pub(super) body: f32,
    /// Of rights and legal mentions: 9 to 12.
    #[schemars(range(min = 9, max = 14))]
    pub(super) legal: f32,
    /// Of the code below the QR code, the line in eight languages and the foot of a page: 9 to 10.
    #[schemars(range(min = 9, max = 14))]
    pub(super) small: f32,
    /// Of all of a letter in large print: 18 to 24.
    #[schemars(range(min = 18, max = 24))]
    pub(super) large: f32,
}

/// Colours, as `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Colours {
    /// Of text.
    text: String,
    /// Of the frame and of rules.
    frame: String,
}

/// Fonts to use before the embedded ones.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Families {
    /// Names of families.
    pub(super) families: Vec<String>,
}

/// The end of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Signature {
    /// The closing sentence.
    pub(super) closing: String,
    /// Where the lines of the signature are; the closing is beside them.
    pub(super) side: Side,
}

/// A side of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Side {
    Left,
    Right,
}

/// Where the address is on the first page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    /// Shows in every opening, however the sheet lies.
    pub(super) address: Area,
    /// Nothing else is in here: it may show in one of the openings.
    pub(super) clear: Area,
}

/// Room that six lines of 38 usual capitals need, in 11 points.
const ADDRESS: (f32, f32) = (82.0 * MM, 28.5 * MM);

/// Width of the longest reference (`RC-974-2026-0001234-R`), in em.
const REFERENCE: f32 = 11.6;

impl Design {
    /// Reads a `letter.toml`. Also returns it whole, with the defaults that it leaves out.
    ///
    /// # Errors
    /// An unknown key, a value out of its limits, openings that have no room for an address in common: each with its
    /// key and what to do.
    pub(super) fn read(source: &str) -> Result<(Self, String), TemplateError> {
        let wrong = |reason: String| TemplateError::new(DESIGN, reason);
        let table = |text: &str| text.parse::<toml::Table>();
        let own = table(source).map_err(|error| TemplateError::toml(DESIGN, source, &error))?;
        // A test reads it.
        let embedded = table(EMBEDDED).map_err(|error| TemplateError::toml(DESIGN, EMBEDDED, &error))?;
        let whole = merged(embedded.clone(), own);
        let text = if whole == embedded {
            EMBEDDED.to_owned()
        } else {
            toml::to_string(&whole).map_err(|error| wrong(error.to_string()))?
        };
        let design: Self = whole.try_into().map_err(|error| wrong(error.to_string().trim().into()))?;
        design.refuse_limits().map_err(wrong)?;
        design.window().map_err(wrong)?;
        Ok((design, text))
    }

    /// The schema of `letter.toml`: all but what an opening is may be left out.
    #[must_use]
    pub fn schema() -> Schema {
        let mut schema = schema_for!(Self);
        schema.remove("required");
        if let Some(parts) = schema.get_mut("$defs").and_then(|parts| parts.as_object_mut()) {
            for (name, part) in parts {
                if let Some(part) = part.as_object_mut().filter(|_| name != "Opening") {
                    part.remove("required");
                }
            }
        }
        schema
    }

    pub(super) fn text(&self) -> Colour {
        colour(&self.colours.text).unwrap_or_default()
    }

    pub(super) fn frame(&self) -> Colour {
        colour(&self.colours.frame).unwrap_or_default()
    }

    fn refuse_limits(&self) -> Result<(), String> {
        let (margins, sizes) = (self.margins, self.sizes);
        let limits = [
            ("play", self.play, 0.0, 10.0),
            ("[margins] side", margins.side, 10.0, 22.0),
            ("[margins] top", margins.top, 5.0, 40.0),
            ("[margins] bottom", margins.bottom, 12.0, 40.0),
            ("[sizes] body", sizes.body, 11.0, 12.0),
            ("[sizes] legal", sizes.legal, 9.0, 12.0),
            ("[sizes] small", sizes.small, 9.0, 10.0),
            ("[sizes] large", sizes.large, 18.0, 24.0),
        ];
        for (name, found, least, most) in limits {
            if !(least..=most).contains(&found) {
                return Err(format!("{name} is {found}; expected {least} to {most}"));
            }
        }
        for (name, found) in [("text", &self.colours.text), ("frame", &self.colours.frame)] {
            let colour = colour(found).ok_or_else(|| format!("[colours] {name} is {found:?}; expected \"#rrggbb\""))?;
            let contrast = 1.05 / (luminance(colour) + 0.05);
            if contrast < 4.5 {
                return Err(format!(
                    "[colours] {name} {found} has a contrast of {contrast:.1} to white paper; expected 4.5 or more \
                     (WCAG 2.2, 1.4.3): take a darker one"
                ));
            }
        }
        Ok(())
    }

    /// Where the envelopes in use are open, above the first page.
    pub(super) fn openings(&self) -> Vec<Area> {
        // `window` refuses a name that is no opening.
        self.envelopes.iter().filter_map(|name| self.opening(name)?.area().ok()).collect()
    }

    /// Where the address is.
    pub(super) fn window(&self) -> Result<Window, String> {
        let mut areas = Vec::new();
        for name in &self.envelopes {
            let known = || self.opening.iter().map(|opening| opening.name.as_str()).collect::<Vec<_>>().join(", ");
            let opening = self
                .opening(name)
                .ok_or_else(|| format!("`envelopes` names {name:?}, which is no [[opening]]; there are {}", known()))?;
            areas.push(opening.area()?);
        }
        let play = self.play * MM;
        let (Some(address), Some(clear)) = (
            areas.iter().map(|area| area.grown(-play).printed()).reduce(Area::common),
            areas.iter().map(|area| area.grown(play)).reduce(Area::around),
        ) else {
            return Err("`envelopes` is empty: name at least one [[opening]]".into());
        };
        let (width, height) = (address.right - address.left, address.bottom - address.top);
        if width < ADDRESS.0 || height < ADDRESS.1 {
            return Err(format!(
                "the openings {} have {:.0} × {:.0} mm in common, {:.1} mm of play taken off; an address needs \
                 {:.0} × {:.0} mm: name fewer of them in `envelopes`",
                self.envelopes.join(", "),
                width.max(0.0) / MM,
                height.max(0.0) / MM,
                self.play,
                ADDRESS.0 / MM,
                ADDRESS.1 / MM
            ));
        }
        let beside = (clear.left - self.margins.side * MM).max(SHEET - self.margins.side * MM - clear.right);
        let needed = REFERENCE * self.sizes.large;
        if beside < needed {
            return Err(format!(
                "beside the openings {} there are {:.0} mm for letterhead and reference; expected {:.0} or more: make \
                 [margins] side or [sizes] large smaller, or name fewer openings in `envelopes`",
                self.envelopes.join(", "),
                beside.max(0.0) / MM,
                needed / MM
            ));
        }
        Ok(Window { address, clear })
    }

    fn opening(&self, name: &str) -> Option<&Opening> {
        self.opening.iter().find(|opening| opening.name == name)
    }
}

/// The embedded table with what a préfecture changed. Openings are added or replaced by name.
fn merged(mut below: toml::Table, above: toml::Table) -> toml::Table {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(part)), toml::Value::Table(own)) => *part = merged(std::mem::take(part), own),
            (Some(toml::Value::Array(openings)), toml::Value::Array(own)) if key == "opening" => {
                openings.retain(|opening| !own.iter().any(|own| own.get("name") == opening.get("name")));
                openings.extend(own);
            }
            (_, value) => drop(below.insert(key, value)),
        }
    }
    below
}

fn colour(text: &str) -> Option<Colour> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let part = |n: usize| u8::from_str_radix(&digits[n..n + 2], 16).ok();
    Some([part(0)?, part(2)?, part(4)?])
}

/// Relative luminance (WCAG 2.2).
fn luminance(colour: Colour) -> f32 {
    let [r, g, b] = colour.map(|part| {
        let part = f32::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(source: &str) -> String {
        Design::read(source).unwrap_err().to_string()
    }

    #[test]
    fn what_a_file_leaves_out_is_as_the_program_has_it() {
        let (bare, text) = Design::read("").unwrap();
        assert_eq!((Design::read(EMBEDDED).unwrap().1.as_str(), text.as_str()), (EMBEDDED, EMBEDDED));
        let (own, whole) = Design::read("[sizes]\nbody = 12\n").unwrap();
        assert_eq!((own.sizes.body, own.sizes.legal), (12.0, 10.0));
        assert_eq!(own.margins, bare.margins);
        // What is kept with a letter says all of it.
        assert!(whole.contains("body = 12") && whole.contains("[[opening]]") && whole.contains("salutations"));
        assert_eq!(Design::read(&whole).unwrap(), (own, whole.clone()));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_place_and_what_to_do() {
        assert!(refused("[sizes]\nbody = 10.5\n").contains("[sizes] body is 10.5; expected 11 to 12"));
        assert!(refused("[sizes]\nlarge = nan\n").contains("expected 18 to 24"));
        assert!(refused("[sizes]\nfoot = 9\n").contains("unknown field `foot`"));
        assert!(refused("[sizes\n").contains("letter.toml, line 1"));
        assert!(refused("[colours]\ntext = \"#99aabb\"\n").contains("take a darker one"));
        assert!(refused("[colours]\ntext = \"#é12é\"\n").contains("expected \"#rrggbb\""));
        assert!(refused("envelopes = []\n").contains("at least one"));
        assert!(refused("envelopes = [\"dl\"]\n").contains("there are dl-right, c5-right, dl-left, c5-left"));
        assert!(refused("envelopes = [\"dl-right\", \"dl-left\"]\n").contains("name fewer of them"));
    }

    #[test]
    fn an_own_opening_replaces_that_of_its_name() {
        let lengths = "[[opening]]\nname = \"dl-right\"\ntop = 40\nwidth = 90\nheight = 40\nsource = \"measured\"\n";
        let (own, _) = Design::read(&format!("envelopes = [\"dl-right\"]\n{lengths}right = 15\n")).unwrap();
        let window = own.window().unwrap();
        let is_at = |place: f32, millimetres: f32| (place / MM - millimetres).abs() < 0.01;
        assert!(is_at(window.address.top, 43.0) && is_at(window.clear.right, 198.0), "{window:?}");
        assert!(refused(lengths).contains("both `left` and `right`, or neither"));
        assert!(refused(&format!("{lengths}right = 150\n")).contains("not above the upper half"));
    }

    #[test]
    fn black_is_dark_and_white_is_light() {
        assert!((luminance([0; 3])).abs() < 1e-6 && (luminance([255; 3]) - 1.0).abs() < 1e-3);
    }
}
