//! `pindeck policy import`.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::PolicyImportArgs;
use crate::cli::command_context::CommandContext;
use crate::cli::exit::Exit;
use crate::cli::json as documents;
use crate::cli::output::{say, warn};
use crate::cli::write::confirm;
use crate::config::import::{ImportedPolicy, render};
use crate::config::team;
use crate::domain::failure::Failure;
use crate::domain::policy::PolicySource;
use crate::domain::text::Clean;
use crate::engine::admission::read_all;

/// Runs `pindeck policy import`.
///
/// # Errors
/// If a policy cannot be read; with `--write` also if nothing can be written.
pub(super) async fn run(context: &CommandContext, args: &PolicyImportArgs) -> Result<Exit, Failure> {
    let roots: Vec<(String, PathBuf)> = args
        .roots
        .iter()
        .map(|root| (root.name.clone(), root.file.clone()))
        .collect();
    if !args.write {
        let imported = import(args.files.clone(), roots, BTreeSet::new()).await?;
        print(&imported, args.json, None)?;
        return Ok(Exit::Done);
    }
    if context.global.read_only {
        return Err(Failure::usage("--read-only forbids writing pindeck.toml").hint("leave out --write"));
    }
    let engine = context.engine()?;
    let path = engine.team_file().filter(|path| path.exists()).ok_or_else(|| {
        Failure::usage("there is no pindeck.toml in the working tree to add to")
            .hint("`pindeck init --from-policy FILE` writes the first one")
    })?;
    let shown = path.display().to_string();
    let before = std::fs::read_to_string(&path)
        .map_err(|error| Failure::failed(format!("{shown} cannot be read: {error}")).hint("leave out --write"))?;
    let imported = import(args.files.clone(), roots, existing_names(&before)).await?;
    let after = format!("{}\n{}", before.trim_end(), imported.text);
    check(&path, &after, &imported)?;
    if !args.yes {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage("nobody is there to confirm it").hint("add --yes, or leave out --write"));
        }
        print(&imported, false, None)?;
        let question = format!("Add this to {shown}? y to go on, anything else to stop: ");
        if !confirm::answer(question)
            .await
            .is_some_and(|answer| answer == "y" || answer == "yes")
        {
            warn("nothing was written");
            return Ok(Exit::Done);
        }
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    write_keys(folder, &imported)?;
    let whole = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(after.as_bytes())?;
        let permissions = std::fs::metadata(&path)?.permissions();
        file.as_file().set_permissions(permissions)?;
        file.persist(&path).map_err(|error| error.error)
    });
    whole.map_err(|error| Failure::failed(format!("{shown} cannot be written: {error}")).hint("leave out --write"))?;
    print(&imported, args.json, Some(&shown))?;
    Ok(Exit::Done)
}

/// Reads policies and makes pieces of a configuration of them.
///
/// # Errors
/// If a policy or a root cannot be read.
pub(crate) async fn import(
    files: Vec<PathBuf>,
    roots: Vec<(String, PathBuf)>,
    taken: BTreeSet<String>,
) -> Result<ImportedPolicy, Failure> {
    let (policies, roots) = read_all(files, roots).await?;
    Ok(render(&policies, &roots, &taken))
}

/// Names of policies and trust profiles that a configuration has.
pub(crate) fn existing_names(text: &str) -> BTreeSet<String> {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let named = ["policies", "trust"]
        .into_iter()
        .filter_map(|key| table.get(key)?.as_table());
    named.flat_map(|table| table.keys().cloned()).collect()
}

/// Whether the configuration is valid with the pieces, before anything is written.
fn check(path: &Path, text: &str, imported: &ImportedPolicy) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let read = |name: &str| match imported.keys.get(name) {
        Some(content) => Ok(content.clone().into_bytes()),
        None => std::fs::read(folder.join(name)),
    };
    let from = PolicySource::File(path.display().to_string());
    team::load(text, &path.display().to_string(), &read, from)?;
    Ok(())
}

/// Writes the key files that the pieces name. A file that is there already must have the same content.
///
/// # Errors
/// If one cannot be written, or has other content.
pub(crate) fn write_keys(folder: &Path, imported: &ImportedPolicy) -> Result<(), Failure> {
    for (name, content) in &imported.keys {
        let path = folder.join(name);
        let shown = path.display().to_string();
        let failed = |error: std::io::Error| {
            Failure::failed(format!("{shown} cannot be written: {error}")).hint("look who may write there")
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        match std::fs::File::options().write(true).create_new(true).open(&path) {
            Ok(mut file) => file.write_all(content.as_bytes()).map_err(failed)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                if std::fs::read_to_string(&path).ok().as_deref() != Some(content) {
                    return Err(Failure::usage(format!("{shown} is there already, with other content"))
                        .hint("move it away, or rename the policy"));
                }
            }
            Err(error) => return Err(failed(error)),
        }
        warn(&format!("the key goes to {}", Clean::from_untrusted(&shown)));
    }
    Ok(())
}

fn print(imported: &ImportedPolicy, as_json: bool, path: Option<&str>) -> Result<(), Failure> {
    if as_json {
        let left: Vec<String> = imported
            .left
            .iter()
            .map(|one| Clean::from_untrusted(one).into_string())
            .collect();
        let document = json!({
            "path": path, "text": imported.text, "keys": imported.keys, "policies": imported.policies, "left": left,
        });
        return documents::print("policy-import", document);
    }
    if let Some(path) = path {
        say(&format!("added to {}", Clean::from_untrusted(path)))?;
    } else {
        say(imported.text.trim_start_matches('\n').trim_end())?;
        for (name, content) in &imported.keys {
            say(&format!(
                "\n# {name}: this goes to a file of that name, beside pindeck.toml"
            ))?;
            content
                .trim_end()
                .lines()
                .try_for_each(|line| say(&format!("#   {}", Clean::from_untrusted(line))))?;
        }
    }
    warn(&match imported.policies.len() {
        0 => "no policy could be made of it; the comments say why".to_owned(),
        _ => format!(
            "nothing is in force yet: name a policy in an environment ({})",
            imported.policies.join(", ")
        ),
    });
    if !imported.left.is_empty() {
        warn(&format!(
            "{} parts were not taken over; each stands as a comment",
            imported.left.len()
        ));
    }
    Ok(())
}
