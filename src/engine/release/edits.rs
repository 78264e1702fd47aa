//! From "this pin shall name that digest" to files: all locations of the pin, proven byte edits, and
//! what a person should know about them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use similar::TextDiff;

use crate::domain::hold::HoldChange;
use crate::domain::id::{EnvId, Target};
use crate::domain::loose_copy::LooseCopy;
use crate::domain::pin::{Pin, Role};
use crate::domain::plan::FileEdit;
use crate::domain::text::Untrusted;
use crate::domain::write::WriteFailure;
use crate::engine::effective::MeantEdit;
use crate::sources::git::edit::{NewPin, TagChange, plan_edit};
use crate::sources::git::manifest::{self, Found};
use crate::sources::git::write::FileChange;

use super::loose_copies::{self, FoundCopy, SearchedFiles};
use super::plan_context::PlanContext;
use super::surroundings::{files_of, surroundings};

/// Lines of context in a diff.
const CONTEXT: usize = 3;

/// Files as they are at the base commit, and as the commits planned so far leave them.
#[derive(Default)]
pub(super) struct Overlay {
    files: BTreeMap<String, Option<Arc<Vec<u8>>>>,
    /// The files of each environment in which copies were looked for.
    around: BTreeMap<EnvId, Arc<SearchedFiles>>,
}

impl Overlay {
    /// The file as the commits planned so far leave it; it is read from the base commit the first time.
    pub(crate) async fn read(
        &mut self,
        context: &PlanContext,
        path: &str,
    ) -> Result<Option<Arc<Vec<u8>>>, WriteFailure> {
        if let Some(known) = self.files.get(path) {
            return Ok(known.clone());
        }
        let (commit, wanted) = (context.ledger().tip.commit.clone(), path.to_owned());
        let bytes = context
            .git(move |repo| repo.read_at(&commit, &wanted)?.regular(&wanted))
            .await?;
        let bytes = bytes.map(Arc::new);
        self.files.insert(path.to_owned(), bytes.clone());
        Ok(bytes)
    }

    /// Loose copies of the image of these pins (all of one target).
    async fn copies(&mut self, context: &PlanContext, pins: &[&Pin]) -> Result<Vec<FoundCopy>, WriteFailure> {
        let Some(environment) = pins.first().map(|pin| &pin.target.environment) else {
            return Ok(Vec::new());
        };
        let around = match self.around.get(environment) {
            Some(known) => Arc::clone(known),
            None => {
                let made = Arc::new(loose_copies::files(context, pins).await?);
                self.around.insert(environment.clone(), Arc::clone(&made));
                made
            }
        };
        let mut out = Vec::new();
        for (path, base) in around.iter() {
            let now = match self.files.get(path) {
                Some(Some(changed)) => changed.as_slice(),
                Some(None) => continue,
                None => base,
            };
            out.extend(loose_copies::in_file(context, pins, path, now));
        }
        Ok(out)
    }

    /// Notes the changes of a plan, on which the next one of the same set stands.
    pub(crate) fn take(&mut self, changes: &[FileChange]) {
        for change in changes {
            if let Some(bytes) = change.content() {
                self.write(&change.path, bytes.to_vec());
            }
        }
    }

    /// Notes that the commits planned so far leave the file with these bytes.
    pub(crate) fn write(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.insert(path.to_owned(), Some(Arc::new(bytes)));
    }
}

/// What rewriting a pin comes to.
#[derive(Debug, Default)]
pub(super) struct Rewrite {
    /// Changed files, whole, each with what must be there for the commit to be made.
    pub files: Vec<FileChange>,
    /// The same changes as people see them: file, first line, diff.
    pub edits: Vec<FileEdit>,
    /// What holds that begin change on the branch of the policy, where that is another one.
    pub begins_beside: Option<FileChange>,
    /// What holds that end change there, on top of that.
    pub ends_beside: Option<FileChange>,
    /// The holds that begin and end with it.
    pub holds: BTreeSet<HoldChange>,
    /// Texts that name what is replaced, each taken along or left behind.
    pub loose_copies: Vec<LooseCopy>,
    /// What would undo or void it.
    pub warnings: Vec<Untrusted>,
    /// What of the deployed images it is meant to change; `None` where it does not change pins by their places.
    pub meant: Option<MeantEdit>,
    /// Why it may not be done at all.
    pub closed: Option<String>,
}

