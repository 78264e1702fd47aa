//! `pindeck diff`: what separates two digests.

use serde::Serialize;

use crate::cli::exit::Exit;
use crate::domain::diff::{DigestDiff, Layer, Package};
use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::reference::Repository;
use crate::domain::text::{Clean, Untrusted};
use crate::engine::diff::Compared;

use super::args::DiffArgs;
use super::command_context::CommandContext;
use super::json;
use super::output::say;

#[derive(Debug, Serialize)]
struct DiffDoc<'a> {
    a: SideDoc<'a>,
    b: SideDoc<'a>,
    #[serde(flatten)]
    diff: &'a DigestDiff,
}

#[derive(Debug, Serialize)]
struct SideDoc<'a> {
    image: &'a Repository,
    digest: Digest,
}

/// Runs `pindeck diff`.
///
/// # Errors
/// If a name means nothing here, or something needed cannot be had.
pub(crate) async fn run(context: &CommandContext, args: &DiffArgs) -> Result<Exit, Failure> {
    let engine = context.engine()?;
    let compared = engine.diff(&args.a, &args.b).await?;
    let (a, b) = (&compared.a, &compared.b);
    if args.json {
        json::print(
            "diff",
            DiffDoc {
                a: SideDoc {
                    image: &a.image,
                    digest: a.digest,
                },
                b: SideDoc {
                    image: &b.image,
                    digest: b.digest,
                },
                diff: &compared.diff,
            },
        )?;
    } else {
        for line in lines(&compared) {
            say(Clean::from_untrusted(&line).as_str())?;
        }
    }
    if let Some(why) = &compared.unreachable {
        super::output::warn(&format!("not everything could be reached: {}", why.clean()));
        return Ok(Exit::Unknown);
    }
    let exit = if args.exit_code && a.digest != b.digest {
        Exit::Found
    } else {
        Exit::Done
    };
    Ok(context.with_freshness(&engine, exit))
}

fn lines(compared: &Compared) -> Vec<String> {
    let (a, b, diff) = (&compared.a, &compared.b, &compared.diff);
    let mut out = vec![
        format!("a  {}@{}", a.image, a.digest),
        format!("b  {}@{}", b.image, b.digest),
    ];
    if a.digest == b.digest {
        out.push("the same bytes".to_owned());
    }
    let platforms = &diff.platforms;
    for (word, list) in [
        ("same", &platforms.same),
        ("changed", &platforms.changed),
        ("only in b", &platforms.added),
        ("only in a", &platforms.removed),
    ] {
        if !list.is_empty() {
            out.push(format!("platforms {word}: {}", list.join(", ")));
        }
    }
    if let Some(platform) = &platforms.compared {
        out.push(format!("compared: {platform}"));
    }
    if !diff.config.is_empty() {
        out.push("config".to_owned());
    }
    let shown = |value: &Option<Untrusted>| value.as_ref().map_or("(not set)".to_owned(), |v| v.raw().to_owned());
    for field in &diff.config {
        out.push(format!("  {}: {} -> {}", field.field, shown(&field.a), shown(&field.b)));
    }
    let bytes = |layers: &[Layer]| layers.iter().map(|l| l.size).sum::<u64>();
    let layers = &diff.layers;
    out.push(format!(
        "layers: {} shared, {} only in b ({} bytes), {} only in a ({} bytes)",
        layers.shared,
        layers.added.len(),
        bytes(&layers.added),
        layers.removed.len(),
        bytes(&layers.removed)
    ));
    let packages = &diff.packages;
    let package = |mark: &str, p: &Package| format!("  {mark} {} {}", p.purl.raw(), p.version.raw());
    out.push(format!(
        "packages: {} changed, {} only in b, {} only in a",
        packages.changed.len(),
        packages.added.len(),
        packages.removed.len()
    ));
    for change in &packages.changed {
        out.push(format!(
            "  ~ {} {} -> {}",
            change.purl.raw(),
            change.from.raw(),
            change.to.raw()
        ));
    }
    out.extend(packages.added.iter().map(|p| package("+", p)));
    out.extend(packages.removed.iter().map(|p| package("-", p)));
    if let Some(commits) = &diff.provenance.commits {
        out.push(format!("source: {}", commits.raw()));
    }
    for (side, tests) in [("a", &diff.tests.a), ("b", &diff.tests.b)] {
        if let Some(tests) = tests {
            out.push(format!("tests of {side}: {}", tests.result));
        }
    }
    for missing in &diff.missing {
        out.push(format!("not compared: {missing}"));
    }
    out
}
