//! The logo of a letterhead: lines and areas of an SVG, or a PNG or JPEG picture.

use krilla::color::rgb;
use krilla::geom::{Path, PathBuilder, Size, Transform};
use krilla::image::Image;
use krilla::num::NormalizedF32;
use krilla::paint::{Fill, FillRule, LineCap, LineJoin, Stroke, StrokeDash};
use krilla::surface::Surface;
use usvg::tiny_skia_path::PathSegment;

/// A logo, ready to be drawn.
pub(crate) enum Logo {
    /// Width, height, and what is drawn.
    Drawing(f32, f32, Vec<Shape>),
    /// A picture.
    Picture(Image),
}

/// An area and the line around it.
pub(crate) struct Shape {
    path: Path,
    fill: Option<Fill>,
    stroke: Option<Stroke>,
}

impl Logo {
    /// Reads a file.
    ///
    /// # Errors
    /// What of it a letter cannot show, and what to do.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, String> {
        if bytes.starts_with(b"\x89PNG") {
            return Image::from_png(bytes.to_vec().into(), false).map(Self::Picture);
        }
        if bytes.starts_with(&[0xff, 0xd8]) {
            return Image::from_jpeg(bytes.to_vec().into(), false).map(Self::Picture);
        }
        let source = std::str::from_utf8(bytes).map_err(|_| "the logo is no SVG, PNG or JPEG".to_owned())?;
        let options = usvg::roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        let xml = usvg::roxmltree::Document::parse_with_options(source, options).map_err(|error| error.to_string())?;
        // Without fonts of its own, usvg would leave text out and say nothing.
        if xml.descendants().any(|node| ["text", "image"].contains(&node.tag_name().name())) {
            return Err("the logo has a picture or text in it: convert text to paths, or give a PNG".into());
        }
        let tree = usvg::Tree::from_xmltree(&xml, &usvg::Options::default()).map_err(|error| error.to_string())?;
        let mut shapes = Vec::new();
        gather(tree.root(), &mut shapes)?;
        Ok(Self::Drawing(tree.size().width(), tree.size().height(), shapes))
    }

    /// Its width if it is this high.
    pub(crate) fn width(&self, tall: f32) -> f32 {
        match self {
            Self::Drawing(width, height, _) => tall * width / height,
            Self::Picture(image) => tall * image.size().0 as f32 / image.size().1 as f32,
        }
    }

    pub(super) fn draw(&self, surface: &mut Surface<'_>, x: f32, y: f32, tall: f32) {
        surface.push_transform(&Transform::from_translate(x, y));
        match self {
            Self::Drawing(_, height, shapes) => {
                surface.push_transform(&Transform::from_scale(tall / height, tall / height));
                for shape in shapes {
                    surface.set_fill(shape.fill.clone());
                    surface.set_stroke(shape.stroke.clone());
                    surface.draw_path(&shape.path);
                }
                surface.pop();
            }
            Self::Picture(image) => {
                if let Some(size) = Size::from_wh(self.width(tall), tall) {
                    surface.draw_image(image.clone(), size);
                }
            }
        }
        surface.pop();
    }
}

fn gather(group: &usvg::Group, out: &mut Vec<Shape>) -> Result<(), String> {
    let is_plain = group.clip_path().is_none()
        && group.mask().is_none()
        && group.filters().is_empty()
        && group.opacity().get() >= 1.0;
    if !is_plain {
        return Err("the logo has a mask, a filter or a transparent group: flatten it, or give a PNG".into());
    }
    for node in group.children() {
        match node {
            usvg::Node::Group(inner) => gather(inner, out)?,
            usvg::Node::Path(path) if path.is_visible() => out.extend(shape(path)?),
            // Pictures and text were refused before.
            usvg::Node::Path(_) | usvg::Node::Image(_) | usvg::Node::Text(_) => {}
        }
    }
    Ok(())
}

