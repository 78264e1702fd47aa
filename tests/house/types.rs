//! One name, one type: a reader who knows what a name means need not ask which of two is meant.

use std::collections::BTreeMap;

use super::tree::{sources, verdict};

/// Names that may mean several things, with the reason.
const SEVERAL: &[(&str, &str)] = &[("Signals", "one for each kind of operating system; only one is compiled")];

/// Where each type of the product is defined, by name: types of modules, not those inside functions, and no
/// associated types.
fn definitions() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        let tokens = source.product_tokens();
        // One entry per open brace: whether a `mod` opened it.
        let mut braces: Vec<bool> = Vec::new();
        for (i, token) in tokens.iter().enumerate() {
            match token.text.as_str() {
                "{" => braces.push(i >= 2 && tokens[i - 2].is("mod")),
                "}" => {
                    braces.pop();
                }
                "struct" | "enum" | "trait" | "type" if braces.iter().all(|is_module| *is_module) => {
                    if let Some(name) = tokens.get(i + 1) {
                        let place = format!("src/{}:{}", source.path, name.line);
                        found.entry(name.text.clone()).or_default().push(place);
                    }
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn no_name_means_two_types() {
    let mut complaints = Vec::new();
    let definitions = definitions();
    for (name, places) in definitions.iter().filter(|(_, places)| places.len() > 1) {
        let allowed = SEVERAL.iter().any(|(known, _)| known == name);
        if !allowed {
            complaints.push(format!(
                "{name} is defined {} times: {}",
                places.len(),
                places.join(", ")
            ));
        }
    }
    for (name, _) in SEVERAL {
        if definitions.get(*name).is_none_or(|places| places.len() < 2) {
            complaints.push(format!("{name} is defined once at most: take it off the list"));
        }
    }
    verdict("names that mean several types", &complaints);
}
