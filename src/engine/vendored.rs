//! Charts that were copied into the repository: their images are real, and an edit of them would be
//! undone by the next update. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::pin::Unmanaged;
use crate::sources::git::TreeFile;
use crate::sources::git::manifest::Scan;

use super::effective::ScannedCommit;

const COPIED: &str = "part of a chart that is kept in charts/: the chart's next update would undo an edit; set the image in the values of the chart that uses it";
const PACKED: &str = "a packed chart: its images are inside; set them in the values of the chart that uses it";

/// The files of copied charts.
pub(super) fn copied_files(files: &[TreeFile], scans: &BTreeMap<String, Arc<Scan>>) -> BTreeSet<String> {
    let all: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let copied = scans.keys().filter(|file| is_copied(file, &all, scans));
    copied.cloned().collect()
}

/// What stands in copied charts, and packed charts, with the reason why they are not managed.
pub(super) fn unmanaged(commit: &ScannedCommit) -> Vec<Unmanaged> {
    let mut out = Vec::new();
    for file in &commit.copied {
        let found = commit.scans.get(file).map_or(&[][..], |scan| scan.found.as_slice());
        out.extend(found.iter().map(|found| Unmanaged {
            file: file.clone(),
            line: found.line,
            text: found.reference().into(),
            reason: COPIED.to_owned(),
        }));
    }
    for file in commit.files.iter().map(|file| file.path.as_str()) {
        let mut parts = file.rsplit('/');
        let packed = parts.next().is_some_and(|name| name.ends_with(".tgz")) && parts.next() == Some("charts");
        if packed {
            out.push(Unmanaged {
                file: file.to_owned(),
                line: 1,
                text: file.rsplit('/').next().unwrap_or(file).into(),
                reason: PACKED.to_owned(),
            });
        }
    }
    out
}

/// Whether a file lies in `charts/NAME/` of a chart or kustomization that takes that chart from elsewhere.
fn is_copied(file: &str, files: &BTreeSet<&str>, scans: &BTreeMap<String, Arc<Scan>>) -> bool {
    let parts: Vec<&str> = file.split('/').collect();
    (0..parts.len().saturating_sub(2)).any(|at| {
        let name = parts[at + 1];
        let path = |rest: &[&str]| [&parts[..at], rest].concat().join("/");
        if parts[at] != "charts" || !files.contains(path(&["charts", name, "Chart.yaml"]).as_str()) {
            return false;
        }
        let named = |by: &str| {
            scans
                .get(&path(&[by]))
                .into_iter()
                .flat_map(|scan| &scan.charts)
                .find(|chart| chart.name == name)
        };
        if files.contains(path(&["Chart.yaml"]).as_str()) {
            // A chart of one's own says so; any other in there was put there from somewhere.
            return named("Chart.yaml").is_none_or(|chart| !chart.local);
        }
        let kustomizations = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
        kustomizations
            .iter()
            .any(|by| named(by).is_some_and(|chart| !chart.local))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::git::manifest::scan;

    fn apart(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let scan = |(file, text): &(&str, &str)| ((*file).to_owned(), Arc::new(scan(file, text.as_bytes())));
        let scans: BTreeMap<String, Arc<Scan>> = files.iter().map(scan).collect();
        let file = |(path, _): &(&str, &str)| TreeFile {
            path: (*path).to_owned(),
            oid: String::new(),
        };
        let all: Vec<TreeFile> = files.iter().map(file).collect();
        let commit = ScannedCommit {
            copied: copied_files(&all, &scans),
            scans,
            files: Arc::new(all),
            links: Arc::default(),
            remote_url: None,
        };
        let left = commit
            .scans
            .iter()
            .filter(|(file, scan)| !scan.found.is_empty() && !commit.copied.contains(*file));
        (
            left.map(|(file, _)| file.clone()).collect(),
            unmanaged(&commit)
                .iter()
                .map(|u| format!("{}: {}", u.file, u.text.raw()))
                .collect(),
        )
    }

    const VALUES: &str = "image: {repository: shop/db, tag: v1}\n";

    #[test]
    fn copies_of_charts_are_set_apart() {
        let chart = "name: app\ndependencies:\n- {name: db, version: 1.0.0, repository: 'https://charts.example.com'}\n- {name: own, version: 1.0.0, repository: 'file://charts/own'}\n";
        let files = [
            ("app/Chart.yaml", chart),
            ("app/values.yaml", VALUES),
            ("app/charts/db/Chart.yaml", "name: db"),
            ("app/charts/db/values.yaml", VALUES),
            ("app/charts/own/Chart.yaml", "name: own"),
            ("app/charts/own/values.yaml", VALUES),
            ("app/charts/stray/Chart.yaml", "name: stray"),
            ("app/charts/stray/values.yaml", VALUES),
            ("app/charts/cache-1.2.3.tgz", ""),
            ("charts/app/Chart.yaml", "name: app"),
            ("charts/app/values.yaml", VALUES),
        ];
        let (pins, unmanaged) = apart(&files);
        assert_eq!(
            pins,
            [
                "app/charts/own/values.yaml",
                "app/values.yaml",
                "charts/app/values.yaml"
            ]
        );
        assert_eq!(
            unmanaged,
            [
                "app/charts/db/values.yaml: shop/db:v1",
                "app/charts/stray/values.yaml: shop/db:v1",
                "app/charts/cache-1.2.3.tgz: cache-1.2.3.tgz"
            ]
        );
    }

    #[test]
    fn what_kustomize_pulls_is_a_copy() {
        for (repo, copied) in [(", repo: 'https://charts.example.com'", true), ("", false)] {
            let kustomization = format!("helmCharts:\n- {{name: db{repo}}}\n");
            let files = [
                ("app/kustomization.yaml", kustomization.as_str()),
                ("app/charts/db/Chart.yaml", "name: db"),
                ("app/charts/db/values.yaml", VALUES),
            ];
            assert_eq!(apart(&files).0.is_empty(), copied, "{repo}");
        }
    }
}
