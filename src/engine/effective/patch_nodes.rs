//! Strategic merges and JSON 6902 operations on what is kept of an object.

use crate::sources::git::manifest::Operation;

use super::node::{RenderNode, SourceSite};

/// Lists that are merged by the name of their items, where the schema is known.
const NAMED: [&str; 5] = ["containers", "initContainers", "ephemeralContainers", "volumes", "env"];

/// Lays a strategic merge patch over an object. `false`: the patch takes the whole object away.
pub(super) fn merge(into: &mut RenderNode, patch: &RenderNode, by_name: bool, gone: &mut Vec<SourceSite>) -> bool {
    merge_at("", into, patch, by_name, gone)
}

fn merge_at(key: &str, into: &mut RenderNode, patch: &RenderNode, by_name: bool, gone: &mut Vec<SourceSite>) -> bool {
    match patch {
        RenderNode::Other => {}
        RenderNode::Null => {
            gone.extend(into.sites());
            *into = RenderNode::Null;
        }
        RenderNode::Text(new) => match into {
            RenderNode::Text(old) => old.replace(new),
            into => *into = patch.clone(),
        },
        RenderNode::Map(entries) => {
            match patch.text("$patch").map(|text| text.value.as_str()) {
                Some("delete") => {
                    gone.extend(into.sites());
                    return false;
                }
                Some("replace") => {
                    gone.extend(into.sites());
                    *into = RenderNode::Map(Vec::new());
                }
                _ => {}
            }
            if !matches!(into, RenderNode::Map(_)) {
                gone.extend(into.sites());
                *into = RenderNode::Map(Vec::new());
            }
            for (key, value) in entries.iter().filter(|(key, _)| key != "$patch") {
                let RenderNode::Map(known) = &mut *into else { break };
                let at = match known.iter().position(|(name, _)| name == key) {
                    Some(at) => at,
                    None if *value == RenderNode::Null => continue,
                    None => {
                        known.push((key.clone(), RenderNode::Other));
                        known.len() - 1
                    }
                };
                let kept = merge_at(key, &mut known[at].1, value, by_name, gone);
                if !kept || known[at].1 == RenderNode::Null {
                    known.remove(at);
                }
            }
        }
        RenderNode::List(items) => list(key, into, items, by_name, gone),
    }
    true
}

