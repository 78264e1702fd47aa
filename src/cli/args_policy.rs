//! The arguments of `pindeck policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `pindeck policy`.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// What to do with the gate's policies.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// What can be done with policies of a cluster's gate.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Which side is stricter, rule by rule, and what each says of the digests pinned now and before
    Compare(PolicyCompareArgs),
    /// The same demands as pieces of a pindeck.toml; what is not read stands there as a comment
    Import(PolicyImportArgs),
}

/// `pindeck policy compare`.
#[derive(Debug, Args)]
pub(crate) struct PolicyCompareArgs {
    /// Policies of policy-controller, Kyverno or OpenShift, as YAML
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The trusted_root.json behind a TrustRoot of that name, or behind all others; may be given again
    #[arg(long = "root", value_name = "[NAME=]FILE", value_parser = named_root)]
    pub roots: Vec<NamedRootFile>,
    /// Exit with 3 if the two differ about a digest
    #[arg(long)]
    pub exit_code: bool,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// `pindeck policy import`.
#[derive(Debug, Args)]
pub(crate) struct PolicyImportArgs {
    /// Policies of policy-controller, Kyverno or OpenShift, as YAML
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The trusted_root.json behind a TrustRoot of that name, or behind all others; may be given again
    #[arg(long = "root", value_name = "[NAME=]FILE", value_parser = named_root)]
    pub roots: Vec<NamedRootFile>,
    /// Add the pieces to the working tree's pindeck.toml, and write the key files beside it
    #[arg(long)]
    pub write: bool,
    /// With --write, do not ask
    #[arg(long, requires = "write")]
    pub yes: bool,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// A root for what policies refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedRootFile {
    /// The name of the reference; empty = every other one.
    pub name: String,
    /// Where the `trusted_root.json` lies.
    pub file: PathBuf,
}

/// `NAME=FILE` or `FILE`.
pub(crate) fn named_root(text: &str) -> Result<NamedRootFile, String> {
    let (name, file) = match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !name.contains(['/', '.']) => (name, file),
        _ => ("", text),
    };
    match file.is_empty() {
        true => Err("NAME=FILE or FILE, as in trusted-root.json".to_owned()),
        false => Ok(NamedRootFile {
            name: name.to_owned(),
            file: file.into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_may_have_a_name() {
        let named = |text| named_root(text).map(|one| (one.name, one.file.display().to_string()));
        assert_eq!(
            named("my-keys=a/r.json"),
            Ok(("my-keys".to_owned(), "a/r.json".to_owned()))
        );
        assert_eq!(named("a=b/r.json").map(|one| one.0), Ok("a".to_owned()));
        assert_eq!(named("./a=b.json"), Ok((String::new(), "./a=b.json".to_owned())));
        assert_eq!(named("r.json"), Ok((String::new(), "r.json".to_owned())));
        assert!(named("").is_err() && named("x=").is_err());
    }
}
