//! No circles of files: whoever reads a file can read what it uses without coming back to it.
//!
//! An edge leads from a file to the file that defines what it names: in a `use` or in any path, through
//! `crate::`, `self::`, `super::` or the name of a child module. Re-exports are followed to the definition, so a
//! child that names its sibling through their parent uses the sibling and not the parent. A `mod` declaration is no
//! use. A parent that re-exports a child's item (`pub use child::Item`, in any visibility) does not use the child,
//! unless it names that item elsewhere. Calls of methods are not seen, and test code does not count.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::rust_tokens::Token;
use super::tree::{Source, next_is, sources, verdict};

type Module = Vec<String>;

/// A name that a `use` brings into a module.
struct Import {
    path: Vec<String>,
    /// The name it has here; `None` for a glob.
    name: Option<String>,
    exported: bool,
    line: usize,
}

/// What a module says of itself.
#[derive(Default)]
struct Contents {
    file: String,
    defines: BTreeSet<String>,
    imports: Vec<Import>,
    /// Paths in expressions and types, of two names at least.
    paths: Vec<(Vec<String>, usize)>,
    /// Every name outside of `use`.
    words: BTreeSet<String>,
}

/// All modules of the program by path, and what was found out about paths: globs lead to the same questions again
/// and again.
struct Program(BTreeMap<Module, Contents>, RefCell<Answers>);

/// The module that defines what a path names, by the module that names it; `None` while it is looked for.
type Answers = BTreeMap<(Module, Vec<String>), Option<Module>>;

const ITEMS: &[&str] = &["fn", "struct", "enum", "trait", "type", "const", "static"];

impl Program {
    fn read(sources: &[Source]) -> Self {
        let mut modules = BTreeMap::new();
        for source in sources.iter().filter(|s| !s.is_test_file() && s.path != "main.rs") {
            read_module(source, &mut modules);
        }
        Self(modules, RefCell::default())
    }

    /// The file that defines what a path names, seen from a module.
    fn file_of(&self, from: &Module, path: &[String]) -> Option<&str> {
        let module = self.module_of(from, path)?;
        self.0.get(&module).map(|contents| contents.file.as_str())
    }

    fn module_of(&self, from: &Module, path: &[String]) -> Option<Module> {
        let question = (from.clone(), path.to_vec());
        if let Some(known) = self.1.borrow().get(&question) {
            return known.clone();
        }
        self.1.borrow_mut().insert(question.clone(), None);
        let found = self.look_for(from, path);
        self.1.borrow_mut().insert(question, found.clone());
        found
    }

    fn look_for(&self, from: &Module, path: &[String]) -> Option<Module> {
        let here = self.0.get(from)?;
        let Some((head, rest)) = path.split_first() else {
            return Some(from.clone());
        };
        match head.as_str() {
            "crate" | "pindeck" => return self.module_of(&Vec::new(), rest),
            "self" => return self.module_of(from, rest),
            "super" => return self.module_of(&from[..from.len().checked_sub(1)?].to_vec(), rest),
            _ => {}
        }
        let mut child = from.clone();
        child.push(head.clone());
        if self.0.contains_key(&child) {
            return self.module_of(&child, rest);
        }
        if here.defines.contains(head) {
            return Some(from.clone());
        }
        for import in here.imports.iter().filter(|i| i.name.as_ref() == Some(head)) {
            if import.path.first() == Some(head) && import.path.len() == 1 {
                continue;
            }
            let whole: Vec<String> = import.path.iter().chain(rest).cloned().collect();
            return self.module_of(from, &whole);
        }
        here.imports.iter().filter(|i| i.name.is_none()).find_map(|glob| {
            let whole: Vec<String> = glob.path.iter().chain(path).cloned().collect();
            self.module_of(from, &whole)
        })
    }

