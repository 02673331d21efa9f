//! A result on the terminal: type and shape, range, first values.

use super::{scalars, text::number};
use crate::param::value_type;
use kcc_compiler::tensor::eval::TensorValue;
use kcc_compiler::types::{Const, Scalar};

/// Elements that are shown.
const SHOWN: usize = 8;
/// Longest text that is shown whole.
const TEXT: usize = 400;

/// One or two lines about a result.
pub fn summary(name: &str, value: &TensorValue) -> String {
    let head = format!("{name}: {}", value_type(value));
    if value.dims.is_empty() {
        return match scalars(value).next() {
            Some(only) => format!("{head} = {}\n", number(only)),
            None => format!("{head}\n"),
        };
    }
    if value.bytes.is_empty() {
        return format!("{head}  empty\n");
    }
    let count = value.bytes.len() / value.elem.bytes() as usize;
    let mut first: Vec<String> = scalars(value).take(SHOWN).map(number).collect();
    if count > SHOWN {
        first.push("…".to_string());
    }
    let mut out = format!("{head}{}\n  {}\n", range(value), first.join(" "));
    if let Some(text) = as_text(value) {
        out.push_str(&format!("  {text:?}\n"));
    }
    out
}

/// Least and greatest value, and how many NaNs there are.
fn range(value: &TensorValue) -> String {
    let mut least: Option<Const> = None;
    let mut greatest: Option<Const> = None;
    let mut nans = 0usize;
    for element in scalars(value) {
        if is_nan(element) {
            nans += 1;
            continue;
        }
        if least.is_none_or(|least| less(element, least)) {
            least = Some(element);
        }
        if greatest.is_none_or(|greatest| less(greatest, element)) {
            greatest = Some(element);
        }
    }
    let mut out = match (least, greatest) {
        (Some(least), Some(greatest)) => format!("  from {} to {}", number(least), number(greatest)),
        _ => String::new(),
    };
    match nans {
        0 => {}
        1 => out.push_str(", 1 NaN"),
        _ => out.push_str(&format!(", {nans} NaNs")),
    }
    out
}

fn float(value: Const) -> f64 {
    match value.ty {
        Scalar::F16 => f64::from(kcc_runtime::f16_to_f32(value.bits as u16)),
        Scalar::F32 => f64::from(value.as_f32()),
        Scalar::F64 => value.as_f64(),
        _ => 0.0,
    }
}

fn is_nan(value: Const) -> bool {
    value.ty.is_float() && float(value).is_nan()
}

fn less(a: Const, b: Const) -> bool {
    if a.ty.is_float() { float(a) < float(b) } else { a.as_int() < b.as_int() }
}

/// Bytes that are printable text.
fn as_text(value: &TensorValue) -> Option<&str> {
    let is_text = value.elem == Scalar::U8 && value.dims.len() == 1 && value.bytes.len() <= TEXT;
    let text = std::str::from_utf8(&value.bytes).ok().filter(|_| is_text)?;
    text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_short() {
        let bytes = [1.0f32, f32::NAN, -2.5].iter().flat_map(|value| value.to_le_bytes()).collect();
        let value = TensorValue { elem: Scalar::F32, dims: vec![3], bytes };
        assert_eq!(summary("result", &value), "result: f32[3]  from -2.5 to 1.0, 1 NaN\n  1.0 nan -2.5\n");
        let value = TensorValue { elem: Scalar::I32, dims: vec![], bytes: 7i32.to_le_bytes().to_vec() };
        assert_eq!(summary("n", &value), "n: i32 = 7\n");
        let value = TensorValue { elem: Scalar::U8, dims: vec![0, 3], bytes: vec![] };
        assert_eq!(summary("e", &value), "e: u8[0, 3]  empty\n");
        let value = TensorValue { elem: Scalar::U8, dims: vec![20], bytes: b"the quick brown fox!".to_vec() };
        let text = summary("t", &value);
        assert!(text.contains('…') && text.contains("\"the quick brown fox!\""), "{text}");
    }
}
