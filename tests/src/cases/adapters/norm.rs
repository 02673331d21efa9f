//! Kinds `softmax` and `norm`.

use crate::cases::text::{Answer, Request, Term};

pub(super) fn softmax(request: &Request<'_>) -> Answer {
    let op = request.text("op")?;
    let x = request.input(0)?;
    let axis = request.axis(x.rank(), -1)?;
    match op {
        "softmax" | "log_softmax" => {
            request.program(&["nn"], &x.on_axis(axis, |x| x.with(format!("nn.{op}({})", x.text))))
        }
        "logsumexp" => {
            let order: Vec<usize> = (0..x.rank()).filter(|at| *at != axis).chain([axis]).collect();
            let last = x.transpose(&order);
            let dims = last.dims[..last.rank() - 1].to_vec();
            request.program(&["nn"], &Term { text: format!("nn.logsumexp({})", last.text), elem: x.elem, dims })
        }
        _ => Err(format!("no function for op {op}")),
    }
}

/// An input under one of its usual names.
fn input(request: &Request<'_>, names: &[&str]) -> Result<Term, String> {
    names.iter().find_map(|name| request.named(name)).ok_or_else(|| format!("no input {}", names[0]))
}

fn weight(request: &Request<'_>) -> Result<Term, String> {
    input(request, &["w", "weight", "scale", "gamma"])
}

fn bias(request: &Request<'_>) -> Result<Term, String> {
    input(request, &["b", "bias", "beta"])
}

pub(super) fn norm(request: &Request<'_>) -> Answer {
    let op = request.text("op")?;
    let x = input(request, &["x", "input", "X"])?;
    let eps = request.options(&[("eps", "eps")]);
    let result = match op {
        "layer_norm" => {
            let (w, b) = (weight(request)?, bias(request)?);
            rows(&x, w.rank(), |row| {
                row.with(format!("nn.layer_norm({}, {}, {}{eps})", row.text, flat(&w).text, flat(&b).text))
            })
        }
        "rms_norm" => {
            let w = weight(request)?;
            rows(&x, w.rank(), |row| row.with(format!("nn.rms_norm({}, {}{eps})", row.text, flat(&w).text)))
        }
        "l2_normalize" => {
            let axis = request.axis(x.rank(), -1)?;
            x.on_axis(axis, |x| x.with(format!("l2_normalize({}{eps})", x.text)))
        }
        "batch_norm" => {
            if request.params["layout"].as_str().is_some_and(|layout| layout == "NHWC") {
                return Err("batch_norm of interleaved images".to_string());
            }
            let (mean, variance) = (input(request, &["mean"])?, input(request, &["var", "variance"])?);
            let (w, b) = (weight(request)?, bias(request)?);
            planes(&x, |x| {
                x.with(format!(
                    "nn.batch_norm({}, {}, {}, {}, {}{eps})",
                    x.text, mean.text, variance.text, w.text, b.text
                ))
            })?
        }
        "group_norm" => {
            let (w, b, groups) = (weight(request)?, bias(request)?, request.int("groups")?);
            planes(&x, |x| x.with(format!("nn.group_norm({}, {groups}, {}, {}{eps})", x.text, w.text, b.text)))?
        }
        "instance_norm" => match (weight(request), bias(request)) {
            (Ok(w), Ok(b)) => {
                let channels = x.dims.get(1).copied().unwrap_or(1);
                planes(&x, |x| x.with(format!("nn.group_norm({}, {channels}, {}, {}{eps})", x.text, w.text, b.text)))?
            }
            _ => planes(&x, |x| x.with(format!("nn.instance_norm({}{eps})", x.text)))?,
        },
        _ => return Err(format!("no function for op {op}")),
    };
    request.program(&["nn"], &result)
}

fn flat(x: &Term) -> Term {
    x.reshape(&[x.dims.iter().product()])
}

/// `f` of the tensor with its last `count` axes as one.
fn rows(x: &Term, count: usize, f: impl FnOnce(&Term) -> Term) -> Term {
    let split = x.rank() - count.min(x.rank());
    let length: usize = x.dims[split..].iter().product();
    let dims: Vec<usize> = x.dims[..split].iter().copied().chain([length]).collect();
    f(&x.reshape(&dims)).reshape(&x.dims)
}

/// `f` of the tensor as planar images: batch, channel, and two axes of whatever follows.
fn planes(x: &Term, f: impl FnOnce(&Term) -> Term) -> Result<Term, String> {
    if x.rank() < 2 {
        return Err(format!("channels of rank {}", x.rank()));
    }
    if x.rank() == 4 {
        return Ok(f(x));
    }
    let rest: usize = x.dims[2..].iter().product();
    Ok(f(&x.reshape(&[x.dims[0], x.dims[1], 1, rest])).reshape(&x.dims))
}
