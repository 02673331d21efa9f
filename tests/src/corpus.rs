//! Reading a corpus file of kind *run*: a program, and in comment lines what its pipelines are called with and what must
//! come out.
//!
//! ```text
//! // call scale                                   a call of this pipeline; the lines below belong to it
//! // in x: f32[2, 2] = 1 2 3 nan                  an input, elements in row-major order (brackets and commas ignored)
//! // in y: u8[100, 3] = noise 7                   … or seeded noise (floats in -4..4), or `count` (0, 1, 2 …)
//! // out result: f32[2, 2] = 2 4 6 nan            a result to the bit; without `= …` the engines are only compared
//! // fails: index 5                               instead of results: the call fails with a message that holds this
//! // structure: call stages = 1                   of the fused program: `call stages`, `plan stages`, `checks`; when
//!                                                 stages are grouped: `groups`, `rings`
//! ```

use crate::array::Array;
use kcc_compiler::types::{Const, Scalar};

/// A file of the corpus.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Calls in order.
    pub calls: Vec<Call>,
    /// What the fused program must look like: a count's name and value.
    pub structure: Vec<(String, usize)>,
}

/// A call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The pipeline.
    pub pipeline: String,
    /// Inputs in the order of the parameters.
    pub inputs: Vec<(String, Array)>,
    /// Results, in order; `Err` holds element type and shape where the values are not stated.
    pub outputs: Vec<(String, Expected)>,
    /// Text of the message if the call must fail.
    pub fails: Option<String>,
}

/// What a file says of a result.
#[derive(Clone, Debug)]
pub enum Expected {
    /// These bits (any NaN for a NaN).
    Values(Array),
    /// This element type and shape.
    Shape(Scalar, Vec<usize>),
}

/// Reads the header lines of a corpus file.
///
/// # Errors
/// The line that is not understood.
pub fn read(text: &str) -> Result<Run, String> {
    let mut run = Run::default();
    for (number, line) in text.lines().enumerate() {
        let Some(header) = line.strip_prefix("// ") else { continue };
        let wrong = |why: String| format!("line {}: {why}", number + 1);
        if let Some(name) = header.strip_prefix("call ") {
            run.calls.push(Call {
                pipeline: name.trim().to_string(),
                inputs: Vec::new(),
                outputs: Vec::new(),
                fails: None,
            });
        } else if let Some(rest) = header.strip_prefix("structure: ") {
            let parsed = rest
                .split_once('=')
                .and_then(|(what, count)| Some((what.trim().to_string(), count.trim().parse().ok()?)));
            run.structure.push(parsed.ok_or_else(|| wrong(format!("`{rest}` is no count")))?);
        } else if let Some((verb, rest)) =
            header.split_once(' ').filter(|(verb, _)| matches!(*verb, "in" | "out" | "fails:"))
        {
            let call = run.calls.last_mut().ok_or_else(|| wrong("a value before the first call".to_string()))?;
            match verb {
                "fails:" => call.fails = Some(rest.trim().to_string()),
                "in" => {
                    let (name, elem, dims, values) = declaration(rest).map_err(wrong)?;
                    let values = values.ok_or_else(|| wrong("an input without values".to_string()))?;
                    call.inputs.push((name, array(elem, dims, values).map_err(wrong)?));
                }
                _ => {
                    let (name, elem, dims, values) = declaration(rest).map_err(wrong)?;
                    let expected = match values {
                        Some(values) => Expected::Values(array(elem, dims, values).map_err(wrong)?),
                        None => Expected::Shape(elem, dims),
                    };
                    call.outputs.push((name, expected));
                }
            }
        }
    }
    if run.calls.is_empty() { Err("no `// call` line".to_string()) } else { Ok(run) }
}

type Declaration<'a> = (String, Scalar, Vec<usize>, Option<&'a str>);

