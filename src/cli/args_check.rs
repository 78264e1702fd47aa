//! The arguments of `pindeck check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `pindeck check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The branch that the change is for; its policy and history count [default: what the CI job says]
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    /// The change; it is read, and never obeyed [default: what the CI job says]
    #[arg(long, value_name = "REF")]
    pub head: Option<String>,
    /// How to print the result
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = CheckFormat::Text, conflicts_with = "json")]
    pub format: CheckFormat,
    /// Write the result to a file too, as markdown=summary.md; may be given again
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report)]
    pub reports: Vec<ReportFile>,
    /// Take WARNED test results upon the job
    #[arg(long)]
    pub acknowledge_warned: bool,
    /// Exit with 3 if there are warnings only
    #[arg(long)]
    pub exit_code: bool,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// The forms that a result can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people
    Text,
    /// The document pindeck/check/v1
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// A code quality report of GitLab
    Gitlab,
    /// A summary for a pull request
    Markdown,
    /// SARIF 2.1.0
    Sarif,
    /// JUnit, one suite for each environment
    Junit,
}

/// A result in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportFile {
    /// In which form.
    pub format: CheckFormat,
    /// Where.
    pub file: PathBuf,
}

fn report(text: &str) -> Result<ReportFile, String> {
    let Some((format, file)) = text.split_once('=').filter(|(_, file)| !file.is_empty()) else {
        return Err("FORMAT=FILE, as in markdown=summary.md".to_owned());
    };
    let format = CheckFormat::from_str(format, false).map_err(|_| {
        let all = CheckFormat::value_variants()
            .iter()
            .filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = all.map(|value| value.get_name().to_owned()).collect();
        format!("FORMAT is one of {}", names.join(", "))
    })?;
    Ok(ReportFile {
        format,
        file: file.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_its_form_and_its_file() {
        let made = report("markdown=a=b.md").expect("valid");
        assert_eq!(
            (made.format, made.file),
            (CheckFormat::Markdown, PathBuf::from("a=b.md"))
        );
        for wrong in ["", "markdown", "markdown=", "html=x", "=x", "Markdown=x"] {
            assert!(report(wrong).is_err(), "{wrong}");
        }
    }
}
