//! What a kustomization makes of its images: resources, components, patches, names, `images`,
//! replacements, in the order of kustomize 5.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use crate::sources::git::manifest::{DocumentPart, ImageRule, Kustomization};

use super::config_maps;
use super::controller_reach;
use super::deciding_fields::may_decide;
use super::files::Files;
use super::images::Rule;
use super::node::{RenderNode, RenderedText, SourceSite};
use super::objects::{CompiledExpressions, RenderedObject, TargetSelector, is_helm_release, mark};

/// The objects of a kustomization.
#[derive(Debug, Clone, Default)]
pub(super) struct Rendered {
    pub objects: Vec<RenderedObject>,
    /// Some of its objects are not in this repository, or are made by a program.
    pub is_open: bool,
    /// Places that it takes away.
    pub gone: Vec<SourceSite>,
    /// Kustomizations, components and files that it consists of.
    pub made_of: BTreeSet<u32>,
    /// Objects that apply folders or charts and that a patch takes away.
    pub removed: Vec<RenderedObject>,
    /// What it takes in and cannot be read.
    pub unread: BTreeSet<UnreadPart>,
}

/// Something that a file takes in and that is not read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UnreadPart {
    /// The file that takes it in.
    pub by: u32,
    /// What it is, as written.
    pub name: String,
    /// Its path in the repository, where it has one.
    pub path: Option<String>,
}

impl Rendered {
    /// Notes something that is taken in and not read.
    pub(super) fn cannot_read(&mut self, by: u32, name: &str, path: Option<String>) {
        self.is_open = true;
        self.notes_unread(by, name, path);
    }

    /// The same of something that only changes what is there.
    pub(super) fn notes_unread(&mut self, by: u32, name: &str, path: Option<String>) {
        self.unread.insert(UnreadPart {
            by,
            name: name.to_owned(),
            path,
        });
    }
}

/// What another tool lays over a kustomization.
pub(super) struct RenderOverlay<'a> {
    /// The file that says so.
    pub file: u32,
    pub kustomization: &'a Kustomization,
    /// Its images, where a file of their own says so.
    pub images: Option<(u32, &'a [ImageRule])>,
    /// `kustomize edit set image` sorts the entries.
    pub sorts: bool,
}

/// How deep kustomizations that take one another in are followed.
const MAX_DEPTH: usize = 64;

/// What is beyond the limits.
const TOO_MUCH: &str = "more kustomizations and objects than are followed";

/// Which objects a renderer reads from the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadObjects {
    All,
    /// Objects that apply folders or charts: no other object decides what patches make of them.
    Controllers,
}

/// Renders kustomizations, each once. What all of them together may bring is limited, for a few small files that
/// take one another in twice double with each level: beyond it, nothing is certain any more.
pub(super) struct Renderer<'a> {
    pub(super) files: &'a Files<'a>,
    read: ReadObjects,
    /// The files that bring objects of controllers, where only these are read.
    bringing: Option<Vec<bool>>,
    /// How many objects may still be taken over from one kustomization to another.
    budget: Cell<usize>,
    known: RefCell<HashMap<u32, Rc<Rendered>>>,
    active: RefCell<HashSet<u32>>,
    pub(super) expressions: CompiledExpressions,
    /// Entries of `images` lists and patches that changed something.
    pub(super) used: RefCell<HashSet<SourceSite>>,
}

impl<'a> Renderer<'a> {
    pub(crate) fn new(files: &'a Files<'a>) -> Self {
        Self::reading(files, ReadObjects::All)
    }

    /// A renderer that makes only the objects of controllers: they are few, where everything together is a whole render.
    pub(crate) fn of_controllers(files: &'a Files<'a>) -> Self {
        Self::reading(files, ReadObjects::Controllers)
    }

    fn reading(files: &'a Files<'a>, read: ReadObjects) -> Self {
        Self {
            files,
            read,
            bringing: (read == ReadObjects::Controllers).then(|| controller_reach::of(files)),
            budget: Cell::new(20_000 + 50 * files.len() as usize),
            known: RefCell::default(),
            active: RefCell::default(),
            expressions: CompiledExpressions::default(),
            used: RefCell::default(),
        }
    }

    /// Whether an entry changed an image anywhere.
    pub(crate) fn is_used(&self, site: SourceSite) -> bool {
        self.used.borrow().contains(&site)
    }

    /// The objects of the kustomization in a file.
    pub(crate) fn kustomization(&self, file: u32) -> Rc<Rendered> {
        if let Some(known) = self.known.borrow().get(&file) {
            return Rc::clone(known);
        }
        let brings = |bringing: &Vec<bool>| bringing.get(file as usize).is_some_and(|brings| *brings);
        let rendered = match self.bringing.as_ref().is_none_or(brings) {
            true => Rc::new(self.render(file, None)),
            false => Rc::default(),
        };
        self.known.borrow_mut().insert(file, Rc::clone(&rendered));
        rendered
    }

