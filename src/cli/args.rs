//! The grammar of the command line: every subcommand, every flag, once.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use check::{CheckArgs, CheckFormat};
pub(crate) use policy::{PolicyArgs, PolicyCommand, PolicyCompareArgs, PolicyImportArgs};
pub(crate) use write::{HoldArgs, HoldCommand, PinArgs, PromoteArgs, ResumeArgs, RevertArgs};

#[path = "args_check.rs"]
mod check;
#[path = "args_policy.rs"]
mod policy;
#[path = "args_write.rs"]
mod write;

/// What stands below every help text.
const MORE: &str = "\
Exit status: 0 done or holds, 1 failed, 2 usage or configuration, 3 drift or a warning (with --exit-code), 4 refused by policy, \
5 conflict, 6 something needed could not be reached, 7 the remote refused, 8 pushed but not running (with --wait), \
130/143 interrupted.

Environment: PINDECK_CONFIG (your preferences), PINDECK_CACHE_DIR, PINDECK_LOG (for example debug; written to \
pindeck.log in $XDG_STATE_HOME/pindeck, else ~/.local/state/pindeck), NO_COLOR, DOCKER_CONFIG, REGISTRY_AUTH_FILE, \
SSL_CERT_FILE.";

/// A terminal release cockpit for GitOps teams: the digest is the release.
///
/// Without a subcommand it opens the cockpit in a GitOps repository. Nothing is written unless you
/// confirm it.
#[derive(Debug, Parser)]
#[command(name = "pindeck", version, after_help = MORE, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// Options that may stand anywhere.
    #[command(flatten)]
    pub global: Global,
    /// What to do; nothing = the cockpit.
    #[command(subcommand)]
    pub command: Option<CliCommand>,
}

/// Options that may stand before or after the subcommand.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Look for the repository from this folder
    #[arg(
        short = 'C',
        value_name = "DIR",
        global = true,
        default_value = ".",
        hide_default_value = true
    )]
    pub dir: PathBuf,
    /// Take the team's policy from this file instead of the repository's pindeck.toml
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Refuse every write
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Ask no network: neither remote nor registry
    #[arg(long, global = true)]
    pub offline: bool,
    /// Do not fetch the remote first
    #[arg(long, global = true)]
    pub no_fetch: bool,
    /// Print line by line instead of drawing: for screen readers and simple terminals
    #[arg(long, global = true)]
    pub plain: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum CliCommand {
    /// The cockpit on an embedded world: no network, no set-up
    Demo(DemoArgs),
    /// Find environments, services and pins; write pindeck.toml
    Init(InitArgs),
    /// Every service in every environment: pinned, CI-built and tagged digests with verdicts
    Status(StatusArgs),
    /// Every statement about a digest, with every check
    Evidence(EvidenceArgs),
    /// One digest under one policy
    Verify(VerifyArgs),
    /// What separates two digests
    Diff(DiffArgs),
    /// Who pinned what, newest first
    History(HistoryArgs),
    /// Where labels, pins, evidence and history no longer say the same
    Drift(DriftArgs),
    /// What the clusters run, beside what is pinned
    Running(RunningArgs),
    /// Judge what a change would pin, as a gate on a pull request
    Check(CheckArgs),
    /// The team's policy beside the cluster's own gate: compare the two, or take over what the gate asks
    Policy(PolicyArgs),
    /// Give pins by tag the digest their tag names now, if it verifies
    Pin(PinArgs),
    /// Step digests forward
    Promote(PromoteArgs),
    /// Put an earlier digest back
    Revert(RevertArgs),
    /// Digests that may not step forward
    Hold(HoldArgs),
    /// Finish or drop what a crash left in the journal
    Resume(ResumeArgs),
    /// Trusted roots: where each comes from, how old it is; refresh them
    Trust(TrustArgs),
    /// The team's policy
    Config(ConfigArgs),
    /// The disposable cache
    Cache(CacheArgs),
    /// Files for packagers: completions, man page, key table
    Generate(GenerateArgs),
}

/// `pindeck demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Build the world in this folder and keep it, for a look with other tools
    // `dir` is the id of the global -C.
    #[arg(id = "world", long = "dir", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// How fast the scripted CI goes: 2 is twice as fast, 0 stands still
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
}

/// `pindeck init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Print it instead of writing the file
    #[arg(long)]
    pub print: bool,
    /// A public key that signs releases: keys cannot be learned; may be given again
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// A trusted_root.json beside the roots that are known; may be given again
    #[arg(long = "root", value_name = "FILE")]
    pub roots: Vec<PathBuf>,
    /// Take over what this policy of a cluster's gate asks; may be given again
    #[arg(long = "from-policy", value_name = "FILE")]
    pub from_policy: Vec<PathBuf>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// `pindeck status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Only this environment; may be given again
    #[arg(long = "env", value_name = "E")]
    pub environments: Vec<String>,
    /// Only this service; may be given again
    #[arg(long = "service", value_name = "S")]
    pub services: Vec<String>,
    /// One JSON document instead of a table
    #[arg(long)]
    pub json: bool,
    /// Exit with 3 if there is drift
    #[arg(long)]
    pub exit_code: bool,
}

