//! A light tree over the events of a file: values, spans, lines and parents.
//!
//! Nodes live in one arena and know their parents, so a path is worked out only for what is found.
//! Alias nodes point at their target; [`Tree::resolve`] and [`Tree::get`] look through them (and
//! through merge keys) one step at a time, within a budget.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use granit_parser::ScalarStyle;

use super::events::{self, Stopped, YamlEvent, YamlEventKind};

/// A node of a [`Tree`].
pub(in crate::sources) type Id = u32;

/// Entries looked at per node when keys are looked up: far above what any real file needs, and
/// a bound on what aliases of large mappings can multiply.
const LOOKUPS_PER_NODE: usize = 64;
const MERGE_DEPTH: u32 = 8;
/// Characters of one key in a path.
const MAX_KEY: usize = 200;

/// A scalar, a collection or an alias, with the place where it is written.
#[derive(Debug)]
pub(in crate::sources) struct Node<'a> {
    /// What it contains.
    pub kind: Kind<'a>,
    /// Its bytes; for collections only where they begin.
    pub span: Range<usize>,
    /// First line, from 1.
    pub line: u32,
    /// Its place in the parent.
    slot: Slot,
}

/// What a node contains.
#[derive(Debug)]
pub(in crate::sources) enum Kind<'a> {
    /// A scalar with its value.
    Scalar(Cow<'a, str>, ScalarStyle),
    /// Key and value nodes in file order.
    Map(Vec<(Id, Id)>, Flow),
    /// Items in file order.
    Seq(Vec<Id>),
    /// Stands for another node.
    Alias(Id),
}

/// Whether a mapping is written `{…}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources) enum Flow {
    /// By indentation.
    Block,
    /// In braces.
    Braces,
}

#[derive(Debug, Clone, Copy)]
enum Slot {
    Root(u32),
    Key(Id),
    Value { map: Id, key: Id },
    Item { seq: Id, index: u32 },
}

/// All documents of a text.
#[derive(Debug)]
pub(in crate::sources) struct Tree<'a> {
    /// The bytes of the file, as UTF-8 without a byte-order mark.
    pub text: &'a str,
    nodes: Vec<Node<'a>>,
    /// Root of each document that could be read whole.
    pub roots: Vec<Id>,
    /// Why the rest could not be read.
    pub stopped: Option<Stopped>,
    uses_by_anchor: HashMap<Id, Vec<Id>>,
    budget: Cell<usize>,
    line_starts: OnceCell<Vec<usize>>,
}

struct OpenNode {
    id: Id,
    key: Option<Id>,
}

impl<'a> Tree<'a> {
    /// Reads a text.
    pub(crate) fn read(text: &'a str) -> Self {
        Self::built(text, |each| events::read(text, each).err())
    }

    /// A tree of events that no text stands behind.
    pub(crate) fn of_events(all: impl Iterator<Item = YamlEvent<'a>>) -> Self {
        Self::built("", |each| {
            all.for_each(each);
            None
        })
    }

