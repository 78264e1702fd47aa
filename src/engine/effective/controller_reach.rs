//! Which kustomizations take in objects of controllers, however deep: in most trees few do, and only these are rendered to
//! learn what patches make of such objects.

use crate::sources::git::manifest::DocumentPart;

use super::files::Files;

/// For each file, whether it has an object of a controller in it or is a kustomization that takes one in.
pub(super) fn of(files: &Files<'_>) -> Vec<bool> {
    let count = files.len() as usize;
    let mut taken_in_by: Vec<Vec<u32>> = vec![Vec::new(); count];
    let mut reached: Vec<u32> = Vec::new();
    for file in 0..files.len() {
        let parts = files.parts(file);
        if parts.iter().any(|part| matches!(part, DocumentPart::Controller(_))) {
            reached.push(file);
        }
        let Some(kustomization) = files.kustomization(file) else {
            continue;
        };
        for written in kustomization.resources.iter().chain(&kustomization.components) {
            let Some(path) = files.resolve(file, written) else {
                continue;
            };
            let taken = files.kustomization_in(&path).or_else(|| files.find(&path));
            if let Some(taken) = taken {
                taken_in_by[taken as usize].push(file);
            }
        }
    }
    let mut reaches = vec![false; count];
    while let Some(file) = reached.pop() {
        if !std::mem::replace(&mut reaches[file as usize], true) {
            reached.extend(&taken_in_by[file as usize]);
        }
    }
    reaches
}
