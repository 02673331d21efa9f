//! Kinds `matmul` and `einsum`.

use crate::cases::text::{Answer, Request, Term, broadcast, list, name};
use kcc_compiler::types::Scalar;

pub(super) fn matmul(request: &Request<'_>) -> Answer {
    let (a, b) = (request.input(0)?, request.input(1)?);
    match request.text("op")? {
        "matmul" => product(request, &a, &b),
        "linear" => {
            let bias = request.input(2)?;
            let mut dims = a.dims.clone();
            let outputs = b.dims.first().copied().ok_or("a weight of rank 0")?;
            *dims.last_mut().ok_or("an input of rank 0")? = outputs;
            let text = format!("nn.linear({}, {}, {})", a.text, b.text, bias.text);
            request.program(&["nn"], &Term { text, elem: a.elem, dims })
        }
        "matmul_integer" => {
            let zero = |key: &str| request.params[key].as_i64().unwrap_or(0);
            let text = format!(
                "nn.matmul_integer({}, {}, {}, {})",
                a.text,
                b.text,
                zero("a_zero_point"),
                zero("b_zero_point")
            );
            let ([m, _], [_, n]) = (a.dims.as_slice(), b.dims.as_slice()) else {
                return Err("integer products of batches".to_string());
            };
            request.program(&["nn"], &Term { text, elem: Scalar::I32, dims: vec![*m, *n] })
        }
        op => Err(format!("no function for op {op}")),
    }
}

/// numpy's `matmul`: vectors, matrices, and batches that broadcast.
fn product(request: &Request<'_>, a: &Term, b: &Term) -> Answer {
    let (function, dims) = match (a.dims.as_slice(), b.dims.as_slice()) {
        ([_], [_]) => ("dot", Vec::new()),
        ([batch @ .., m, _], [_]) => ("matvec", [batch, &[*m]].concat()),
        ([_], [.., k, n]) => {
            let row = a.reshape(&[1, *k]);
            let (outer, mut last) = (&b.dims[..b.rank() - 2], vec![1, *n]);
            let whole: Vec<usize> = outer.iter().copied().chain(last.drain(..)).collect();
            let text = format!("matmul({}, {})", row.text, b.text);
            let flat: Vec<usize> = outer.iter().copied().chain([*n]).collect();
            return request.program(&[], &Term { text, elem: a.elem, dims: whole }.reshape(&flat));
        }
        ([outer_a @ .., m, k], [outer_b @ .., _, n]) => {
            let outer = broadcast(outer_a, outer_b)?;
            let dims: Vec<usize> = outer.iter().copied().chain([*m, *n]).collect();
            // Equal leading axes are lifted over, missing ones are shared; only others are stretched.
            let fit = |x: &Term, own: &[usize], last: [usize; 2]| {
                if own == outer {
                    x.clone()
                } else if own.iter().all(|extent| *extent == 1) {
                    x.reshape(&last)
                } else {
                    x.expand(&outer.iter().copied().chain(last).collect::<Vec<_>>())
                }
            };
            let (a, b) = (fit(a, outer_a, [*m, *k]), fit(b, outer_b, [*k, *n]));
            let text = format!("matmul({}, {})", a.text, b.text);
            return request.program(&[], &Term { text, elem: a.elem, dims });
        }
        _ => return Err("a product with a scalar".to_string()),
    };
    request.program(&[], &Term { text: format!("{function}({}, {})", a.text, b.text), elem: a.elem, dims })
}

/// One comprehension over the letters of the result, one sum over the others.
pub(super) fn einsum(request: &Request<'_>) -> Answer {
    let equation: String = request.text("equation")?.chars().filter(|c| !c.is_whitespace()).collect();
    if equation.contains('.') {
        return Err("an ellipsis in the equation".to_string());
    }
    let (left, output) = match equation.split_once("->") {
        Some((left, output)) => (left.to_string(), output.to_string()),
        None => (equation.clone(), implicit_output(&equation)),
    };
    let operands: Vec<&str> = left.split(',').collect();
    if operands.len() != request.inputs.len() {
        return Err(format!("equation {equation} for {} inputs", request.inputs.len()));
    }
    let names: Vec<String> = request.inputs.iter().map(name).collect();
    let index = |letter: char| {
        let plain = letter.to_string();
        if names.contains(&plain) { format!("{plain}_") } else { plain }
    };
    let mut factors = Vec::new();
    for ((letters, input), name) in operands.iter().zip(request.inputs).zip(&names) {
        if letters.chars().count() != input.dims.len() {
            return Err(format!("operand {letters} of rank {}", input.dims.len()));
        }
        let indices: Vec<String> = letters.chars().map(index).collect();
        factors.push(if indices.is_empty() { name.clone() } else { format!("{name}[{}]", list(&indices)) });
    }
    let extent = |letter: char| {
        operands
            .iter()
            .zip(request.inputs)
            .find_map(|(letters, input)| letters.chars().position(|own| own == letter).map(|at| input.dims[at]))
    };
    let dims: Option<Vec<usize>> = output.chars().map(extent).collect();
    let dims = dims.ok_or_else(|| format!("equation {equation} names an axis that no operand has"))?;
    let mut summed: Vec<char> = left.chars().filter(|c| *c != ',' && !output.contains(*c)).collect();
    let mut seen = Vec::new();
    summed.retain(|letter| {
        !seen.contains(letter) && {
            seen.push(*letter);
            true
        }
    });
    let over = |letters: &[char]| list(&letters.iter().map(|letter| index(*letter)).collect::<Vec<_>>());
    let mut text = factors.join(" * ");
    if !summed.is_empty() {
        text = format!("sum {} {{ {text} }}", over(&summed));
    }
    let free: Vec<char> = output.chars().collect();
    if !free.is_empty() {
        text = format!("for {} {{ {text} }}", over(&free));
    }
    let elem = request.inputs[0].elem;
    request.program(&[], &Term { text, elem, dims })
}

/// Without an arrow: the letters that occur once, in alphabetical order.
fn implicit_output(equation: &str) -> String {
    let mut letters: Vec<char> = equation.chars().filter(|c| *c != ',').collect();
    letters.sort_unstable();
    let once = |letter: char| letters.iter().filter(|own| **own == letter).count() == 1;
    letters.iter().copied().filter(|letter| once(*letter)).collect()
}
