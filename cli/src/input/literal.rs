//! Literals and JSON → values of a parameter's type: `0.5`, `[[1, 2], [3, 4]]`, `true`, `"text"`.
//!
//! Numbers are read for the element type at hand, so an `f32` is the nearest to what is written and an integer out of
//! range is an error. Text is bytes along the last axis of a `u8` tensor. `nan` and `inf` are numbers, bare or in quotes.

use crate::param::{Param, elements};
use kcc_compiler::tensor::eval::TensorValue;
use kcc_compiler::types::{Const, Scalar};

/// Deepest nesting of lists; no tensor has more axes.
const MAX_DEPTH: usize = 32;

/// Reads the whole text as a value for `param`.
pub fn parse(text: &str, param: &Param) -> Result<TensorValue, String> {
    let mut parser = Parser { text, at: 0, elem: param.elem, dims: Vec::new(), rank: None, bytes: Vec::new() };
    parser.value(0)?;
    parser.space();
    if parser.at < text.len() {
        return Err(format!("unexpected `{}` at byte {}", shorten(&text[parser.at..]), parser.at));
    }
    let mut dims: Vec<i64> = parser.dims.iter().map(|dim| dim.unwrap_or(0)).collect();
    // Nothing says how long the rows of no rows are: the type does, as far as it is fixed.
    if elements(&dims) == Some(0) && parser.rank.is_none() {
        for dim in param.dims.iter().skip(dims.len()) {
            dims.push(dim.fixed.unwrap_or(0));
        }
    }
    Ok(TensorValue { elem: param.elem, dims, bytes: parser.bytes })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    elem: Scalar,
    /// Extent of each depth, once a list of that depth has ended.
    dims: Vec<Option<i64>>,
    /// Depth of elements, once there was one.
    rank: Option<usize>,
    bytes: Vec<u8>,
}

impl Parser<'_> {
    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&mut self) -> Option<char> {
        self.space();
        self.text[self.at..].chars().next()
    }

    fn value(&mut self, depth: usize) -> Result<(), String> {
        match self.peek() {
            None => Err("the value ends too early".to_string()),
            Some('[') => self.list(depth),
            Some('"') => {
                let text = self.string()?;
                if self.elem == Scalar::U8 {
                    self.extent(depth, text.len())?;
                    self.leaf(depth + 1)?;
                    self.bytes.extend(text.as_bytes());
                    return Ok(());
                }
                self.leaf(depth)?;
                self.number(&text)
            }
            Some(_) => {
                self.leaf(depth)?;
                let rest = &self.text[self.at..];
                let end = rest.find(|c: char| matches!(c, ',' | ']' | '[' | '"') || c.is_whitespace());
                let token = &rest[..end.unwrap_or(rest.len())];
                self.at += token.len();
                self.number(token)
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<(), String> {
        if depth >= MAX_DEPTH {
            return Err(format!("lists are nested deeper than {MAX_DEPTH}"));
        }
        if self.rank.is_some_and(|rank| depth >= rank) {
            return Err(format!("there is a list beside a number at byte {}", self.at));
        }
        self.at += 1;
        while self.dims.len() <= depth {
            self.dims.push(None);
        }
        let mut count = 0;
        if self.peek() == Some(']') {
            self.at += 1;
            return self.extent(depth, 0);
        }
        loop {
            self.value(depth + 1)?;
            count += 1;
            match self.peek() {
                Some(',') => self.at += 1,
                Some(']') => {
                    self.at += 1;
                    return self.extent(depth, count);
                }
                _ => return Err(format!("expected `,` or `]` at byte {}", self.at)),
            }
        }
    }

    /// Notes the extent of a list at this depth; all must agree.
    fn extent(&mut self, depth: usize, count: usize) -> Result<(), String> {
        while self.dims.len() <= depth {
            self.dims.push(None);
        }
        let count = count as i64;
        match self.dims[depth] {
            Some(other) if other != count => {
                Err(format!("lists of one axis have {other} and {count} elements: rows must be equally long"))
            }
            _ => {
                self.dims[depth] = Some(count);
                Ok(())
            }
        }
    }

    /// Notes that elements stand at this depth; all must.
    fn leaf(&mut self, depth: usize) -> Result<(), String> {
        if *self.rank.get_or_insert(depth) != depth || self.dims.len() > depth {
            return Err(format!("there is a number beside a list at byte {}", self.at));
        }
        Ok(())
    }

    fn string(&mut self) -> Result<String, String> {
        let rest = &self.text[self.at..];
        let mut escaped = false;
        for (offset, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    self.at += offset + 1;
                    return serde_json::from_str(&rest[..=offset]).map_err(|error| format!("the text: {error}"));
                }
                _ => {}
            }
        }
        Err("a text has no closing quote".to_string())
    }

    fn number(&mut self, token: &str) -> Result<(), String> {
        let value = scalar(token, self.elem)?;
        self.bytes.extend(value.to_le_bytes());
        Ok(())
    }
}

