//! The image references of file contents of the past. What a content refers to is a function of its bytes and of the
//! file's name, so each is read once, wherever it lies; and so is each document of a file of many, for most commits
//! change one of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::kept_past::{KeptChanges, KeptReferences};
use super::past_reference::{PastReference, PastReferences};
use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::engine::file_scans::FILE_CAP;
use crate::sources::git::manifest::{self, Scan, file_name};
use crate::sources::git::{Blobs, KnownChanges};

/// So many contents are kept before all are dropped.
const KEPT: usize = 65_536;

/// Name of the file, without its folders, and blob.
type ContentKey = (String, String);

/// The references of the documents in files of one name, by the bytes of each and whether texts count in it that only
/// spell a digest; `None` = one that cannot be read by itself.
type DocumentReferences = HashMap<(Digest, bool), Option<PastReferences>>;

/// The references of contents that were read already.
#[derive(Default)]
pub struct BlobReferences {
    read: Arc<ReadReferences>,
    /// What earlier runs kept, where it is believed.
    kept: Option<Arc<BelievedPast>>,
}

/// What was read here.
#[derive(Default)]
struct ReadReferences {
    contents: KnownContents,
    documents: Mutex<KeptDocuments>,
}

/// The references of contents that are in memory.
#[derive(Default)]
struct KnownContents(Mutex<HashMap<ContentKey, PastReferences>>);

impl KnownContents {
    fn get(&self, key: &ContentKey) -> Option<PastReferences> {
        self.lock().get(key).cloned()
    }

