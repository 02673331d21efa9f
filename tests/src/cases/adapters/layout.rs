//! Kind `layout`: moving data without changing it.
//!
//! `concat` and `stack` of a case with a single input x mean those of x and 2x, and of x and -x: so the cases are made.

use crate::cases::text::{Answer, Request, Term, list, position};

pub(super) fn layout(request: &Request<'_>) -> Answer {
    let op = request.text("op")?;
    let x = request.input(0)?;
    let rank = x.rank();
    let result = match op {
        "permute" | "transpose" => {
            let perm: Result<Vec<usize>, String> =
                request.ints("perm")?.into_iter().map(|axis| position(axis, rank)).collect();
            x.transpose(&perm?)
        }
        "reshape" => x.reshape(&shape(&request.ints("shape")?, &x)?),
        "concat" => {
            let axis = request.axis(rank, 0)?;
            let parts = parts(request, &x, format!("2.0 * {}", x.text))?;
            let mut dims = x.dims.clone();
            dims[axis] = parts.iter().map(|part| part.dims[axis]).sum();
            Term { text: format!("concat({}, axis: {axis})", texts(&parts)), elem: x.elem, dims }
        }
        "stack" => {
            let axis = request.axis(rank + 1, 0)?;
            let parts = parts(request, &x, format!("-{}", x.text))?;
            let mut dims = x.dims.clone();
            dims.insert(axis, parts.len());
            Term { text: format!("stack({}, axis: {axis})", texts(&parts)), elem: x.elem, dims }
        }
        "flip" => {
            axes(request, rank)?.into_iter().fold(x, |x, axis| x.on_axis(axis, |x| x.with(format!("flip({})", x.text))))
        }
        "roll" => {
            let (shifts, axes) = (request.ints("shift")?, axes(request, rank)?);
            if shifts.len() != axes.len() {
                return Err("not as many shifts as axes".to_string());
            }
            shifts
                .into_iter()
                .zip(axes)
                .fold(x, |x, (shift, axis)| x.on_axis(axis, |x| x.with(format!("roll({}, {shift})", x.text))))
        }
        "tile" => {
            let reps = request.ints("reps")?;
            let rank = rank.max(reps.len());
            let full: Vec<usize> = vec![1; rank - x.rank()].into_iter().chain(x.dims.iter().copied()).collect();
            let skip = rank - reps.len();
            let times = |x: Term, axis: usize, times: i64| x.on_axis(axis, |x| lengthen(x, "tile", times));
            reps.into_iter()
                .enumerate()
                .fold(x.reshape(&full), |x, (at, n)| if n == 1 { x } else { times(x, at + skip, n) })
        }
        "repeat_interleave" => {
            let n = request.int("n").or_else(|_| request.int("repeats"))?;
            x.on_axis(request.axis(rank, 0)?, |x| lengthen(x, "repeat_interleave", n))
        }
        "pad_reflect" => pad(request, x, "pad_reflect", "")?,
        "pad_edge" | "pad_replicate" => pad(request, x, "pad_edge", "")?,
        "pad_wrap" | "pad_circular" => pad(request, x, "pad_wrap", "")?,
        "pad_constant" | "pad" => {
            let value = if request.params["value"].is_null() { "0.0".to_string() } else { request.float("value")? };
            pad(request, x, "pad_constant", &format!(", {value}"))?
        }
        "unfold" => unfold(request, x)?,
        "slice_step" | "slice" => slices(x, request.text("slice")?)?,
        _ => return Err(format!("no function for op {op}")),
    };
    request.program(&[], &result)
}

fn texts(parts: &[Term]) -> String {
    list(&parts.iter().map(|part| part.text.clone()).collect::<Vec<_>>())
}

/// The inputs, or the single input and what goes with it.
fn parts(request: &Request<'_>, x: &Term, second: String) -> Result<Vec<Term>, String> {
    match request.inputs.len() {
        1 => Ok(vec![x.clone(), x.with(second)]),
        n => (0..n).map(|at| request.input(at)).collect(),
    }
}

/// Parameter `axis`, one or several.
fn axes(request: &Request<'_>, rank: usize) -> Result<Vec<usize>, String> {
    let key = if request.params["axis"].is_null() { "dims" } else { "axis" };
    request.ints(key)?.into_iter().map(|axis| position(axis, rank)).collect()
}

