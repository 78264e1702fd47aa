//! SPDX 2.x tag-value (<https://spdx.github.io/spdx-spec/v2.3/conformance/>): one `Tag: value` a line,
//! longer texts between `<text>` and `</text>`.

use super::entry::{Header, PackageSink, SbomEntry};

pub(super) fn looks_like(text: &[u8]) -> bool {
    let lines = text.split(|b| *b == b'\n').take(64);
    lines
        .map(<[u8]>::trim_ascii)
        .any(|line| line.starts_with(b"SPDXVersion:"))
}

#[derive(Default)]
struct OpenPackage {
    name: String,
    version: String,
    purl: Option<String>,
}

pub(super) fn read(text: &str, sink: &mut PackageSink<'_>) -> Result<Header, String> {
    let mut version = None;
    let mut created = None;
    let mut identified = false;
    let mut open: Option<OpenPackage> = None;
    let mut inside_text = false;
    for line in text.lines() {
        if inside_text {
            inside_text = !line.contains("</text>");
            continue;
        }
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((tag, value)) = line.split_once(':') else {
            return Err(format!("the SBOM has a line without a tag: {:?}", shorten(line)));
        };
        let value = value.trim();
        inside_text = value.contains("<text>") && !value.contains("</text>");
        match tag.trim() {
            "SPDXVersion" => {
                let number = value
                    .strip_prefix("SPDX-2.")
                    .ok_or_else(|| format!("SPDX version {value:?} is no 2.x"))?;
                version = Some(format!("2.{number}"));
            }
            "Created" if open.is_none() => created = Some(value.to_owned()),
            "SPDXID" if value == "SPDXRef-DOCUMENT" => identified = true,
            "PackageName" => {
                tell(open.take(), sink);
                open = Some(OpenPackage {
                    name: value.to_owned(),
                    ..OpenPackage::default()
                });
            }
            "PackageVersion" => {
                if let Some(package) = &mut open {
                    package.version = value.to_owned();
                }
            }
            "ExternalRef" => {
                let mut words = value.split_whitespace();
                if let (Some(package), Some(_), Some("purl"), Some(locator)) =
                    (&mut open, words.next(), words.next(), words.next())
                {
                    package.purl = Some(locator.to_owned());
                }
            }
            _ => {}
        }
    }
    tell(open, sink);
    if inside_text {
        return Err("a <text> of the SBOM has no end".to_owned());
    }
    match version {
        Some(version) if identified => Ok(Header {
            format: "SPDX",
            version,
            created,
        }),
        Some(_) => Err("no SPDX document: its SPDXID is not SPDXRef-DOCUMENT".to_owned()),
        None => Err("it is neither SPDX nor CycloneDX".to_owned()),
    }
}

fn tell(package: Option<OpenPackage>, sink: &mut PackageSink<'_>) {
    if let Some(package) = package {
        sink(SbomEntry {
            name: &package.name,
            version: &package.version,
            purl: package.purl.as_deref(),
        });
    }
}

fn shorten(line: &str) -> String {
    line.chars().take(40).collect()
}
