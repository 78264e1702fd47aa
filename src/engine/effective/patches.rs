//! Strategic merges and JSON 6902 operations on what is kept of an object.

use crate::sources::git::manifest::Operation;

use super::node::{Node, Site};

/// Lists that are merged by the name of their items, where the schema is known.
const NAMED: [&str; 5] = ["containers", "initContainers", "ephemeralContainers", "volumes", "env"];

/// Lays a strategic merge patch over an object. `false`: the patch takes the whole object away.
pub(super) fn merge(into: &mut Node, patch: &Node, by_name: bool, gone: &mut Vec<Site>) -> bool {
    merge_at("", into, patch, by_name, gone)
}

fn merge_at(key: &str, into: &mut Node, patch: &Node, by_name: bool, gone: &mut Vec<Site>) -> bool {
    match patch {
        Node::Other => {}
        Node::Null => {
            gone.extend(into.sites());
            *into = Node::Null;
        }
        Node::Text(new) => match into {
            Node::Text(old) => old.replace(new),
            into => *into = patch.clone(),
        },
        Node::Map(entries) => {
            match patch.text("$patch").map(|text| text.value.as_str()) {
                Some("delete") => {
                    gone.extend(into.sites());
                    return false;
                }
                Some("replace") => {
                    gone.extend(into.sites());
                    *into = Node::Map(Vec::new());
                }
                _ => {}
            }
            if !matches!(into, Node::Map(_)) {
                gone.extend(into.sites());
                *into = Node::Map(Vec::new());
            }
            for (key, value) in entries.iter().filter(|(key, _)| key != "$patch") {
                let Node::Map(known) = &mut *into else { break };
                let at = match known.iter().position(|(name, _)| name == key) {
                    Some(at) => at,
                    None if *value == Node::Null => continue,
                    None => {
                        known.push((key.clone(), Node::Other));
                        known.len() - 1
                    }
                };
                let kept = merge_at(key, &mut known[at].1, value, by_name, gone);
                if !kept || known[at].1 == Node::Null {
                    known.remove(at);
                }
            }
        }
        Node::List(items) => list(key, into, items, by_name, gone),
    }
    true
}

fn list(key: &str, into: &mut Node, items: &[Node], by_name: bool, gone: &mut Vec<Site>) {
    let directive = |item: &Node| item.text("$patch").map(|text| text.value.clone());
    let replaces = items.iter().any(|item| directive(item).as_deref() == Some("replace"));
    let Node::List(known) = into else {
        gone.extend(into.sites());
        *into = Node::List(items.iter().filter(|item| directive(item).is_none()).cloned().collect());
        return;
    };
    if !by_name || !NAMED.contains(&key) || replaces {
        gone.extend(known.iter().flat_map(Node::sites));
        *known = items.iter().filter(|item| directive(item).is_none()).cloned().collect();
        return;
    }
    let name = |item: &Node| item.text("name").map(|text| text.value.clone());
    let mut new = Vec::new();
    for item in items {
        let at = name(item).and_then(|wanted| known.iter().position(|one| name(one).as_ref() == Some(&wanted)));
        match at {
            Some(at) => {
                if !merge_at("", &mut known[at], item, by_name, gone) {
                    known.remove(at);
                }
            }
            None if directive(item).as_deref() == Some("delete") => {}
            None => new.push(item.clone()),
        }
    }
    new.append(known);
    *known = new;
}

/// Applies JSON 6902 operations. The reason, where one of them cannot be followed.
pub(super) fn operate(body: &mut Node, operations: &[Operation], file: u32, gone: &mut Vec<Site>) -> Option<String> {
    let mut unclear = None;
    for one in operations {
        let value = || Node::of(&one.value, file);
        let done = match one.op.as_str() {
            "add" => put(body, &one.path, value(), true, gone),
            "replace" => put(body, &one.path, value(), false, gone),
            "remove" => {
                gone.extend(take(body, &one.path).iter().flat_map(Node::sites));
                true
            }
            "copy" => match find(body, &one.from).cloned() {
                Some(node) => put(body, &one.path, node, true, gone),
                None => true,
            },
            "move" => match take(body, &one.from) {
                Some(node) => put(body, &one.path, node, true, gone),
                None => true,
            },
            "test" => true,
            _ => false,
        };
        if !done {
            let path = one.path.join("/");
            unclear = Some(format!("a JSON patch changes /{path}, which cannot be followed"));
        }
    }
    unclear
}

fn find<'n>(node: &'n Node, path: &[String]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, step| match node {
        Node::List(items) => items.get(step.parse::<usize>().ok()?),
        node => node.get(step),
    })
}

/// Puts a value at a path. `false` where that cannot be followed.
fn put(node: &mut Node, path: &[String], value: Node, add: bool, gone: &mut Vec<Site>) -> bool {
    let Some((step, rest)) = path.split_first() else {
        gone.extend(node.sites());
        *node = value;
        return true;
    };
    let last = rest.is_empty();
    match node {
        Node::List(items) => {
            if last && add && step == "-" {
                items.push(value);
                return true;
            }
            match step.parse::<usize>() {
                Ok(at) if last && add && at <= items.len() => items.insert(at, value),
                Ok(at) if at < items.len() && last => replace(&mut items[at], value, gone),
                Ok(at) if at < items.len() => return put(&mut items[at], rest, value, add, gone),
                _ => return value == Node::Other,
            }
            true
        }
        Node::Map(entries) => {
            let at = match entries.iter().position(|(key, _)| key == step) {
                Some(at) => at,
                None if value == Node::Other => return true,
                None => {
                    entries.push((step.clone(), Node::Other));
                    entries.len() - 1
                }
            };
            if last {
                replace(&mut entries[at].1, value, gone);
                return true;
            }
            put(&mut entries[at].1, rest, value, add, gone)
        }
        node => {
            // What has no images was left out: it is made as far as the path tells.
            if value == Node::Other {
                return true;
            }
            if step == "-" || step.parse::<usize>().is_ok() {
                *node = Node::List(Vec::new());
                if last {
                    *node = Node::List(vec![value]);
                    return true;
                }
                return false;
            }
            *node = Node::Map(Vec::new());
            put(node, path, value, add, gone)
        }
    }
}

fn replace(old: &mut Node, new: Node, gone: &mut Vec<Site>) {
    match (&mut *old, &new) {
        (Node::Text(old), Node::Text(new)) => old.replace(new),
        (old, _) => {
            gone.extend(old.sites());
            *old = new;
        }
    }
}

/// Takes out what is at a path.
fn take(node: &mut Node, path: &[String]) -> Option<Node> {
    let (step, rest) = path.split_first()?;
    match node {
        Node::List(items) => {
            let at = step.parse::<usize>().ok().filter(|at| *at < items.len())?;
            if rest.is_empty() {
                Some(items.remove(at))
            } else {
                take(&mut items[at], rest)
            }
        }
        Node::Map(entries) => {
            let at = entries.iter().position(|(key, _)| key == step)?;
            if rest.is_empty() {
                Some(entries.remove(at).1)
            } else {
                take(&mut entries[at].1, rest)
            }
        }
        Node::Text(_) | Node::Null | Node::Other => None,
    }
}
