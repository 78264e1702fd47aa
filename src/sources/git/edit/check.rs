//! The proof of an edit: same bytes around it, same events but for the scalars meant, and a scan
//! that finds the new pin and everything else as before.

use super::change::{Change, Effect};
use super::new_pin::{NewPin, TagChange};
use crate::sources::git::manifest::events::{self, YamlEvent, YamlEventKind};
use crate::sources::git::manifest::{self, Scan};

/// Everything outside the splices is the same bytes.
pub(super) fn outside(before: &str, after: &str, changes: &[Change]) -> Result<(), String> {
    let (mut old, mut new) = (before.as_bytes(), after.as_bytes());
    let mut at = 0;
    for change in changes {
        let keep = change.span.start - at;
        if old.len() < keep || new.len() < keep || old[..keep] != new[..keep] {
            return Err("bytes before the pin changed".to_owned());
        }
        (old, new) = (&old[keep..], &new[keep..]);
        let gone = change.span.len();
        if old.len() < gone || !new.starts_with(change.text.as_bytes()) {
            return Err("the new text is not in its place".to_owned());
        }
        (old, new) = (&old[gone..], &new[change.text.len()..]);
        at = change.span.end;
    }
    if old == new {
        Ok(())
    } else {
        Err("bytes after the pin changed".to_owned())
    }
}

fn read(text: &str) -> Result<Vec<YamlEvent<'_>>, String> {
    let mut out = Vec::new();
    match events::read(text, |event| out.push(event)) {
        Ok(()) => Ok(out),
        Err(stopped) => Err(format!("line {}: {}", stopped.line, stopped.why)),
    }
}

/// Both texts parse into the same events, except for what the changes say.
pub(super) fn events(before: &str, after: &str, changes: &[Change]) -> Result<(), String> {
    let old = read(before)?;
    let new = read(after)?;
    let mut left: Vec<&Change> = changes.iter().collect();
    let mut fresh = new.iter();
    let mut skip = 0usize;
    for event in &old {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let here = take(&mut left, event);
        if here
            .iter()
            .any(|c| matches!(c.effect, Effect::NoEntry(_)) && !in_block(event))
        {
            skip = 1;
            continue;
        }
        let Some(now) = fresh.next() else {
            return Err("content is missing after the edit".to_owned());
        };
        let (added, inside): (Vec<&Change>, Vec<&Change>) = here
            .into_iter()
            .partition(|c| matches!(c.effect, Effect::NewEntry { .. }) && !in_block(event));
        if inside.is_empty() {
            if event.what != now.what {
                return Err(format!("line {}: something else changed", event.line));
            }
        } else {
            scalar(event, now, &inside)?;
        }
        for change in added {
            let Effect::NewEntry { key, value, .. } = &change.effect else {
                continue;
            };
            for expected in [*key, value.as_str()] {
                let ok = fresh.next().is_some_and(
                    |e| matches!(&e.what, YamlEventKind::Scalar { value, anchor: 0, tag: None, .. } if value == expected),
                );
                if !ok {
                    return Err(format!("the new field `{key}` did not come out where it belongs"));
                }
            }
        }
    }
    if fresh.next().is_some() {
        return Err("there is more content after the edit".to_owned());
    }
    if left.is_empty() {
        Ok(())
    } else {
        Err("a change touched no scalar".to_owned())
    }
}

fn in_block(event: &YamlEvent<'_>) -> bool {
    use granit_parser::ScalarStyle::{Folded, Literal};
    matches!(
        event.what,
        YamlEventKind::Scalar {
            style: Literal | Folded,
            ..
        }
    )
}

/// Takes out the changes that belong to this event.
fn take<'c>(left: &mut Vec<&'c Change>, event: &YamlEvent<'_>) -> Vec<&'c Change> {
    if !matches!(event.what, YamlEventKind::Scalar { .. } | YamlEventKind::Alias(_)) {
        return Vec::new();
    }
    let mut here = Vec::new();
    left.retain(|change| {
        let inside = event.span.start <= change.span.start && change.span.end <= event.span.end;
        let mine = match &change.effect {
            Effect::NewEntry { after, .. } => event.span.end == *after || in_block(event) && inside,
            Effect::NoEntry(key_at) => event.span.start == *key_at || in_block(event) && inside,
            // An empty value has its place before the colon that the new one follows.
            Effect::Whole(_) if change.span.is_empty() => {
                event.span.is_empty() && event.span.start + 1 == change.span.start
            }
            Effect::Whole(_) => event.span == change.span,
            Effect::Part => inside && !event.span.is_empty(),
        };
        if mine {
            here.push(*change);
        }
        !mine
    });
    here
}

