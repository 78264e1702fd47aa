//! What of a document a renderer needs to know: the texts that name images, and the structure that
//! leads to them. Everything else is left out, so that a tree of thousands of files stays small.

use granit_parser::ScalarStyle;
use serde::{Deserialize, Serialize};

use super::includes::Origin;
use super::tree::{Id, Kind, Tree};

/// Nodes kept of one document: aliases can multiply what there is to see.
const MAX_NODES: usize = 50_000;
/// The same, of an object of which every field counts.
const MAX_WHOLE: usize = 20_000;
const MAX_DEPTH: usize = 100;
const MAX_MERGES: u32 = 8;

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// A scalar that names an image or a part of one, or that a merge needs to know.
    Text(Text),
    /// A mapping, reduced to the entries that lead to texts.
    Map(Vec<(String, Shape)>),
    /// A list with all its items: their positions count.
    List(Vec<Shape>),
    /// An explicit null, which takes away what it is merged over.
    Null,
    /// Anything without images.
    Other,
}

/// One layer of a chart's values. Later ones win.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ValuesLayer {
    /// Values in a file of the repository.
    File {
        /// The path as written, relative to the file that names it.
        path: String,
        /// What the path is relative to.
        from: Origin,
        /// URL of the repository that it lies in, where one is written.
        url: Option<String>,
        /// What becomes of the render if it is not there.
        missing: MissingFile,
    },
    /// Written in place.
    Values(Shape),
    /// Values that are not read, and why: what lies below them may be another.
    Unread(String),
}

/// What becomes of a render whose values file is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MissingFile {
    /// Nothing is rendered at all.
    Fails,
    /// The same, if it should be in this repository; which repository is meant, another object says.
    MayBeElsewhere,
    /// It is rendered without it.
    Skipped,
}

/// A scalar and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// The text after unescaping and folding.
    pub value: String,
    /// Where it stands.
    pub at: TextPlace,
    /// What the text itself contains, where that is YAML: its number in the scan.
    pub inside: Option<u32>,
}

/// A line of the file, and the reference that was found there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TextPlace {
    /// Line, from 1.
    pub line: u32,
    /// The reference that this text is a part of.
    pub found: Option<Handle>,
    /// The number of the file among those of a commit, where it is another than the one that is read: in what
    /// patches made of an object. Scans never set it.
    pub file: Option<u32>,
}

/// Names one reference of a [`super::Scan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Handle {
    /// An index into [`super::Scan::found`].
    Found(u32),
    /// An index into [`super::Scan::layered`].
    Layered(u32),
}

impl ValuesLayer {
    pub(super) fn places(&mut self, each: &mut dyn FnMut(&mut TextPlace)) {
        if let Self::Values(values) = self {
            values.places(each);
        }
    }
}

impl Shape {
    /// Calls `each` for every place.
    pub(super) fn places(&mut self, each: &mut dyn FnMut(&mut TextPlace)) {
        match self {
            Self::Text(text) => each(&mut text.at),
            Self::Map(entries) => entries.iter_mut().for_each(|(_, value)| value.places(each)),
            Self::List(items) => items.iter_mut().for_each(|item| item.places(each)),
            Self::Null | Self::Other => {}
        }
    }

    fn leads_somewhere(&self) -> bool {
        !matches!(self, Self::Other)
    }
}

/// An entry of a mapping that is being reduced. Nearly every object has names and few of them lead to an image, so
/// a name is only copied once something beside it does.
enum ReducedEntry {
    Value(Shape),
    Name(Id),
}

impl ReducedEntry {
    fn leads_somewhere(&self) -> bool {
        match self {
            Self::Value(shape) => shape.leads_somewhere(),
            Self::Name(_) => true,
        }
    }
}

/// What the texts of a tree were found to be. `file_line` tells the line in the file of a line of the tree.
pub(super) struct Shaper<'a> {
    /// The parsed file that the texts stand in.
    pub tree: &'a Tree<'a>,
    /// The reference that a scalar belongs to.
    pub found: &'a dyn Fn(Id) -> Option<Handle>,
    /// The line of the file for a line of the tree.
    pub line: &'a dyn Fn(u32) -> u32,
    /// Whether the names of Helm's values count (`tag`, `digest`, …).
    pub values: bool,
    /// What a text contains, where that is YAML: its number, for the key that the text stands under.
    pub inside: &'a dyn Fn(Id, &str) -> Option<u32>,
}