/// `reshape`'s extents with at most one -1 filled in.
fn shape(wanted: &[i64], x: &Term) -> Result<Vec<usize>, String> {
    let total: usize = x.dims.iter().product();
    let known: usize = wanted.iter().filter(|extent| **extent >= 0).map(|extent| *extent as usize).product();
    if known == 0 && wanted.contains(&-1) {
        return Err("an extent of -1 beside 0".to_string());
    }
    Ok(wanted.iter().map(|extent| if *extent < 0 { total / known } else { *extent as usize }).collect())
}

/// `function(x, times)`, whose last axis is that many times as long.
fn lengthen(x: &Term, function: &str, times: i64) -> Term {
    let mut dims = x.dims.clone();
    if let Some(last) = dims.last_mut() {
        *last *= times.max(0) as usize;
    }
    Term { text: format!("{function}({}, {times})", x.text), elem: x.elem, dims }
}

/// Padding in torch's order: before and after for the last axis, then for the one before it.
fn pad(request: &Request<'_>, x: Term, function: &str, tail: &str) -> Result<Term, String> {
    let amounts = request.ints("pad")?;
    if amounts.len() % 2 != 0 || amounts.len() / 2 > x.rank() || amounts.iter().any(|amount| *amount < 0) {
        return Err(format!("padding {amounts:?} of rank {}", x.rank()));
    }
    let rank = x.rank();
    Ok(amounts.chunks(2).enumerate().filter(|(_, pair)| *pair != [0, 0]).fold(x, |x, (at, pair)| {
        x.on_axis(rank - 1 - at, |x| {
            let mut dims = x.dims.clone();
            dims[rank - 1] += (pair[0] + pair[1]) as usize;
            Term { text: format!("{function}({}, {}, {}{tail})", x.text, pair[0], pair[1]), elem: x.elem, dims }
        })
    }))
}

fn unfold(request: &Request<'_>, x: Term) -> Result<Term, String> {
    for (key, usual) in [("stride", 1), ("padding", 0), ("dilation", 1)] {
        if request.params[key].as_i64().is_some_and(|value| value != usual) {
            return Err(format!("unfold with {key}"));
        }
    }
    let kernel = request.ints("k").or_else(|_| request.ints("kernel_size"))?;
    let (height, width) = match kernel.as_slice() {
        [side] => (*side, *side),
        [height, width] => (*height, *width),
        _ => return Err(format!("a kernel {kernel:?}")),
    };
    let [n, c, h, w] = x.dims.as_slice() else { return Err(format!("unfold of rank {}", x.rank())) };
    let (rows, columns) = (h + 1 - height as usize, w + 1 - width as usize);
    let dims = vec![*n, c * (height * width) as usize, rows * columns];
    Ok(Term { text: format!("unfold({}, {height}, {width})", x.text), elem: x.elem, dims })
}

/// Slices as Python writes them, `[:, ::2, 1:, ::-1]`.
fn slices(x: Term, text: &str) -> Result<Term, String> {
    let bad = || format!("slice {text}");
    let inner = text.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).ok_or_else(bad)?;
    let mut result = x;
    for (axis, slice) in inner.split(',').enumerate() {
        let parts: Vec<&str> = slice.trim().split(':').map(str::trim).collect();
        if parts.len() < 2 || axis >= result.rank() {
            return Err(bad());
        }
        let extent = result.dims[axis] as i64;
        let number = |at: usize| match parts.get(at) {
            None | Some(&"") => Ok(None),
            Some(text) => text.parse::<i64>().map(Some).map_err(|_| bad()),
        };
        let (start, stop, step) = (number(0)?, number(1)?, number(2)?.unwrap_or(1));
        let end = |value: i64| (if value < 0 { value + extent } else { value }).clamp(0, extent);
        if step < 0 && (start.is_some() || stop.is_some()) {
            return Err(bad());
        }
        let (start, stop) = (end(start.unwrap_or(0)), end(stop.unwrap_or(extent)));
        if (start, stop) != (0, extent) {
            let mut items = vec!["..".to_string(); axis];
            items.push(format!("{start}..{stop}"));
            result.text = format!("{}[{}]", result.text, items.join(", "));
            result.dims[axis] = (stop - start).max(0) as usize;
        }
        if step < 0 {
            result = result.on_axis(axis, |x| x.with(format!("flip({})", x.text)));
        }
        let step = step.unsigned_abs() as usize;
        if step > 1 {
            result = result.on_axis(axis, |x| {
                let mut dims = x.dims.clone();
                if let Some(last) = dims.last_mut() {
                    *last = last.div_ceil(step);
                }
                Term { text: format!("every({}, {step})", x.text), elem: x.elem, dims }
            });
        }
    }
    Ok(result)
}
