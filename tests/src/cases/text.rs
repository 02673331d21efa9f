//! The text of an adapter's program: the pipeline's signature, literals, and the views that bring an axis to where a
//! library function wants it.
//!
//! Everything here knows shapes only. A pipeline is called `run`; its parameters are the case's inputs in order, under
//! their own names where the language allows them.

use super::case::Input;
use kcc_compiler::types::Scalar;
use serde_json::Value;

/// What an adapter may know of a case.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What the operation needs.
    pub params: &'a Value,
    /// Inputs without their values.
    pub inputs: &'a [Input],
}

/// A program, or why there is none.
pub type Answer = Result<String, String>;

/// A tensor-valued expression of the program: its text and type.
#[derive(Clone, Debug)]
pub struct Term {
    /// The text.
    pub text: String,
    /// Element type.
    pub elem: Scalar,
    /// Extents.
    pub dims: Vec<usize>,
}

/// Words that no parameter may have as its name: keywords, and the modules that programs use.
const RESERVED: &[&str] = &[
    "and", "as", "assert", "break", "by", "const", "continue", "dim", "else", "false", "fn", "for", "from", "if",
    "image", "in", "inf", "is", "let", "list", "loop", "model", "nan", "nn", "not", "or", "pil", "pipeline", "return",
    "run", "scan", "state", "static", "struct", "test", "torch", "true", "use", "var", "weights", "where", "while",
];

/// The name of an input in the program.
pub fn name(input: &Input) -> String {
    if RESERVED.contains(&input.name.as_str()) { format!("{}_", input.name) } else { input.name.clone() }
}

impl Request<'_> {
    /// Input number `at`, or a sentence that it is missing.
    pub fn input(&self, at: usize) -> Result<Term, String> {
        let input = self.inputs.get(at).ok_or_else(|| format!("fewer than {} inputs", at + 1))?;
        Ok(Term { text: name(input), elem: input.elem, dims: input.dims.clone() })
    }

    /// The input with this name.
    pub fn named(&self, wanted: &str) -> Option<Term> {
        let input = self.inputs.iter().find(|input| input.name == wanted)?;
        Some(Term { text: name(input), elem: input.elem, dims: input.dims.clone() })
    }

    /// A parameter that is text.
    pub fn text(&self, key: &str) -> Result<&str, String> {
        self.params[key].as_str().ok_or_else(|| format!("no parameter {key}"))
    }

    /// A parameter that is a whole number.
    pub fn int(&self, key: &str) -> Result<i64, String> {
        self.params[key].as_i64().ok_or_else(|| format!("no whole number {key}"))
    }

    /// A parameter that is a list of whole numbers; a single number is a list of one.
    pub fn ints(&self, key: &str) -> Result<Vec<i64>, String> {
        let value = &self.params[key];
        if let Some(single) = value.as_i64() {
            return Ok(vec![single]);
        }
        let list = value.as_array().ok_or_else(|| format!("no list {key}"))?;
        list.iter().map(|item| item.as_i64().ok_or_else(|| format!("{key} is not a list of whole numbers"))).collect()
    }

    /// A parameter that is a number, as a float literal.
    pub fn float(&self, key: &str) -> Result<String, String> {
        self.params[key].as_f64().map(float).ok_or_else(|| format!("no number {key}"))
    }

    /// A parameter that is a list of numbers, as a literal table.
    pub fn table(&self, key: &str) -> Result<String, String> {
        let list = self.params[key].as_array().ok_or_else(|| format!("no list {key}"))?;
        let items: Option<Vec<String>> = list.iter().map(|item| item.as_f64().map(float)).collect();
        items.map(|items| format!("[{}]", items.join(", "))).ok_or_else(|| format!("{key} is not a list of numbers"))
    }

    /// `, key: value` for each of these parameters that the case has, as `name` in the library.
    pub fn options(&self, keys: &[(&str, &str)]) -> String {
        keys.iter()
            .filter_map(|(key, name)| self.params[*key].as_f64().map(|value| format!(", {name}: {}", float(value))))
            .collect()
    }

    /// Parameter `axis` as a position in this rank; `default` where the case has none.
    pub fn axis(&self, rank: usize, default: i64) -> Result<usize, String> {
        let axis = if self.params["axis"].is_null() { default } else { self.int("axis")? };
        position(axis, rank)
    }

    /// The whole program: these modules, the inputs as parameters with fixed shapes, one result.
    pub fn program(&self, modules: &[&str], result: &Term) -> Answer {
        Ok(self.program_of(modules, &ty(result), &result.text))
    }

    /// The whole program with a result type and a body of one's own.
    pub fn program_of(&self, modules: &[&str], result: &str, body: &str) -> String {
        let params: Vec<String> =
            self.inputs.iter().map(|input| format!("{}: {}", name(input), ty_of(input.elem, &input.dims))).collect();
        pipeline(modules, &params.join(", "), result, "", body)
    }
}