    fn add(&self, key: ContentKey, found: PastReferences) {
        let mut all = self.lock();
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(key, found);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ContentKey, PastReferences>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What earlier runs found out of the past.
pub(crate) struct BelievedPast {
    facts: KeptReferences,
    known: KnownContents,
    changes: KeptChanges,
}

impl BelievedPast {
    pub(crate) fn new(facts: KeptReferences, changes: KeptChanges) -> Self {
        Self {
            facts,
            known: KnownContents::default(),
            changes,
        }
    }

    /// Keeps what was found out since.
    pub(crate) fn save(&self) {
        self.facts.save();
        self.changes.save();
    }

    fn get(&self, key: &ContentKey) -> Option<PastReferences> {
        self.known.get(key).or_else(|| {
            let kept = self.facts.get(&key.0, &key.1)?;
            self.known.add(key.clone(), Arc::clone(&kept));
            Some(kept)
        })
    }
}

/// What is kept of single documents.
#[derive(Default)]
struct KeptDocuments {
    by_name: HashMap<String, DocumentReferences>,
    count: usize,
}

impl BlobReferences {
    /// The references of a content, if its bytes may contain any that matter; else none.
    ///
    /// # Errors
    /// If the blob cannot be read.
    pub(crate) fn read(
        &self,
        blobs: &Blobs,
        path: &str,
        oid: Option<&str>,
        may_matter: &dyn Fn(&[u8]) -> bool,
    ) -> Result<PastReferences, Failure> {
        let Some(oid) = oid else { return Ok(Arc::from([])) };
        let key = (file_name(path).to_owned(), oid.to_owned());
        if let Some(known) = self.read.contents.get(&key).or_else(|| self.kept.as_ref()?.get(&key)) {
            return Ok(known);
        }
        let Some(bytes) = blobs.read_if(oid, FILE_CAP, may_matter)? else {
            return Ok(Arc::from([]));
        };
        let by_documents = self.of_documents(path, &bytes);
        let found = by_documents.unwrap_or_else(|| of_scan(&manifest::scan(path, &bytes)));
        if let Some(kept) = &self.kept {
            kept.facts.add(&key.0, &key.1, &found);
        }
        self.read.contents.add(key, Arc::clone(&found));
        Ok(found)
    }

    /// Keeps the references of a content that was scanned elsewhere: with what was kept, where such scans are believed.
    pub(super) fn keep(&self, path: &str, oid: &str, found: PastReferences) {
        let key = (file_name(path).to_owned(), oid.to_owned());
        match &self.kept {
            Some(kept) => {
                kept.facts.add(&key.0, &key.1, &found);
                kept.known.add(key, found);
            }
            None => self.read.contents.add(key, found),
        }
    }

    /// The same that believes what earlier runs kept. What it reads itself is known to both, and nothing else.
    pub(crate) fn believing(&self, kept: Option<Arc<BelievedPast>>) -> Self {
        let read = Arc::clone(&self.read);
        Self { read, kept }
    }

    /// What commits changed, as far as earlier runs kept it.
    pub(super) fn known_changes(&self) -> Option<&dyn KnownChanges> {
        self.kept.as_ref().map(|kept| &kept.changes as &dyn KnownChanges)
    }

    /// The references of a content, put together from its documents, each read once for its path; `None` where the
    /// content has to be read as a whole.
    fn of_documents(&self, path: &str, bytes: &[u8]) -> Option<PastReferences> {
        let documents = separate_documents(bytes)?;
        let mut all = self.read.documents.lock().unwrap_or_else(PoisonError::into_inner);
        if all.count >= KEPT {
            *all = KeptDocuments::default();
        }
        let KeptDocuments { by_name, count } = &mut *all;
        let name = file_name(path);
        if !by_name.contains_key(name) {
            by_name.insert(name.to_owned(), DocumentReferences::new());
        }
        let kept = by_name.get_mut(name)?;
        let mut found = Vec::new();
        for (number, (document, spells)) in documents.into_iter().enumerate() {
            let known = kept.entry((Digest::of(document), spells)).or_insert_with(|| {
                *count += 1;
                of_document(path, document, spells)
            });
            let renumbered = known.as_ref()?.iter().map(|reference| PastReference {
                yaml_path: format!("$[{number}]{}", &reference.yaml_path[FIRST_DOCUMENT.len()..]).into(),
                ..reference.clone()
            });
            found.extend(renumbered);
        }
        (found.len() < MOST_OF_DOCUMENTS).then(|| found.into())
    }
}

/// How the paths of references in the first document of a stream begin.
const FIRST_DOCUMENT: &str = "$[0]";

/// Longer streams are read as a whole, so that the limits of one file are those of its reader.
const LONGEST_STREAM: usize = 2 << 20;

/// The same for streams of more references, and of one document with more of them.
const MOST_OF_DOCUMENTS: usize = 5_000;

/// The references of one document; `None` where its reader needs the rest of the stream.
fn of_document(path: &str, document: &[u8], spells: bool) -> Option<PastReferences> {
    let scan = match spells {
        true => manifest::scan_spelled(path, document),
        false => manifest::scan(path, document),
    };
    let aliases: usize = scan.all().map(|found| found.aliases.len()).sum();
    let found = of_scan(&scan);
    let is_first = |reference: &PastReference| reference.yaml_path.starts_with(FIRST_DOCUMENT);
    let is_whole = scan.problem.is_none() && found.len() + aliases < MOST_OF_DOCUMENTS;
    (is_whole && found.iter().all(is_first)).then_some(found)
}

/// The documents of a YAML stream of several, each with the line `---` that begins it, and whether it may spell a digest
/// in other characters than its own: such texts count where the stream has a digest. `None` where it is not plain that
/// each document reads by itself as it does in the stream: other line breaks than LF, ends (`...`), directives, aliases.
fn separate_documents(bytes: &[u8]) -> Option<Vec<(&[u8], bool)>> {
    if bytes.len() > LONGEST_STREAM {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    if !text.contains("\n---\n") || text.contains('\r') || text.contains('\u{feff}') {
        return None;
    }
    let begins_a_line = |mark: &str| text.starts_with(mark) || text.contains(&format!("\n{mark}"));
    if begins_a_line("%") || begins_a_line("...") || may_have_alias(text) {
        return None;
    }
    let has_digest = text.contains("sha256:");
    let spells = |document: &str| has_digest && !document.contains("sha256:") && has_escape(document.as_bytes());
    let mut out: Vec<(&[u8], bool)> = Vec::new();
    let mut begin = 0;
    let mut rest = text.match_indices("\n---").map(|(at, _)| at + 1);
    while begin < text.len() {
        let end = rest.next().unwrap_or(text.len());
        let document = &text[begin..end];
        let is_empty_line = |line: &str| line.trim_start_matches([' ', '\t']).is_empty() || line.starts_with('#');
        let is_marked = document.starts_with("---");
        // `--- value` and `----` are left to the reader of the whole.
        if is_marked && !(document.starts_with("---\n") || document == "---") {
            return None;
        }
        if is_marked || !document.lines().all(is_empty_line) {
            out.push((document.as_bytes(), spells(document)));
        }
        begin = end;
    }
    Some(out)
}

/// Whether there is what may be an alias (`*name`). An asterisk in quotation marks or before a space is none.
fn may_have_alias(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || matches!(byte, b'_' | b'-' | b'.');
    let is_before = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'[' | b'{' | b',' | b':');
    let mut asterisks = text.match_indices('*').map(|(at, _)| at);
    asterisks.any(|at| bytes.get(at + 1).is_some_and(is_name) && (at == 0 || is_before(&bytes[at - 1])))
}

/// Whether a character is written by its number, or a line is broken inside a text by a backslash.
fn has_escape(bytes: &[u8]) -> bool {
    bytes
        .windows(2)
        .any(|pair| pair[0] == b'\\' && matches!(pair[1], b'x' | b'u' | b'U' | b'\n'))
}

/// The references of a scan.
pub(super) fn of_scan(scan: &Scan) -> PastReferences {
    let reference = |found: &manifest::Found| PastReference {
        yaml_path: found.yaml_path.as_str().into(),
        repository: found.repository.clone(),
        tag: found.tag.clone(),
        digest: found.digest,
        rule: found.rule,
    };
    scan.all().map(reference).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lines of which streams are made: what begins and ends documents in all its forms, and images.
    const LINES: [&str; 27] = [
        "---",
        "---",
        "---",
        "--- ",
        "--- a",
        "----",
        "...",
        "# a comment",
        "",
        "  ",
        "%YAML 1.2",
        "kind: Pod",
        "apiVersion: v1",
        "spec:",
        "  containers:",
        "    - name: a",
        "      image: r.example/a/b:v1",
        "      image: r.example/a/c@sha256:0101010101010101010101010101010101010101010101010101010101010101",
        "text: |",
        "  ---",
        "quoted: \"",
        "end\"",
        "images: &a",
        "  other: *a",
        "image: {repository: r.example/x, tag: v2}",
        "loose: \"r.example/d@sha256\\u003a0202020202020202020202020202020202020202020202020202020202020202\"",
        "loose: r.example/d@sha256:0202020202020202020202020202020202020202020202020202020202020202",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn documents_read_one_by_one_come_to_the_same(
            lines in prop::collection::vec(0..LINES.len(), 1..40), ends in any::<bool>(), values in any::<bool>(),
        ) {
            let mut text = lines.iter().map(|line| LINES[*line]).collect::<Vec<_>>().join("\n");
            if ends {
                text.push('\n');
            }
            let path = if values { "values.yaml" } else { "production/a.yaml" };
            let references = BlobReferences::default();
            if let Some(found) = references.of_documents(path, text.as_bytes()) {
                prop_assert_eq!(found, of_scan(&manifest::scan(path, text.as_bytes())), "{}", text);
            }
        }
    }

    #[test]
    fn a_document_is_read_once() {
        let pod = |image: &str| {
            let name = image.rsplit('/').next().unwrap_or_default();
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n    - name: a\n      image: {image}\n"
            )
        };
        let stream = |images: &[&str]| images.iter().map(|image| pod(image)).collect::<Vec<_>>().join("---\n");
        let references = BlobReferences::default();
        let paths = |text: &str| -> Option<Vec<String>> {
            let found = references.of_documents("a.yaml", text.as_bytes())?;
            Some(found.iter().map(|one| one.yaml_path.to_string()).collect())
        };
        let all = ["r.example/a:v1", "r.example/b:v1", "r.example/c:v1"];
        let container = |document: usize| format!("$[{document}].spec.containers[0].image");
        assert_eq!(paths(&stream(&all)), Some((0..3).map(container).collect()));
        let known = || {
            references
                .read
                .documents
                .lock()
                .map(|all| all.count)
                .unwrap_or_default()
        };
        assert_eq!(known(), 3);
        // One changed and one came before the others; only these are read.
        assert!(paths(&stream(&["r.example/new:v1", all[0], all[1], "r.example/c:v2"])).is_some());
        assert_eq!(known(), 3 + 3);
        assert!(paths(&pod(all[0])).is_none(), "there is nothing to separate");
    }
}