impl Rewrite {
    /// Adds the new content of a file that was read as `before`; `None` = there was no such file.
    pub(crate) fn take(&mut self, path: &str, before: Option<&[u8]>, after: Vec<u8>) {
        self.take_change(before, FileChange::replacing(path, before, after));
    }

    /// Adds the new content of a file of the policy's branch, where that is another one: with the holds that begin, and
    /// then without those that end, where there are such.
    pub(crate) fn take_beside(
        &mut self,
        path: &str,
        before: Option<&[u8]>,
        begun: Option<Vec<u8>>,
        ended: Option<Vec<u8>>,
    ) {
        let between = begun.as_deref().or(before);
        if let Some(after) = ended.as_deref().or(begun.as_deref()) {
            self.edits.push(describe(path, before.unwrap_or_default(), after));
        }
        self.ends_beside = ended.map(|after| FileChange::replacing(path, between, after));
        self.begins_beside = begun.map(|after| FileChange::replacing(path, before, after));
    }

    /// Names the loose copies that are still there once these pins are changed.
    pub(crate) async fn copies_stay(
        &mut self,
        context: &PlanContext,
        overlay: &mut Overlay,
        pins: &[&Pin],
    ) -> Result<(), WriteFailure> {
        let found = overlay.copies(context, pins).await?;
        self.loose_copies = found.iter().map(|copy| copy.told(false)).collect();
        self.warnings.extend(loose_copies::left_behind(&self.loose_copies));
        Ok(())
    }

    /// Adds the change of a file that was read as `before`, unless it changes nothing.
    fn take_change(&mut self, before: Option<&[u8]>, change: FileChange) {
        if before != change.content() {
            let after = change.content().unwrap_or_default();
            self.edits
                .push(describe(&change.path, before.unwrap_or_default(), after));
            self.files.push(change);
        }
    }
}