fn list(key: &str, into: &mut RenderNode, items: &[RenderNode], by_name: bool, gone: &mut Vec<SourceSite>) {
    let directive = |item: &RenderNode| item.text("$patch").map(|text| text.value.clone());
    let replaces = items.iter().any(|item| directive(item).as_deref() == Some("replace"));
    let RenderNode::List(known) = into else {
        gone.extend(into.sites());
        *into = RenderNode::List(items.iter().filter(|item| directive(item).is_none()).cloned().collect());
        return;
    };
    if !by_name || !NAMED.contains(&key) || replaces {
        gone.extend(known.iter().flat_map(RenderNode::sites));
        *known = items.iter().filter(|item| directive(item).is_none()).cloned().collect();
        return;
    }
    let name = |item: &RenderNode| item.text("name").map(|text| text.value.clone());
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

/// A patch without the fields that say which object it is for: they change none of those.
pub(super) fn without_identity(patch: &RenderNode) -> RenderNode {
    let mut patch = patch.clone();
    if let RenderNode::Map(entries) = &mut patch {
        entries.retain(|(key, _)| !matches!(key.as_str(), "apiVersion" | "kind"));
        let metadata = entries.iter_mut().find(|(key, _)| key == "metadata");
        if let Some((_, RenderNode::Map(entries))) = metadata {
            entries.retain(|(key, _)| !matches!(key.as_str(), "name" | "namespace"));
        }
    }
    patch
}

/// Whether a patch has a list in it.
pub(super) fn has_list(patch: &RenderNode) -> bool {
    match patch {
        RenderNode::List(_) => true,
        RenderNode::Map(entries) => entries.iter().any(|(_, value)| has_list(value)),
        RenderNode::Text(_) | RenderNode::Null | RenderNode::Other => false,
    }
}

/// Whether a patch says something to kustomize that is not followed here: `$retainKeys` and its like, and directives
/// inside lists, which kustomize follows only where it knows the kind.
pub(super) fn has_directive(patch: &RenderNode) -> bool {
    match patch {
        RenderNode::Map(entries) => entries.iter().any(|(key, value)| {
            let is_known = || matches!(value, RenderNode::Text(text) if matches!(text.value.as_str(), "delete" | "replace" | "merge"));
            key.starts_with('$') && !(key == "$patch" && is_known()) || has_directive(value)
        }),
        RenderNode::List(items) => items.iter().any(|item| item.get("$patch").is_some() || has_directive(item)),
        RenderNode::Text(_) | RenderNode::Null | RenderNode::Other => false,
    }
}

/// Applies JSON 6902 operations to an object of which every field is known. The reason, where one of them is too
/// large, or does not apply: then the kustomization cannot be built at all.
pub(super) fn operate_whole(
    body: &mut RenderNode,
    operations: &[Operation],
    file: u32,
    gone: &mut Vec<SourceSite>,
) -> Option<String> {
    for one in operations {
        let value = || one.whole.as_ref().map(|whole| RenderNode::of(whole, file));
        let done = match one.op.as_str() {
            "add" => value().and_then(|value| put_strictly(body, &one.path, value, true, gone)),
            "replace" => value().and_then(|value| put_strictly(body, &one.path, value, false, gone)),
            "remove" => take(body, &one.path).map(|node| gone.extend(node.sites())),
            "copy" => find(body, &one.from)
                .cloned()
                .and_then(|node| put_strictly(body, &one.path, node, true, gone)),
            "move" => take(body, &one.from).and_then(|node| put_strictly(body, &one.path, node, true, gone)),
            "test" => {
                let is_same = |node: &RenderNode| value().is_some_and(|value| says_the_same(node, &value));
                find(body, &one.path).filter(|node| is_same(node)).map(|_| ())
            }
            _ => None,
        };
        if done.is_none() {
            let path = one.path.join("/");
            return Some(format!(
                "the JSON patch {} of /{path} does not apply, or cannot be followed",
                one.op
            ));
        }
    }
    None
}

/// Whether two parts have the same texts, wherever those stand.
fn says_the_same(a: &RenderNode, b: &RenderNode) -> bool {
    match (a, b) {
        (RenderNode::Text(a), RenderNode::Text(b)) => a.value == b.value,
        (RenderNode::Map(a), RenderNode::Map(b)) => {
            let has = |(key, value): &(String, RenderNode)| {
                b.iter().any(|(other, same)| other == key && says_the_same(value, same))
            };
            a.len() == b.len() && a.iter().all(has)
        }
        (RenderNode::List(a), RenderNode::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| says_the_same(a, b))
        }
        (RenderNode::Null, RenderNode::Null) => true,
        _ => false,
    }
}

/// Puts a value at a path of which every step but the last must be there; of `replace`, the last one too.
fn put_strictly(
    node: &mut RenderNode,
    path: &[String],
    value: RenderNode,
    add: bool,
    gone: &mut Vec<SourceSite>,
) -> Option<()> {
    let (step, rest) = path.split_first()?;
    match node {
        RenderNode::List(items) if rest.is_empty() && add => {
            let at = match step.as_str() {
                "-" => items.len(),
                step => step.parse::<usize>().ok().filter(|at| *at <= items.len())?,
            };
            items.insert(at, value);
        }
        RenderNode::List(items) => {
            let item = items.get_mut(step.parse::<usize>().ok()?)?;
            match rest {
                [] => replace(item, value, gone),
                rest => put_strictly(item, rest, value, add, gone)?,
            }
        }
        RenderNode::Map(entries) => match entries.iter_mut().find(|(key, _)| key == step) {
            Some((_, known)) if rest.is_empty() => replace(known, value, gone),
            Some((_, known)) => put_strictly(known, rest, value, add, gone)?,
            None if rest.is_empty() && add => entries.push((step.clone(), value)),
            None => return None,
        },
        RenderNode::Text(_) | RenderNode::Null | RenderNode::Other => return None,
    }
    Some(())
}

