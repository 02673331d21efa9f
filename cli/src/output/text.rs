//! Values as text: JSON that keeps every bit of finite numbers.

use super::scalars;
use kcc_compiler::tensor::eval::TensorValue;
use kcc_compiler::types::{Const, Scalar};

/// A file with nested lists.
pub fn json_file(value: &TensorValue) -> String {
    let mut out = json_values(value);
    out.push('\n');
    out
}

/// Nested lists. JSON has no word for NaN and infinities: they are the texts `"nan"`, `"inf"`, `"-inf"`, which `--in` reads.
pub fn json_values(value: &TensorValue) -> String {
    let mut out = String::new();
    let mut elements = scalars(value);
    nested(&value.dims, &mut elements, &mut out);
    out
}

fn nested(dims: &[i64], elements: &mut impl Iterator<Item = Const>, out: &mut String) {
    let Some((extent, rest)) = dims.split_first() else {
        if let Some(element) = elements.next() {
            out.push_str(&json_number(element));
        }
        return;
    };
    out.push('[');
    for index in 0..*extent {
        if index > 0 {
            out.push(',');
        }
        nested(rest, elements, out);
    }
    out.push(']');
}

fn json_number(value: Const) -> String {
    let text = number(value);
    if text.ends_with(['f', 'n']) { format!("\"{text}\"") } else { text }
}

/// The shortest text that gives the same value: `0.1`, `-3`, `true`, `nan`, `-inf`.
pub fn number(value: Const) -> String {
    let text = match value.ty {
        Scalar::F16 => format!("{:?}", kcc_runtime::f16_to_f32(value.bits as u16)),
        _ => value.to_string(),
    };
    if text == "NaN" { "nan".to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_follows_the_shape() {
        let value = TensorValue { elem: Scalar::U8, dims: vec![2, 2], bytes: vec![1, 2, 3, 4] };
        assert_eq!(json_values(&value), "[[1,2],[3,4]]");
        let value = TensorValue { elem: Scalar::U8, dims: vec![2, 0], bytes: vec![] };
        assert_eq!(json_values(&value), "[[],[]]");
        let value = TensorValue { elem: Scalar::Bool, dims: vec![], bytes: vec![1] };
        assert_eq!(json_values(&value), "true");
    }

    #[test]
    fn numbers_keep_their_value() {
        assert_eq!(json_number(Const::f32(0.1)), "0.1");
        assert_eq!(json_number(Const::f32(1e30)), "1e30");
        assert_eq!(json_number(Const::f64(f64::NAN)), "\"nan\"");
        assert_eq!(json_number(Const::f32(f32::NEG_INFINITY)), "\"-inf\"");
        assert_eq!(number(Const { ty: Scalar::F16, bits: 0x3c00 }), "1.0");
        assert_eq!(json_number(Const::int(Scalar::U64, i128::from(u64::MAX))), "18446744073709551615");
    }
}
