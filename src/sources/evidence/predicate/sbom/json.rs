//! SPDX and CycloneDX in JSON, read key by key; the long lists go element by element to the sink.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::entry::{Header, PackageSink, SbomEntry};
use crate::domain::text::quoted;

/// Whether a JSON text has the keys of an SBOM.
pub(super) fn looks_like(text: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Keys<'a> {
        #[serde(rename = "bomFormat", borrow)]
        bom_format: Option<&'a RawValue>,
        #[serde(rename = "spdxVersion", borrow)]
        spdx_version: Option<&'a RawValue>,
        #[serde(rename = "@context", borrow)]
        context: Option<&'a RawValue>,
        #[serde(rename = "@graph", borrow)]
        graph: Option<&'a RawValue>,
    }
    let keys: Option<Keys<'_>> = serde_json::from_slice(text).ok();
    keys.is_some_and(|k| {
        k.bom_format.is_some() || k.spdx_version.is_some() || (k.context.is_some() && k.graph.is_some())
    })
}

pub(super) fn read(text: &str, sink: &mut PackageSink<'_>) -> Result<Header, String> {
    let mut from = serde_json::Deserializer::from_str(text);
    let seen = DocumentSeed { sink }
        .deserialize(&mut from)
        .map_err(|e| format!("the SBOM cannot be read: {}", quoted(&e)))?;
    from.end().map_err(|e| format!("the SBOM has a tail: {}", quoted(&e)))?;
    seen.header()
}

#[derive(Default)]
struct SbomFields {
    bom_format: Option<String>,
    spec_version: Option<String>,
    spdx_version: Option<String>,
    spdx_id: Option<String>,
    context: Option<String>,
    graph: bool,
    graph_version: Option<String>,
    created: Option<String>,
}

impl SbomFields {
    fn header(self) -> Result<Header, String> {
        let created = self.created;
        let header = |format, version| {
            Ok(Header {
                format,
                version,
                created,
            })
        };
        if let Some(format) = self.bom_format {
            if format != "CycloneDX" {
                return Err(format!("no CycloneDX document: bomFormat is {format:?}"));
            }
            let version = self.spec_version.ok_or("a CycloneDX document has a specVersion")?;
            if !version
                .strip_prefix("1.")
                .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
            {
                return Err(format!("CycloneDX {version:?} is no version 1.x"));
            }
            return header("CycloneDX", version);
        }
        if let Some(version) = self.spdx_version {
            let Some(number) = version.strip_prefix("SPDX-2.") else {
                return Err(format!("SPDX version {version:?} is no 2.x"));
            };
            if !self
                .spdx_id
                .is_some_and(|id| id.len() > 8 && id.starts_with("SPDXRef-"))
            {
                return Err("no SPDX document: its SPDXID is no SPDXRef-…".to_owned());
            }
            return header("SPDX", format!("2.{number}"));
        }
        let context = self.context.unwrap_or_default();
        if let Some((_, rest)) = context.split_once("spdx.org/rdf/") {
            let named = rest.split('/').next().unwrap_or_default();
            if !named.starts_with("3.") {
                return Err(format!("SPDX {named:?} is no 3.x"));
            }
            if !self.graph {
                return Err("an SPDX 3 document has an @graph".to_owned());
            }
            return header("SPDX", self.graph_version.unwrap_or_else(|| named.to_owned()));
        }
        Err("it is neither SPDX nor CycloneDX".to_owned())
    }
}

struct DocumentSeed<'s, 'f> {
    sink: &'s mut PackageSink<'f>,
}