/// One scalar of a type.
fn scalar(token: &str, elem: Scalar) -> Result<Const, String> {
    let shown = shorten(token);
    let finite = |is_finite: bool| is_finite || token.trim_start_matches(['+', '-']).starts_with(['i', 'I', 'n', 'N']);
    let beyond = || format!("{shown} is beyond the range of {elem}");
    match elem {
        Scalar::Bool => match token {
            "true" => Ok(Const::bool(true)),
            "false" => Ok(Const::bool(false)),
            _ => Err(format!("`{shown}` is not true or false")),
        },
        Scalar::F32 | Scalar::F16 => {
            let value: f32 = token.parse().map_err(|_| format!("`{shown}` is not a number"))?;
            if elem == Scalar::F32 {
                return finite(value.is_finite()).then(|| Const::f32(canonical(value))).ok_or_else(beyond);
            }
            let bits = kcc_runtime::f32_to_f16(value);
            let result = Const { ty: Scalar::F16, bits: u64::from(bits) };
            finite(kcc_runtime::f16_to_f32(bits).is_finite()).then_some(result).ok_or_else(beyond)
        }
        Scalar::F64 => {
            let value: f64 = token.parse().map_err(|_| format!("`{shown}` is not a number"))?;
            let value = if value.is_nan() { f64::from_bits(0x7ff8_0000_0000_0000) } else { value };
            finite(value.is_finite()).then(|| Const::f64(value)).ok_or_else(beyond)
        }
        Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 | Scalar::I32 | Scalar::U32 | Scalar::I64 | Scalar::U64 => {
            let digits = token.trim_start_matches('-');
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(format!("`{shown}` is not an integer"));
            }
            let value: i128 = token.parse().map_err(|_| beyond())?;
            let (low, high) = elem.int_range().unwrap_or((0, 0));
            (low..=high).contains(&value).then(|| Const::int(elem, value)).ok_or_else(beyond)
        }
    }
}

fn canonical(value: f32) -> f32 {
    if value.is_nan() { f32::from_bits(0x7fc0_0000) } else { value }
}

/// The beginning of a text for a message.
fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(24).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::Extent;

    fn param(elem: Scalar, dims: &[Option<i64>]) -> Param {
        let extent = |fixed: &Option<i64>| Extent { text: "N".to_string(), fixed: *fixed };
        Param { name: "x".to_string(), elem, dims: dims.iter().map(extent).collect() }
    }

    fn good(text: &str, elem: Scalar) -> (Vec<i64>, Vec<String>) {
        let value = parse(text, &param(elem, &[None, None])).expect(text);
        let size = elem.bytes() as usize;
        let all = value.bytes.chunks(size).map(|bytes| Const::from_le_bytes(elem, bytes).to_string());
        (value.dims.clone(), all.collect())
    }

    fn bad(text: &str, elem: Scalar) -> String {
        parse(text, &param(elem, &[None, None])).expect_err(text)
    }

    #[test]
    fn shapes_follow_from_nesting() {
        assert_eq!(good("0.1", Scalar::F32), (vec![], vec!["0.1".into()]));
        assert_eq!(good(" [1 , 2,3] ", Scalar::I8).0, [3]);
        assert_eq!(
            good("[[1,2],[3,4],[5,-6]]", Scalar::I64),
            (vec![3, 2], ["1", "2", "3", "4", "5", "-6"].map(String::from).to_vec())
        );
        assert_eq!(good("[[],[]]", Scalar::F32).0, [2, 0]);
        assert_eq!(good("[]", Scalar::F32).0, [0, 0], "the second axis of nothing");
        assert_eq!(parse("[]", &param(Scalar::F32, &[None, Some(4)])).expect("empty").dims, [0, 4]);
        assert_eq!(good("[true, false]", Scalar::Bool).1, ["true", "false"]);
        assert_eq!(
            good(r#""h\u00e9\n""#, Scalar::U8),
            (vec![4], ["104", "195", "169", "10"].map(String::from).to_vec())
        );
        assert_eq!(good(r#"["ab", "cd"]"#, Scalar::U8).0, [2, 2]);
        assert_eq!(good(r#"["nan", -inf, inf]"#, Scalar::F64).1, ["NaN", "-inf", "inf"]);
    }

    #[test]
    fn numbers_must_fit_their_type() {
        assert!(bad("256", Scalar::U8).contains("beyond the range of u8"));
        assert!(bad("-1", Scalar::U32).contains("beyond"));
        assert!(bad("1.0", Scalar::I32).contains("not an integer"));
        assert!(bad(&"9".repeat(100_000), Scalar::I64).contains("beyond"));
        assert!(bad("1e39", Scalar::F32).contains("beyond"));
        assert!(bad("1e999", Scalar::F64).contains("beyond"));
        assert!(bad("65520", Scalar::F16).contains("beyond"));
        assert!(bad("1", Scalar::Bool).contains("true or false"));
        assert!(bad("zero", Scalar::F32).contains("not a number"));
        assert_eq!(good("18446744073709551615", Scalar::U64).1, ["18446744073709551615"]);
    }

    #[test]
    fn slips_are_explained() {
        assert!(bad("[1, 2", Scalar::I32).contains("expected `,` or `]`"));
        assert!(bad("[1, 2]]", Scalar::I32).contains("unexpected `]`"));
        assert!(bad("[[1], [1, 2]]", Scalar::I32).contains("1 and 2 elements"));
        assert!(bad("[[1], 2]", Scalar::I32).contains("beside"));
        assert!(bad("[1, [2]]", Scalar::I32).contains("beside"));
        assert!(bad("", Scalar::I32).contains("too early"));
        assert!(bad("\"abc", Scalar::U8).contains("closing quote"));
        assert!(bad("\"\\q\"", Scalar::U8).contains("the text"));
        assert!(bad(&"[".repeat(100_000), Scalar::I32).contains("deeper than"));
        assert!(bad(r#"["ab", "c"]"#, Scalar::U8).contains("2 and 1"));
        assert!(bad(r#"["ab", 3]"#, Scalar::U8).contains("beside"));
    }
}
