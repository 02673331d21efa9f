//! `.safetensors`: the length of a header, the header as JSON that names each tensor with type, shape and place, the data.

use super::{Array, check_bools, length};
use crate::types::Scalar;
use serde_json::{Map, Value};

/// The tensor with this name.
///
/// # Errors
/// What is wrong with the file, or which names it has.
pub fn tensor(bytes: &[u8], name: &str) -> Result<Array, String> {
    let (header, data) = split(bytes)?;
    let Some(entry) = header.get(name).filter(|_| name != METADATA) else {
        return Err(format!("it has no tensor `{name}`, it has {}", names(&header)));
    };
    let damaged = |what: &str| format!("its header is damaged: tensor `{name}` {what}");
    let dtype = entry.get("dtype").and_then(Value::as_str).ok_or_else(|| damaged("has no type"))?;
    let elem = element(dtype)
        .ok_or_else(|| format!("the elements of `{name}` have type {dtype}, for which the language has no type"))?;
    let dims = entry.get("shape").and_then(Value::as_array).ok_or_else(|| damaged("has no shape"))?;
    let dims: Vec<i64> =
        dims.iter().map(Value::as_i64).collect::<Option<_>>().ok_or_else(|| damaged("has no shape"))?;
    let offsets = entry.get("data_offsets").and_then(Value::as_array).map(Vec::as_slice);
    let Some([start, end]) = offsets else { return Err(damaged("has no place")) };
    let place = |offset: &Value| offset.as_u64().and_then(|offset| usize::try_from(offset).ok());
    let found = place(start).zip(place(end)).and_then(|(start, end)| data.get(start..end));
    let found = found.ok_or_else(|| format!("tensor `{name}` lies outside the {} bytes of data", data.len()))?;
    if length(&dims, elem) != Some(found.len()) {
        let bytes = found.len();
        return Err(format!("its header promises shape {dims:?} of {elem} for `{name}`, but {bytes} bytes of data"));
    }
    check_bools(elem, found)?;
    Ok(Array { elem, dims, bytes: found.to_vec() })
}

/// An entry of the header that is no tensor.
const METADATA: &str = "__metadata__";

/// The header and the data.
fn split(bytes: &[u8]) -> Result<(Map<String, Value>, &[u8]), String> {
    let short = || "it is cut off".to_string();
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| short())?;
    let (header, data) = rest.split_at_checked(length).ok_or_else(short)?;
    match serde_json::from_slice(header) {
        Ok(Value::Object(header)) => Ok((header, data)),
        Ok(_) => Err("its header names no tensors".to_string()),
        Err(error) => Err(format!("its header is damaged: {error}")),
    }
}

/// The first names, for a message.
fn names(header: &Map<String, Value>) -> String {
    const SHOWN: usize = 8;
    let names: Vec<&str> = header.keys().map(String::as_str).filter(|name| *name != METADATA).collect();
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => "none".to_string(),
        count if count > SHOWN => format!("{} and {} more", shown.join(", "), count - SHOWN),
        _ => shown.join(", "),
    }
}

fn element(dtype: &str) -> Option<Scalar> {
    Some(match dtype {
        "BOOL" => Scalar::Bool,
        "I8" => Scalar::I8,
        "I16" => Scalar::I16,
        "I32" => Scalar::I32,
        "I64" => Scalar::I64,
        "U8" => Scalar::U8,
        "U16" => Scalar::U16,
        "U32" => Scalar::U32,
        "U64" => Scalar::U64,
        "F16" => Scalar::F16,
        "F32" => Scalar::F32,
        "F64" => Scalar::F64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut out = (header.len() as u64).to_le_bytes().to_vec();
        out.extend(header.as_bytes());
        out.extend(data);
        out
    }

    fn entry(dtype: &str, shape: &str, offsets: &str) -> String {
        format!(
            r#"{{"__metadata__":{{"format":"pt"}},"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#
        )
    }

    #[test]
    fn tensors_are_found_by_name() {
        let header = r#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"I16","shape":[1,2],"data_offsets":[3,7]}}"#;
        let bytes = file(header, &[1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(tensor(&bytes, "a").expect("a").bytes, [1, 2, 3]);
        let b = tensor(&bytes, "b").expect("b");
        assert_eq!((b.elem, b.dims, b.bytes), (Scalar::I16, vec![1, 2], vec![4, 5, 6, 7]));
        assert_eq!(tensor(&bytes, "c").expect_err("unknown"), "it has no tensor `c`, it has `a`, `b`");
        let scalar = tensor(&file(&entry("F32", "[]", "[0,4]"), &[0, 0, 128, 63]), "w").expect("scalar");
        assert_eq!((scalar.dims.len(), scalar.bytes.len()), (0, 4));
    }

    #[test]
    fn lies_and_damage_are_errors() {
        let refuse = |bytes: &[u8], part: &str| {
            let why = tensor(bytes, "w").expect_err(part);
            assert!(why.contains(part), "{why:?} does not say {part:?}");
        };
        let w = |dtype: &str, shape: &str, offsets: &str| file(&entry(dtype, shape, offsets), &[0; 8]);
        refuse(&w("BF16", "[4]", "[0,8]"), "no type");
        refuse(&w("F32", "[3]", "[0,8]"), "8 bytes");
        refuse(&w("F32", "[2]", "[0,9]"), "outside");
        refuse(&w("F32", "[2]", "[8,0]"), "outside");
        refuse(&w("F32", "[2]", "[-8,0]"), "outside");
        refuse(&w("F32", "[2]", "[18446744073709551615,18446744073709551615]"), "outside");
        refuse(&w("F32", "[4294967296,4294967296,4294967296]", "[0,8]"), "promises");
        refuse(&w("F32", "[-2]", "[0,8]"), "promises");
        refuse(&w("F32", "\"two\"", "[0,8]"), "no shape");
        refuse(&w("F32", "[2]", "[0]"), "no place");
        refuse(&file(r#"{"w":7}"#, &[]), "no type");
        refuse(&file("[]", &[]), "names no tensors");
        refuse(&file("{", &[]), "damaged");
        refuse(&file(&"[".repeat(100_000), &[]), "damaged");
        refuse(&[255; 8], "cut off");
        refuse(&[1], "cut off");
        let whole = w("F32", "[2]", "[0,8]");
        assert!(tensor(&whole, "w").is_ok());
        assert_eq!(
            tensor(&whole, "__metadata__").expect_err("no tensor"),
            "it has no tensor `__metadata__`, it has `w`"
        );
        for length in 0..whole.len() {
            assert!(tensor(&whole[..length], "w").is_err(), "{length} bytes");
        }
        for position in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[position] ^= 1 << bit;
                let _ = tensor(&damaged, "w");
            }
        }
    }
}