/// `name: elem[dims] = values`.
fn declaration(text: &str) -> Result<Declaration<'_>, String> {
    let (left, values) = match text.split_once(" =") {
        Some((left, values)) => (left, Some(values.trim())),
        None => (text, None),
    };
    let (name, ty) = left.split_once(':').ok_or_else(|| format!("`{left}` is no declaration"))?;
    let ty = ty.trim();
    let (elem, dims) = match ty.split_once('[') {
        Some((elem, dims)) => (elem, dims.trim_end_matches(']')),
        None => (ty, ""),
    };
    let elem = Scalar::from_name(elem).ok_or_else(|| format!("`{elem}` is no element type"))?;
    let dims: Result<Vec<usize>, _> =
        dims.split(',').map(str::trim).filter(|dim| !dim.is_empty()).map(str::parse).collect();
    Ok((name.trim().to_string(), elem, dims.map_err(|_| format!("`{ty}` is no type"))?, values))
}

fn array(elem: Scalar, dims: Vec<usize>, values: &str) -> Result<Array, String> {
    let count: usize = dims.iter().product();
    let constants: Vec<Const> = if values == "count" {
        (0..count).map(|at| number(elem, &at.to_string())).collect::<Result<_, _>>()?
    } else if let Some(seed) = values.strip_prefix("noise ") {
        noise(elem, count, seed.trim().parse().map_err(|_| format!("`{seed}` is no seed"))?)
    } else {
        let plain = values.replace(['[', ']', ','], " ");
        plain.split_whitespace().map(|value| number(elem, value)).collect::<Result<_, _>>()?
    };
    if constants.len() != count {
        return Err(format!("{} values for {count} elements", constants.len()));
    }
    Ok(Array { elem, dims, bytes: constants.iter().flat_map(|value| value.to_le_bytes()).collect() })
}

fn number(elem: Scalar, text: &str) -> Result<Const, String> {
    let bad = || format!("`{text}` is no {elem}");
    match elem {
        Scalar::F32 => text.parse().map(Const::f32).map_err(|_| bad()),
        Scalar::F64 => text.parse().map(Const::f64).map_err(|_| bad()),
        Scalar::F16 => u16::from_str_radix(text.trim_start_matches("0x"), 16)
            .map(|bits| Const { ty: elem, bits: u64::from(bits) })
            .map_err(|_| bad()),
        Scalar::Bool => match text {
            "true" | "1" => Ok(Const::bool(true)),
            "false" | "0" => Ok(Const::bool(false)),
            _ => Err(bad()),
        },
        _ => text.parse().map(|value| Const::int(elem, value)).map_err(|_| bad()),
    }
}

/// A 64-bit linear congruential sequence; its high bits make the elements.
fn noise(elem: Scalar, count: usize, seed: u64) -> Vec<Const> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let high = state >> 40;
            let unit = high as f64 / (1u64 << 24) as f64;
            match elem {
                Scalar::F32 => Const::f32((unit * 8.0 - 4.0) as f32),
                Scalar::F64 => Const::f64(unit * 8.0 - 4.0),
                // Positive, normal and below 2.
                Scalar::F16 => Const { ty: elem, bits: 0x3800 | (high & 0x7ff) },
                Scalar::Bool => Const::bool(high & 1 == 1),
                _ => Const::int(elem, i128::from(state >> 8)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read() {
        let text = "// call f\n// in x: f32[2] = [1.5, nan]\n// in n: i32 = 3\n// out result: u8[0]\n// structure: call stages = 1\n";
        let run = read(text).expect("it is well formed");
        assert_eq!(run.structure, [("call stages".to_string(), 1)]);
        let call = &run.calls[0];
        assert_eq!(call.inputs[0].1.dims, [2]);
        assert_eq!(call.inputs[1].1.bytes, [3, 0, 0, 0]);
        assert!(matches!(&call.outputs[0].1, Expected::Shape(Scalar::U8, dims) if *dims == [0]));
    }

    #[test]
    fn wrong_headers_are_refused() {
        for text in [
            "",
            "// in x: f32 = 1",
            "// call f\n// in x: f32[2] = 1",
            "// call f\n// in x: f33 = 1",
            "// call f\n// in x: u8 = a",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
