//! Finding image references in manifests, with byte spans.
