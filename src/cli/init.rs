//! `pindeck init`: a first `pindeck.toml`, from what is found.

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;
use crate::domain::text::Clean;
use crate::engine::learn::NamedTrust;
use std::io::Write as _;

use serde::Serialize;

use super::args::InitArgs;
use super::command_context::CommandContext;
use super::json;
use super::output::{say, warn};
use super::policy;

#[derive(Debug, Serialize)]
struct InitDoc<'a> {
    /// Where it was written; `null` with `--print`.
    path: Option<String>,
    text: &'a str,
}

/// Runs `pindeck init`.
///
/// # Errors
/// If there is no usable repository, or the file is there already.
pub(crate) async fn run(context: &CommandContext, args: &InitArgs) -> Result<Exit, Failure> {
    let engine = context.engine()?;
    let named = NamedTrust {
        keys: args.keys.clone(),
        roots: args.roots.clone(),
    };
    let mut text = engine.learned_configuration(&named).await?;
    let imported = match args.from_policy.is_empty() {
        true => None,
        false => {
            let roots = args.roots.iter().map(|root| (String::new(), root.clone())).collect();
            Some(policy::import(args.from_policy.clone(), roots, policy::existing_names(&text)).await?)
        }
    };
    if let Some(imported) = &imported {
        text.push_str(&imported.text);
        for left in &imported.left {
            warn(&format!("not taken over: {}", Clean::from_untrusted(left)));
        }
    }
    if args.print {
        for name in imported.iter().flat_map(|imported| imported.keys.keys()) {
            warn(&format!("`pindeck init` without --print writes the key {name}, too"));
        }
        if args.json {
            json::print(
                "init",
                InitDoc {
                    path: None,
                    text: &text,
                },
            )?;
        } else {
            say(text.trim_end())?;
        }
        return Ok(Exit::Done);
    }
    if context.global.read_only {
        return Err(Failure::usage("--read-only forbids writing pindeck.toml").hint("use --print"));
    }
    let Some(path) = engine.team_file() else {
        return Err(
            Failure::usage("this repository is bare: there is no working tree to write pindeck.toml to")
                .hint("use --print"),
        );
    };
    let shown = path.display().to_string();
    let mut file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Failure::usage(format!("{shown} is there already")).hint(
                "`pindeck init --print` shows what would be written, `pindeck config check` checks what is there",
            ),
            _ => Failure::failed(format!("{shown} cannot be written: {error}")).hint("use --print"),
        })?;
    if let (Some(imported), Some(folder)) = (&imported, path.parent()) {
        policy::write_keys(folder, imported).inspect_err(|_| {
            // A configuration that names keys which are not there would be worse than none.
            let _ = std::fs::remove_file(&path);
        })?;
    }
    file.write_all(text.as_bytes())
        .map_err(|e| Failure::failed(format!("{shown} could not be written whole: {e}")).hint("delete it"))?;
    if args.json {
        json::print(
            "init",
            InitDoc {
                path: Some(shown),
                text: &text,
            },
        )?;
    } else {
        say(&format!("wrote {shown}"))?;
        warn("it counts once it is committed to the branch; `pindeck config check` checks it now");
    }
    Ok(Exit::Done)
}
