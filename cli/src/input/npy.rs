//! NumPy's `.npy`, as the compiler reads it for `embed_npy`, and archives of such files, `.npz`.

use crate::report::guarded;
use kcc_compiler::formats::{Array, npy};
use kcc_compiler::tensor::eval::TensorValue;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// Largest array in an archive, after decompression.
const MAX_ARRAY: u64 = 4 << 30;

/// A `.npy` file.
pub fn parse(bytes: &[u8]) -> Result<TensorValue, String> {
    let Array { elem, dims, bytes } = npy::parse(bytes)?;
    Ok(TensorValue { elem, dims, bytes })
}

/// The array with the parameter's name in a `.npz` file, or the only one.
pub fn parse_archive(bytes: &[u8], name: &str) -> Result<TensorValue, String> {
    let array = guarded(|| {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| format!("not an archive: {error}"))?;
        let mut names: Vec<String> =
            archive.file_names().filter_map(|file| file.strip_suffix(".npy")).map(str::to_string).collect();
        names.sort();
        let chosen = match &names[..] {
            [] => return Err("it holds no arrays".to_string()),
            [only] => only.clone(),
            _ if names.iter().any(|known| known == name) => name.to_string(),
            _ => return Err(format!("it holds {}, none is called `{name}`", names.join(", "))),
        };
        let file = archive.by_name(&format!("{chosen}.npy")).map_err(|error| error.to_string())?;
        let mut array = Vec::new();
        file.take(MAX_ARRAY + 1).read_to_end(&mut array).map_err(|error| format!("`{chosen}`: {error}"))?;
        if array.len() as u64 > MAX_ARRAY {
            return Err(format!("`{chosen}` has more than {MAX_ARRAY} bytes"));
        }
        Ok(array)
    })?;
    parse(&array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_archives_are_errors() {
        assert!(parse_archive(b"PK\x03\x04 no", "x").is_err());
        assert!(parse_archive(b"", "x").is_err());
    }
}