    /// The same with what another tool lays over it.
    pub(crate) fn overlaid(&self, file: u32, overlay: &RenderOverlay<'_>) -> Rendered {
        self.render(file, Some(overlay))
    }

    /// The objects of plain files and kustomizations, with what another tool lays over them.
    pub(crate) fn folder(
        &self,
        files: &[u32],
        kustomizations: &[u32],
        overlay: Option<&RenderOverlay<'_>>,
    ) -> Rendered {
        let mut out = Rendered::default();
        for file in files {
            self.file(*file, &mut out);
        }
        for file in kustomizations {
            let base = self.kustomization(*file);
            self.take_over(*file, &base, &mut out);
        }
        if let Some(overlay) = overlay {
            self.accumulate(overlay.file, &Kustomization::default(), Some(overlay), &mut out);
        }
        out
    }

    /// Takes over what another kustomization renders, as long as there is room.
    fn take_over(&self, file: u32, base: &Rendered, out: &mut Rendered) {
        if !self.spend(1 + base.objects.len() + base.gone.len() + base.made_of.len() + base.unread.len()) {
            out.cannot_read(file, TOO_MUCH, None);
            return;
        }
        out.objects.extend(base.objects.iter().cloned());
        out.is_open |= base.is_open;
        out.gone.extend(&base.gone);
        out.made_of.extend(&base.made_of);
        out.unread.extend(base.unread.iter().cloned());
        out.removed.extend(base.removed.iter().cloned());
    }

