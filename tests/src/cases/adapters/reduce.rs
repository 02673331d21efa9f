//! Kinds `reduce` and `cumulative`: along one axis, several, or all.

use crate::cases::text::{Answer, Request, Term, position};

pub(super) fn reduce(request: &Request<'_>) -> Answer {
    let op = request.text("op")?;
    let x = request.input(0)?;
    let reduced: Vec<usize> = if request.params["axis"].is_null() {
        (0..x.rank()).collect()
    } else {
        request.ints("axis")?.into_iter().map(|axis| position(axis, x.rank())).collect::<Result<_, _>>()?
    };
    // torch's `var` is asked for without correction here, its `std` with.
    let correction = match ["correction", "ddof"].into_iter().find_map(|key| request.params[key].as_i64()) {
        Some(correction) => correction,
        None => match request.params["unbiased"].as_bool() {
            Some(unbiased) => i64::from(unbiased),
            None => i64::from(op == "reduce_std"),
        },
    };
    let tail = if correction == 0 { String::new() } else { format!(", correction: {correction}") };
    let (module, function, tail) = match op.strip_prefix("reduce_").unwrap_or(op) {
        "sum" => ("", "total", String::new()),
        "prod" => ("", "product", String::new()),
        "max" | "amax" => ("", "greatest", String::new()),
        "min" | "amin" => ("", "least", String::new()),
        "mean" => ("", "mean", String::new()),
        "var" => ("", "variance", tail),
        "std" => ("", "deviation", tail),
        "l1" => ("", "norm1", String::new()),
        "l2" => ("", "norm", String::new()),
        "sumsq" | "sum_square" => ("", "sum_squares", String::new()),
        "logsumexp" | "log_sum_exp" => ("nn", "nn.logsumexp", String::new()),
        _ => return Err(format!("no function for op {op}")),
    };
    // The reduced axes go to the end and become one.
    let kept: Vec<usize> = (0..x.rank()).filter(|axis| !reduced.contains(axis)).collect();
    let order: Vec<usize> = kept.iter().chain(&reduced).copied().collect();
    let outer: Vec<usize> = kept.iter().map(|axis| x.dims[*axis]).collect();
    let length: usize = reduced.iter().map(|axis| x.dims[*axis]).product();
    let rows: Vec<usize> = outer.iter().copied().chain([length]).collect();
    let rows = x.transpose(&order).reshape(&rows);
    let result = Term { text: format!("{function}({}{tail})", rows.text), elem: x.elem, dims: outer };
    let keeps = ["keepdims", "keepdim"].into_iter().any(|key| request.params[key] == true || request.params[key] == 1);
    let modules: &[&str] = if module.is_empty() { &[] } else { &["nn"] };
    if !keeps {
        return request.program(modules, &result);
    }
    let full: Vec<usize> = (0..x.rank()).map(|axis| if reduced.contains(&axis) { 1 } else { x.dims[axis] }).collect();
    request.program(modules, &result.reshape(&full))
}

pub(super) fn cumulative(request: &Request<'_>) -> Answer {
    let op = request.text("op")?;
    let x = request.input(0)?;
    let axis = request.axis(x.rank(), 0)?;
    if request.params["exclusive"] == true || request.params["exclusive"] == 1 {
        return Err("exclusive scans".to_string());
    }
    let shorter = usize::from(op == "diff");
    if !matches!(op, "cumsum" | "cumprod" | "cummax" | "cummin" | "diff") {
        return Err(format!("no function for op {op}"));
    }
    let backwards = request.params["reverse"] == true || request.params["reverse"] == 1;
    let result = x.on_axis(axis, |x| {
        let mut dims = x.dims.clone();
        if let Some(last) = dims.last_mut() {
            *last -= shorter;
        }
        let text = if backwards { format!("flip({op}(flip({})))", x.text) } else { format!("{op}({})", x.text) };
        Term { text, elem: x.elem, dims }
    });
    request.program(&[], &result)
}
