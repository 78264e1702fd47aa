//! The grammar of everything that writes.

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::write::WriteOptions;
use crate::domain::id::Digest;
use crate::domain::write;

/// How a write is confirmed.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WriteArgs {
    /// Only plan: print what would be written
    #[arg(long)]
    pub dry_run: bool,
    /// Do it without asking
    #[arg(long)]
    pub yes: bool,
    /// Name the environment, where it asks for its name to be typed
    #[arg(long, value_name = "ENV")]
    pub confirm: Option<String>,
    /// Wait until the cluster runs it, at most so long (10m where nothing is said)
    #[arg(
        long,
        value_name = "TIME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "10m",
        value_parser = super::interval
    )]
    pub wait: Option<std::time::Duration>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

impl From<&WriteArgs> for WriteOptions {
    fn from(write: &WriteArgs) -> Self {
        Self {
            dry_run: write.dry_run,
            yes: write.yes,
            confirm: write.confirm.clone(),
            json: write.json,
            wait: write.wait,
        }
    }
}

/// What happens to a tag written beside a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TagRuleArg {
    /// it becomes the new digest's own tag
    Update,
    /// remove it
    Drop,
    /// leave it as it is
    Keep,
}

impl From<TagRuleArg> for write::TagRule {
    fn from(rule: TagRuleArg) -> Self {
        match rule {
            TagRuleArg::Update => Self::Update,
            TagRuleArg::Drop => Self::Drop,
            TagRuleArg::Keep => Self::Keep,
        }
    }
}

/// How a pin is rewritten, forward or back.
#[derive(Debug, Args)]
pub(crate) struct RewriteArgs {
    /// What happens to a tag written beside the digest
    #[arg(long, value_name = "RULE")]
    pub tag: Option<TagRuleArg>,
    /// Change loose copies of the old digest in the environment too: all of them, or nothing is written
    #[arg(long)]
    pub take_copies: bool,
    /// Why, for the commit
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Take a WARNED test result upon yourself
    #[arg(long)]
    pub acknowledge_warned: bool,
    /// Waive what the policy lets be waived, for this reason; it is recorded in the commit
    #[arg(long, value_name = "REASON")]
    pub break_glass: Option<String>,
    /// How it is confirmed.
    #[command(flatten)]
    pub write: WriteArgs,
}

impl RewriteArgs {
    /// A request with what was said of it.
    pub(crate) fn request(&self, ask: write::Ask) -> write::Request {
        write::Request {
            tag: self.tag.map(Into::into),
            reason: self.reason.clone(),
            acknowledge_warned: self.acknowledge_warned,
            take_copies: self.take_copies,
            break_glass: self.break_glass.clone(),
            ..write::Request::new(ask)
        }
    }
}

/// `pindeck pin`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(false))]
pub(crate) struct PinArgs {
    /// The services
    #[arg(value_name = "SERVICE", group = "which")]
    pub services: Vec<String>,
    /// Every pin by tag
    #[arg(long, group = "which")]
    pub all: bool,
    /// In this environment
    #[arg(long = "env", value_name = "E", required_unless_present = "all")]
    pub environment: Option<String>,
    /// Change loose copies of the old digest in the environment too: all of them, or nothing is written
    #[arg(long)]
    pub take_copies: bool,
    /// Why, for the commit
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Take a WARNED test result upon yourself
    #[arg(long)]
    pub acknowledge_warned: bool,
    /// How it is confirmed.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// `pindeck promote`.
#[derive(Debug, Args)]
pub(crate) struct PromoteArgs {
    /// The services: all of them step forward, or none
    #[arg(value_name = "SERVICE", required = true)]
    pub services: Vec<String>,
    /// The environment they step into
    #[arg(long, value_name = "E")]
    pub to: String,
    /// Where the digest comes from: an environment, or candidate
    #[arg(long, value_name = "ENV|candidate", conflicts_with = "digest")]
    pub from: Option<String>,
    /// This digest
    #[arg(long, value_name = "D")]
    pub digest: Option<Digest>,
    /// How the pin is rewritten.
    #[command(flatten)]
    pub rewrite: RewriteArgs,
}

/// `pindeck revert`.
#[derive(Debug, Args)]
pub(crate) struct RevertArgs {
    /// The service
    pub service: String,
    /// The environment
    #[arg(long = "env", value_name = "E")]
    pub environment: String,
    /// This digest instead of the last known good
    #[arg(long, value_name = "D")]
    pub to: Option<Digest>,
    /// End this environment's hold of that digest in the same commit
    #[arg(long)]
    pub release_hold: bool,
    /// Undo the whole pin commit, whatever else it touched
    #[arg(long, conflicts_with_all = ["to", "take_copies"])]
    pub whole_commit: bool,
    /// How the pin is rewritten.
    #[command(flatten)]
    pub rewrite: RewriteArgs,
}

/// `pindeck hold`.
#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: HoldCommand,
}

/// What can be done with holds.
#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Holds in force
    List(HoldList),
    /// A digest may not step forward any more
    Add(HoldAdd),
    /// A hold ends
    Release(HoldRelease),
}

/// `pindeck hold list`.
#[derive(Debug, Args)]
pub(crate) struct HoldList {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// `pindeck hold add`.
#[derive(Debug, Args)]
pub(crate) struct HoldAdd {
    /// The service
    pub service: String,
    /// The environment; later ones are closed too
    #[arg(long = "env", value_name = "E")]
    pub environment: String,
    /// This digest instead of the pinned one
    #[arg(long, value_name = "D")]
    pub digest: Option<Digest>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// How it is confirmed.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// `pindeck hold release`.
#[derive(Debug, Args)]
pub(crate) struct HoldRelease {
    /// The service
    pub service: String,
    /// The environment that the hold names
    #[arg(long = "env", value_name = "E")]
    pub environment: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How it is confirmed.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// `pindeck resume`.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// Forget what was begun instead of finishing it
    #[arg(long)]
    pub drop: bool,
    /// Do it without asking
    #[arg(long)]
    pub yes: bool,
    /// The environment's name, typed beforehand, where it confirms by its name
    #[arg(long, value_name = "ENV")]
    pub confirm: Option<String>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}
