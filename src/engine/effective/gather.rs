//! Collects what every render comes to, and tells each environment's references.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::domain::id::EnvId;
use crate::domain::pin::Style;
use crate::domain::reference::ImageRef;
use crate::sources::git::manifest::{DetectionRule, DocumentPart, Found, Handle};

use super::compose::{self, VariableImage};
use super::config_maps;
use super::files::{Files, folder_of, join};
use super::images::Rule;
use super::node::{RenderNode, RenderedText, SourceSite};
use super::objects::{RenderedObject, is_helm_release};
use super::patched_controllers;
use super::reference::{Effective, EffectiveReference, RelatedPlace};
use super::render::{Rendered, Renderer};
use super::rendered_environment::{ImagePlaces, PreciseReferences, RenderedEnvironment};
use super::rendered_images::{self, is_image};
use super::taken_unread;
use super::undeployed::{self, WithoutEffect, unmanaged};
use super::unit_render;
use super::units::{EnvironmentFiles, RenderSource, RenderUnit, ValuesSource};
use super::values;

const UNPARSED: &str = "the file cannot be parsed here, so what of it is deployed cannot be told";

/// The references of all environments.
pub(super) fn all(
    places: &EnvironmentFiles<'_>,
    renderer: &Renderer<'_>,
    names: &[EnvId],
    copied: &BTreeSet<String>,
) -> Effective {
    let mut gatherer = Gatherer {
        places,
        files: places.files,
        renderer,
        environments: names.iter().map(|_| RenderedEnvironment::default()).collect(),
        with_variables: compose::all(places.files),
    };
    for (site, environments) in &places.placed.gone {
        for (at, env) in gatherer.environments.iter_mut().enumerate() {
            if environments.as_ref().is_none_or(|all| all.contains(&at)) {
                env.gone.insert(*site);
            }
        }
    }
    for unit in places.units() {
        gatherer.unit(&unit);
    }
    taken_unread::of_files(places.files, places.own, &mut gatherer.environments);
    gatherer.charts_of_kustomizations();
    gatherer.plain_files();
    gatherer.variables();
    gatherer.finish(names, copied)
}

struct Gatherer<'a> {
    places: &'a EnvironmentFiles<'a>,
    files: &'a Files<'a>,
    renderer: &'a Renderer<'a>,
    environments: Vec<RenderedEnvironment>,
    /// Images of Compose files that variables decide, by file and place.
    with_variables: BTreeMap<(u32, Handle), VariableImage>,
}