    fn built(text: &'a str, read: impl FnOnce(&mut dyn FnMut(YamlEvent<'a>)) -> Option<Stopped>) -> Self {
        let mut tree = Self {
            text,
            // Growing it step by step copies every node several times.
            nodes: Vec::with_capacity((text.len() / 32).min(1 << 14)),
            roots: Vec::new(),
            stopped: None,
            uses_by_anchor: HashMap::new(),
            budget: Cell::new(0),
            line_starts: OnceCell::new(),
        };
        let mut builder = Builder::default();
        tree.stopped = read(&mut |event| builder.take(&mut tree, event));
        tree.budget
            .set((tree.nodes.len() + 1000).saturating_mul(LOOKUPS_PER_NODE));
        tree
    }

    /// The node with this id; ids are given out by this tree alone.
    pub(crate) fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id as usize]
    }

    /// The node itself, or what an alias stands for.
    pub(crate) fn resolve(&self, mut id: Id) -> Id {
        for _ in 0..MERGE_DEPTH {
            match self.node(id).kind {
                Kind::Alias(target) => id = target,
                _ => break,
            }
        }
        id
    }

    /// The value of a scalar, aliases looked through.
    pub(crate) fn text_of(&self, id: Id) -> Option<&str> {
        match &self.node(self.resolve(id)).kind {
            Kind::Scalar(value, _) => Some(value),
            _ => None,
        }
    }

    /// The value of a scalar that is a non-empty text: no null, no empty string.
    pub(crate) fn filled(&self, id: Id) -> Option<&str> {
        match &self.node(self.resolve(id)).kind {
            Kind::Scalar(value, ScalarStyle::Plain) if matches!(value.as_ref(), "~" | "null" | "Null" | "NULL") => None,
            Kind::Scalar(value, _) if value.trim().is_empty() => None,
            Kind::Scalar(value, _) => Some(value),
            _ => None,
        }
    }

    /// Whether a scalar is a number for everybody who reads it.
    pub(crate) fn is_number(&self, id: Id) -> bool {
        match &self.node(self.resolve(id)).kind {
            Kind::Scalar(value, ScalarStyle::Plain) => {
                value.parse::<f64>().is_ok()
                    && value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))
            }
            _ => false,
        }
    }

    /// Entries of a mapping, aliases looked through; merge keys are entries like any other.
    pub(crate) fn entries(&self, id: Id) -> &[(Id, Id)] {
        match &self.node(self.resolve(id)).kind {
            Kind::Map(entries, _) => entries,
            _ => &[],
        }
    }

    /// Items of a sequence, aliases looked through.
    pub(crate) fn items(&self, id: Id) -> &[Id] {
        match &self.node(self.resolve(id)).kind {
            Kind::Seq(items) => items,
            _ => &[],
        }
    }

    /// Whether the node is a mapping written with indentation.
    pub(crate) fn is_block_map(&self, id: Id) -> bool {
        matches!(self.node(id).kind, Kind::Map(_, Flow::Block))
    }

    /// The value under a key: the mapping's own first, then what it merges in (YAML 1.1 `<<`).
    /// The value node is returned as written: it may be an alias.
    pub(crate) fn get(&self, map: Id, key: &str) -> Option<Id> {
        self.get_at(map, key, 0)
    }

    fn get_at(&self, map: Id, key: &str, depth: u32) -> Option<Id> {
        let entries = self.entries(map);
        if !self.look(entries.len() + 1) {
            return None;
        }
        let own = entries
            .iter()
            .rev()
            .find(|(k, _)| matches!(&self.node(*k).kind, Kind::Scalar(text, _) if text == key));
        if let Some((_, value)) = own {
            return Some(*value);
        }
        if depth >= MERGE_DEPTH {
            return None;
        }
        for (k, value) in entries {
            if !matches!(&self.node(*k).kind, Kind::Scalar(text, ScalarStyle::Plain) if text == "<<") {
                continue;
            }
            let sources = match &self.node(self.resolve(*value)).kind {
                Kind::Seq(items) => items.as_slice(),
                _ => std::slice::from_ref(value),
            };
            for source in sources {
                if let Some(found) = self.get_at(*source, key, depth + 1) {
                    return Some(found);
                }
            }
        }
        None
    }

    /// Spends some of the budget of lookups; `false` when nothing is left.
    pub(crate) fn look(&self, cost: usize) -> bool {
        let left = self.budget.get().saturating_sub(cost);
        self.budget.set(left);
        left > 0
    }

    /// Whether lookups came to an end because aliases multiply them.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.budget.get() == 0
    }

    /// Walks down a path of keys.
    pub(crate) fn at(&self, from: Id, path: &[&str]) -> Option<Id> {
        path.iter().try_fold(from, |id, key| self.get(id, key))
    }

    /// The text under a path of keys.
    pub(crate) fn text_at(&self, from: Id, path: &[&str]) -> Option<&str> {
        self.at(from, path).and_then(|id| self.text_of(id))
    }

    /// The text of the key under which a node stands.
    pub(crate) fn key_of(&self, id: Id) -> Option<&str> {
        match self.node(id).slot {
            Slot::Value { key, .. } => self.text_of(key),
            _ => None,
        }
    }

    /// The key node under which a node stands, with its mapping.
    pub(crate) fn entry_of(&self, id: Id) -> Option<(Id, Id)> {
        match self.node(id).slot {
            Slot::Value { map, key } => Some((map, key)),
            _ => None,
        }
    }

    /// The parent collection.
    pub(crate) fn parent(&self, id: Id) -> Option<Id> {
        match self.node(id).slot {
            Slot::Root(_) => None,
            Slot::Key(map) | Slot::Value { map, .. } => Some(map),
            Slot::Item { seq, .. } => Some(seq),
        }
    }

    /// Whether the node is a key of a mapping.
    pub(crate) fn is_key(&self, id: Id) -> bool {
        matches!(self.node(id).slot, Slot::Key(_))
    }

    /// Aliases of exactly this node.
    pub(crate) fn aliases(&self, id: Id) -> &[Id] {
        self.uses_by_anchor.get(&id).map_or(&[], Vec::as_slice)
    }

    /// `$[document].key[index]`; a key itself ends in `[n]~key`.
    pub(crate) fn path(&self, id: Id) -> String {
        let mut out = String::new();
        self.write_path(id, None, &mut out);
        out
    }

    /// The path from `from`, which contains it (or is it), down to `id`.
    pub(crate) fn below(&self, from: Id, id: Id) -> String {
        let mut out = String::new();
        self.write_path(id, Some(from), &mut out);
        out
    }

    fn write_path(&self, id: Id, below: Option<Id>, out: &mut String) {
        let mut chain = Vec::new();
        let mut at = id;
        while below != Some(at) {
            chain.push(at);
            match self.parent(at) {
                Some(parent) => at = parent,
                None => break,
            }
        }
        for id in chain.into_iter().rev() {
            match self.node(id).slot {
                Slot::Root(document) => {
                    let _ = write!(out, "$[{document}]");
                }
                Slot::Value { key, .. } => {
                    out.push('.');
                    out.extend(self.text_of(key).unwrap_or("?").chars().take(MAX_KEY));
                }
                Slot::Item { index, .. } => {
                    let _ = write!(out, "[{index}]");
                }
                Slot::Key(map) => {
                    let nth = self.entries(map).iter().position(|(k, _)| *k == id).unwrap_or(0);
                    let _ = write!(out, "[{nth}]~key");
                }
            }
        }
    }

    /// The mapping that a node is merged into (`<<: *x`, `<<: [*x, *y]`), if it is.
    pub(crate) fn merged_into(&self, id: Id) -> Option<Id> {
        let is_merge = |key: Id| matches!(&self.node(key).kind, Kind::Scalar(text, ScalarStyle::Plain) if text == "<<");
        let entry = match self.node(id).slot {
            Slot::Item { seq, .. } => self.entry_of(seq),
            _ => self.entry_of(id),
        };
        entry.filter(|(_, key)| is_merge(*key)).map(|(map, _)| map)
    }

    /// Index of the document that contains a node.
    pub(crate) fn document_of(&self, id: Id) -> u32 {
        let mut at = id;
        loop {
            match self.node(at).slot {
                Slot::Root(document) => return document,
                Slot::Key(up) | Slot::Value { map: up, .. } | Slot::Item { seq: up, .. } => at = up,
            }
        }
    }

    /// Where the value of a scalar stands verbatim in the text; `None` where escapes, folding or
    /// indentation make it differ from its bytes.
    pub(crate) fn verbatim(&self, id: Id) -> Option<Range<usize>> {
        let node = self.node(id);
        let Kind::Scalar(value, style) = &node.kind else {
            return None;
        };
        let raw = self.text.get(node.span.clone())?;
        let value = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => value.trim(),
            _ => value.as_ref(),
        };
        let skip = match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => 1,
            // Spans of block scalars begin at the content, after the header line.
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => 0,
        };
        let body = raw.get(skip..)?;
        let at = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => body.find(value)?,
            _ => body.starts_with(value).then_some(0)?,
        };
        let start = node.span.start + skip + at;
        Some(start..start + value.len())
    }

    /// The line of a byte, from 1; line breaks as YAML has them (LF, CR LF, CR).
    pub(crate) fn line_at(&self, offset: usize) -> u32 {
        let starts = self.line_starts.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let breaks = |at: &usize| bytes[*at] == b'\n' || bytes[*at] == b'\r' && bytes.get(at + 1) != Some(&b'\n');
            (0..bytes.len()).filter(breaks).map(|at| at + 1).collect()
        });
        u32::try_from(starts.partition_point(|start| *start <= offset) + 1).unwrap_or(u32::MAX)
    }
}

