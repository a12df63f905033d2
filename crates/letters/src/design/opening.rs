//! The openings of envelopes, and areas of the first page.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::typeset::MM;

/// Width of a sheet.
pub(super) const SHEET: f32 = 210.0 * MM;

/// What many printers leave blank at the edges.
const EDGE: f32 = 8.0 * MM;

/// The opening of an envelope, above the inserted sheet; lengths in millimetres.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    /// Its name, for `envelopes`.
    pub(super) name: String,
    /// From the upper edge of the sheet.
    top: f32,
    /// From the left edge of the sheet; either this or `right`.
    left: Option<f32>,
    /// From the right edge of the sheet.
    right: Option<f32>,
    width: f32,
    height: f32,
    /// Where these lengths are from.
    source: String,
}

/// A rectangle on the first page, in points from its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) right: f32,
    pub(crate) bottom: f32,
}

impl Opening {
    pub(super) fn area(&self) -> Result<Area, String> {
        let (width, height) = (self.width * MM, self.height * MM);
        let left = match (self.left, self.right) {
            (Some(left), None) => left * MM,
            (None, Some(right)) => SHEET - right * MM - width,
            _ => {
                return Err(format!(
                    "[[opening]] {:?} has both `left` and `right`, or neither; expected one",
                    self.name
                ));
            }
        };
        let area = Area { left, top: self.top * MM, right: left + width, bottom: self.top * MM + height };
        let is_within = area.left >= 0.0 && area.top >= 0.0 && area.right <= SHEET && area.bottom <= 150.0 * MM;
        if is_within && width > 0.0 && height > 0.0 {
            Ok(area)
        } else {
            Err(format!("[[opening]] {:?} is not above the upper half of the sheet: check its lengths", self.name))
        }
    }
}

impl Area {
    pub(super) fn grown(self, by: f32) -> Self {
        Self { left: self.left - by, top: self.top - by, right: self.right + by, bottom: self.bottom + by }
    }

    /// What of it a printer can print on.
    pub(super) fn printed(self) -> Self {
        self.common(Self { left: EDGE, top: EDGE, right: SHEET - EDGE, bottom: 2.0 * SHEET })
    }

    /// What is in both.
    pub(super) fn common(self, other: Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    /// The smallest area around both.
    pub(super) fn around(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}