impl Gatherer<'_> {
    fn unit(&mut self, unit: &RenderUnit<'_>) {
        taken_unread::of_unit(self.files, unit, &mut self.environments);
        if let RenderSource::Chart(layers) = &unit.what {
            let all: Vec<usize> = unit.environments.iter().copied().collect();
            let unread = unit.by.and_then(|(_, application)| application.unread.as_deref());
            return self.chart(layers, RenderNode::Other, &[], &all, unread);
        }
        let rendered = unit_render::rendered(self.places, self.renderer, unit);
        self.supersede(unit);
        self.take(&rendered, unit.through, &unit.environments);
    }

    /// Notes the entries of an Application that a file beside the manifests takes the place of.
    fn supersede(&mut self, unit: &RenderUnit<'_>) {
        let (Some((file, application)), RenderSource::Kustomization(kustomization)) = (unit.by, &unit.what) else {
            return;
        };
        let over = self
            .places
            .overrides(folder_of(self.files.path(*kustomization)), application);
        if over.iter().all(|(_, one)| one.images.is_none()) {
            return;
        }
        let all = application
            .overlay
            .images
            .iter()
            .map(|rule| SourceSite::new(file, rule.at));
        let all: Vec<SourceSite> = all.collect();
        for env in &unit.environments {
            self.environments[*env].superseded.extend(&all);
        }
    }

    /// Notes the images of rendered objects.
    fn take(&mut self, rendered: &Rendered, through: Option<u32>, environments: &BTreeSet<usize>) {
        for env in environments {
            self.environments[*env].takes(rendered);
        }
        let all: Vec<usize> = environments.iter().copied().collect();
        for object in &rendered.objects {
            if through.is_some_and(|file| !object.through.contains(&file)) {
                continue;
            }
            self.object(object, &rendered.objects, &all);
        }
    }

    /// Notes the images of an object; `beside` are those that it is deployed with.
    fn object(&mut self, object: &RenderedObject, beside: &[RenderedObject], environments: &[usize]) {
        // What it applies is rendered by itself.
        if object.origin.is_some() {
            return;
        }
        if is_helm_release(object) {
            let patched = patched_controllers::release(self.files, object);
            let object = patched.as_ref().unwrap_or(object);
            let own = object.body.get("spec").and_then(|spec| spec.get("values")).cloned();
            let mut layers: Vec<ValuesSource> = object
                .chart
                .iter()
                .filter_map(|layer| self.places.values(0, layer))
                .collect();
            layers.extend(config_maps::referenced(self.files, object, beside));
            let rules: Vec<Rule> = object
                .post_images
                .1
                .iter()
                .map(|rule| Rule::new(rule, object.post_images.0))
                .collect();
            let patches = object
                .post_patched
                .then_some("its post renderers patch what the chart makes");
            let unread = object.unclear.as_deref().or(patches);
            return self.chart(&layers, own.unwrap_or(RenderNode::Other), &rules, environments, unread);
        }
        let mut unread = Vec::new();
        object.body.texts(&mut |key, text| {
            if !is_image(key, text) {
                if key == "image" {
                    unread.push((text.version.file, text.version.line));
                }
                return;
            }
            if ImageRef::parse(&text.value).is_ok() {
                self.note(text, Some(text.value.clone()), environments);
            } else if !text.overridden.is_empty() || !text.names.is_empty() {
                let mut text = text.clone();
                let why = format!("what comes out, {:?}, is no image reference", text.value);
                text.read_only.get_or_insert(why);
                self.note(&text, Some(text.value.clone()), environments);
            }
        });
        for env in environments {
            self.environments[*env].unread.extend(&unread);
        }
    }

    /// Notes the images of a chart: layers, lowest first, and values over them.
    fn chart(
        &mut self,
        layers: &[ValuesSource],
        over: RenderNode,
        rules: &[Rule],
        environments: &[usize],
        unread: Option<&str>,
    ) {
        let mut merged = RenderNode::Map(Vec::new());
        let mut gone = Vec::new();
        let unread = unread.or(layers.iter().find_map(ValuesSource::missing));
        for layer in layers {
            match layer {
                ValuesSource::Inline(file, shape) => {
                    values::lay_over(&mut merged, &RenderNode::of(shape, *file), &mut gone)
                }
                ValuesSource::Unread(why) => merged.texts_mut(&mut |text| {
                    text.uncertain.get_or_insert_with(|| why.clone());
                }),
                ValuesSource::File(file) => {
                    for env in environments {
                        self.environments[*env].layers.insert(*file);
                    }
                    for part in self.files.parts(*file) {
                        if let DocumentPart::Values(shape) = part {
                            values::lay_over(&mut merged, &RenderNode::of(shape, *file), &mut gone);
                        }
                    }
                    if let Some(problem) = self.files.scan(*file).and_then(|scan| scan.problem.as_ref()) {
                        let why = format!(
                            "{} may change it and is not read to its end: {problem}",
                            self.files.path(*file)
                        );
                        merged.texts_mut(&mut |text| {
                            text.uncertain.get_or_insert_with(|| why.clone());
                        });
                    }
                }
                ValuesSource::Missing(_) => {}
            }
        }
        values::lay_over(&mut merged, &over, &mut gone);
        for image in values::images(&merged) {
            let (text, value) = rendered_images::of_values(self.files, image, rules, unread);
            self.note(&text, value, environments);
        }
        for env in environments {
            self.environments[*env].gone.extend(&gone);
        }
    }

    fn note(&mut self, text: &RenderedText, value: Option<String>, environments: &[usize]) {
        let decides = std::iter::once(&text.version).chain(&text.names);
        let beneath: Vec<SourceSite> = decides
            .filter_map(|site| self.places.placed.beneath.get(site))
            .flatten()
            .copied()
            .collect();
        for env in environments {
            let env = &mut self.environments[*env];
            let known = env.images.entry((text.version, value.clone())).or_default();
            known.names.extend(&text.names);
            known.overridden.extend(text.overridden.iter().chain(&beneath));
            known.uncertain = known.uncertain.take().or_else(|| text.uncertain.clone());
            known.read_only = known.read_only.take().or_else(|| text.read_only.clone());
            let sites = std::iter::once(&text.version)
                .chain(&text.names)
                .chain(&text.overridden)
                .chain(&beneath);
            for (file, handle) in sites.filter_map(|site| Some((site.file, site.found?))) {
                env.seen.entry(file).or_default().insert(handle);
            }
        }
    }

    /// `helmCharts` of the kustomizations that were rendered, and a helmfile's releases.
    fn charts_of_kustomizations(&mut self) {
        for file in 0..self.files.len() {
            let mut charts: Vec<&Vec<crate::sources::git::manifest::ValuesLayer>> = Vec::new();
            let mut environments: Vec<usize> = self.places.own[file as usize].iter().copied().collect();
            for part in self.files.parts(file) {
                match part {
                    DocumentPart::Kustomization(one) => {
                        charts.extend(&one.charts);
                        let all = self.environments.iter().enumerate();
                        let rendered = all.filter(|(_, env)| env.rendered.contains(&file));
                        environments.extend(rendered.map(|(at, _)| at));
                    }
                    DocumentPart::Releases(all) => charts.extend(all),
                    _ => {}
                }
            }
            environments.sort_unstable();
            environments.dedup();
            for layers in charts {
                let layers: Vec<ValuesSource> = layers
                    .iter()
                    .filter_map(|layer| self.places.values(file, layer))
                    .collect();
                self.chart(&layers, RenderNode::Other, &[], &environments, None);
            }
        }
    }

    /// Files that no render of their environment consists of, as far as something is laid over or under them.
    fn plain_files(&mut self) {
        let patch_files = self.files.only_patches();
        for file in 0..self.files.len() {
            for env in self.places.own[file as usize].clone() {
                for part in self.files.parts(file) {
                    match part {
                        // Making an object of every other one would only be thrown away.
                        DocumentPart::Object(object)
                            if object.kind == "HelmRelease" && !self.environments[env].rendered.contains(&file) =>
                        {
                            let object = RenderedObject::new(object, file);
                            if is_helm_release(&object) && !patch_files.contains(&file) {
                                self.object(&object, &config_maps::beside(self.files, file), &[env]);
                            }
                        }
                        DocumentPart::Values(_) if !self.environments[env].layers.contains(&file) => {
                            self.values_file(file, env);
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    /// A file of values beside a chart, or in its folder of values, is laid over the chart's own.
    fn values_file(&mut self, file: u32, env: usize) {
        let folder = folder_of(self.files.path(file));
        let is_chart = |folder: &str| self.files.exists(&join(folder, "Chart.yaml"));
        let above = folder_of(folder);
        let name = folder.rsplit('/').next().unwrap_or_default();
        let is_inside = matches!(name, "values" | "env" | "envs" | "environments") && is_chart(above);
        let chart = if is_inside { above } else { folder };
        let Some(own) = self.files.find(&join(chart, "values.yaml")).filter(|own| *own != file) else {
            return;
        };
        if is_chart(chart) && !self.environments[env].layers.contains(&own) {
            let layers = [ValuesSource::File(own), ValuesSource::File(file)];
            self.chart(&layers, RenderNode::Other, &[], &[env], None);
            self.environments[env].layers.remove(&own);
        }
    }

    /// Notes the variables that decide an image.
    fn variables(&mut self) {
        for ((compose, _), made) in &self.with_variables {
            for env in &self.places.own[*compose as usize] {
                self.environments[*env]
                    .seen
                    .entry(made.file)
                    .or_default()
                    .insert(made.at);
            }
        }
    }

    fn finish(self, names: &[EnvId], copied: &BTreeSet<String>) -> Effective {
        let mut out = Effective::default();
        let mut settled: BTreeSet<(u32, u32)> = BTreeSet::new();
        for (env, name) in self.environments.iter().zip(names) {
            out.unread.extend(taken_unread::all(self.files, env, name));
            let decides: HashSet<SourceSite> = env.images.keys().map(|(site, _)| *site).collect();
            for ((site, value), known) in &env.images {
                settled.insert((site.file, site.line));
                settled.extend(known.overridden.iter().map(|site| (site.file, site.line)));
                if copied.contains(self.files.path(site.file)) {
                    continue;
                }
                out.references
                    .push(self.reference(&decides, name, *site, value.as_deref(), known));
            }
        }
        for file in 0..self.files.len() {
            let own = &self.places.own[file as usize];
            if copied.contains(self.files.path(file)) {
                continue;
            }
            // What several environments say of a reference is told once.
            let mut told = HashSet::new();
            for env in own {
                self.by_itself(file, (&self.environments[*env], &names[*env]), &mut told, &mut out);
            }
        }
        for env in &self.environments {
            settled.retain(|line| !env.unread.contains(line));
        }
        out.unmanaged
            .extend(undeployed::all(self.places, self.renderer, &self.environments, copied));
        out.unmanaged.extend(undeployed::unread_resources(self.files, copied));
        let line = |(file, line): (u32, u32)| (self.files.path(file).to_owned(), line);
        out.settled = settled.into_iter().map(line).collect();
        out
    }

    /// Adds the references that took part in no render, as they are written.
    fn by_itself(
        &self,
        file: u32,
        (env, name): (&RenderedEnvironment, &EnvId),
        told: &mut HashSet<(u32, String, &'static str)>,
        out: &mut Effective,
    ) {
        let Some(scan) = self.files.scan(file).filter(|scan| !scan.found.is_empty()) else {
            return;
        };
        let seen = env.seen.get(&file);
        let layered = seen
            .into_iter()
            .flatten()
            .filter(|handle| matches!(handle, Handle::Layered(_)));
        let layered = PreciseReferences::of(layered.filter_map(|handle| scan.at(*handle)));
        let without_effect = WithoutEffect::new(self.files, self.renderer, env, file);
        // What patches took away of a controller's object may have been found twice too.
        let gone = undeployed::of_file(&env.gone, file);
        let gone = gone.filter(|handle| matches!(handle, Handle::Layered(_)));
        let gone = PreciseReferences::of(gone.filter_map(|handle| scan.at(handle)));
        let unread_kustomization = OnceCell::new();
        for (index, found) in (0u32..).zip(&scan.found) {
            let handle = Handle::Found(index);
            if let Some(made) = self.with_variables.get(&(file, handle)) {
                made.add(self.files, file, name, out);
                continue;
            }
            if seen.is_some_and(|seen| seen.contains(&handle)) {
                continue;
            }
            if layered.have(found) {
                continue;
            }
            let reason = without_effect.why(handle);
            if let Some(reason) = reason.or_else(|| gone.have(found).then_some(undeployed::GONE)) {
                if told.insert((found.line, found.reference(), reason)) {
                    out.unmanaged.push(unmanaged(self.files.path(file), found, reason));
                }
                continue;
            }
            out.references.push(EffectiveReference {
                environment: name.clone(),
                file: self.files.path(file).to_owned(),
                found: found.clone(),
                others: BTreeSet::new(),
                uncertain: scan
                    .doubtful
                    .clone()
                    .or_else(|| found.uncertain.clone())
                    .or_else(|| (found.rule == DetectionRule::UnparsedLine).then(|| UNPARSED.to_owned()))
                    .or_else(|| {
                        let unread = unread_kustomization.get_or_init(|| self.files.unread_kustomization(file));
                        unread.clone()
                    }),
            });
        }
    }

    /// Why readers of YAML may disagree about the files that an image comes from, or about the text that decides it, if
    /// they may.
    fn doubtful(&self, site: SourceSite, known: &ImagePlaces) -> Option<String> {
        let sites = || std::iter::once(&site).chain(&known.names);
        let mut files = sites().map(|site| site.file);
        let file = files.find_map(|file| self.files.scan(file)?.doubtful.clone());
        file.or_else(|| sites().find_map(|site| self.files.found(*site)?.uncertain.clone()))
    }

    fn reference(
        &self,
        decides: &HashSet<SourceSite>,
        name: &EnvId,
        site: SourceSite,
        value: Option<&str>,
        known: &ImagePlaces,
    ) -> EffectiveReference {
        let mut found = match self.files.found(site) {
            Some(found) => found.clone(),
            None => {
                let mut found = Found::unread(site.line);
                // What takes the place of a loose text is one.
                let before = known.overridden.iter().filter_map(|site| self.files.found(*site));
                found.rule = before.map(|before| before.rule).max().unwrap_or(found.rule);
                found
            }
        };
        if let Some(value) = value {
            match ImageRef::parse(value) {
                Ok(image) => {
                    if found.repository.as_ref() != Some(&image.repository) {
                        found.written = image.repository.to_string();
                        found.repository = Some(image.repository);
                    }
                    found.tag = image.tag;
                    found.digest = image.digest;
                }
                Err(_) => found.repository = None,
            }
        }
        if let Some(why) = &known.read_only {
            found.read_only.get_or_insert_with(|| why.clone());
        }
        // A place that decides for one workload and is laid over for another is no overridden one.
        let elsewhere = |site: &SourceSite, overridden| RelatedPlace {
            file: self.files.path(site.file).to_owned(),
            line: site.line,
            style: self.files.found(*site).map_or(Style::Kubernetes, |found| found.style),
            reference: self.files.found(*site).map(Found::reference).unwrap_or_default(),
            overridden,
        };
        let names = known
            .names
            .iter()
            .filter(|other| **other != site)
            .map(|site| elsewhere(site, false));
        let laid_over = known
            .overridden
            .iter()
            .filter(|other| **other != site && !decides.contains(other));
        let laid_over = laid_over
            .filter(|other| !known.names.contains(other))
            .map(|site| elsewhere(site, true));
        EffectiveReference {
            environment: name.clone(),
            file: self.files.path(site.file).to_owned(),
            found,
            others: names.chain(laid_over).collect(),
            uncertain: known.uncertain.clone().or_else(|| self.doubtful(site, known)),
        }
    }
}