/// Rewrites every location of these pins (all of one target), and with `take_copies` every loose copy of their
/// digests: all of that, or the plan is closed. A file in `restore` becomes exactly
/// that again, if nothing but the pin has changed in it since.
pub(super) async fn rewrite(
    context: &PlanContext,
    overlay: &mut Overlay,
    pins: &[&Pin],
    new: &NewPin,
    restore: &BTreeMap<String, Vec<u8>>,
    take_copies: bool,
) -> Result<Rewrite, WriteFailure> {
    let mut out = Rewrite::default();
    let Some(target) = pins.first().map(|pin| &pin.target) else {
        return Ok(out);
    };
    if let Some((pin, why)) = pins.iter().find_map(|pin| Some((pin, pin.uncertain.as_ref()?))) {
        let at = pin
            .deciding()
            .next()
            .map(|l| format!("{}:{}", l.file, l.line))
            .unwrap_or_default();
        out.closed = Some(format!(
            "{at} cannot be edited: what is deployed cannot be decided ({why}); change it by hand"
        ));
        return Ok(out);
    }
    let mut copies = overlay.copies(context, pins).await?;
    for copy in &mut copies {
        if copy.closed.is_none() {
            copy.closed = blast_radius(context, &copy.file, target);
        }
    }
    let is_taken = |copy: &FoundCopy| take_copies && copy.mentioned.has_digest;
    out.loose_copies = copies.iter().map(|copy| copy.told(is_taken(copy))).collect();
    let taken: Vec<&FoundCopy> = copies.iter().filter(|copy| is_taken(copy)).collect();
    if let Some((copy, why)) = taken.iter().find_map(|copy| Some((copy, copy.closed.as_ref()?))) {
        out.closed = Some(format!(
            "the copy at {}:{} cannot be taken along: {why}; leave the copies behind, and the pin can change alone",
            copy.file, copy.mentioned.line
        ));
    }
    let mut all_files = files_of(pins);
    all_files.extend(taken.iter().map(|copy| copy.file.clone()));
    for file in all_files {
        if let Some(why) = blast_radius(context, &file, target) {
            out.closed.get_or_insert(why);
            continue;
        }
        let Some(before) = overlay.read(context, &file).await? else {
            out.closed.get_or_insert(format!("{file} is no longer in the branch"));
            continue;
        };
        let scan = manifest::scan(&file, &before);
        let copies_here: Vec<&Found> = taken.iter().filter_map(|copy| copy.found_in(&file)).collect();
        if let Some(was) = restore
            .get(&file)
            .filter(|_| copies_here.is_empty())
            .filter(|was| differ_in_pin_only(context, target, &file, was, &before))
        {
            out.take(&file, Some(&before), was.clone());
            continue;
        }
        let paths: BTreeSet<&str> = pins
            .iter()
            .flat_map(|pin| pin.deciding())
            .filter(|location| location.file == file)
            .map(|location| location.yaml_path.as_str())
            .collect();
        let mut here = pins
            .iter()
            .flat_map(|pin| pin.deciding())
            .filter(|location| location.file == file);
        if let Some((line, why)) = here.find_map(|location| Some((location.line, location.read_only.as_ref()?))) {
            out.closed
                .get_or_insert(format!("{file}:{line} cannot be edited: {why}; change it by hand"));
            continue;
        }
        let which: Vec<&Found> = scan
            .all()
            .filter(|found| paths.contains(found.yaml_path.as_str()))
            .filter(|found| !copies_here.contains(found))
            .collect();
        let all: Vec<&Found> = which.iter().chain(&copies_here).copied().collect();
        match plan_edit(&file, &before, &all, new) {
            Ok(edited) => {
                let said = edited
                    .warnings
                    .iter()
                    .map(|w| format!("{file}:{}: {}", w.line, w.text).into());
                out.warnings.extend(said);
                out.warnings.extend(aliases(&file, &all));
                out.warnings.extend(loose(&file, &which));
                out.warnings.extend(tags_left(&file, pins, &which, new));
                out.take_change(Some(&before), edited.into_change(&file));
            }
            Err(error) => {
                out.closed.get_or_insert(error.to_string());
            }
        }
    }
    let meant = taken.iter().filter_map(|copy| {
        let found = copy.mentioned.found.as_ref()?;
        Some((copy.file.clone(), found.yaml_path.clone()))
    });
    out.meant = MeantEdit::new(pins, meant.collect(), new.digest);
    out.warnings.extend(loose_copies::left_behind(&out.loose_copies));
    out.warnings.extend(surroundings(context, pins));
    Ok(out)
}

/// Tags that other places than those that are edited decide: they stay beside the new digest.
fn tags_left(file: &str, pins: &[&Pin], which: &[&Found], new: &NewPin) -> Vec<Untrusted> {
    let mut out = Vec::new();
    for pin in pins {
        let Some(tag) = pin.tag.as_ref() else { continue };
        let is_right = matches!(&new.tag, TagChange::Update(new) if new == tag);
        let has_none = |path: &str| which.iter().any(|found| found.yaml_path == path && found.tag.is_none());
        let mut here = pin.deciding().filter(|location| location.file == file);
        if let Some(location) = here.find(|location| !is_right && has_none(&location.yaml_path)) {
            let others = pin.locations.iter().filter(|other| other.role == Role::Name);
            let others: Vec<String> = others.map(|other| format!("{}:{}", other.file, other.line)).collect();
            let place = if others.is_empty() {
                "elsewhere".to_owned()
            } else {
                others.join(" or ")
            };
            out.push(
                format!(
                    "{file}:{}: the tag {tag:?} stands in another place ({place}) and stays beside a digest that it may not name: change it there by hand",
                    location.line
                )
                .into(),
            );
        }
    }
    out
}

