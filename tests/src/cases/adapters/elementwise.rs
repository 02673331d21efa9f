//! Kinds `elementwise` and `broadcast`: one function or operator on whole tensors.

use crate::cases::text::{Answer, Request, Term, broadcast};

pub(super) fn elementwise(request: &Request<'_>) -> Answer {
    let op = request.text("op")?;
    let a = request.input(0)?;
    if request.inputs.len() > 1 {
        return binary(request, op, a, request.input(1)?);
    }
    let x = &a.text;
    let text = match op {
        "neg" => format!("-{x}"),
        "reciprocal" => format!("1.0 / {x}"),
        "square" => format!("{x} * {x}"),
        "round_half_even" | "round" => format!("round({x})"),
        "clip" => format!("clamp({x}, {}, {})", bound(request, &a, "min")?, bound(request, &a, "max")?),
        "abs" | "sign" | "floor" | "ceil" | "trunc" | "sqrt" | "rsqrt" | "exp" | "exp2" | "expm1" | "log" | "log2"
        | "log10" | "log1p" | "sin" | "cos" | "tan" | "tanh" | "sinh" | "cosh" | "asin" | "acos" | "atan" | "erf"
        | "sigmoid" | "logit" | "softplus" => format!("{op}({x})"),
        "gelu_erf" | "gelu" => format!("nn.gelu({x})"),
        "relu" | "relu6" | "gelu_tanh" | "silu" | "mish" | "hardswish" | "hardsigmoid" => format!("nn.{op}({x})"),
        "elu" => format!("nn.elu({x}{})", request.options(&[("alpha", "alpha")])),
        "leaky_relu" => {
            let given = request.options(&[("alpha", "slope"), ("slope", "slope"), ("negative_slope", "slope")]);
            // Cases without a slope are made with 0.1.
            format!("nn.leaky_relu({x}{})", if given.is_empty() { ", slope: 0.1" } else { &given })
        }
        _ => return Err(format!("no function for op {op}")),
    };
    let modules: &[&str] = if text.starts_with("nn.") { &["nn"] } else { &[] };
    request.program(modules, &a.with(text))
}

/// A bound of `clip` in the type of the tensor.
fn bound(request: &Request<'_>, x: &Term, key: &str) -> Result<String, String> {
    if x.elem.is_float() { request.float(key) } else { Ok(request.int(key)?.to_string()) }
}

fn binary(request: &Request<'_>, op: &str, a: Term, b: Term) -> Answer {
    let dims = broadcast(&a.dims, &b.dims)?;
    let infix = |symbol: &str| format!("{} {symbol} {}", a.text, b.text);
    let call = |function: &str| format!("{function}({}, {})", a.expand(&dims).text, b.expand(&dims).text);
    let integers = a.elem.is_int();
    let text = match op {
        "add" => infix("+"),
        "sub" => infix("-"),
        "mul" => infix("*"),
        "div" => infix("/"),
        "floor_divide" if integers => infix("/"),
        "floor_divide" => call("floor_div"),
        "remainder" if integers => infix("%"),
        "fmod" if integers => call("trunc_rem"),
        "bitwise_and" => infix("&"),
        "bitwise_or" => infix("|"),
        "bitwise_xor" => infix("^"),
        "maximum" => format!("max({}, {})", a.text, b.text),
        "minimum" => format!("min({}, {})", a.text, b.text),
        "pow" | "atan2" | "hypot" | "fmod" | "remainder" => call(op),
        _ => return Err(format!("no function for op {op}")),
    };
    request.program(&[], &Term { text, elem: a.elem, dims })
}

pub(super) fn broadcasting(request: &Request<'_>) -> Answer {
    let op = request.text("op")?;
    let (a, b) = (request.input(0)?, request.input(1)?);
    if op != "where" {
        return binary(request, op, a, b);
    }
    let dims = broadcast(&a.dims, &b.dims)?;
    let condition = match request.text("cond")? {
        "a > b" => format!("{} > {}", a.text, b.text),
        "a < b" => format!("{} < {}", a.text, b.text),
        "a >= b" => format!("{} >= {}", a.text, b.text),
        "a <= b" => format!("{} <= {}", a.text, b.text),
        "a == b" => format!("{} == {}", a.text, b.text),
        "a != b" => format!("{} != {}", a.text, b.text),
        other => return Err(format!("no condition {other}")),
    };
    let text = format!("select({condition}, {}, {})", a.expand(&dims).text, b.expand(&dims).text);
    request.program(&[], &Term { text, elem: a.elem, dims })
}
