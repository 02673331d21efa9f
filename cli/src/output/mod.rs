//! Results → files: `--out NAME=FILE`, the format by the file's extension.
//!
//! Every file is made in memory first, so a result that does not fit a format writes nothing. NaNs in files are the
//! canonical quiet NaN.

mod media;
mod npy;
pub mod summary;
mod text;

use crate::files::explain;
use crate::report::{Fail, Outcome, fault};
use kcc_compiler::tensor::eval::TensorValue;
use kcc_compiler::types::{Const, Scalar};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use text::json_values;

/// A result with its name.
pub struct Named<'a> {
    /// As declared; `result` if it has no name.
    pub name: &'a str,
    /// Its value.
    pub value: TensorValue,
}

/// One `--out`: which result (`None`: the only one) goes where.
pub struct Target {
    name: Option<String>,
    path: PathBuf,
    extension: String,
}

/// Reads `NAME=FILE`, or `FILE` if the pipeline has one result.
pub fn target(argument: &str) -> Outcome<Target> {
    let (name, file) = match argument.split_once('=') {
        Some((name, file)) => (Some(name.to_string()), file),
        None => (None, argument),
    };
    let path = PathBuf::from(file);
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("").to_ascii_lowercase();
    let known = ["npy", "npz", "json", "png", "wav", "bin"];
    if !known.contains(&extension.as_str()) {
        return Err(Fail::Usage(format!("`--out {argument}`: files are .{}", known.join(" ."))));
    }
    Ok(Target { name, path, extension })
}

/// Checks that the targets name results; gives each target's result by position.
pub fn resolve(targets: &[Target], pipeline: &str, results: &[&str]) -> Outcome<Vec<usize>> {
    let find = |target: &Target| match (&target.name, results) {
        (None, [_]) => Ok(0),
        (None, _) => Err(Fail::Usage(format!(
            "pipeline `{pipeline}` has several results: write `--out NAME={}`",
            target.path.display()
        ))),
        (Some(name), _) => results.iter().position(|result| result == name).ok_or_else(|| {
            Fail::Usage(format!("pipeline `{pipeline}` has no result `{name}`, it gives {}", results.join(", ")))
        }),
    };
    targets.iter().map(find).collect()
}

/// Writes all targets. Several results may go into one `.npz`.
pub fn write_all(targets: &[Target], chosen: &[usize], results: &[Named<'_>], rate: Option<u32>) -> Outcome {
    let mut archives: BTreeMap<&Path, Vec<&Named<'_>>> = BTreeMap::new();
    let mut files: Vec<(&Path, Vec<u8>)> = Vec::new();
    for (target, position) in targets.iter().zip(chosen) {
        let result = &results[*position];
        let encoded = match target.extension.as_str() {
            "npz" => {
                archives.entry(&target.path).or_default().push(result);
                continue;
            }
            "npy" => Ok(npy::file(&result.value)),
            "json" => Ok(text::json_file(&result.value).into_bytes()),
            "png" => media::png(&result.value),
            "wav" => media::wav(&result.value, rate),
            _ => Ok(result.value.bytes.clone()),
        };
        let encoded =
            encoded.map_err(|problem| fault(target.path.display(), format!("`{}` {problem}", result.name)))?;
        files.push((&target.path, encoded));
    }
    for (path, entries) in archives {
        files.push((path, npy::archive(&entries).map_err(|problem| fault(path.display(), problem))?));
    }
    for (path, bytes) in files {
        std::fs::write(path, bytes).map_err(|error| fault(path.display(), explain(&error)))?;
    }
    Ok(())
}

/// Makes every NaN the canonical quiet one.
pub fn canonical(value: &mut TensorValue) {
    match value.elem {
        Scalar::F16 => rewrite::<2>(&mut value.bytes, |bytes| {
            (u16::from_le_bytes(bytes) & 0x7fff > 0x7c00).then_some(0x7e00u16.to_le_bytes())
        }),
        Scalar::F32 => rewrite::<4>(&mut value.bytes, |bytes| {
            f32::from_le_bytes(bytes).is_nan().then_some(0x7fc0_0000u32.to_le_bytes())
        }),
        Scalar::F64 => rewrite::<8>(&mut value.bytes, |bytes| {
            f64::from_le_bytes(bytes).is_nan().then_some(0x7ff8_0000_0000_0000u64.to_le_bytes())
        }),
        Scalar::Bool
        | Scalar::I8
        | Scalar::U8
        | Scalar::I16
        | Scalar::U16
        | Scalar::I32
        | Scalar::U32
        | Scalar::I64
        | Scalar::U64 => {}
    }
}

fn rewrite<const N: usize>(bytes: &mut [u8], with: impl Fn([u8; N]) -> Option<[u8; N]>) {
    for chunk in bytes.chunks_exact_mut(N) {
        if let Some(new) = chunk.try_into().ok().and_then(&with) {
            chunk.copy_from_slice(&new);
        }
    }
}

/// The elements of a value, one after the other.
pub fn scalars(value: &TensorValue) -> impl Iterator<Item = Const> {
    let elem = value.elem;
    value.bytes.chunks_exact(elem.bytes() as usize).map(move |bytes| Const::from_le_bytes(elem, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nans_become_canonical() {
        let bytes = [0xffc0_0001u32, 0x7f80_0000, 0x7f80_0001].iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let mut value = TensorValue { elem: Scalar::F32, dims: vec![3], bytes };
        canonical(&mut value);
        let bits: Vec<u64> = scalars(&value).map(|value| value.bits).collect();
        assert_eq!(bits, [0x7fc0_0000, 0x7f80_0000, 0x7fc0_0000]);
        let mut value = TensorValue { elem: Scalar::F16, dims: vec![2], bytes: vec![1, 0xfc, 0, 0xfc] };
        canonical(&mut value);
        assert_eq!(value.bytes, [0, 0x7e, 0, 0xfc]);
    }

    #[test]
    fn targets_are_named_or_the_only_result() {
        let bare = [target("a.npy").ok().expect("target")];
        assert_eq!(resolve(&bare, "p", &["result"]).expect("only one"), [0]);
        assert!(resolve(&bare, "p", &["a", "b"]).is_err());
        let named = [target("b=x/a.NPZ").ok().expect("target")];
        assert_eq!(resolve(&named, "p", &["a", "b"]).expect("named"), [1]);
        assert!(resolve(&named, "p", &["a"]).is_err());
        assert!(target("a=x.gif").is_err());
    }
}