/// `pindeck evidence`.
#[derive(Debug, Args)]
pub(crate) struct EvidenceArgs {
    /// A service (its candidate, or its pin with --env) or a reference
    #[arg(value_name = "SERVICE|REF")]
    pub what: String,
    /// The pin in this environment, under its policy
    #[arg(long = "env", value_name = "E")]
    pub environment: Option<String>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// `pindeck verify`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("rules").required(true).multiple(false))]
pub(crate) struct VerifyArgs {
    /// What to verify: REPOSITORY@sha256:…
    #[arg(value_name = "REF@DIGEST")]
    pub reference: String,
    /// By this policy
    #[arg(long, value_name = "P", group = "rules")]
    pub policy: Option<String>,
    /// By the policy of this environment
    #[arg(long = "env", value_name = "E", group = "rules")]
    pub environment: Option<String>,
    /// Take a WARNED test result upon yourself: exit with 0 then
    #[arg(long)]
    pub acknowledge_warned: bool,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// `pindeck diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// A digest, a reference or SERVICE:ENV
    pub a: String,
    /// A digest, a reference or SERVICE:ENV
    pub b: String,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
    /// Exit with 3 if they differ
    #[arg(long)]
    pub exit_code: bool,
}

/// `pindeck history`.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The service
    pub service: String,
    /// The environment
    #[arg(long = "env", value_name = "E")]
    pub environment: String,
    /// At most this many entries
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Judge every digest by today's policy
    #[arg(long)]
    pub verify: bool,
    /// One JSON document instead of a table
    #[arg(long)]
    pub json: bool,
}

/// `pindeck drift`.
#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    /// Go on looking and report what changes, existing drift first
    #[arg(long)]
    pub watch: bool,
    /// Look again after this long: 30s, 5m, 1h
    #[arg(long, value_name = "TIME", requires = "watch", value_parser = interval)]
    pub interval: Option<std::time::Duration>,
    /// One JSON document instead of text; with --watch one a line
    #[arg(long)]
    pub json: bool,
    /// Exit with 3 if there is drift
    #[arg(long)]
    pub exit_code: bool,
}

/// `pindeck running`.
#[derive(Debug, Args)]
pub(crate) struct RunningArgs {
    /// Only these services; all of them where none is named
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Only this environment; may be repeated
    #[arg(long = "env", value_name = "ENV")]
    pub environments: Vec<String>,
    /// Go on looking: what runs first, then every change
    #[arg(long)]
    pub watch: bool,
    /// With --watch, how often to look where no cluster says that something changed (default 30s)
    #[arg(long, value_name = "TIME", requires = "watch", value_parser = interval)]
    pub interval: Option<std::time::Duration>,
    /// One JSON document instead of text; with --watch one a line
    #[arg(long)]
    pub json: bool,
}

/// `pindeck trust`.
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: TrustCommand,
}

/// What can be done with the trusted roots.
#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// The roots that trust profiles name: source, version, age
    Show(Json),
    /// Ask their TUF repositories for newer ones
    Update(Json),
}

/// `pindeck config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What can be done with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Is the policy valid, and does every name and path in it mean something?
    Check(Json),
    /// The policy in force and where each part comes from
    Show(Json),
    /// The Kubernetes Roles that looking at the clusters takes: lists only
    Rbac(RbacArgs),
}

/// `pindeck config rbac`.
#[derive(Debug, Args)]
pub(crate) struct RbacArgs {
    /// Only those for this cluster
    pub cluster: Option<String>,
}

/// `pindeck cache`.
#[derive(Debug, Args)]
pub(crate) struct CacheArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: CacheCommand,
}

/// What can be done with the cache.
#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Where it is and how large
    Info(Json),
    /// Empty it; everything in it can be fetched again
    Clear(Json),
}

/// Just `--json`.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Json {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// `pindeck generate`.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// What to print.
    #[command(subcommand)]
    pub command: GenerateCommand,
}

/// What can be generated.
#[derive(Debug, Subcommand)]
pub(crate) enum GenerateCommand {
    /// A completion script
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// The manual page
    Man,
    /// Every key of the cockpit, as a Markdown table
    Keys,
}

/// Shells with completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// bash
    Bash,
    /// elvish
    Elvish,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// zsh
    Zsh,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(n) if n.is_finite() && (0.0..=1000.0).contains(&n) => Ok(n),
        _ => Err("a number from 0 to 1000".to_owned()),
    }
}

/// `30s`, `5m`, `1h`, or plain seconds.
pub(crate) fn interval(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || "a number with s, m or h, at least 1s and at most 24h, as in 30s".to_owned();
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3600),
        _ => (text, 1),
    };
    let seconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    match seconds {
        Some(seconds @ 1..=86_400) => Ok(std::time::Duration::from_secs(seconds)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_anywhere() {
        for line in [
            "pindeck -C x --offline status --json",
            "pindeck status --json -C x --offline",
            "pindeck -C x status --offline --json",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).expect(line);
            assert!(
                cli.global.offline && cli.global.dir == std::path::Path::new("x"),
                "{line}"
            );
            assert!(matches!(
                cli.command,
                Some(CliCommand::Status(StatusArgs { json: true, .. }))
            ));
        }
        assert_eq!(
            Cli::try_parse_from(["pindeck"]).expect("bare").global.dir,
            PathBuf::from(".")
        );
    }

    #[test]
    fn intervals_have_units() {
        let seconds = |text| interval(text).map(|d| d.as_secs());
        assert_eq!(
            [seconds("30s"), seconds("5m"), seconds("1h"), seconds("7")],
            [Ok(30), Ok(300), Ok(3600), Ok(7)]
        );
        for wrong in ["", "s", "0s", "-1s", "25h", "1.5s", "99999999999999999999h", "1ü"] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }
}
