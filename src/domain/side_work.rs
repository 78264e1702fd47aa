//! How a merge is told: by the work of its sides where that leads from the state before it to the state after it.
//! Pure; a part of [`super::pin_walk`].

use super::pin_set::{BranchPart, PinSetChange};

/// What one side of a merge did to one key.
pub(super) struct SideWork<K, W: Ord, N> {
    /// Newest first.
    pub changes: Vec<PinSetChange<K, W, N>>,
    /// The merge has other pins than the side had.
    pub is_refused: bool,
    /// Its beginning lies beyond where the clone is cut.
    pub is_cut: bool,
}

impl<K, W: Ord, N> SideWork<K, W, N> {
    /// The changes as those that the branch did not come by.
    pub(crate) fn aside(self) -> impl Iterator<Item = PinSetChange<K, W, N>> {
        let part = match self.is_refused {
            true => BranchPart::Dropped,
            false => BranchPart::Side,
        };
        let own = self.changes.into_iter().filter(|change| !change.taken);
        own.map(move |mut change| {
            if change.is_on_the_way() {
                change.part = part;
            }
            change
        })
    }
}

/// Tells how a merge came to change a key: by the work of a side, as far as it leads, or by itself.
pub(super) fn brought<K: Clone, W: Ord + Clone, N: Clone>(
    mut change: PinSetChange<K, W, N>,
    sides: &mut [SideWork<K, W, N>],
    out: &mut Vec<PinSetChange<K, W, N>>,
) {
    let whole = sides.iter().position(|side| explained(&change, &side.changes) > 0);
    let beyond = || {
        let took = |side: &SideWork<K, W, N>| side.is_cut && !side.is_refused && change.taken;
        sides.iter().position(took)
    };
    let Some(at) = whole.or_else(beyond) else {
        out.push(change);
        return;
    };
    let side = &mut sides[at].changes;
    let count = match whole {
        Some(_) => explained(&change, side),
        None => linked(side),
    };
    let rest = side.split_off(count);
    let mut own = std::mem::replace(side, rest);
    // Only the last of them led to a state that the branch itself had.
    own.iter_mut()
        .skip(1)
        .for_each(|change| change.part = BranchPart::Passed);
    if whole.is_none() {
        if let Some(oldest) = own.last() {
            change.to.clone_from(&oldest.from);
            change.part = BranchPart::Passed;
        }
        change.is_beyond = true;
        own.push(change);
    }
    out.append(&mut own);
}

/// How many changes of a side, newest first, lead from one state to the next.
fn linked<K, W: Ord, N>(side: &[PinSetChange<K, W, N>]) -> usize {
    let own = side.iter().take_while(|change| change.is_on_the_way()).count();
    let links = side[..own].windows(2);
    let more = links
        .take_while(|pair| pair[0].from.keys().eq(pair[1].to.keys()))
        .count();
    if own == 0 { 0 } else { more + 1 }
}

/// How many changes of a side, newest first, lead from the state before a merge to the state after it: as many as
/// can be; 0 where none do.
fn explained<K, W: Ord, N>(merge: &PinSetChange<K, W, N>, side: &[PinSetChange<K, W, N>]) -> usize {
    if side.first().is_none_or(|newest| !newest.to.keys().eq(merge.to.keys())) {
        return 0;
    }
    let reaches = |n: &usize| side[n - 1].from.keys().eq(merge.from.keys());
    (1..=linked(side)).rev().find(reaches).unwrap_or(0)
}