impl<'de> DeserializeSeed<'de> for DocumentSeed<'_, '_> {
    type Value = SbomFields;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<SbomFields, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DocumentSeed<'_, '_> {
    type Value = SbomFields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an SBOM")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SbomFields, A::Error> {
        let mut seen = SbomFields::default();
        let sink = self.sink;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "bomFormat" => once(&mut seen.bom_format, map.next_value()?)?,
                "specVersion" => once(&mut seen.spec_version, map.next_value()?)?,
                "spdxVersion" => once(&mut seen.spdx_version, map.next_value()?)?,
                "SPDXID" => once(&mut seen.spdx_id, map.next_value()?)?,
                "serialNumber" => {
                    map.next_value::<String>()?;
                }
                "@context" => seen.context = Some(map.next_value::<Box<RawValue>>()?.get().to_owned()),
                "creationInfo" => seen.created = field(map.next_value()?, "created"),
                "metadata" => seen.created = field(map.next_value()?, "timestamp"),
                "packages" => map.next_value_seed(each(|p: SpdxPackage<'de>| p.tell(sink)))?,
                "components" => map.next_value_seed(each(|c: Component<'de>| c.tell(sink)))?,
                "@graph" => {
                    seen.graph = true;
                    let (version, created) = (&mut seen.graph_version, &mut seen.created);
                    map.next_value_seed(each(|e: Element<'de>| e.tell(sink, version, created)))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(seen)
    }
}

/// A text inside a small object; whatever else the object is costs nothing.
fn field(object: &RawValue, name: &str) -> Option<String> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(object.get()).ok()?;
    serde_json::from_str(fields.get(name)?.get()).ok()
}

fn once<E: serde::de::Error>(slot: &mut Option<String>, value: String) -> Result<(), E> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::custom("a key of the document is there twice")),
    }
}

/// A list whose elements go to a closure, one at a time.
struct ForEachElement<F, T>(F, PhantomData<T>);

fn each<T, F: FnMut(T)>(tell: F) -> ForEachElement<F, T> {
    ForEachElement(tell, PhantomData)
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for ForEachElement<F, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for ForEachElement<F, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<T>()? {
            (self.0)(element);
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

type SbomText<'a> = Cow<'a, str>;

#[derive(Deserialize)]
struct SpdxPackage<'a> {
    #[serde(default, borrow, alias = "packageName")]
    name: Option<SbomText<'a>>,
    #[serde(default, borrow, rename = "versionInfo")]
    version: Option<SbomText<'a>>,
    #[serde(default, borrow, rename = "externalRefs")]
    references: Option<Vec<Reference<'a>>>,
}

#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(default, borrow, rename = "referenceType")]
    kind: Option<SbomText<'a>>,
    #[serde(default, borrow, rename = "referenceLocator")]
    locator: Option<SbomText<'a>>,
}

impl SpdxPackage<'_> {
    fn tell(self, sink: &mut PackageSink<'_>) {
        let references = self.references.unwrap_or_default();
        let purl = references.iter().find(|r| r.kind.as_deref() == Some("purl"));
        sink(SbomEntry {
            name: self.name.as_deref().unwrap_or_default(),
            version: self.version.as_deref().unwrap_or_default(),
            purl: purl.and_then(|r| r.locator.as_deref()),
        });
    }
}

#[derive(Deserialize)]
struct Component<'a> {
    #[serde(default, borrow)]
    name: Option<SbomText<'a>>,
    #[serde(default, borrow)]
    version: Option<SbomText<'a>>,
    #[serde(default, borrow)]
    purl: Option<SbomText<'a>>,
    #[serde(default, borrow)]
    components: Option<Vec<Component<'a>>>,
}

impl Component<'_> {
    fn tell(self, sink: &mut PackageSink<'_>) {
        sink(SbomEntry {
            name: self.name.as_deref().unwrap_or_default(),
            version: self.version.as_deref().unwrap_or_default(),
            purl: self.purl.as_deref().filter(|p| !p.is_empty()),
        });
        for inner in self.components.unwrap_or_default() {
            inner.tell(sink);
        }
    }
}

/// One element of an SPDX 3 graph.
#[derive(Deserialize)]
struct Element<'a> {
    #[serde(default, borrow, rename = "type", alias = "@type")]
    kind: Option<&'a RawValue>,
    #[serde(default, borrow)]
    name: Option<&'a RawValue>,
    #[serde(default, borrow, rename = "software_packageVersion")]
    version: Option<&'a RawValue>,
    #[serde(default, borrow, rename = "software_packageUrl")]
    purl: Option<&'a RawValue>,
    #[serde(default, borrow, rename = "specVersion")]
    spec_version: Option<&'a RawValue>,
    #[serde(default, borrow)]
    created: Option<&'a RawValue>,
}

impl Element<'_> {
    fn tell(self, sink: &mut PackageSink<'_>, version: &mut Option<String>, created: &mut Option<String>) {
        let text = |raw: Option<&RawValue>| raw.and_then(|r| serde_json::from_str::<String>(r.get()).ok());
        let kind = text(self.kind).unwrap_or_default();
        if kind == "CreationInfo" && version.is_none() {
            *version = text(self.spec_version);
            *created = text(self.created);
        }
        // software_Package and its subclasses (AI, dataset).
        if kind.ends_with("Package") {
            sink(SbomEntry {
                name: &text(self.name).unwrap_or_default(),
                version: &text(self.version).unwrap_or_default(),
                purl: text(self.purl).as_deref(),
            });
        }
    }
}
