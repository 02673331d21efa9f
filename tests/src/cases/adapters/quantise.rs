//! Kind `quantise`.
//!
//! Where a case does not name the integer type, zero points that are all 0 mean the symmetric `i8`, others `u8`, as
//! quantisation toolkits have it.

use crate::cases::text::{Answer, Request, Term, list, ty};
use kcc_compiler::types::Scalar;
use serde_json::Value;

pub(super) fn quantise(request: &Request<'_>) -> Answer {
    let x = request.input(0)?;
    match request.text("op")? {
        "quantize" => scaled(request, &x, true),
        "dequantize" => scaled(request, &x, false),
        "dynamic_quantize" => {
            let flat = x.reshape(&[x.dims.iter().product()]);
            let y = Term { text: "y".to_string(), elem: Scalar::U8, dims: flat.dims.clone() }.reshape(&x.dims);
            let results = format!("(y: {}, scale: f32, zero_point: u8)", ty(&y));
            let body = format!(
                "let (y, scale, zero_point) = nn.quantize_dynamic({})\n({}, scale, zero_point)",
                flat.text, y.text
            );
            Ok(request.program_of(&["nn"], &results, &body))
        }
        "cast_u8" => request
            .program(&["image"], &Term { text: format!("image.to_u8({})", x.text), elem: Scalar::U8, dims: x.dims }),
        "normalise" | "normalize" => normalise(request, &x),
        op => Err(format!("no function for op {op}")),
    }
}

/// The integer type of the steps.
fn steps(request: &Request<'_>) -> Result<Scalar, String> {
    if let Some(name) = ["dtype", "out_dtype"].iter().find_map(|key| request.params[*key].as_str()) {
        return Scalar::from_name(name).ok_or_else(|| format!("no type {name}"));
    }
    let zero = |value: &Value| value.as_i64() == Some(0);
    let symmetric = match &request.params["zero_point"] {
        Value::Array(points) => points.iter().all(zero),
        point => zero(point),
    };
    Ok(if symmetric { Scalar::I8 } else { Scalar::U8 })
}

/// Per tensor, or per channel along an axis.
fn scaled(request: &Request<'_>, x: &Term, forward: bool) -> Answer {
    let (function, elem) = if forward { ("quantize", steps(request)?) } else { ("dequantize", Scalar::F32) };
    let integer = if forward { elem } else { x.elem };
    let input = |key: &str| request.named(key).map(|term| term.text);
    let whole = |scale: &str, zero: &str| Term {
        text: format!("nn.{function}({}, {scale}, {integer}({zero}))", x.text),
        elem,
        dims: x.dims.clone(),
    };
    if request.params["axis"].is_null() {
        let scale = input("scale").map_or_else(|| request.float("scale"), Ok)?;
        let zero = input("zero_point").map_or_else(|| request.int("zero_point").map(|zero| zero.to_string()), Ok)?;
        return request.program(&["nn"], &whole(&scale, &zero));
    }
    let axis = request.axis(x.rank(), 0)?;
    let scale = input("scale").map_or_else(|| request.table("scale"), Ok)?;
    let points = input("zero_point")
        .map_or_else(|| request.ints("zero_point").map(|points| format!("[{}]", list(&points))), Ok)?;
    // The channels go first, everything else becomes one axis.
    let rest: Vec<usize> = (0..x.rank()).filter(|at| *at != axis).collect();
    let order: Vec<usize> = [axis].into_iter().chain(rest.iter().copied()).collect();
    let first = x.transpose(&order);
    let count = first.dims[0];
    let rows = first.reshape(&[count, first.dims[1..].iter().product()]);
    let result = Term {
        text: format!("nn.{function}_channels({}, {scale}, zero_point)", rows.text),
        elem,
        dims: rows.dims.clone(),
    };
    let mut back: Vec<usize> = (1..x.rank()).collect();
    back.insert(axis, 0);
    let result = result.reshape(&first.dims).transpose(&back);
    let body = format!("let zero_point: {integer}[{count}] = {points}\n{}", result.text);
    Ok(request.program_of(&["nn"], &ty(&result), &body))
}

fn normalise(request: &Request<'_>, x: &Term) -> Answer {
    let scale = request.params["scale"].as_str().unwrap_or("1/255");
    let [h, w, c] = x.dims.as_slice() else { return Err(format!("an image of rank {}", x.rank())) };
    if scale != "1/255" || request.params["out"].as_str().unwrap_or("CHW") != "CHW" {
        return Err(format!("normalising with scale {scale} to another layout"));
    }
    let text = format!(
        "image.normalize(image.to_float(image.to_planar({})), {}, {})",
        x.text,
        request.table("mean")?,
        request.table("std")?
    );
    request.program(&["image"], &Term { text, elem: Scalar::F32, dims: vec![*c, *h, *w] })
}