    /// Which file uses which, with the first line where it does. Only inside rooms: between them the import table rules.
    fn uses(&self) -> BTreeMap<&str, BTreeMap<&str, usize>> {
        let mut edges: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for (module, contents) in &self.0 {
            let mut add = |path: &[String], line: usize| {
                let to = self.file_of(module, path).or_else(|| {
                    // The name of something that a macro made: the module it is in.
                    let relative = ["crate", "self", "super"].contains(&path.first()?.as_str());
                    (1..path.len())
                        .rev()
                        .filter(|_| relative)
                        .find_map(|n| self.file_of(module, &path[..n]))
                });
                if let Some(to) = to
                    && to != contents.file
                    && room(to) == room(&contents.file)
                {
                    edges.entry(&contents.file).or_default().entry(to).or_insert(line);
                }
            };
            for import in &contents.imports {
                let named = import.name.as_ref().is_some_and(|name| contents.words.contains(name));
                if !import.exported || named {
                    add(&import.path, import.line);
                }
            }
            for (path, line) in &contents.paths {
                let mut child = module.clone();
                child.push(path[0].clone());
                let relative = ["crate", "pindeck", "self", "super"].contains(&path[0].as_str());
                if relative || self.0.contains_key(&child) {
                    add(path, *line);
                }
            }
        }
        edges
    }
}

fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or_default()
}

fn read_module(source: &Source, modules: &mut BTreeMap<Module, Contents>) {
    let tokens = source.product_tokens();
    let mut module = source.module();
    let fresh = || Contents {
        file: source.path.clone(),
        ..Contents::default()
    };
    modules.entry(module.clone()).or_insert_with(fresh);
    // One entry per open brace: whether a `mod` opened it.
    let mut braces: Vec<bool> = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let token = &tokens[i];
        let here = modules.entry(module.clone()).or_insert_with(fresh);
        let at_module = braces.iter().all(|is_module| *is_module);
        let starts_path = i == 0 || !(tokens[i - 1].is("::") || tokens[i - 1].is("."));
        match token.text.as_str() {
            "{" => {
                let opens = i >= 2 && tokens[i - 2].is("mod");
                if opens {
                    module.push(tokens[i - 1].text.clone());
                }
                braces.push(opens);
            }
            "}" if braces.pop() == Some(true) => {
                module.pop();
            }
            "use" => {
                let exported = i > 0 && (tokens[i - 1].is("pub") || tokens[i - 1].is(")"));
                i = imports(&tokens, i + 1, &[], exported, &mut here.imports);
                continue;
            }
            item if ITEMS.contains(&item) && at_module => {
                // `const fn`, `unsafe`, `async` and lifetimes are passed over.
                let name = tokens.get(i + 1).map(|t| t.text.clone()).unwrap_or_default();
                if !ITEMS.contains(&name.as_str()) {
                    here.defines.insert(name);
                    i += 1;
                }
            }
            word if is_name(word) && starts_path => {
                let (path, end) = path_from(&tokens, i);
                here.words.insert(word.to_owned());
                if path.len() > 1 {
                    here.paths.push((path, token.line));
                }
                i = end;
                continue;
            }
            _ => {}
        }
        i += 1;
    }
}

fn is_name(word: &str) -> bool {
    word.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
}

/// The names of a path that starts at `i`, and where it ends.
fn path_from(tokens: &[Token], mut i: usize) -> (Vec<String>, usize) {
    let mut path = vec![tokens[i].text.clone()];
    while next_is(tokens, i, "::") && tokens.get(i + 2).is_some_and(|t| is_name(&t.text)) {
        path.push(tokens[i + 2].text.clone());
        i += 2;
    }
    (path, i + 1)
}