#[derive(Default)]
struct Builder {
    open: Vec<OpenNode>,
    anchors: HashMap<usize, Id>,
    root: Option<Id>,
}

impl Builder {
    fn take<'a>(&mut self, tree: &mut Tree<'a>, event: YamlEvent<'a>) {
        let YamlEvent { what, span, line } = event;
        let (kind, anchor, opens) = match what {
            YamlEventKind::Document => {
                self.open.clear();
                self.anchors.clear();
                self.root = None;
                return;
            }
            YamlEventKind::DocumentEnd => {
                if let Some(root) = self.root.take() {
                    tree.roots.push(root);
                }
                return;
            }
            YamlEventKind::End => {
                self.open.pop();
                return;
            }
            YamlEventKind::Map { flow, anchor, .. } => {
                let flow = if flow { Flow::Braces } else { Flow::Block };
                (Kind::Map(Vec::new(), flow), anchor, true)
            }
            YamlEventKind::Seq { anchor, .. } => (Kind::Seq(Vec::new()), anchor, true),
            YamlEventKind::Scalar {
                value, style, anchor, ..
            } => (Kind::Scalar(value, style), anchor, false),
            YamlEventKind::Alias(id) => match self.anchors.get(&id) {
                Some(&target) => (Kind::Alias(target), 0, false),
                // The parser resolves aliases itself; this cannot happen, and an empty text is harmless.
                None => (Kind::Scalar(Cow::Borrowed(""), ScalarStyle::Plain), 0, false),
            },
        };
        let id = u32::try_from(tree.nodes.len()).unwrap_or(u32::MAX);
        let slot = self.place(tree, id);
        if let Kind::Alias(target) = kind {
            tree.uses_by_anchor.entry(target).or_default().push(id);
        }
        tree.nodes.push(Node { kind, span, line, slot });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        if opens {
            self.open.push(OpenNode { id, key: None });
        }
    }

    fn place(&mut self, tree: &mut Tree<'_>, id: Id) -> Slot {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(id);
            return Slot::Root(u32::try_from(tree.roots.len()).unwrap_or(u32::MAX));
        };
        match &mut tree.nodes[open.id as usize].kind {
            Kind::Map(entries, _) => match open.key.take() {
                None => {
                    open.key = Some(id);
                    Slot::Key(open.id)
                }
                Some(key) => {
                    entries.push((key, id));
                    Slot::Value { map: open.id, key }
                }
            },
            Kind::Seq(items) => {
                items.push(id);
                Slot::Item {
                    seq: open.id,
                    index: u32::try_from(items.len() - 1).unwrap_or(u32::MAX),
                }
            }
            _ => Slot::Root(0),
        }
    }
}
