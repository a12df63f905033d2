//! Drawn figures: rules, rectangles and pictograms.

use krilla::geom::{Path, PathBuilder};

use super::pages::Colour;
use super::text::MM;

/// A pictogram before a label or a heading. It repeats what the words say, so it is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pictogram {
    Date,
    Place,
    Documents,
}

/// A figure: its outline, what fills it, and the line around it.
pub(super) type Figure = (Option<Path>, Option<Colour>, Option<(f32, Colour)>);

impl Pictogram {
    /// Its width.
    pub(crate) const WIDTH: f32 = 3.4 * MM;
    /// From its left to the words after it.
    pub(crate) const INDENT: f32 = 4.6 * MM;

    /// Its figures. `base` is the base line of the words after it; it goes half a millimetre below that.
    pub(super) fn figures(self, x: f32, base: f32, ink: Colour) -> Vec<Figure> {
        let y = base - 2.9 * MM;
        let at = |dx: f32, dy: f32| (x + dx * MM, y + dy * MM);
        let stroke = Some((0.35 * MM, ink));
        let lines = |lines: &[[f32; 4]]| {
            path(|path| {
                for [x1, y1, x2, y2] in lines {
                    let ((x1, y1), (x2, y2)) = (at(*x1, *y1), at(*x2, *y2));
                    path.move_to(x1, y1);
                    path.line_to(x2, y2);
                }
            })
        };
        match self {
            Self::Date => vec![
                (rectangle(x, y, 3.4 * MM, 3.2 * MM, 0.3 * MM), None, stroke),
                (lines(&[[0.0, 1.1, 3.4, 1.1], [1.0, -0.4, 1.0, 0.5], [2.4, -0.4, 2.4, 0.5]]), None, stroke),
            ],
            Self::Place => {
                let pin = path(|path| {
                    let (x, y) = at(1.7, 3.4);
                    path.move_to(x, y);
                    for curve in [
                        [(1.7, 3.4), (0.3, 1.9), (0.7, 0.8)],
                        [(1.0, -0.2), (2.4, -0.2), (2.7, 0.8)],
                        [(3.1, 1.9), (1.7, 3.4), (1.7, 3.4)],
                    ] {
                        let [from, to, end] = curve.map(|(dx, dy)| at(dx, dy));
                        path.cubic_to(from.0, from.1, to.0, to.1, end.0, end.1);
                    }
                });
                let dot = rectangle(x + 1.4 * MM, y + 0.75 * MM, 0.6 * MM, 0.6 * MM, 0.3 * MM);
                vec![(pin, None, stroke), (dot, Some(ink), None)]
            }
            Self::Documents => vec![
                (rectangle(x, y, 2.6 * MM, 3.4 * MM, 0.0), None, stroke),
                (
                    lines(&[[0.6, 0.9, 2.0, 0.9], [0.6, 1.7, 2.0, 1.7], [0.6, 2.5, 2.0, 2.5]]),
                    None,
                    Some((0.25 * MM, ink)),
                ),
            ],
        }
    }
}

/// A line.
pub(super) fn segment(from: (f32, f32), to: (f32, f32)) -> Option<Path> {
    path(|path| {
        path.move_to(from.0, from.1);
        path.line_to(to.0, to.1);
    })
}

/// A rectangle with round corners.
pub(crate) fn rectangle(x: f32, y: f32, width: f32, height: f32, radius: f32) -> Option<Path> {
    // How far the handles of a quarter of a circle are from its corner.
    let k = radius * 0.447_715;
    let (right, bottom) = (x + width, y + height);
    path(|path| {
        path.move_to(x + radius, y);
        path.line_to(right - radius, y);
        if radius > 0.0 {
            path.cubic_to(right - k, y, right, y + k, right, y + radius);
        }
        path.line_to(right, bottom - radius);
        if radius > 0.0 {
            path.cubic_to(right, bottom - k, right - k, bottom, right - radius, bottom);
        }
        path.line_to(x + radius, bottom);
        if radius > 0.0 {
            path.cubic_to(x + k, bottom, x, bottom - k, x, bottom - radius);
        }
        path.line_to(x, y + radius);
        if radius > 0.0 {
            path.cubic_to(x, y + k, x + k, y, x + radius, y);
        }
        path.close();
    })
}

fn path(draw: impl FnOnce(&mut PathBuilder)) -> Option<Path> {
    let mut path = PathBuilder::new();
    draw(&mut path);
    path.finish()
}