/// Reads the tree of a `use` from `i`; gives where it ends.
fn imports(tokens: &[Token], mut i: usize, prefix: &[String], exported: bool, out: &mut Vec<Import>) -> usize {
    let mut path = prefix.to_vec();
    let line = tokens.get(i).map_or(0, |t| t.line);
    while let Some(token) = tokens.get(i) {
        match token.text.as_str() {
            "::" => {}
            "{" => {
                i += 1;
                while tokens.get(i).is_some_and(|t| !t.is("}")) {
                    i = imports(tokens, i, &path, exported, out);
                    if tokens.get(i).is_some_and(|t| t.is(",")) {
                        i += 1;
                    }
                }
                return i + 1;
            }
            "*" => {
                out.push(Import {
                    path,
                    name: None,
                    exported,
                    line,
                });
                return i + 1;
            }
            word if is_name(word) && word != "as" => {
                if word != "self" || path.is_empty() {
                    path.push(word.to_owned());
                }
            }
            _ => break,
        }
        i += 1;
    }
    let mut name = path.last().cloned();
    if tokens.get(i).is_some_and(|t| t.is("as")) {
        name = tokens.get(i + 1).map(|t| t.text.clone());
        i += 2;
    }
    out.push(Import {
        path,
        name,
        exported,
        line,
    });
    i
}

/// The groups of files that can all reach each other.
fn circles<'a>(edges: &BTreeMap<&'a str, BTreeMap<&'a str, usize>>) -> Vec<BTreeSet<&'a str>> {
    let reach = |from: &'a str| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(next) = open.pop() {
            for to in edges.get(next).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(*to) {
                    open.push(to);
                }
            }
        }
        seen
    };
    let all: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|from| (*from, reach(from))).collect();
    let mut found: Vec<BTreeSet<&str>> = Vec::new();
    for (file, reached) in &all {
        if !reached.contains(file) || found.iter().any(|circle| circle.contains(file)) {
            continue;
        }
        let back = |other: &&&str| all.get(*other).is_some_and(|r| r.contains(file));
        found.push(reached.iter().filter(back).copied().collect());
    }
    found
}

fn describe(circle: &BTreeSet<&str>, edges: &BTreeMap<&str, BTreeMap<&str, usize>>) -> String {
    let files: Vec<&str> = circle.iter().copied().collect();
    let mut text = format!("{} files: {}", files.len(), files.join(", "));
    for from in circle {
        for (to, line) in edges[from].iter().filter(|(to, _)| circle.contains(*to)) {
            let _ = write!(text, "\n    src/{from}:{line} uses {to}");
        }
    }
    text
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let sources = sources();
    let program = Program::read(&sources);
    let edges = program.uses();
    let circles = circles(&edges);
    let complaints: Vec<String> = circles.iter().map(|circle| describe(circle, &edges)).collect();
    verdict("circles of files", &complaints);
}

#[test]
fn what_a_path_names_is_found_through_re_exports() {
    let file = |path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let edges_of = |files: &[Source]| -> Vec<String> {
        let program = Program::read(files);
        let uses = program.uses();
        let flat = uses
            .iter()
            .flat_map(|(from, to)| to.keys().map(move |to| format!("{from} > {to}")));
        flat.collect()
    };
    let parent = file(
        "git/mod.rs",
        "mod a; mod b; pub use a::A; pub(crate) use b::{B as C, make}; pub struct Own; fn f() { make(); }",
    );
    let a = file(
        "git/a.rs",
        "use super::{C, Own}; pub struct A; #[cfg(test)] mod tests { use super::super::b::x; }",
    );
    let b = file(
        "git/b.rs",
        "pub struct B; pub fn make() { let _ = crate::git::a::A; let _: super::A; }",
    );
    // The parent re-exports A and does not use it; it calls `make`. `a` names B through its parent.
    assert_eq!(
        edges_of(&[parent, a, b]),
        [
            "git/a.rs > git/b.rs",
            "git/a.rs > git/mod.rs",
            "git/b.rs > git/a.rs",
            "git/mod.rs > git/b.rs"
        ]
    );
    let other = file("git/a.rs", "use crate::term::x; use std::fmt;");
    assert!(edges_of(&[other, file("term/mod.rs", "pub fn x() {}")]).is_empty());
}