fn shape(path: &usvg::Path) -> Result<Option<Shape>, String> {
    let Some(placed) = path.data().clone().transform(path.abs_transform()) else { return Ok(None) };
    let mut drawn = PathBuilder::new();
    for segment in placed.segments() {
        match segment {
            PathSegment::MoveTo(p) => drawn.move_to(p.x, p.y),
            PathSegment::LineTo(p) => drawn.line_to(p.x, p.y),
            PathSegment::QuadTo(a, p) => drawn.quad_to(a.x, a.y, p.x, p.y),
            PathSegment::CubicTo(a, b, p) => drawn.cubic_to(a.x, a.y, b.x, b.y, p.x, p.y),
            PathSegment::Close => drawn.close(),
        }
    }
    let Some(drawn) = drawn.finish() else { return Ok(None) };
    Ok(Some(Shape {
        path: drawn,
        fill: path.fill().map(fill).transpose()?,
        stroke: path.stroke().map(|line| stroke(line, path.abs_transform().get_scale().0)).transpose()?,
    }))
}

fn fill(fill: &usvg::Fill) -> Result<Fill, String> {
    let rule = if fill.rule() == usvg::FillRule::EvenOdd { FillRule::EvenOdd } else { FillRule::NonZero };
    Ok(Fill { paint: colour(fill.paint())?.into(), opacity: opacity(fill.opacity()), rule })
}

fn stroke(stroke: &usvg::Stroke, scale: f32) -> Result<Stroke, String> {
    let dash = stroke.dasharray().map(|array| StrokeDash {
        array: array.iter().map(|length| length * scale).collect(),
        offset: stroke.dashoffset() * scale,
    });
    Ok(Stroke {
        paint: colour(stroke.paint())?.into(),
        width: stroke.width().get() * scale,
        miter_limit: stroke.miterlimit().get(),
        line_cap: match stroke.linecap() {
            usvg::LineCap::Butt => LineCap::Butt,
            usvg::LineCap::Round => LineCap::Round,
            usvg::LineCap::Square => LineCap::Square,
        },
        line_join: match stroke.linejoin() {
            usvg::LineJoin::Round => LineJoin::Round,
            usvg::LineJoin::Bevel => LineJoin::Bevel,
            usvg::LineJoin::Miter | usvg::LineJoin::MiterClip => LineJoin::Miter,
        },
        opacity: opacity(stroke.opacity()),
        dash,
    })
}

fn colour(paint: &usvg::Paint) -> Result<rgb::Color, String> {
    match paint {
        usvg::Paint::Color(colour) => Ok(rgb::Color::new(colour.red, colour.green, colour.blue)),
        _ => Err("the logo has a gradient or a pattern: give a PNG".into()),
    }
}

fn opacity(value: usvg::Opacity) -> NormalizedF32 {
    NormalizedF32::new(value.get()).unwrap_or(NormalizedF32::ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_is_drawn_in_its_proportions_or_refused_with_the_reason() {
        let svg = |inner: &str| {
            format!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="60" height="30" viewBox="0 0 60 30">{inner}</svg>"#
            )
        };
        let drawn = Logo::new(svg(r#"<rect width="60" height="30" fill="navy"/>"#).as_bytes())
            .unwrap_or_else(|e| panic!("{e}"));
        assert!((drawn.width(15.0) - 30.0).abs() < 0.01);
        let gradient =
            svg(r#"<linearGradient id="g"><stop offset="0" stop-color="red"/><stop offset="1" stop-color="tan"/>
            </linearGradient><rect width="60" height="30" fill="url(#g)"/>"#);
        let text = svg("<text>Préfecture</text>");
        for (file, reason) in [(gradient.as_bytes(), "gradient"), (text.as_bytes(), "text"), (b"no picture", "")] {
            assert!(Logo::new(file).err().is_some_and(|shown| shown.contains(reason)));
        }
    }
}
