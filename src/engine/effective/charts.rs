//! Charts of OCI repositories: they are pinned like images and are none.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::sources::git::manifest::{ObjectName, Scan};

use super::reference::Effective;
use super::undeployed::unmanaged;

const CHART: &str =
    "a chart from an OCI repository, no image: its evidence would say nothing about the images that it deploys";

/// Takes the charts out of the references.
pub(super) fn set_apart(scans: &BTreeMap<String, Arc<Scan>>, effective: &mut Effective) {
    if scans.values().all(|scan| scan.oci_sources.is_empty()) {
        return;
    }
    let taken: Vec<&ObjectName> = scans.values().flat_map(|scan| &scan.chart_sources).collect();
    let mut charts = Vec::new();
    effective.references.retain(|reference| {
        let scan = scans.get(&reference.file);
        let is_chart = scan.is_some_and(|scan| scan.is_chart(&reference.found, &taken));
        if is_chart {
            charts.push(unmanaged(&reference.file, &reference.found, CHART));
        }
        !is_chart
    });
    for chart in charts {
        // A file of several environments is named once.
        if !effective.unmanaged.contains(&chart) {
            effective.unmanaged.push(chart);
        }
    }
}