/// Whether a reference is one of this target's pins.
pub(super) fn is_ours(context: &PlanContext, target: &Target, file: &str, found: &Found) -> bool {
    context.ledger().service_of(file, found) == Some(&target.service)
}

/// Whether two versions of a file differ in nothing but this target's pins: putting the pins of one to
/// what the other says gives the other, byte for byte.
pub(super) fn differ_in_pin_only(context: &PlanContext, target: &Target, path: &str, a: &[u8], b: &[u8]) -> bool {
    turns_into(context, target, path, a, b) || turns_into(context, target, path, b, a)
}

/// Whether `after` with its pins put, each, to what `before` says is `before`.
fn turns_into(context: &PlanContext, target: &Target, path: &str, before: &[u8], after: &[u8]) -> bool {
    let ours = |bytes: &[u8]| -> Vec<Found> {
        let scan = manifest::scan(path, bytes);
        let all = scan.all().cloned();
        all.filter(|f| is_ours(context, target, path, f)).collect()
    };
    let wanted = ours(before);
    let mut bytes = after.to_vec();
    for (at, old) in wanted.iter().enumerate() {
        let now = ours(&bytes);
        let (Some(found), Some(digest), true) = (now.get(at), old.digest, now.len() == wanted.len()) else {
            return false;
        };
        if (found.digest, &found.tag) == (old.digest, &old.tag) {
            continue;
        }
        let tag = old.tag.clone().map_or(TagChange::Drop, TagChange::Update);
        match plan_edit(path, &bytes, &[found], &NewPin { digest, tag }) {
            Ok(edited) => bytes = edited.bytes,
            Err(_) => return false,
        }
    }
    bytes == before
}

/// Who else reads this file, if anybody does.
fn blast_radius(context: &PlanContext, file: &str, target: &Target) -> Option<String> {
    let reached = context.includes.environments(file, &context.paths);
    let others: Vec<String> = reached
        .iter()
        .filter(|(env, _)| **env != target.environment)
        .map(|(env, through)| match through {
            Some(through) => format!("{env} (through {through})"),
            None => env.to_string(),
        })
        .collect();
    if others.is_empty() {
        return None;
    }
    Some(format!(
        "{file} also reaches {}: the edit would change it there too; give each environment a file of its own",
        others.join(", ")
    ))
}

/// Places that take the changed bytes through a YAML alias: each line once, whatever of it changes.
fn aliases(file: &str, which: &[&Found]) -> Vec<Untrusted> {
    let mut told: BTreeSet<u32> = which.iter().map(|found| found.line).collect();
    let mut out = Vec::new();
    for found in which {
        let aliases = found.aliases.iter().filter(|used| !used.overridden);
        let lines: Vec<String> = aliases
            .filter(|used| told.insert(used.line))
            .map(|used| used.line.to_string())
            .collect();
        if !lines.is_empty() {
            out.push(
                format!(
                    "{file}:{}: an alias brings the change to line {} too",
                    found.line,
                    lines.join(", ")
                )
                .into(),
            );
        }
    }
    out
}

/// References in texts outside of every known field: a person should know that nothing proves who reads them.
fn loose(file: &str, which: &[&Found]) -> Vec<Untrusted> {
    let loose = which.iter().filter(|found| found.rule.is_loose());
    loose
        .map(|found| {
            format!(
                "{file}:{}: a loose reference: it stands in a text that pindeck knows no use of, and is edited only because [[services]] names its image; check what reads it",
                found.line
            )
            .into()
        })
        .collect()
}

/// One file's change for people.
pub(super) fn describe(path: &str, before: &[u8], after: &[u8]) -> FileEdit {
    let (old, new) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let same = old.lines().zip(new.lines()).take_while(|(a, b)| a == b).count();
    let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
    let text = diff
        .unified_diff()
        .context_radius(CONTEXT)
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string();
    FileEdit {
        file: path.to_owned(),
        line: u32::try_from(same + 1).unwrap_or(u32::MAX),
        diff: text,
    }
}

#[cfg(test)]
#[path = "edits_tests.rs"]
mod tests;
