//! What is read aloud: the structure of a document, and its outline.

use std::num::NonZeroU16;

use krilla::destination::XyzDestination;
use krilla::geom::Point;
use krilla::outline::{Outline, OutlineNode};
use krilla::tagging::{
    BBox, Identifier, ListNumbering, Node as Branch, TableHeaderScope, Tag, TagGroup, TagKind, TagTree,
};

use super::pages::{Child, Node, Pages, Part};

/// Where leaves and links were written.
pub(super) struct Written {
    pub(super) leaves: Vec<Option<Identifier>>,
    pub(super) links: Vec<Option<Identifier>>,
}

/// The structure of what was written.
pub(super) fn tree(pages: &Pages, written: &Written) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some("fr".into()));
    for branch in pages.nodes[0].children.iter().filter_map(|child| branch(pages, *child, written)) {
        tree.push(branch);
    }
    tree
}

fn branch(pages: &Pages, child: Child, written: &Written) -> Option<Branch> {
    let id = match child {
        Child::Leaf(leaf) => return written.leaves[leaf].map(Branch::Leaf),
        Child::Link(link) => return written.links[link].map(Branch::Leaf),
        Child::Node(id) => id,
    };
    let node = &pages.nodes[id];
    let children: Vec<Branch> = node.children.iter().filter_map(|child| branch(pages, *child, written)).collect();
    // A part without content is no part; but a cell is one, or its row would have too few.
    let is_cell = matches!(node.part, Part::Cell | Part::ColumnHeading | Part::RowHeading);
    (is_cell || !children.is_empty()).then(|| TagGroup::with_children(tag(node), children).into())
}

fn tag(node: &Node) -> TagKind {
    let mut tag: TagKind = match &node.part {
        Part::Paragraph => Tag::P.into(),
        Part::Heading(level, words) => {
            Tag::Hn(NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN), Some(words.clone())).into()
        }
        Part::List => Tag::L(ListNumbering::Disc).into(),
        Part::ListItem => Tag::LI.into(),
        Part::ListLabel => Tag::Lbl.into(),
        Part::ListBody => Tag::LBody.into(),
        Part::Table => Tag::Table.into(),
        Part::TableHead => Tag::THead.into(),
        Part::TableBody => Tag::TBody.into(),
        Part::Row => Tag::TR.into(),
        Part::ColumnHeading => Tag::TH(TableHeaderScope::Column).into(),
        Part::RowHeading => Tag::TH(TableHeaderScope::Row).into(),
        Part::Cell => Tag::TD.into(),
        Part::Figure(alternative) => {
            let place = node.place.map(|(page, rect)| BBox::new(page, rect));
            Tag::Figure(Some(alternative.clone())).with_bbox(place).into()
        }
        Part::Strong => Tag::Strong.into(),
        Part::Span => Tag::Span.into(),
        Part::Link => Tag::Link.into(),
        Part::Section => Tag::Section.into(),
    };
    tag.as_any_mut().set_lang(node.language.as_deref().map(str::to_owned));
    tag
}

/// The outline: titles, and below each its headings.
pub(super) fn outline(pages: &Pages) -> Outline {
    let mut outline = Outline::new();
    let mut open: Option<OutlineNode> = None;
    for bookmark in &pages.bookmarks {
        let place = XyzDestination::new(bookmark.page, Point::from_xy(0.0, bookmark.y));
        let node = OutlineNode::new(bookmark.words.clone(), place);
        match &mut open {
            Some(title) if bookmark.level > 1 => title.push_child(node),
            open => {
                if let Some(done) = open.replace(node) {
                    outline.push_child(done);
                }
            }
        }
    }
    if let Some(last) = open {
        outline.push_child(last);
    }
    outline
}