/// Applies JSON 6902 operations. The reason, where one of them cannot be followed.
pub(super) fn operate(
    body: &mut RenderNode,
    operations: &[Operation],
    file: u32,
    gone: &mut Vec<SourceSite>,
) -> Option<String> {
    let mut unclear = None;
    for one in operations {
        let value = || RenderNode::of(&one.value, file);
        let done = match one.op.as_str() {
            "add" => put(body, &one.path, value(), true, gone),
            "replace" => put(body, &one.path, value(), false, gone),
            "remove" => {
                gone.extend(take(body, &one.path).iter().flat_map(RenderNode::sites));
                true
            }
            "copy" => match find(body, &one.from).cloned().filter(|node| *node != RenderNode::Other) {
                Some(node) => put(body, &one.path, node, true, gone),
                None => !may_write_image(body, &one.path),
            },
            "move" => match take(body, &one.from).filter(|node| *node != RenderNode::Other) {
                Some(node) => put(body, &one.path, node, true, gone),
                None => !may_write_image(body, &one.path),
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

/// Whether what is put at a path may be an image, or have one in it: only what has to do with images is kept of an
/// object, so what is taken from somewhere else in it may be anything.
fn may_write_image(body: &RenderNode, path: &[String]) -> bool {
    let is_over_an_image = || find(body, path).is_some_and(|node| !node.sites().is_empty());
    match path {
        [] => true,
        [.., last] if last.eq_ignore_ascii_case("image") => true,
        [first, ..] if matches!(first.as_str(), "metadata" | "status" | "kind" | "apiVersion") => false,
        [.., last] => {
            const POD: [&str; 5] = ["spec", "template", "jobTemplate", "containers", "initContainers"];
            let above = path.iter().rev().nth(1).map(String::as_str);
            POD.contains(&last.as_str())
                || above.is_some_and(|above| above.ends_with("ontainers"))
                || is_over_an_image()
        }
    }
}

fn find<'n>(node: &'n RenderNode, path: &[String]) -> Option<&'n RenderNode> {
    path.iter().try_fold(node, |node, step| match node {
        RenderNode::List(items) => items.get(step.parse::<usize>().ok()?),
        node => node.get(step),
    })
}

/// Puts a value at a path. `false` where that cannot be followed.
fn put(node: &mut RenderNode, path: &[String], value: RenderNode, add: bool, gone: &mut Vec<SourceSite>) -> bool {
    let Some((step, rest)) = path.split_first() else {
        gone.extend(node.sites());
        *node = value;
        return true;
    };
    let last = rest.is_empty();
    match node {
        RenderNode::List(items) => {
            if last && add && step == "-" {
                items.push(value);
                return true;
            }
            match step.parse::<usize>() {
                Ok(at) if last && add && at <= items.len() => items.insert(at, value),
                Ok(at) if at < items.len() && last => replace(&mut items[at], value, gone),
                Ok(at) if at < items.len() => return put(&mut items[at], rest, value, add, gone),
                _ => return value == RenderNode::Other,
            }
            true
        }
        RenderNode::Map(entries) => {
            let at = match entries.iter().position(|(key, _)| key == step) {
                Some(at) => at,
                None if value == RenderNode::Other => return true,
                None => {
                    entries.push((step.clone(), RenderNode::Other));
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
            if value == RenderNode::Other {
                return true;
            }
            if step == "-" || step.parse::<usize>().is_ok() {
                *node = RenderNode::List(Vec::new());
                if last {
                    *node = RenderNode::List(vec![value]);
                    return true;
                }
                return false;
            }
            *node = RenderNode::Map(Vec::new());
            put(node, path, value, add, gone)
        }
    }
}

fn replace(old: &mut RenderNode, new: RenderNode, gone: &mut Vec<SourceSite>) {
    match (&mut *old, &new) {
        (RenderNode::Text(old), RenderNode::Text(new)) => old.replace(new),
        (old, _) => {
            gone.extend(old.sites());
            *old = new;
        }
    }
}

/// Takes out what is at a path.
fn take(node: &mut RenderNode, path: &[String]) -> Option<RenderNode> {
    let (step, rest) = path.split_first()?;
    match node {
        RenderNode::List(items) => {
            let at = step.parse::<usize>().ok().filter(|at| *at < items.len())?;
            if rest.is_empty() {
                Some(items.remove(at))
            } else {
                take(&mut items[at], rest)
            }
        }
        RenderNode::Map(entries) => {
            let at = entries.iter().position(|(key, _)| key == step)?;
            if rest.is_empty() {
                Some(entries.remove(at).1)
            } else {
                take(&mut entries[at].1, rest)
            }
        }
        RenderNode::Text(_) | RenderNode::Null | RenderNode::Other => None,
    }
}
