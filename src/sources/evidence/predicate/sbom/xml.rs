//! CycloneDX in XML, event by event. Document types are refused, so nothing can be declared, included or
//! expanded.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::entry::{Header, PackageSink, SbomEntry};
use crate::domain::text::quoted;

/// Deeper nesting than this is no honest SBOM.
const MAX_DEPTH: usize = 256;

/// A component whose end has not come yet.
#[derive(Default)]
struct XmlComponent {
    /// How many elements are open inside and around it, its own included.
    depth: usize,
    name: String,
    version: String,
    purl: Option<String>,
}

/// What has been read so far.
#[derive(Default)]
struct BomReader {
    version: Option<String>,
    created: Option<String>,
    /// The names of the open elements, without prefixes.
    path: Vec<String>,
    components: Vec<XmlComponent>,
    /// The text of the innermost element so far.
    text: String,
    ended: bool,
}

pub(super) fn read(text: &str, sink: &mut PackageSink<'_>) -> Result<Header, String> {
    let mut reader = Reader::from_str(text);
    let mut document = BomReader::default();
    loop {
        let event = reader
            .read_event()
            .map_err(|e| format!("the SBOM is no XML: {}", quoted(&e)))?;
        match event {
            Event::Start(start) => document.open(&start)?,
            Event::Empty(start) => {
                document.open(&start)?;
                document.close(sink);
            }
            Event::End(_) => document.close(sink),
            Event::Text(text) => document.add(&text)?,
            Event::CData(data) => document.add(&data)?,
            Event::GeneralRef(reference) => document.add(&resolve(&reference)?)?,
            Event::DocType(_) => return Err("the SBOM declares a document type, which is not read".to_owned()),
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Eof => break,
        }
    }
    if !document.path.is_empty() {
        return Err("the SBOM ends in the middle".to_owned());
    }
    let version = document.version.ok_or("the SBOM has no root element")?;
    Ok(Header {
        format: "CycloneDX",
        version,
        created: document.created,
    })
}

impl BomReader {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        if self.ended {
            return Err("the SBOM has more than one root element".to_owned());
        }
        let name = start.local_name();
        let name = name.as_ref();
        if self.path.is_empty() {
            if name != "bom" {
                return Err(format!("the root element is {name:?}, not \"bom\""));
            }
            self.version = Some(schema_version(start)?);
        }
        let listed = name == "component" && self.path.last().is_some_and(|parent| parent == "components");
        self.path.push(name.to_owned());
        if self.path.len() > MAX_DEPTH {
            return Err(format!("the SBOM nests deeper than {MAX_DEPTH} elements"));
        }
        if listed {
            self.components.push(XmlComponent {
                depth: self.path.len(),
                ..XmlComponent::default()
            });
        }
        self.text.clear();
        Ok(())
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        if self.path.is_empty() && !text.trim().is_empty() {
            return Err("the SBOM has text outside its root element".to_owned());
        }
        self.text.push_str(text);
        Ok(())
    }

    /// Ends the innermost element; that its name fits has been checked by the reader.
    fn close(&mut self, sink: &mut PackageSink<'_>) {
        let depth = self.path.len();
        let text = std::mem::take(&mut self.text);
        let name = self.path.pop().unwrap_or_default();
        self.ended = self.path.is_empty();
        if name == "timestamp" && depth == 3 && self.path.last().is_some_and(|parent| parent == "metadata") {
            self.created = Some(text.trim().to_owned());
        }
        let Some(component) = self.components.last_mut() else {
            return;
        };
        if depth == component.depth + 1 {
            let text = text.trim().to_owned();
            match name.as_str() {
                "name" => component.name = text,
                "version" => component.version = text,
                "purl" => component.purl = Some(text).filter(|purl| !purl.is_empty()),
                _ => {}
            }
        } else if depth == component.depth
            && let Some(done) = self.components.pop()
        {
            sink(SbomEntry {
                name: &done.name,
                version: &done.version,
                purl: done.purl.as_deref(),
            });
        }
    }
}

/// One of the five entities that XML itself declares, or a character by its number.
fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    let number = reference.resolve_char_ref();
    if let Some(c) = number.map_err(|e| format!("the SBOM has a broken character reference: {}", quoted(&e)))? {
        return Ok(c.to_string());
    }
    let name: &str = reference;
    resolve_predefined_entity(name)
        .map(str::to_owned)
        .ok_or_else(|| format!("the SBOM uses the entity {name:?}, which nothing declares"))
}

/// The version that the root element's namespace names.
fn schema_version(root: &BytesStart<'_>) -> Result<String, String> {
    let mut namespaces = Vec::new();
    for attribute in root.attributes() {
        let attribute = attribute.map_err(|e| format!("the root element is broken: {}", quoted(&e)))?;
        let key = attribute.key.as_ref();
        if key == "xmlns" || key.starts_with("xmlns:") {
            namespaces.push(attribute.value.into_owned());
        }
    }
    let named = namespaces
        .iter()
        .find_map(|uri| uri.split_once("cyclonedx.org/schema/bom/"));
    let (_, rest) = named.ok_or("the root element is not in CycloneDX's namespace")?;
    let version: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    if !version.starts_with("1.") {
        return Err(format!("CycloneDX {version:?} is no version 1.x"));
    }
    Ok(version)
}