/// For a reader of documents whose texts contain no YAML.
pub(super) fn nothing_inside(_: Id, _: &str) -> Option<u32> {
    None
}

impl<'a> Shaper<'a> {
    /// The shape of a node; [`Shape::Other`] where nothing in it names an image.
    pub(crate) fn shape(&self, id: Id) -> Shape {
        let mut left = MAX_NODES;
        self.node(id, "", MAX_DEPTH, &mut left)
    }

    /// Where a node stands.
    pub(crate) fn place(&self, id: Id) -> TextPlace {
        TextPlace {
            line: (self.line)(self.tree.node(id).line),
            found: (self.found)(self.tree.resolve(id)),
            file: None,
        }
    }

    /// Everything that a node contains, under the key that it stands under: for objects of which every field counts.
    /// `None` where that is more than is kept.
    pub(crate) fn whole(&self, id: Id, key: &str) -> Option<Shape> {
        let mut left = MAX_WHOLE;
        self.whole_node(id, key, MAX_DEPTH, &mut left)
    }

    fn whole_node(&self, id: Id, key: &str, depth: usize, left: &mut usize) -> Option<Shape> {
        *left = left.checked_sub(1).filter(|_| depth > 0)?;
        let held = self.tree.resolve(id);
        Some(match &self.tree.node(held).kind {
            Kind::Scalar(value, style) if *style == ScalarStyle::Plain && (is_null(value) || value.is_empty()) => {
                Shape::Null
            }
            Kind::Scalar(value, _) => Shape::Text(Text {
                value: value.to_string(),
                at: self.place(id),
                inside: (self.inside)(held, key),
            }),
            Kind::Map(..) => {
                let mut out = Vec::new();
                self.whole_entries(held, depth, left, &mut out)?;
                Shape::Map(out)
            }
            Kind::Seq(items) => {
                let each = items.iter().map(|item| self.whole_node(*item, "", depth - 1, left));
                Shape::List(each.collect::<Option<_>>()?)
            }
            Kind::Alias(_) => return None,
        })
    }

    fn whole_entries(&self, map: Id, depth: usize, left: &mut usize, out: &mut Vec<(String, Shape)>) -> Option<()> {
        let mut merged = Vec::new();
        for (key, value) in self.tree.entries(map) {
            let name = self.tree.text_of(*key)?;
            if name == "<<" {
                merged.push(*value);
            } else if out.iter().all(|(known, _)| known != name) {
                out.push((name.to_owned(), self.whole_node(*value, name, depth - 1, left)?));
            }
        }
        for source in merged {
            *left = left.checked_sub(1).filter(|_| depth > 1)?;
            let list = self.tree.items(source);
            let sources = if list.is_empty() {
                std::slice::from_ref(&source)
            } else {
                list
            };
            for source in sources {
                self.whole_entries(*source, depth - 1, left, out)?;
            }
        }
        Some(())
    }

