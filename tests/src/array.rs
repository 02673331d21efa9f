//! An array as tests handle it: element type, extents and the bytes as they lie in memory.
//!
//! Assumes little-endian data in C order, as the case files and the modules' memory have it.

use kcc_compiler::types::{Const, Scalar};
use npyz::{NpyFile, Order, TypeChar};
use std::io::Read;
use std::path::Path;

/// A dense array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Element type.
    pub elem: Scalar,
    /// Extents, outermost first.
    pub dims: Vec<usize>,
    /// Elements in row-major order, little-endian.
    pub bytes: Vec<u8>,
}

impl Array {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements in row-major order.
    pub fn values(&self) -> impl Iterator<Item = Const> {
        self.bytes.chunks_exact(self.elem.bytes() as usize).map(|bytes| Const::from_le_bytes(self.elem, bytes))
    }

    /// Replaces the element at a flat position.
    pub fn set(&mut self, at: usize, value: Const) {
        let size = self.elem.bytes() as usize;
        self.bytes[at * size..(at + 1) * size].copy_from_slice(&value.to_le_bytes());
    }

    /// The indices of the element at a flat position.
    pub fn place(&self, mut at: usize) -> Vec<usize> {
        let mut place = vec![0; self.dims.len()];
        for (index, extent) in place.iter_mut().zip(&self.dims).rev() {
            (*index, at) = (at % extent, at / extent);
        }
        place
    }
}

/// Equal to the bit, any NaN for a NaN.
pub fn same_bits(a: &Array, b: &Array) -> bool {
    if a.elem != b.elem || a.dims != b.dims {
        return false;
    }
    let nan = |value| a.elem.is_float() && to_f64(value).is_nan();
    a.values().zip(b.values()).all(|(x, y)| x == y || (nan(x) && nan(y)))
}

/// A number as `f64`; integers beyond 2^53 are rounded.
pub fn to_f64(value: Const) -> f64 {
    match value.ty {
        Scalar::F64 => value.as_f64(),
        Scalar::F32 => f64::from(value.as_f32()),
        Scalar::F16 => f16_to_f64(value.bits as u16),
        _ => value.as_int() as f64,
    }
}

fn f16_to_f64(bits: u16) -> f64 {
    let (sign, exponent, fraction) = (bits >> 15, (bits >> 10) & 31, f64::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(i32::from(exponent) - 15),
    };
    if sign == 1 { -magnitude } else { magnitude }
}

/// Reads a `.npy` file.
///
/// # Errors
/// A sentence that names the file: unreadable, not little-endian, Fortran order, or an element type that the language lacks.
pub fn read_npy(path: &Path) -> Result<Array, String> {
    let name = path.display();
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(|e| format!("{name}: {e}"))?;
    let mut rest = bytes.as_slice();
    let npy = NpyFile::new(&mut rest).map_err(|e| format!("{name}: {e}"))?;
    if npy.order() != Order::C {
        return Err(format!("{name}: Fortran order"));
    }
    let npyz::DType::Plain(ty) = npy.dtype() else {
        return Err(format!("{name}: not a plain element type"));
    };
    let elem = scalar(&ty).ok_or_else(|| format!("{name}: element type {ty}"))?;
    let dims: Vec<usize> = npy.shape().iter().map(|extent| *extent as usize).collect();
    drop(npy);
    let size = dims.iter().product::<usize>() * elem.bytes() as usize;
    if rest.len() != size {
        return Err(format!("{name}: {} bytes of elements, its header asks for {size}", rest.len()));
    }
    Ok(Array { elem, dims, bytes: rest.to_vec() })
}

fn scalar(ty: &npyz::TypeStr) -> Option<Scalar> {
    let big = ty.endianness() == npyz::Endianness::Big;
    match (ty.type_char(), ty.size_field()) {
        _ if big => None,
        (TypeChar::Bool, 1) => Some(Scalar::Bool),
        (TypeChar::Int, 1) => Some(Scalar::I8),
        (TypeChar::Int, 2) => Some(Scalar::I16),
        (TypeChar::Int, 4) => Some(Scalar::I32),
        (TypeChar::Int, 8) => Some(Scalar::I64),
        (TypeChar::Uint, 1) => Some(Scalar::U8),
        (TypeChar::Uint, 2) => Some(Scalar::U16),
        (TypeChar::Uint, 4) => Some(Scalar::U32),
        (TypeChar::Uint, 8) => Some(Scalar::U64),
        (TypeChar::Float, 2) => Some(Scalar::F16),
        (TypeChar::Float, 4) => Some(Scalar::F32),
        (TypeChar::Float, 8) => Some(Scalar::F64),
        _ => None,
    }
}

/// The bytes of a `.npy` file with this array.
pub fn to_npy(array: &Array) -> Vec<u8> {
    let kind = match array.elem {
        Scalar::Bool => "|b1",
        Scalar::I8 => "|i1",
        Scalar::U8 => "|u1",
        Scalar::I16 => "<i2",
        Scalar::U16 => "<u2",
        Scalar::I32 => "<i4",
        Scalar::U32 => "<u4",
        Scalar::I64 => "<i8",
        Scalar::U64 => "<u8",
        Scalar::F16 => "<f2",
        Scalar::F32 => "<f4",
        Scalar::F64 => "<f8",
    };
    let dims: String = array.dims.iter().map(|extent| format!("{extent}, ")).collect();
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({dims}), }}");
    // Magic, version and length take 10 bytes; all of it is a multiple of 64.
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(&array.bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_survive_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.npy");
        for (elem, dims) in
            [(Scalar::I16, vec![2, 3]), (Scalar::F64, vec![]), (Scalar::U8, vec![0, 4]), (Scalar::F32, vec![5])]
        {
            let count = dims.iter().product::<usize>() * elem.bytes() as usize;
            let array = Array { elem, dims, bytes: (0..count as u8).collect() };
            std::fs::write(&path, to_npy(&array)).expect("written");
            assert_eq!(read_npy(&path), Ok(array));
        }
    }

    #[test]
    fn a_truncated_file_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.npy");
        let array = Array { elem: Scalar::U8, dims: vec![4], bytes: vec![1, 2, 3, 4] };
        let bytes = to_npy(&array);
        std::fs::write(&path, &bytes[..bytes.len() - 1]).expect("written");
        assert!(read_npy(&path).is_err_and(|why| why.contains("3 bytes of elements")));
    }

    #[test]
    fn places_count_row_major() {
        let array = Array { elem: Scalar::U8, dims: vec![2, 3], bytes: vec![0; 6] };
        assert_eq!(array.place(5), [1, 2]);
        assert_eq!(array.place(3), [1, 0]);
    }

    #[test]
    fn halves_widen() {
        assert_eq!(f16_to_f64(0x3c00), 1.0);
        assert_eq!(f16_to_f64(0xc000), -2.0);
        assert_eq!(f16_to_f64(0x0001), 2f64.powi(-24));
        assert_eq!(f16_to_f64(0x7c00), f64::INFINITY);
        assert!(f16_to_f64(0x7e00).is_nan());
    }
}