/// A pipeline `run` with the modules that it uses.
pub fn pipeline(modules: &[&str], params: &str, result: &str, facts: &str, body: &str) -> String {
    let uses: String = modules.iter().map(|module| format!("use std.{module}\n")).collect();
    let gap = if uses.is_empty() { "" } else { "\n" };
    let facts = if facts.is_empty() { String::new() } else { format!(" where {facts}") };
    let body = body.replace('\n', "\n    ");
    format!("{uses}{gap}pipeline run({params}) -> {result}{facts} {{\n    {body}\n}}\n")
}

/// An axis as a position, counting from the end if it is negative.
pub fn position(axis: i64, rank: usize) -> Result<usize, String> {
    let rank = rank as i64;
    let at = if axis < 0 { axis + rank } else { axis };
    if (0..rank).contains(&at) { Ok(at as usize) } else { Err(format!("axis {axis} of rank {rank}")) }
}

/// A type as written.
pub fn ty(term: &Term) -> String {
    ty_of(term.elem, &term.dims)
}

/// A type as written.
pub fn ty_of(elem: Scalar, dims: &[usize]) -> String {
    if dims.is_empty() { elem.to_string() } else { format!("{elem}[{}]", list(dims)) }
}

/// Numbers with commas between.
pub fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// A float literal.
pub fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_string();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_string();
    }
    let text = format!("{value:?}");
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => text,
    }
}

impl Term {
    /// An expression with the same type and other text.
    pub fn with(&self, text: String) -> Term {
        Term { text, ..self.clone() }
    }

    /// Rank.
    pub fn rank(&self) -> usize {
        self.dims.len()
    }

    /// The axes in this order; nothing is written where the order stays.
    pub fn transpose(&self, perm: &[usize]) -> Term {
        if perm.iter().enumerate().all(|(at, axis)| at == *axis) {
            return self.clone();
        }
        let dims = perm.iter().map(|axis| self.dims[*axis]).collect();
        Term { text: format!("transpose({}, {})", self.text, list(perm)), elem: self.elem, dims }
    }

    /// The same elements in another shape; nothing is written where the shape stays.
    pub fn reshape(&self, dims: &[usize]) -> Term {
        if self.dims == dims {
            return self.clone();
        }
        let text = match dims {
            [] => format!("{}[{}]", self.text, vec!["0"; self.rank()].join(", ")),
            [_] if self.rank() > 0 => format!("flatten({})", self.text),
            _ => format!("reshape({}, {})", self.text, list(dims)),
        };
        Term { text, elem: self.elem, dims: dims.to_vec() }
    }

    /// `f` of the expression with this axis brought to the end, and the axis brought back where it was.
    pub fn on_axis(&self, axis: usize, f: impl FnOnce(&Term) -> Term) -> Term {
        let rank = self.rank();
        let to: Vec<usize> = (0..rank).filter(|at| *at != axis).chain([axis]).collect();
        let mut back: Vec<usize> = (0..rank - 1).collect();
        back.insert(axis, rank - 1);
        f(&self.transpose(&to)).transpose(&back)
    }

    /// The expression stretched along axes of extent 1 and given the missing leading axes.
    pub fn expand(&self, dims: &[usize]) -> Term {
        let missing = dims.len() - self.rank();
        let full: Vec<usize> = vec![1; missing].into_iter().chain(self.dims.iter().copied()).collect();
        let mut term = self.reshape(&full);
        for (axis, extent) in dims.iter().enumerate() {
            if term.dims[axis] != *extent {
                term = term.on_axis(axis, |x| {
                    let mut stretched = x.dims.clone();
                    stretched[dims.len() - 1] = *extent;
                    Term { text: format!("tile({}, {extent})", x.text), elem: x.elem, dims: stretched }
                });
            }
        }
        term
    }
}

/// The shape that operands of these shapes broadcast to.
pub fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let rank = a.len().max(b.len());
    let at = |dims: &[usize], axis: usize| if axis + dims.len() < rank { 1 } else { dims[axis + dims.len() - rank] };
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (x, y) if x == y => Ok(x),
            (1, y) => Ok(y),
            (x, 1) => Ok(x),
            _ => Err(format!("shapes {a:?} and {b:?} do not broadcast")),
        })
        .collect()
}
