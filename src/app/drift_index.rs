//! The drift of the board by service, so that a cell finds its own without reading all of it.

use std::collections::HashMap;

use crate::domain::board::Board;
use crate::domain::drift::Drift;
use crate::domain::id::{ServiceId, Target};

/// Finds the drift of a service or of a target.
#[derive(Debug, Default)]
pub struct DriftIndex<'a> {
    of_service: HashMap<&'a ServiceId, Vec<&'a Drift>>,
}

impl<'a> DriftIndex<'a> {
    /// An index of everything that has drifted on a board.
    pub fn new(board: &'a Board) -> Self {
        let mut of_service: HashMap<&ServiceId, Vec<&Drift>> = HashMap::new();
        for drift in &board.drift {
            of_service.entry(&drift.service).or_default().push(drift);
        }
        Self { of_service }
    }

    /// The drift of a service, in the order of the board.
    pub fn of_service(&self, service: &ServiceId) -> &[&'a Drift] {
        self.of_service.get(service).map_or(&[], Vec::as_slice)
    }

    /// The drift of a service in one environment, and that of the service as a whole.
    pub fn of_target<'b>(&'b self, target: &'b Target) -> impl Iterator<Item = &'a Drift> + 'b {
        let here = |drift: &&Drift| drift.environment.as_ref().is_none_or(|e| *e == target.environment);
        self.of_service(&target.service).iter().copied().filter(here)
    }
}
