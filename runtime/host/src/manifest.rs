//! Finds the manifest in a module's bytes and parses it.
//!
//! Assumes nothing about the bytes. Guarantees that what it returns has this runtime's ABI major version, requires
//! nothing unknown and has only steps that this runtime can run; whether it fits the module is for `check.rs`.

use crate::error::Error;
use kcc_abi::{ABI_MAJOR, ABI_MINOR, Manifest, SECTION};

/// Entries of `requires` that this runtime offers.
const FEATURES: &[&str] = &["simd128", "bulk-memory"];

/// A manifest larger than this is refused; real ones have some kilobytes.
const MAX_BYTES: usize = 64 << 20;

/// Module bytes → manifest.
pub(crate) fn read(wasm: &[u8]) -> Result<Manifest, Error> {
    let json = section(wasm)?;
    if json.len() > MAX_BYTES {
        return Err(Error::Manifest(format!("it has {} bytes", json.len())));
    }
    let value: serde_json::Value =
        serde_json::from_slice(json).map_err(|error| Error::Manifest(format!("not JSON: {error}")))?;
    // Version and features first: a manifest of another version need not have this version's fields.
    let abi = value.get("abi").and_then(|abi| serde_json::from_value::<[u32; 2]>(abi.clone()).ok());
    let Some(abi) = abi else {
        return Err(Error::Manifest("`abi` is not a pair of numbers".to_string()));
    };
    if abi[0] != ABI_MAJOR {
        return Err(Error::Abi { found: abi, supported: [ABI_MAJOR, ABI_MINOR] });
    }
    let requires = value.get("requires").and_then(serde_json::Value::as_array).map_or(&[][..], Vec::as_slice);
    let unknown: Vec<String> = requires
        .iter()
        .filter(|feature| !feature.as_str().is_some_and(|name| FEATURES.contains(&name)))
        .map(|feature| feature.as_str().map_or_else(|| feature.to_string(), str::to_string))
        .collect();
    if !unknown.is_empty() {
        return Err(Error::Requires(unknown));
    }
    let manifest: Manifest = serde_json::from_value(value).map_err(|error| Error::Manifest(format!("{error}")))?;
    for pipeline in &manifest.pipelines {
        for step in &pipeline.steps {
            if step.kind != "wasm" {
                return Err(Error::Requires(vec![format!(
                    "steps of kind `{}` (pipeline `{}`, step `{}`)",
                    step.kind, pipeline.name, step.name
                )]));
            }
        }
    }
    Ok(manifest)
}

/// The contents of the one manifest section.
fn section(wasm: &[u8]) -> Result<&[u8], Error> {
    let mut found = None;
    for payload in wasmparser::Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(|error| Error::Module(error.to_string()))?;
        if let wasmparser::Payload::CustomSection(section) = payload
            && section.name() == SECTION
            && found.replace(section.data()).is_some()
        {
            return Err(Error::Manifest(format!("the module has two `{SECTION}` sections")));
        }
    }
    found.ok_or_else(|| Error::Manifest(format!("the module has no `{SECTION}` section, so kcc did not make it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_section(json: &str) -> Vec<u8> {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        let mut body = vec![SECTION.len() as u8];
        body.extend(SECTION.as_bytes());
        body.extend(json.as_bytes());
        wasm.push(0);
        assert!(body.len() < 1 << 14);
        wasm.extend([body.len() as u8 & 0x7f | 0x80, (body.len() >> 7) as u8]);
        wasm.extend(body);
        wasm
    }

    fn message(json: &str) -> String {
        read(&with_section(json)).expect_err("must be refused").to_string()
    }

    #[test]
    fn missing_and_malformed_manifests_are_named() {
        assert!(read(b"\0asm\x01\0\0\0").expect_err("no section").to_string().contains("no `kcc.manifest` section"));
        assert!(read(b"not wasm").is_err());
        assert!(read(b"").is_err());
        assert!(message("{").contains("not JSON"));
        assert!(message("{}").contains("`abi`"));
        assert!(message(r#"{"abi": [0, 1]}"#).contains("missing field"));
        let mut twice = with_section("{}");
        twice.extend(&with_section("{}")[8..]);
        assert!(read(&twice).expect_err("two").to_string().contains("two"));
    }

    #[test]
    fn other_major_versions_and_unknown_features_are_refused_by_name() {
        let text = message(r#"{"abi": [9, 2]}"#);
        assert!(text.contains("ABI 9.2") && text.contains(&format!("ABI {ABI_MAJOR}.{ABI_MINOR}")), "{text}");
        assert!(message(r#"{"abi": [0, 7], "requires": ["simd128", "telepathy"]}"#).contains("telepathy"));
    }

    #[test]
    fn deep_json_is_an_error() {
        let deep = format!(r#"{{"abi": [0, 1], "x": {}{}}}"#, "[".repeat(5000), "]".repeat(5000));
        assert!(message(&deep).contains("recursion"));
    }
}
