//! Names and folders of which a part is not known: `*` in a glob, `{{ … }}` in a template, `${{ … }}` in an
//! expression. What cannot be told apart counts as the same, so that no controller is missed.

/// Characters of one name that are compared; longer names than Kubernetes allows always match.
const LONGEST: usize = 300;

/// One character of a name, or what stands for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PatternPart {
    Any,
    One,
    Character(char),
}

/// Whether a name that may contain `*`, `?`, `[…]`, `{{ … }}` or `${{ … }}` can be the same as another one,
/// which may contain the same.
pub(super) fn can_match(a: &str, b: &str) -> bool {
    let (a, b) = (parts(a), parts(b));
    if a.len() > LONGEST || b.len() > LONGEST {
        return true;
    }
    // Whether the first i parts of one can be the same text as the first j of the other.
    let mut reached = vec![vec![false; b.len() + 1]; a.len() + 1];
    reached[0][0] = true;
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            if !reached[i][j] {
                continue;
            }
            let (x, y) = (a.get(i), b.get(j));
            if x == Some(&PatternPart::Any) {
                reached[i + 1][j] = true;
            }
            if y == Some(&PatternPart::Any) {
                reached[i][j + 1] = true;
            }
            match (x, y) {
                (Some(PatternPart::Any), Some(_)) => reached[i][j + 1] = true,
                (Some(_), Some(PatternPart::Any)) => reached[i + 1][j] = true,
                (Some(x), Some(y)) if x == y || *x == PatternPart::One || *y == PatternPart::One => {
                    reached[i + 1][j + 1] = true
                }
                _ => {}
            }
        }
    }
    reached[a.len()][b.len()]
}

fn parts(text: &str) -> Vec<PatternPart> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let expression = rest.strip_prefix("${{").or_else(|| rest.strip_prefix("{{"));
        if let Some((_, after)) = expression.and_then(|inside| inside.split_once("}}")) {
            out.push(PatternPart::Any);
            rest = after;
            continue;
        }
        let class = rest.strip_prefix('[').and_then(|inside| inside.split_once(']'));
        let part = match first {
            '*' => PatternPart::Any,
            '?' => PatternPart::One,
            '[' if class.is_some() => PatternPart::One,
            other => PatternPart::Character(other),
        };
        out.push(part);
        rest = match class {
            Some((_, after)) => after,
            None => &rest[first.len_utf8()..],
        };
    }
    out
}

/// The parts of a path without `.` and `..`; `None` if it leaves the repository.
pub(super) fn steps(path: &str) -> Option<Vec<&str>> {
    let mut out = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                out.pop()?;
            }
            name => out.push(name),
        }
    }
    Some(out)
}

/// Whether a folder (or a file), as controllers write it, contains a file or is it. `**` stands for any
/// number of folders.
pub(super) fn covers(folder: &str, file: &str) -> bool {
    let (Some(folder), Some(file)) = (steps(folder), steps(file)) else {
        return false;
    };
    begins(&folder, &file)
}

fn begins(folder: &[&str], file: &[&str]) -> bool {
    match (folder, file) {
        ([], _) => true,
        (["**", rest @ ..], _) => (0..=file.len()).any(|skipped| begins(rest, &file[skipped..])),
        ([first, rest @ ..], [name, below @ ..]) => can_match(first, name) && begins(rest, below),
        (_, []) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_unknown_parts() {
        for (a, b, same) in [
            ("shop", "shop", true),
            ("shop", "shop-2", false),
            ("shop-*", "shop-prod", true),
            ("shop-*", "shop", false),
            ("*", "", true),
            ("s?op", "shop", true),
            ("shop-[ab]", "shop-a", true),
            ("shop-[", "shop-[", true),
            ("shop-*", "{{name}}-prod", true),
            ("shop-dev*", "shop-{{env}}-eu", true),
            ("web-*", "shop-{{env}}", false),
            ("stage/${{ ctx.stage }}", "stage/prod", true),
            ("stage/${{ ctx.stage }}", "main", false),
        ] {
            assert_eq!(can_match(a, b), same, "{a} {b}");
            assert_eq!(can_match(b, a), same, "{b} {a}");
        }
    }

    #[test]
    fn folders_and_the_files_in_them() {
        for (folder, file, inside) in [
            ("", "a.yaml", true),
            (".", "a.yaml", true),
            ("./envs/prod/", "envs/prod/a.yaml", true),
            ("envs/prod", "envs/production/a.yaml", false),
            ("envs/prod/a.yaml", "envs/prod/a.yaml", true),
            ("charts/app/../../envs/prod", "envs/prod/a.yaml", true),
            ("envs/*", "envs/prod/a.yaml", true),
            ("envs/*/eu", "envs/prod/us/a.yaml", false),
            ("**/prod", "clusters/eu/prod/a.yaml", true),
            ("../envs", "envs/a.yaml", false),
        ] {
            assert_eq!(covers(folder, file), inside, "{folder} {file}");
        }
    }
}
