//! Bytes as they are: text files, and `.bin` files whose shape the type or a suffix gives.

use crate::param::Param;
use kcc_compiler::tensor::eval::TensorValue;
use kcc_compiler::types::Scalar;

/// A text file: its bytes, without a byte order mark.
pub fn text(bytes: &[u8]) -> Result<TensorValue, String> {
    let text =
        std::str::from_utf8(bytes).map_err(|error| format!("it is not UTF-8 text (byte {})", error.valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(TensorValue { elem: Scalar::U8, dims: vec![text.len() as i64], bytes: text.as_bytes().to_vec() })
}

/// Takes a shape off the end of `image.bin:480x640x4`.
pub fn split_shape(file: &str) -> (&str, Option<Vec<i64>>) {
    let Some((path, suffix)) = file.rsplit_once(':').filter(|(path, _)| path.ends_with(".bin")) else {
        return (file, None);
    };
    match suffix.split('x').map(|extent| extent.parse::<u32>().map(i64::from)).collect() {
        Ok(shape) => (path, Some(shape)),
        Err(_) => (file, None),
    }
}

/// Elements in row-major order, little-endian. One extent that neither the type nor the suffix fixes follows from the length.
pub fn binary(bytes: &[u8], param: &Param, shape: Option<Vec<i64>>) -> Result<TensorValue, String> {
    let size = i64::from(param.elem.bytes());
    let length = bytes.len() as i64;
    let open: Vec<Option<i64>> = match shape {
        Some(shape) => shape.into_iter().map(Some).collect(),
        None => param.dims.iter().map(|dim| dim.fixed).collect(),
    };
    let known = open.iter().flatten().try_fold(size, |bytes, extent| bytes.checked_mul(*extent));
    let known = known.ok_or("its shape is too large")?;
    let wrong = || {
        let text = param.type_text();
        format!("it has {length} bytes, which is no {text} of {} bytes an element", param.elem.bytes())
    };
    let dims = match open.iter().filter(|extent| extent.is_none()).count() {
        0 if known == length => open.into_iter().flatten().collect(),
        1 if known > 0 && length % known == 0 => {
            open.into_iter().map(|extent| extent.unwrap_or(length / known)).collect()
        }
        0 | 1 => return Err(wrong()),
        _ => {
            let shape: Vec<&str> = param.dims.iter().map(|dim| dim.text.as_str()).collect();
            return Err(format!("its shape is not known: write `@FILE.bin:{}` with numbers", shape.join("x")));
        }
    };
    Ok(TensorValue { elem: param.elem, dims, bytes: bytes.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::Extent;

    fn param(dims: &[Option<i64>]) -> Param {
        let extent = |fixed: &Option<i64>| Extent { text: "N".to_string(), fixed: *fixed };
        Param { name: "x".to_string(), elem: Scalar::I16, dims: dims.iter().map(extent).collect() }
    }

    #[test]
    fn one_open_extent_follows_from_the_length() {
        assert_eq!(binary(&[0; 24], &param(&[None, Some(4)]), None).expect("fits").dims, [3, 4]);
        assert_eq!(binary(&[0; 24], &param(&[Some(3), Some(4)]), None).expect("fits").dims, [3, 4]);
        assert!(binary(&[0; 23], &param(&[None, Some(4)]), None).is_err());
        assert!(binary(&[0; 24], &param(&[Some(4), Some(4)]), None).is_err());
        assert!(binary(&[0; 24], &param(&[None, Some(0)]), None).is_err());
        assert!(binary(&[0; 24], &param(&[None, None]), None).expect_err("two").contains("@FILE.bin:NxN"));
    }

    #[test]
    fn a_suffix_gives_the_shape() {
        assert_eq!(split_shape("a.bin:3x4"), ("a.bin", Some(vec![3, 4])));
        assert_eq!(split_shape("a:b.bin"), ("a:b.bin", None));
        assert_eq!(split_shape("a.npy:3"), ("a.npy:3", None));
        let value = binary(&[0; 24], &param(&[None, None]), Some(vec![3, 4])).expect("fits");
        assert_eq!(value.dims, [3, 4]);
        let huge = vec![i64::from(u32::MAX); 4];
        assert!(binary(&[0; 24], &param(&[None, None]), Some(huge)).expect_err("huge").contains("too large"));
    }
}
