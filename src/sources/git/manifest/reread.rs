//! Reads an object of a controller again after patches: what it says then is put together from several files.

use std::borrow::Cow;
use std::cell::RefCell;

use granit_parser::ScalarStyle;

use super::applications::{self, Application};
use super::detect::{self, DocumentStyle};
use super::embedded::EmbeddedText;
use super::events::{YamlEvent, YamlEventKind};
use super::kustomization::PatchSource;
use super::objects::{self, ManifestObject};
use super::shape::{Handle, Shape, Shaper, TextPlace, nothing_inside};
use super::tree::{Id, Tree};

/// What an object says after patches. Every place in it names its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatchedObject {
    /// The folders and charts that it applies.
    pub applications: Vec<Application>,
    /// The object itself.
    pub object: ManifestObject,
}

/// Reads an object. Every text of `body` names its file; `embedded` tells what a text of a file says that is YAML itself.
pub(crate) fn reread(body: &Shape, embedded: &dyn Fn(u32, u32) -> Option<EmbeddedText>) -> PatchedObject {
    let mut places = Numbered::default();
    let mut events = vec![event(YamlEventKind::Document, 0)];
    places.write(body, &mut events);
    events.push(event(YamlEventKind::DocumentEnd, 0));
    let tree = Tree::of_events(events.into_iter());
    let places = RefCell::new(places);
    let mut out = read(&tree, &places, embedded);
    let places = places.into_inner();
    let mut place = |at: &mut TextPlace| {
        if let Some(known) = places.known(at.line) {
            *at = known;
        }
    };
    out.applications.iter_mut().for_each(|one| one.places(&mut place));
    out.object.places(&mut place);
    out
}

fn read(
    tree: &Tree<'_>,
    places: &RefCell<Numbered>,
    embedded: &dyn Fn(u32, u32) -> Option<EmbeddedText>,
) -> PatchedObject {
    let found = |id: Id| -> Option<Handle> { places.borrow().known(tree.node(id).line)?.found };
    let inside = |id: Id| -> Option<EmbeddedText> {
        let (file, number) = places.borrow().inside(tree.node(tree.resolve(id)).line)?;
        let mut text = embedded(file, number)?;
        text.places(&mut |at| {
            at.file.get_or_insert(file);
            at.line = places.borrow_mut().add(*at, None);
        });
        Some(text)
    };
    let block = |id: Id| match inside(id) {
        Some(EmbeddedText::Values(values)) => Some(values),
        _ => None,
    };
    let inline = |id: Id| match inside(id) {
        Some(EmbeddedText::Patches(patches)) => PatchSource::Inline(patches),
        _ => PatchSource::Unread,
    };
    let shaper = Shaper {
        tree,
        found: &found,
        line: &|line| line,
        values: true,
        inside: &nothing_inside,
    };
    let root = tree.roots.first().copied().unwrap_or_default();
    let applications = match detect::document("", tree, root) {
        DocumentStyle::FluxKustomization => applications::flux(tree, root, &found, &inline).into_iter().collect(),
        DocumentStyle::Argocd => applications::argocd(&shaper, root, &inline, &block),
        _ => Vec::new(),
    };
    PatchedObject {
        applications,
        object: objects::read(&shaper, root),
    }
}

/// The places of texts, by a number that stands for the line.
#[derive(Default)]
struct Numbered(Vec<(TextPlace, Option<u32>)>);

impl Numbered {
    fn add(&mut self, at: TextPlace, inside: Option<u32>) -> u32 {
        self.0.push((at, inside));
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn at(&self, line: u32) -> Option<&(TextPlace, Option<u32>)> {
        self.0.get((line as usize).checked_sub(1)?)
    }

    fn known(&self, line: u32) -> Option<TextPlace> {
        self.at(line).map(|(at, _)| *at)
    }

    /// The file of a text and the number of what it says there.
    fn inside(&self, line: u32) -> Option<(u32, u32)> {
        let (at, inside) = self.at(line)?;
        Some((at.file?, (*inside)?))
    }

    fn write<'s>(&mut self, shape: &'s Shape, out: &mut Vec<YamlEvent<'s>>) {
        let text = |value: &'s str, style| YamlEventKind::Scalar {
            value: Cow::Borrowed(value),
            style,
            anchor: 0,
            tag: None,
        };
        match shape {
            Shape::Text(one) => {
                let line = self.add(one.at, one.inside);
                out.push(event(text(&one.value, ScalarStyle::DoubleQuoted), line));
            }
            Shape::Map(entries) => {
                let (flow, anchor, tag) = (false, 0, None);
                out.push(event(YamlEventKind::Map { flow, anchor, tag }, 0));
                for (key, value) in entries {
                    out.push(event(text(key, ScalarStyle::DoubleQuoted), 0));
                    self.write(value, out);
                }
                out.push(event(YamlEventKind::End, 0));
            }
            Shape::List(items) => {
                let (flow, anchor, tag) = (false, 0, None);
                out.push(event(YamlEventKind::Seq { flow, anchor, tag }, 0));
                items.iter().for_each(|item| self.write(item, out));
                out.push(event(YamlEventKind::End, 0));
            }
            Shape::Null | Shape::Other => out.push(event(text("null", ScalarStyle::Plain), 0)),
        }
    }
}

fn event(what: YamlEventKind<'_>, line: u32) -> YamlEvent<'_> {
    YamlEvent { what, span: 0..0, line }
}