    /// Whether there was no room for everything.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.budget.get() == 0
    }

    /// Whether there is room for so many objects more.
    fn spend(&self, objects: usize) -> bool {
        let left = self.budget.get().checked_sub(objects);
        self.budget.set(left.unwrap_or(0));
        left.is_some()
    }

    fn render(&self, file: u32, overlay: Option<&RenderOverlay<'_>>) -> Rendered {
        let mut out = Rendered::default();
        if self.active.borrow().len() >= MAX_DEPTH {
            out.cannot_read(file, TOO_MUCH, None);
            return out;
        }
        // A kustomization that takes itself in is an error of its own; it adds nothing here.
        if !self.active.borrow_mut().insert(file) {
            return out;
        }
        if let Some(kustomization) = self.files.kustomization(file) {
            self.accumulate(file, kustomization, overlay, &mut out);
        }
        self.active.borrow_mut().remove(&file);
        out
    }

    fn accumulate(&self, file: u32, own: &Kustomization, overlay: Option<&RenderOverlay<'_>>, out: &mut Rendered) {
        out.made_of.insert(file);
        for resource in &own.resources {
            self.resource(file, resource, out);
        }
        out.is_open |= own.generates;
        for one in &own.generated {
            let path = one.path.as_deref().and_then(|path| self.files.resolve(file, path));
            out.cannot_read(file, &one.name, path);
        }
        if self.read == ReadObjects::All {
            for generated in &own.config_maps {
                config_maps::generate(self.files, file, generated, &mut out.objects);
            }
        }
        for component in &own.components {
            self.component(file, component, out);
        }
        for component in overlay.iter().flat_map(|o| &o.kustomization.components) {
            self.component(file, component, out);
        }
        if out.objects.is_empty() && self.read == ReadObjects::Controllers {
            return;
        }
        let mut targets = std::mem::take(&mut out.objects);
        self.patches(file, own, &mut targets, out);
        if let Some(overlay) = overlay {
            self.patches(overlay.file, overlay.kustomization, &mut targets, out);
        }
        for named in std::iter::once(own).chain(overlay.map(|o| o.kustomization)) {
            for object in &mut targets {
                object.label(&named.labels, &named.annotations);
            }
            if [&named.name_prefix, &named.name_suffix, &named.namespace]
                .iter()
                .any(|text| !text.is_empty())
            {
                for object in &mut targets {
                    object.rename(&named.name_prefix, &named.name_suffix, &named.namespace);
                }
            }
        }
        let fields = self.field_specs(file, own);
        for rule in rules(file, own, overlay) {
            let mut matched = false;
            for object in &mut targets {
                let changed = rule.apply(object, &fields);
                object.is_changed |= changed;
                matched |= changed;
            }
            if matched || out.is_open {
                self.used.borrow_mut().insert(rule.site());
            }
        }
        for (one, why) in self.replacements(file, own) {
            let target = TargetSelector::new(&one.target, &self.expressions);
            let is_meant = |object: &&mut RenderedObject| {
                may_decide(object, &one) && (target.selects(object) || target.may_select(object))
            };
            mark(targets.iter_mut().filter(is_meant), &why);
        }
        for path in &own.replacement_files {
            if self
                .files
                .resolve(file, path)
                .and_then(|path| self.files.find(&path))
                .is_none()
            {
                let why = format!("the replacement {path} could not be read and may change it");
                mark(targets.iter_mut(), &why);
            }
        }
        if let Some(why) = self.files.scan(file).and_then(|scan| scan.doubtful.as_deref()) {
            mark(
                targets.iter_mut(),
                &format!("{} changes it, and {why}", self.files.path(file)),
            );
        }
        for (path, harmless) in own.transformers.iter().map(|path| (path, self.is_harmless(file, path))) {
            if !harmless {
                out.notes_unread(file, path, self.files.resolve(file, path));
                mark(targets.iter_mut(), &format!("the transformer {path} may change it"));
            }
        }
        for object in &mut targets {
            object.through.push(file);
        }
        out.objects = targets;
    }

    fn resource(&self, file: u32, written: &str, out: &mut Rendered) {
        let Some(path) = self.files.resolve(file, written) else {
            out.cannot_read(file, written, None);
            return;
        };
        if let Some(kustomization) = self.files.kustomization_in(&path) {
            let base = self.kustomization(kustomization);
            self.take_over(file, &base, out);
        } else if let Some(resource) = self.files.find(&path) {
            self.file(resource, out);
        } else {
            out.cannot_read(file, written, Some(path));
        }
    }

    /// The objects of one file.
    fn file(&self, file: u32, out: &mut Rendered) {
        out.made_of.insert(file);
        let before = out.objects.len();
        let problem = self.files.scan(file).and_then(|scan| scan.problem.as_ref());
        if problem.is_some() {
            let path = self.files.path(file);
            out.cannot_read(file, path, Some(path.to_owned()));
        }
        for (at, part) in self.files.parts(file).iter().enumerate() {
            match part {
                DocumentPart::Object(_) | DocumentPart::Plain(_) if self.read == ReadObjects::Controllers => {}
                DocumentPart::Object(object) => {
                    let rendered = RenderedObject::new(object, file);
                    let is_release = is_helm_release(&rendered);
                    let rendered = if is_release {
                        RenderedObject::whole(object, file)
                    } else {
                        rendered
                    };
                    out.objects.push(rendered);
                }
                DocumentPart::Controller(object) => out.objects.push(RenderedObject {
                    origin: Some((file, at)),
                    ..RenderedObject::whole(object, file)
                }),
                DocumentPart::Plain(handles) => {
                    let texts = handles.iter().filter_map(|handle| {
                        let site = SourceSite {
                            file,
                            line: 0,
                            found: Some(*handle),
                        };
                        let found = self.files.found(site)?;
                        let site = SourceSite {
                            line: found.line,
                            ..site
                        };
                        Some(RenderNode::Text(Box::new(RenderedText::written(
                            &found.reference(),
                            site,
                        ))))
                    });
                    out.objects
                        .push(RenderedObject::plain(RenderNode::List(texts.collect())));
                }
                _ => {}
            }
        }
        if let Some(problem) = problem {
            let why = format!("{} cannot be read to its end: {problem}", self.files.path(file));
            mark(out.objects.iter_mut().skip(before), &why);
        }
    }

    fn component(&self, file: u32, written: &str, out: &mut Rendered) {
        let path = self.files.resolve(file, written);
        let found = path.as_ref().and_then(|path| self.files.kustomization_in(path));
        let Some(component) = found else {
            let why = format!("the component {written} is not in this repository and may change it");
            mark(out.objects.iter_mut(), &why);
            out.cannot_read(file, written, path);
            return;
        };
        if self.active.borrow().len() >= MAX_DEPTH || !self.spend(1 + out.objects.len()) {
            mark(out.objects.iter_mut(), "more components change it than are followed");
            out.cannot_read(file, TOO_MUCH, None);
            return;
        }
        if !self.active.borrow_mut().insert(component) {
            return;
        }
        if let Some(kustomization) = self.files.kustomization(component) {
            self.accumulate(component, kustomization, None, out);
        }
        self.active.borrow_mut().remove(&component);
    }
}

/// The entries in force: the kustomization's own, with those that another tool puts over them.
fn rules(file: u32, own: &Kustomization, overlay: Option<&RenderOverlay<'_>>) -> Vec<Rule> {
    let mut all: Vec<Rule> = own.images.iter().map(|rule| Rule::new(rule, file)).collect();
    let Some(overlay) = overlay else { return all };
    let (from, more) = overlay
        .images
        .unwrap_or((overlay.file, overlay.kustomization.images.as_slice()));
    for rule in more {
        let mut rule = Rule::new(rule, from);
        if overlay.images.is_some() {
            // The Application's own entry of that name is overridden too.
            let own = overlay
                .kustomization
                .images
                .iter()
                .filter(|own| own.name == rule.name());
            let own: Vec<SourceSite> = own.map(|own| SourceSite::new(overlay.file, own.at)).collect();
            rule.replace(own.into_iter());
        }
        match all.iter().position(|known| known.name() == rule.name()) {
            Some(at) => {
                let old = all.remove(at);
                rule.take_over(old);
                all.insert(at, rule);
            }
            None => all.push(rule),
        }
    }
    if overlay.sorts && !more.is_empty() {
        all.sort_by(|a, b| a.name().cmp(b.name()));
    }
    all
}
