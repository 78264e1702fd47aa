//! `pindeck generate`: completions, manual page, key table.

use clap::CommandFactory as _;
use clap_complete::Shell as Script;

use crate::app::keymap;
use crate::cli::exit::Exit;
use crate::domain::failure::Failure;

use super::args::{Cli, GenerateArgs, GenerateCommand, Shell};

/// Runs `pindeck generate`.
///
/// # Errors
/// If stdout does not take it.
pub(crate) fn run(args: &GenerateArgs) -> Result<Exit, Failure> {
    let text = match args.command {
        GenerateCommand::Completions { shell } => completions(shell),
        GenerateCommand::Man => man().map_err(|e| super::output::output_failed(&e))?,
        GenerateCommand::Keys => keymap::reference(),
    };
    super::output::say(text.trim_end())?;
    Ok(Exit::Done)
}

fn completions(shell: Shell) -> String {
    let script = match shell {
        Shell::Bash => Script::Bash,
        Shell::Elvish => Script::Elvish,
        Shell::Fish => Script::Fish,
        Shell::Powershell => Script::PowerShell,
        Shell::Zsh => Script::Zsh,
    };
    let mut out = Vec::new();
    clap_complete::generate(script, &mut Cli::command(), "pindeck", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// The manual: the program, then each subcommand with all its options.
pub(crate) fn man() -> std::io::Result<String> {
    let mut command = Cli::command().disable_help_flag(true);
    command.build();
    let mut out = Vec::new();
    let page = clap_mangen::Man::new(command.clone());
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    out.extend(b".SH SUBCOMMANDS\n");
    subcommands(&command, "pindeck", &mut out)?;
    page.render_extra_section(&mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn subcommands(command: &clap::Command, name: &str, out: &mut Vec<u8>) -> std::io::Result<()> {
    for sub in command.get_subcommands().filter(|s| !s.is_hide_set()) {
        let full = format!("{name} {}", sub.get_name());
        if sub.has_subcommands() {
            subcommands(sub, &full, out)?;
            continue;
        }
        let mut part = Vec::new();
        let own = sub.clone().mut_args(|arg| {
            // Global options are told once.
            let global = arg.is_global_set();
            arg.hide(global)
        });
        let page = clap_mangen::Man::new(own);
        page.render_synopsis_section(&mut part)?;
        page.render_description_section(&mut part)?;
        page.render_options_section(&mut part)?;
        let text = String::from_utf8_lossy(&part).replace(".SH SYNOPSIS\n", "");
        let text = text.replace(".SH DESCRIPTION\n", ".PP\n").replace(".SH OPTIONS\n", "");
        out.extend(format!(".SS \"{full}\"\n").bytes());
        out.extend(text.bytes());
    }
    Ok(())
}
