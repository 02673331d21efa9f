//! NumPy's `.npy` and `.npz`, little-endian and row-major, the same bytes for the same values.

use super::Named;
use kcc_compiler::tensor::eval::TensorValue;
use kcc_compiler::types::Scalar;
use std::io::{Cursor, Write};

/// A `.npy` file, version 1.0.
pub fn file(value: &TensorValue) -> Vec<u8> {
    let dims: Vec<String> = value.dims.iter().map(i64::to_string).collect();
    let shape = match &dims[..] {
        [one] => format!("({one},)"),
        _ => format!("({})", dims.join(", ")),
    };
    let mut header = format!("{{'descr': '{}', 'fortran_order': False, 'shape': {shape}, }}", descriptor(value.elem));
    // The data begin at a multiple of 64; 10 bytes stand before the header, a newline ends it.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    // A header is at most some hundred bytes: 32 axes of at most 20 digits.
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(&value.bytes);
    out
}

/// A `.npz` archive of several results, not compressed.
pub fn archive(entries: &[&Named<'_>]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut zip = zip::ZipWriter::new(Cursor::new(&mut bytes));
    for (position, entry) in entries.iter().enumerate() {
        if entries[..position].iter().any(|other| other.name == entry.name) {
            return Err(format!("result `{}` goes there twice", entry.name));
        }
        let options = zip::write::FileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .large_file(entry.value.bytes.len() as u64 > u64::from(u32::MAX) / 2);
        zip.start_file(format!("{}.npy", entry.name), options).map_err(|error| error.to_string())?;
        zip.write_all(&file(&entry.value)).map_err(|error| error.to_string())?;
    }
    zip.finish().map_err(|error| error.to_string())?;
    drop(zip);
    Ok(bytes)
}

fn descriptor(elem: Scalar) -> &'static str {
    match elem {
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for (elem, dims) in
            [(Scalar::F16, vec![3]), (Scalar::Bool, vec![]), (Scalar::I64, vec![2, 0]), (Scalar::U8, vec![2, 3, 1])]
        {
            let count: i64 = dims.iter().product();
            let bytes = vec![1; count as usize * elem.bytes() as usize];
            let value = TensorValue { elem, dims, bytes };
            let npy = file(&value);
            assert_eq!((npy.len() - value.bytes.len()) % 64, 0);
            assert_eq!(crate::input::npy::parse(&npy).expect("reads"), value);
            let other = Named { name: "other", value: TensorValue { elem: Scalar::U8, dims: vec![1], bytes: vec![7] } };
            let named = Named { name: "mine", value };
            let npz = archive(&[&other, &named]).expect("archive");
            assert_eq!(npz, archive(&[&other, &named]).expect("archive"), "the same bytes each time");
            assert_eq!(crate::input::npy::parse_archive(&npz, "mine").expect("reads"), named.value);
            assert!(crate::input::npy::parse_archive(&npz, "none").expect_err("none").contains("mine"));
            assert!(archive(&[&other, &other]).is_err());
        }
    }
}
