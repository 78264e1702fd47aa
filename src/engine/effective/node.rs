//! What a renderer works on: texts that know where they come from, in the structure around them.

use crate::sources::git::manifest::{Handle, Shape, Text, TextPlace};

/// A place in a file of the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SourceSite {
    /// Index of the file.
    pub file: u32,
    /// Line, from 1.
    pub line: u32,
    /// The reference found there.
    pub found: Option<Handle>,
}

impl SourceSite {
    /// A place of `file`, unless it names another file itself.
    pub(crate) fn new(file: u32, at: TextPlace) -> Self {
        Self {
            file: at.file.unwrap_or(file),
            line: at.line,
            found: at.found,
        }
    }
}

/// A text with the places that made it what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RenderedText {
    /// The text after everything that was applied so far.
    pub value: String,
    /// The place that decides its tag and digest.
    pub version: SourceSite,
    /// Places that decide its name, where that is another.
    pub names: Vec<SourceSite>,
    /// Places that something else was laid over.
    pub overridden: Vec<SourceSite>,
    /// Why what it is cannot be decided, if so.
    pub uncertain: Option<String>,
    /// Why the place that decides cannot be edited for it, if so.
    pub read_only: Option<String>,
    /// Where the text is YAML itself: its number in the file that decides.
    pub inside: Option<u32>,
}

impl RenderedText {
    /// A text as it is written.
    pub(crate) fn written(value: &str, version: SourceSite) -> Self {
        Self {
            value: value.to_owned(),
            version,
            names: Vec::new(),
            overridden: Vec::new(),
            uncertain: None,
            read_only: None,
            inside: None,
        }
    }

    /// Everything that made it what it is.
    fn all_sites(&self) -> Vec<SourceSite> {
        let mut all = self.overridden.clone();
        all.push(self.version);
        all.extend(&self.names);
        all
    }

    /// Another text takes its place.
    pub(crate) fn replace(&mut self, by: &Self) {
        let mut overridden = self.all_sites();
        overridden.extend(&by.overridden);
        *self = Self {
            overridden,
            ..by.clone()
        };
    }

    /// The place that decides the version is another now.
    pub(crate) fn decide_version(&mut self, by: SourceSite) {
        self.overridden.push(self.version);
        self.version = by;
    }

    /// The place that decides the name is another now.
    pub(crate) fn decide_name(&mut self, by: SourceSite) {
        self.overridden.append(&mut self.names);
        self.names.push(by);
    }
}

/// A part of an object or of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RenderNode {
    Text(Box<RenderedText>),
    Map(Vec<(String, RenderNode)>),
    List(Vec<RenderNode>),
    Null,
    Other,
}

impl RenderNode {
    /// The shape of a file's document.
    pub(crate) fn of(shape: &Shape, file: u32) -> Self {
        match shape {
            Shape::Text(text) => Self::Text(Box::new(RenderedText {
                inside: text.inside,
                ..RenderedText::written(&text.value, SourceSite::new(file, text.at))
            })),
            Shape::Map(entries) => {
                let each = entries.iter().map(|(key, value)| (key.clone(), Self::of(value, file)));
                Self::Map(each.collect())
            }
            Shape::List(items) => Self::List(items.iter().map(|item| Self::of(item, file)).collect()),
            Shape::Null => Self::Null,
            Shape::Other => Self::Other,
        }
    }

    /// The same as the shape of a document, each text with the file that it comes from.
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::Text(text) => Shape::Text(Text {
                value: text.value.clone(),
                at: TextPlace {
                    line: text.version.line,
                    found: text.version.found,
                    file: Some(text.version.file),
                },
                inside: text.inside,
            }),
            Self::Map(entries) => {
                let each = entries.iter().map(|(key, value)| (key.clone(), value.shape()));
                Shape::Map(each.collect())
            }
            Self::List(items) => Shape::List(items.iter().map(Self::shape).collect()),
            Self::Null => Shape::Null,
            Self::Other => Shape::Other,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match self {
            Self::Map(entries) => entries.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value of an entry that is a text.
    pub(crate) fn text(&self, key: &str) -> Option<&RenderedText> {
        match self.get(key) {
            Some(Self::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Calls `each` for every text, with the key that it stands under.
    pub(crate) fn texts<'n>(&'n self, each: &mut dyn FnMut(&'n str, &'n RenderedText)) {
        self.texts_under("", each);
    }

    fn texts_under<'n>(&'n self, key: &'n str, each: &mut dyn FnMut(&'n str, &'n RenderedText)) {
        match self {
            Self::Text(text) => each(key, text),
            Self::Map(entries) => entries.iter().for_each(|(key, value)| value.texts_under(key, each)),
            Self::List(items) => items.iter().for_each(|item| item.texts_under(key, each)),
            Self::Null | Self::Other => {}
        }
    }

    /// Calls `each` for every text.
    pub(crate) fn texts_mut(&mut self, each: &mut dyn FnMut(&mut RenderedText)) {
        match self {
            Self::Text(text) => each(text),
            Self::Map(entries) => entries.iter_mut().for_each(|(_, value)| value.texts_mut(each)),
            Self::List(items) => items.iter_mut().for_each(|item| item.texts_mut(each)),
            Self::Null | Self::Other => {}
        }
    }

    /// All places in it, for a part that is taken away.
    pub(crate) fn sites(&self) -> Vec<SourceSite> {
        let mut all = Vec::new();
        self.texts(&mut |_, text| all.extend(text.all_sites()));
        all
    }
}
