//! The options that every command shares that writes.

/// How a write is to be planned, confirmed and reported (docs/reference/contract.md, "Command line").
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteOptions {
    /// Only plan: nothing is written.
    pub dry_run: bool,
    /// The user confirmed the write on the command line.
    pub yes: bool,
    /// The name of the environment, typed on the command line as the confirmation.
    pub confirm: Option<String>,
    /// Print one JSON document instead of text.
    pub json: bool,
    /// Wait so long until the cluster runs it.
    pub wait: Option<std::time::Duration>,
}
