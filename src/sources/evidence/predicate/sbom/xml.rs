//! CycloneDX in XML: a small reader that knows elements, text and the five named entities. It has no
//! document types, so nothing can be declared, included or expanded.

use super::{Entry, Header, Sink};

/// Deeper nesting than this is no honest SBOM.
const MAX_DEPTH: usize = 256;

#[derive(Default)]
struct Component {
    depth: usize,
    name: String,
    version: String,
    purl: Option<String>,
}

pub(super) fn read(text: &str, sink: &mut Sink<'_>) -> Result<Header, String> {
    let mut version: Option<String> = None;
    let mut path: Vec<&str> = Vec::new();
    let mut open: Vec<Component> = Vec::new();
    let mut characters = String::new();
    let mut rest = text;
    let mut ended = false;
    while let Some(at) = rest.find('<') {
        let (before, tail) = rest.split_at(at);
        decode(before, &mut characters)?;
        if path.is_empty() && !characters.trim().is_empty() {
            return Err("the SBOM has text outside its root element".to_owned());
        }
        let (tag, after) = markup(tail, &mut characters)?;
        rest = after;
        match tag {
            Markup::Skip => {}
            Markup::Open {
                name,
                attributes,
                empty,
            } => {
                if ended {
                    return Err("the SBOM has more than one root element".to_owned());
                }
                characters.clear();
                if path.is_empty() {
                    if name != "bom" {
                        return Err(format!("the root element is {name:?}, not \"bom\""));
                    }
                    version = Some(schema_version(attributes)?);
                }
                let parent = path.last().copied();
                path.push(name);
                if path.len() > MAX_DEPTH {
                    return Err(format!("the SBOM nests deeper than {MAX_DEPTH} elements"));
                }
                if name == "component" && parent == Some("components") {
                    open.push(Component {
                        depth: path.len(),
                        ..Component::default()
                    });
                }
                if empty {
                    close(name, &mut path, &mut open, &mut characters, sink)?;
                    ended = path.is_empty();
                }
            }
            Markup::Close(name) => {
                close(name, &mut path, &mut open, &mut characters, sink)?;
                ended = path.is_empty();
            }
        }
    }
    if !path.is_empty() || !rest.trim().is_empty() {
        return Err("the SBOM ends in the middle".to_owned());
    }
    let version = version.ok_or("the SBOM has no root element")?;
    Ok(Header {
        format: "CycloneDX",
        version,
    })
}

fn close(
    name: &str,
    path: &mut Vec<&str>,
    open: &mut Vec<Component>,
    characters: &mut String,
    sink: &mut Sink<'_>,
) -> Result<(), String> {
    if path.pop() != Some(name) {
        return Err(format!("the SBOM closes {name:?}, which is not open"));
    }
    let depth = path.len() + 1;
    if let Some(component) = open.last_mut() {
        if depth == component.depth + 1 {
            let text = characters.trim().to_owned();
            match name {
                "name" => component.name = text,
                "version" => component.version = text,
                "purl" => component.purl = Some(text),
                _ => {}
            }
        } else if depth == component.depth
            && let Some(done) = open.pop()
        {
            sink(Entry {
                name: &done.name,
                version: &done.version,
                purl: done.purl.as_deref().filter(|p| !p.is_empty()),
            });
        }
    }
    characters.clear();
    Ok(())
}

enum Markup<'a> {
    Open {
        name: &'a str,
        attributes: &'a str,
        empty: bool,
    },
    Close(&'a str),
    Skip,
}

/// Reads one piece of markup at the front of `text`.
fn markup<'a>(text: &'a str, characters: &mut String) -> Result<(Markup<'a>, &'a str), String> {
    let until = |start: &str, end: &str| -> Option<(&'a str, &'a str)> { text.strip_prefix(start)?.split_once(end) };
    if text.starts_with("<!--") {
        let (_, after) = until("<!--", "-->").ok_or("a comment of the SBOM has no end")?;
        return Ok((Markup::Skip, after));
    }
    if text.starts_with("<![CDATA[") {
        let (data, after) = until("<![CDATA[", "]]>").ok_or("a CDATA section of the SBOM has no end")?;
        characters.push_str(data);
        return Ok((Markup::Skip, after));
    }
    if text.starts_with("<?") {
        let (_, after) = until("<?", "?>").ok_or("an instruction of the SBOM has no end")?;
        return Ok((Markup::Skip, after));
    }
    if text.starts_with("<!") {
        return Err("the SBOM declares a document type, which is not read".to_owned());
    }
    // A `>` inside a quoted attribute does not end the tag.
    let mut quote = None;
    let end = text.char_indices().find_map(|(i, c)| match (quote, c) {
        (None, '"' | '\'') => {
            quote = Some(c);
            None
        }
        (Some(q), c) if q == c => {
            quote = None;
            None
        }
        (None, '>') => Some(i),
        _ => None,
    });
    let end = end.ok_or("a tag of the SBOM has no end")?;
    let (inner, after) = (&text[1..end], &text[end + 1..]);
    if let Some(name) = inner.strip_prefix('/') {
        return Ok((Markup::Close(local(name.trim())), after));
    }
    let (inner, empty) = match inner.strip_suffix('/') {
        Some(inner) => (inner, true),
        None => (inner, false),
    };
    let (name, attributes) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
    if name.is_empty() || name.contains('<') {
        return Err("the SBOM has a tag without a name".to_owned());
    }
    let name = local(name);
    Ok((
        Markup::Open {
            name,
            attributes,
            empty,
        },
        after,
    ))
}

/// A name without its namespace prefix.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn schema_version(attributes: &str) -> Result<String, String> {
    let (_, rest) = attributes
        .split_once("cyclonedx.org/schema/bom/")
        .ok_or("the root element is not in CycloneDX's namespace")?;
    let version: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    if !version.starts_with("1.") {
        return Err(format!("CycloneDX {version:?} is no version 1.x"));
    }
    Ok(version)
}

fn decode(text: &str, out: &mut String) -> Result<(), String> {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (entity, tail) = after.split_once(';').ok_or("an entity of the SBOM has no end")?;
        let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
        let c = match entity {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => match (entity.strip_prefix("#x"), entity.strip_prefix('#')) {
                (Some(hex), _) => number(hex, 16),
                (None, Some(decimal)) => number(decimal, 10),
                (None, None) => None,
            },
        };
        out.push(c.ok_or_else(|| format!("the SBOM uses the entity {entity:?}, which nothing declares"))?);
        rest = tail;
    }
    out.push_str(rest);
    Ok(())
}
