//! The sources of the program, as the rules of the house read them.

use std::fs;
use std::path::{Path, PathBuf};

use super::rust_tokens::{Token, tokens};

/// One file under `src/`.
pub struct Source {
    /// Relative to `src/`, with forward slashes.
    pub path: String,
    pub text: String,
}

impl Source {
    /// The folder or file directly under `src/` that it belongs to.
    pub fn room(&self) -> &str {
        match self.path.split_once('/') {
            Some((room, _)) => room,
            None => self.path.trim_end_matches(".rs"),
        }
    }

    /// How many modules deep the file's own module is (`domain/id.rs` = 2, `domain/mod.rs` = 1).
    pub fn depth(&self) -> usize {
        let parts = self.path.split('/').count();
        let file = self.path.rsplit('/').next().unwrap_or_default();
        match file {
            "mod.rs" => parts - 1,
            "lib.rs" | "main.rs" if parts == 1 => 0,
            // `foo_tests.rs` is the module `foo::tests`.
            _ if self.is_test_file() => parts + 1,
            _ => parts,
        }
    }

    /// The path of its module: `domain/id.rs` = `domain`, `id`.
    pub fn module(&self) -> Vec<String> {
        let path = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        if path == "lib" || path == "mod" {
            return Vec::new();
        }
        path.split('/').map(str::to_owned).collect()
    }

    /// Whether the whole file is test code.
    pub fn is_test_file(&self) -> bool {
        let file = self.path.rsplit('/').next().unwrap_or_default();
        file.ends_with("_tests.rs") || file == "tests.rs" || self.path.contains("/tests/")
    }

    /// Its tokens without those of items that exist in tests only.
    pub fn product_tokens(&self) -> Vec<Token> {
        if self.is_test_file() {
            return Vec::new();
        }
        without_test_items(&tokens(&self.text))
    }
}

/// The folder of the package.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Adds every Rust file below a folder.
pub fn rust_files(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Every file under `src/`, sorted by path.
pub fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    files.sort();
    assert!(
        files.len() > 20,
        "only {} files under src: is this the right folder?",
        files.len()
    );
    files
        .into_iter()
        .map(|path| Source {
            text: fs::read_to_string(&path).expect("a readable source file"),
            path: path
                .strip_prefix(&src)
                .expect("under src")
                .to_string_lossy()
                .replace('\\', "/"),
        })
        .collect()
}

/// Fails with every complaint about a rule, if there is one.
pub fn verdict(rule: &str, complaints: &[String]) {
    assert!(complaints.is_empty(), "{rule}:\n  {}", complaints.join("\n  "));
}

/// Where the test module begins; the end of the file where there is none.
pub fn start_of_tests(tokens: &[Token]) -> usize {
    let begins = |i: usize| tokens[i].is("#cfg(test)") && (next_is(tokens, i, "mod") || next_is(tokens, i, "#"));
    (0..tokens.len()).find(|i| begins(*i)).unwrap_or(tokens.len())
}

/// Whether the token after `i` reads so.
pub fn next_is(tokens: &[Token], i: usize, text: &str) -> bool {
    tokens.get(i + 1).is_some_and(|t| t.is(text))
}

/// Leaves out each item that follows `#[cfg(test)]`: up to its `;`, or to the brace that closes it.
fn without_test_items(tokens: &[Token]) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut i = 0;
    while i < tokens.len() {
        if !tokens[i].is("#cfg(test)") {
            out.push(tokens[i].clone());
            i += 1;
            continue;
        }
        let (mut depth, mut uses) = (0usize, false);
        i += 1;
        while i < tokens.len() {
            match tokens[i].text.as_str() {
                "use" if depth == 0 => uses = true,
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            let ends = depth == 0 && (tokens[i].is(";") || tokens[i].is(",") || (tokens[i].is("}") && !uses));
            i += 1;
            if ends {
                break;
            }
        }
    }
    out
}
