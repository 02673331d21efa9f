//! File formats that hold tensors, as pure functions of bytes: for `embed_npy`, `embed_safetensors` and the command line.
//!
//! Files are not trusted: whatever a header says is compared with the bytes that are there, and nothing is allocated on
//! its word alone. Errors are one sentence about the file.

pub mod npy;
pub mod safetensors;

use crate::types::Scalar;

/// A tensor from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// Its elements' type.
    pub elem: Scalar,
    /// Its extents; each fits 32 bits.
    pub dims: Vec<i64>,
    /// Its elements in row-major order, little-endian.
    pub bytes: Vec<u8>,
}

/// The greatest number of axes, as in NumPy.
const MAX_RANK: usize = 64;

/// How many bytes a tensor has, if its rank, each extent and the number of bytes are possible.
fn length(dims: &[i64], elem: Scalar) -> Option<usize> {
    if dims.len() > MAX_RANK || !dims.iter().all(|extent| (0..=i64::from(i32::MAX)).contains(extent)) {
        return None;
    }
    // An empty axis makes the tensor empty, whatever the product of the others.
    if dims.contains(&0) {
        return Some(0);
    }
    dims.iter().try_fold(elem.bytes() as usize, |bytes, extent| bytes.checked_mul(usize::try_from(*extent).ok()?))
}

/// A `bool` is a byte, 0 or 1.
fn check_bools(elem: Scalar, bytes: &[u8]) -> Result<(), String> {
    match elem == Scalar::Bool && bytes.iter().any(|byte| *byte > 1) {
        true => Err("it holds a bool that is neither 0 nor 1".to_string()),
        false => Ok(()),
    }
}
