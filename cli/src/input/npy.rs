//! NumPy's `.npy` and `.npz`.
//!
//! The header is npyz's; the data are checked against it before they are used, brought to little-endian row-major
//! order, and left otherwise as they are.

use crate::param::elements;
use crate::report::guarded;
use kcc_compiler::tensor::eval::TensorValue;
use kcc_compiler::types::Scalar;
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar, TypeStr};
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// Largest array in an archive, after decompression.
const MAX_ARRAY: u64 = 4 << 30;

/// A `.npy` file.
pub fn parse(bytes: &[u8]) -> Result<TensorValue, String> {
    let mut rest = bytes;
    let header = guarded(|| NpyHeader::from_reader(&mut rest).map_err(|error| error.to_string()));
    let header = header.map_err(|problem| format!("its header is damaged: {problem}"))?;
    let DType::Plain(dtype) = header.dtype() else {
        return Err("it holds records, not numbers".to_string());
    };
    let elem = element(&dtype).ok_or_else(|| format!("its elements have type {dtype}, which is no type of kcc"))?;
    let dims: Option<Vec<i64>> = header.shape().iter().map(|extent| i64::try_from(*extent).ok()).collect();
    let dims = dims.ok_or("its shape is not possible")?;
    let size = elem.bytes() as usize;
    let needed = elements(&dims).and_then(|count| count.checked_mul(size));
    if needed != Some(rest.len()) {
        return Err(format!("its header promises shape {dims:?} of {elem}, but it holds {} bytes of data", rest.len()));
    }
    let mut data = rest.to_vec();
    if dtype.endianness() == Endianness::Big {
        data.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    if header.order() == Order::Fortran {
        data = row_major(&data, &dims, size);
    }
    if elem == Scalar::Bool && data.iter().any(|byte| *byte > 1) {
        return Err("it holds a bool that is neither 0 nor 1".to_string());
    }
    Ok(TensorValue { elem, dims, bytes: data })
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

/// The type with NumPy's name.
fn element(dtype: &TypeStr) -> Option<Scalar> {
    let scalar = match (dtype.type_char(), dtype.size_field()) {
        (TypeChar::Bool, 1) => Scalar::Bool,
        (TypeChar::Int, 1) => Scalar::I8,
        (TypeChar::Int, 2) => Scalar::I16,
        (TypeChar::Int, 4) => Scalar::I32,
        (TypeChar::Int, 8) => Scalar::I64,
        (TypeChar::Uint, 1) => Scalar::U8,
        (TypeChar::Uint, 2) => Scalar::U16,
        (TypeChar::Uint, 4) => Scalar::U32,
        (TypeChar::Uint, 8) => Scalar::U64,
        (TypeChar::Float, 2) => Scalar::F16,
        (TypeChar::Float, 4) => Scalar::F32,
        (TypeChar::Float, 8) => Scalar::F64,
        _ => return None,
    };
    Some(scalar)
}

/// Column-major → row-major.
fn row_major(data: &[u8], dims: &[i64], size: usize) -> Vec<u8> {
    let mut strides = Vec::with_capacity(dims.len());
    let mut stride = size;
    for dim in dims {
        strides.push(stride);
        stride *= *dim as usize;
    }
    let mut out = Vec::with_capacity(data.len());
    let mut index = vec![0i64; dims.len()];
    for _ in 0..data.len() / size {
        let at: usize = index.iter().zip(&strides).map(|(index, stride)| *index as usize * stride).sum();
        out.extend_from_slice(&data[at..at + size]);
        for axis in (0..dims.len()).rev() {
            index[axis] += 1;
            if index[axis] < dims[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(descr: &str, order: bool, shape: &str, data: &[u8]) -> Vec<u8> {
        let order = if order { "True" } else { "False" };
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
        while (header.len() + 11) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut out = b"\x93NUMPY\x01\x00".to_vec();
        out.extend((header.len() as u16).to_le_bytes());
        out.extend(header.as_bytes());
        out.extend(data);
        out
    }

    #[test]
    fn order_and_endianness_are_normalised() {
        let value = parse(&file(">i2", false, "(2,)", &[1, 2, 3, 4])).expect("big-endian");
        assert_eq!((value.elem, &value.bytes[..]), (Scalar::I16, &[2, 1, 4, 3][..]));
        let value = parse(&file("|u1", true, "(2, 3)", &[0, 3, 1, 4, 2, 5])).expect("column-major");
        assert_eq!((value.dims, value.bytes), (vec![2, 3], vec![0, 1, 2, 3, 4, 5]));
        let value = parse(&file("<f2", false, "()", &[0, 60])).expect("scalar");
        assert_eq!((value.elem, value.dims), (Scalar::F16, vec![]));
        assert_eq!(parse(&file("<f4", false, "(0, 3)", &[])).expect("empty").dims, [0, 3]);
    }

    #[test]
    fn lies_and_damage_are_errors() {
        assert!(parse(&file("<f4", false, "(1000000000000, 1000000000000)", &[0; 16])).is_err());
        assert!(parse(&file("<f4", false, "(3,)", &[0; 8])).expect_err("short").contains("8 bytes"));
        assert!(parse(&file("<f4", false, "(1,)", &[0; 8])).expect_err("long").contains("8 bytes"));
        assert!(parse(&file("<c8", false, "(1,)", &[0; 8])).expect_err("complex").contains("no type of kcc"));
        assert!(parse(&file("|O", false, "(1,)", &[0; 8])).is_err());
        assert!(parse(&file("|b1", false, "(1,)", &[2])).expect_err("bool").contains("neither"));
        let whole = file("<f4", false, "(4,)", &[0; 16]);
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_err());
        }
        assert!(parse_archive(b"PK\x03\x04 no", "x").is_err());
    }
}
