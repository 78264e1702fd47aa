//! What the cockpit remembers from one run to the next: the theme, and the columns that were put away.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::app::cursor::Column;
use crate::view::theme::BUILT_IN;

/// Begins the line of an environment in the file of columns.
const ENVIRONMENT: &str = "environment ";
/// The line of CI's column.
const CANDIDATE: &str = "candidate";

/// Where what is remembered lies; `None` = nothing is remembered.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    /// The theme that was chosen with a key.
    pub theme_file: Option<PathBuf>,
    /// The columns that were put away, in this repository.
    pub columns_file: Option<PathBuf>,
}

impl Remembered {
    /// The theme that was last chosen with a key, if it is one of ours.
    pub(super) fn theme(&self) -> Option<String> {
        let name = std::fs::read_to_string(self.theme_file.as_deref()?).ok()?;
        let name = name.trim();
        let known = BUILT_IN.iter().any(|(known, _)| *known == name);
        known.then(|| name.to_owned())
    }

    /// Remembers a theme; answers whether there is a place for it.
    pub(super) fn keep_theme(&self, name: &str) -> std::io::Result<bool> {
        keep(self.theme_file.as_deref(), &format!("{name}\n"))?;
        Ok(self.theme_file.is_some())
    }

    /// The columns that were put away. A line that says nothing known is left out.
    pub(super) fn columns(&self) -> BTreeSet<Column> {
        let text = self.columns_file.as_deref().map(std::fs::read_to_string);
        let Some(Ok(text)) = text else {
            return BTreeSet::new();
        };
        text.lines()
            .filter_map(|line| match line.strip_prefix(ENVIRONMENT) {
                Some(name) => Some(Column::Environment(name.into())),
                None => (line == CANDIDATE).then_some(Column::Candidate),
            })
            .collect()
    }

    /// Remembers which columns are put away.
    pub(super) fn keep_columns(&self, columns: &[Column]) -> std::io::Result<()> {
        let lines = columns.iter().map(|column| match column {
            Column::Environment(name) => format!("{ENVIRONMENT}{name}\n"),
            Column::Candidate => format!("{CANDIDATE}\n"),
        });
        keep(self.columns_file.as_deref(), &lines.collect::<String>())
    }
}

fn keep(file: Option<&Path>, text: &str) -> std::io::Result<()> {
    let Some(file) = file else {
        return Ok(());
    };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_back_as_they_were_put_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let remembered = Remembered {
            theme_file: None,
            columns_file: Some(folder.path().join("columns").join("shop")),
        };
        assert_eq!(remembered.columns(), BTreeSet::new());
        let columns = [Column::Environment("candidate".into()), Column::Candidate];
        remembered.keep_columns(&columns).expect("written");
        assert_eq!(remembered.columns(), BTreeSet::from(columns));
        remembered.keep_columns(&[]).expect("written");
        assert_eq!(remembered.columns(), BTreeSet::new());
    }
}