    fn node(&self, id: Id, key: &str, depth: usize, left: &mut usize) -> Shape {
        if depth == 0 || *left == 0 {
            return Shape::Other;
        }
        *left -= 1;
        let held = self.tree.resolve(id);
        match &self.tree.node(held).kind {
            Kind::Scalar(value, style) => {
                if *style == ScalarStyle::Plain && is_null(value) {
                    return Shape::Null;
                }
                let at = self.place(id);
                // An environment variable may name an image; what a patch puts in its place must be known then.
                let may_be_image = key == "value" && value.contains('/') && value.contains([':', '@']);
                let counts = at.found.is_some() || may_be_image || self.is_kept(key);
                if counts {
                    Shape::Text(Text {
                        value: value.to_string(),
                        at,
                        inside: None,
                    })
                } else {
                    Shape::Other
                }
            }
            Kind::Map(..) => {
                let mut entries: Vec<(&str, ReducedEntry)> = Vec::new();
                self.entries(held, 0, depth, left, &mut entries);
                entries.retain(|(_, value)| value.leads_somewhere());
                if entries.iter().all(|(key, _)| *key == "name") {
                    return Shape::Other;
                }
                let kept = entries.into_iter().map(|(key, value)| match value {
                    ReducedEntry::Value(shape) => (key.to_owned(), shape),
                    ReducedEntry::Name(id) => (key.to_owned(), self.text(id)),
                });
                Shape::Map(kept.collect())
            }
            Kind::Seq(items) => {
                let pods = matches!(key, "containers" | "initContainers" | "ephemeralContainers");
                let items: Vec<Shape> = items.iter().map(|item| self.item(*item, depth, left)).collect();
                let significant = items.iter().any(|item| match item {
                    Shape::Map(entries) => entries.iter().any(|(key, _)| key != "name"),
                    item => item.leads_somewhere(),
                });
                if pods || significant {
                    Shape::List(items)
                } else {
                    Shape::Other
                }
            }
            Kind::Alias(_) => Shape::Other,
        }
    }

    /// An item of a list keeps its name: lists are merged by it.
    fn item(&self, id: Id, depth: usize, left: &mut usize) -> Shape {
        let shape = self.node(id, "", depth.saturating_sub(1), left);
        if matches!(shape, Shape::Map(_)) {
            return shape;
        }
        let name = self.tree.get(id, "name");
        match name.filter(|name| self.tree.text_of(*name).is_some()) {
            Some(name) => Shape::Map(vec![("name".to_owned(), self.text(name))]),
            None => shape,
        }
    }

    /// A scalar as it is written, and where.
    fn text(&self, id: Id) -> Shape {
        Shape::Text(Text {
            value: self.tree.text_of(id).unwrap_or_default().to_owned(),
            at: self.place(id),
            inside: None,
        })
    }

    fn entries(&self, map: Id, merges: u32, depth: usize, left: &mut usize, out: &mut Vec<(&'a str, ReducedEntry)>) {
        let mut merged = Vec::new();
        // What leads nowhere is only noted where it hides an entry that is merged in.
        let is_merge = |(key, _): &(Id, Id)| self.tree.text_of(*key) == Some("<<");
        let hides = merges > 0 || self.tree.entries(map).iter().any(is_merge);
        for (key, value) in self.tree.entries(map) {
            let Some(name) = self.tree.text_of(*key) else { continue };
            if *left == 0 {
                return;
            }
            *left -= 1;
            if name == "<<" {
                merged.push(*value);
                continue;
            }
            if merges > 0 && out.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let entry = match (name, self.tree.text_of(*value)) {
                ("name", Some(_)) => ReducedEntry::Name(*value),
                _ => ReducedEntry::Value(self.node(*value, name, depth.saturating_sub(1), left)),
            };
            if hides || entry.leads_somewhere() {
                out.push((name, entry));
            }
        }
        for source in merged.into_iter().filter(|_| merges < MAX_MERGES) {
            let list = self.tree.items(source);
            let sources = if list.is_empty() {
                std::slice::from_ref(&source)
            } else {
                list
            };
            for source in sources.iter().filter(|_| depth > 1) {
                self.entries(*source, merges + 1, depth - 1, left, out);
            }
        }
    }

    fn is_kept(&self, key: &str) -> bool {
        key == "$patch"
            || key == "reference"
            || speaks_of_image(key)
            || self.values && matches!(key, "registry" | "repository" | "tag" | "digest" | "sha" | "version")
    }
}

/// Whether a plain scalar is YAML's null.
fn is_null(value: &str) -> bool {
    matches!(value, "~" | "null" | "Null" | "NULL")
}

/// Whether the name of a field speaks of an image, in whatever case. Asked of every scalar of every file.
fn speaks_of_image(key: &str) -> bool {
    let is_image = |word: &[u8]| matches!(word[0], b'i' | b'I') && word.eq_ignore_ascii_case(b"image");
    key.as_bytes().windows(b"image".len()).any(is_image)
}