/// One scalar changed, by exactly these changes.
fn scalar(old: &YamlEvent<'_>, new: &YamlEvent<'_>, changes: &[&Change]) -> Result<(), String> {
    let wrong = || format!("line {}: the scalar did not come out as meant", old.line);
    let YamlEventKind::Scalar {
        value: was,
        style: was_style,
        anchor: was_anchor,
        tag: was_tag,
    } = &old.what
    else {
        return Err(wrong());
    };
    let YamlEventKind::Scalar {
        value: is,
        style: is_style,
        anchor: is_anchor,
        tag: is_tag,
    } = &new.what
    else {
        return Err(wrong());
    };
    if was_anchor != is_anchor || was_tag != is_tag {
        return Err(wrong());
    }
    if let [change] = changes
        && let Effect::Whole(value) = &change.effect
    {
        return if is == value { Ok(()) } else { Err(wrong()) };
    }
    if was_style != is_style {
        return Err(wrong());
    }
    // Inside the value the same splices must lead from the old to the new one. The first part is
    // located by what is common in front, the others by their distance in the file, which is the
    // distance in the value as long as they share a line.
    let growth: isize = changes.iter().map(|c| size(&c.text) - size_of(c.span.len())).sum();
    if !in_block(old) && size(is) - size(was) != growth {
        return Err(wrong());
    }
    let front = was.bytes().zip(is.bytes()).take_while(|(a, b)| a == b).count();
    let room = was.len().min(is.len()) - front;
    let back = was
        .bytes()
        .rev()
        .zip(is.bytes().rev())
        .take_while(|(a, b)| a == b)
        .count()
        .min(room);
    let (gone, come) = (
        &was.as_bytes()[front..was.len() - back],
        &is.as_bytes()[front..is.len() - back],
    );
    let span = changes.iter().map(|c| c.span.len()).sum::<usize>() + distance(changes);
    let text = changes.iter().map(|c| c.text.len()).sum::<usize>() + distance(changes);
    if gone.len() <= span && come.len() <= text {
        Ok(())
    } else {
        Err(wrong())
    }
}

fn distance(changes: &[&Change]) -> usize {
    changes
        .windows(2)
        .map(|pair| pair[1].span.start - pair[0].span.end)
        .sum()
}

fn size(text: &str) -> isize {
    size_of(text.len())
}

fn size_of(length: usize) -> isize {
    isize::try_from(length).unwrap_or(isize::MAX)
}

/// A new scan finds the same references, with the new pin where it was asked for.
pub(super) fn scan(path: &str, before: &Scan, after: &str, targets: &[usize], new: &NewPin) -> Result<(), String> {
    let now = manifest::scan(path, after.as_bytes());
    let (old, new_all): (Vec<_>, Vec<_>) = (before.all().collect(), now.all().collect());
    if now.problem.is_some() || new_all.len() != old.len() || unmanaged(&now) != unmanaged(before) {
        return Err("other references are found after the edit".to_owned());
    }
    for (at, (was, is)) in old.into_iter().zip(new_all).enumerate() {
        let same_place = was.kind == is.kind && was.written == is.written && was.repository == is.repository;
        let (digest, tag) = if targets.contains(&at) {
            let tag = match (&was.tag, &new.tag) {
                (Some(_), TagChange::Drop) => None,
                (Some(_), TagChange::Update(tag)) => Some(tag.as_str()),
                (tag, _) => tag.as_deref(),
            };
            (Some(new.digest), tag)
        } else {
            (was.digest, was.tag.as_deref())
        };
        if !same_place || is.digest != digest || is.tag.as_deref() != tag || was.aliases.len() != is.aliases.len() {
            return Err(format!("{} would read differently", was.yaml_path));
        }
    }
    Ok(())
}

/// How many digests and images are seen that belong to nothing: not those of an image that other values name.
fn unmanaged(scan: &Scan) -> usize {
    let is_part = |line: u32| scan.layered.iter().any(|found| found.line == line);
    scan.unmanaged.iter().filter(|one| !is_part(one.line)).count()
}
