//! The last pass over the encoded module: functions and globals that nothing reaches go, the manifest comes in.

use super::module::section;
use kcc_abi::Manifest;
use walrus::{ModuleConfig, RawCustomSection};

/// Drops what is unused and adds the manifest; names stay.
///
/// # Errors
/// If the module cannot be read, which is a bug of ours.
pub fn link(wasm: &[u8], manifest: &Manifest) -> Result<Vec<u8>, String> {
    let mut config = ModuleConfig::new();
    config.generate_producers_section(false).generate_name_section(true);
    let mut module = config.parse(wasm).map_err(|error| format!("the module cannot be read: {error:#}"))?;
    walrus::passes::gc::run(&mut module);
    let (name, data) = section(manifest);
    module.customs.add(RawCustomSection { name: name.into_owned(), data });
    Ok(module.emit_wasm())
}
