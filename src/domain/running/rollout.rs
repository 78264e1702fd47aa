//! How far the controller of a workload is with the newest template.

/// How far the controller of a Deployment, StatefulSet or DaemonSet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rollout {
    /// `metadata.generation`.
    pub generation: i64,
    /// `status.observedGeneration`.
    pub observed_generation: i64,
    /// How many Pods are wanted.
    pub wanted: u32,
    /// How many Pods are of the newest template.
    pub updated: u32,
    /// How many Pods there are, of any template.
    pub all: u32,
    /// How many Pods are available.
    pub available: u32,
}

impl Rollout {
    /// Whether the newest template has been rolled out: every Pod is of it and available, and no other is left.
    pub const fn is_done(&self) -> bool {
        self.observed_generation >= self.generation
            && self.updated >= self.wanted
            && self.all <= self.updated
            && self.available >= self.wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_is_done_when_no_other_pod_is_left() {
        let done = Rollout {
            generation: 2,
            observed_generation: 2,
            wanted: 3,
            updated: 3,
            all: 3,
            available: 3,
        };
        assert!(done.is_done());
        for open in [
            Rollout {
                observed_generation: 1,
                ..done
            },
            Rollout { updated: 2, ..done },
            Rollout { all: 4, ..done },
            Rollout { available: 2, ..done },
        ] {
            assert!(!open.is_done(), "{open:?}");
        }
        assert!(
            Rollout {
                wanted: 0,
                updated: 0,
                all: 0,
                available: 0,
                ..done
            }
            .is_done()
        );
    }
}
