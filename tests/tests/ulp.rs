//! The functions of `std/math.k` are as exact as their documentation says: each against exact values
//! (`ulp/table.txt`, made by `ulp/make.py`), in f32 and f64. The bounds are read from the documentation itself.

use kcc_compiler::pipeline::{self, Options};
use kcc_compiler::source::{Resolved, Resolver};
use kcc_compiler::tensor::{self, eval};
use kcc_compiler::types::{Const, Scalar};
use std::collections::BTreeMap;

const TABLE: &str = include_str!("../ulp/table.txt");

/// One line of the table.
struct Point {
    args: Vec<u64>,
    /// The nearest float's bits; `None` for NaN.
    nearest: Option<u64>,
    /// How far the exact value lies from it, in units in the last place.
    offset: f64,
}

/// The table by function and type.
fn table() -> BTreeMap<(String, Scalar), Vec<Point>> {
    let mut table: BTreeMap<_, Vec<Point>> = BTreeMap::new();
    for line in TABLE.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [name, ty, args @ .., nearest, offset] = fields.as_slice() else { panic!("{line}") };
        let hex = |text: &str| u64::from_str_radix(text, 16).unwrap_or_else(|_| panic!("{line}"));
        let nearest = (*nearest != "nan").then(|| hex(nearest));
        let point = Point { args: args.iter().map(|arg| hex(arg)).collect(), nearest, offset: offset.parse().unwrap() };
        table.entry((name.to_string(), Scalar::from_name(ty).unwrap())).or_default().push(point);
    }
    table
}

/// The bound in the function's documentation: `Within 2 ulp.` or `Within 1 ulp for `f32`, 2 for `f64`.`, or `Exact`.
fn bound(name: &str, ty: Scalar) -> f64 {
    let text = kcc_std::source("math.k").unwrap();
    let end = text.find(&format!("\nfn {name}(")).unwrap_or_else(|| panic!("no function {name}"));
    let doc = text[..end].rsplit("\n\n").next().unwrap();
    if doc.contains("/// Exact ") {
        return 0.0;
    }
    let doc = &doc[doc.find("Within ").unwrap_or_else(|| panic!("{name} states no bound"))..];
    let number = |text: &str| text.split(' ').next().unwrap().parse::<f64>().unwrap();
    let first = number(&doc["Within ".len()..]);
    match doc.split("`f32`, ").nth(1) {
        Some(second) if ty == Scalar::F64 => number(second),
        _ => first,
    }
}

/// Floats as consecutive integers, both zeros the same.
fn ordered(ty: Scalar, bits: u64) -> i64 {
    let sign = if ty == Scalar::F32 { 1 << 31 } else { 1 << 63 };
    if bits & sign == 0 { bits as i64 } else { -((bits ^ sign) as i64) }
}

fn is_nan(ty: Scalar, bits: u64) -> bool {
    let (mask, infinity) = if ty == Scalar::F32 { (0x7fff_ffff, 0x7f80_0000) } else { (u64::MAX >> 1, 0x7ff << 52) };
    bits & mask > infinity
}

/// The error in units in the last place; infinite for a NaN or an exact zero that is not as it should be.
fn error(ty: Scalar, found: u64, point: &Point) -> f64 {
    let Some(nearest) = point.nearest else {
        return if is_nan(ty, found) { 0.0 } else { f64::INFINITY };
    };
    let exact_zero = ordered(ty, nearest) == 0 && point.offset == 0.0;
    if is_nan(ty, found) || exact_zero && found != nearest {
        return f64::INFINITY;
    }
    let away_from_zero = if ordered(ty, nearest) < 0 { -point.offset } else { point.offset };
    let step = if ordered(ty, nearest) < 0 { -1.0 } else { 1.0 };
    ((ordered(ty, found) - ordered(ty, nearest)) as f64 - step * away_from_zero).abs()
}

struct Library {
    root: String,
}

impl Resolver for Library {
    fn source(&self, _from: &str, path: &str) -> Result<Resolved, String> {
        let (text, is_std) = match path.strip_prefix("std/") {
            Some(name) => (kcc_std::source(name).ok_or("no such module")?, true),
            None => (self.root.as_str(), false),
        };
        Ok(Resolved { name: path.to_string(), text: text.to_string(), is_std })
    }

    fn bytes(&self, _from: &str, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("{path}: there are no files here"))
    }
}

/// Pipeline number n applies function number n to whole tensors.
fn compile(functions: &[(&(String, Scalar), usize)], fuse: bool) -> tensor::Program {
    let mut root = String::new();
    for ((name, ty), arity) in functions {
        let (params, element) = if *arity == 1 {
            (format!("x: {ty}[N]"), "x[i]")
        } else {
            (format!("x: {ty}[N], y: {ty}[N]"), "x[i], y[i]")
        };
        root += &format!("pipeline {name}_{ty}({params}) -> {ty}[N] {{\n    for i {{ math.{name}({element}) }}\n}}\n");
    }
    let shown = |rejected: Box<pipeline::Rejected>| -> ! {
        panic!("{}", kcc_compiler::diag::render::render(&rejected.diagnostics, &rejected.sources, false))
    };
    let checked = pipeline::check(&Library { root }, "ulp.k").unwrap_or_else(|rejected| shown(rejected));
    let options = Options { fuse, ..Options::default() };
    pipeline::lower(checked, &options).unwrap_or_else(|rejected| shown(rejected)).program
}

fn check(fuse: bool) {
    let table = table();
    let functions: Vec<_> = table.iter().map(|(key, points)| (key, points[0].args.len())).collect();
    let program = compile(&functions, fuse);
    let mut failures = Vec::new();
    for (number, (key @ (name, ty), arity)) in functions.into_iter().enumerate() {
        let points = &table[key];
        assert!(points.len() > 60, "{name} {ty} has few points");
        let column = |arg: usize| {
            let element = |point: &Point| Const { ty: *ty, bits: point.args[arg] }.to_le_bytes();
            let bytes = points.iter().flat_map(element).collect();
            eval::TensorValue { elem: *ty, dims: vec![points.len() as i64], bytes }
        };
        let inputs: Vec<_> = (0..arity).map(column).collect();
        let result = eval::run(&program, number, &inputs, 1 << 32).unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = result[0].bytes.chunks_exact(ty.bytes() as usize);
        let (bound, mut worst) = (bound(name, *ty), 0.0f64);
        for (point, found) in points.iter().zip(found) {
            let found = Const::from_le_bytes(*ty, found).bits;
            let error = error(*ty, found, point);
            worst = worst.max(error);
            if error > bound {
                let args: Vec<String> = point.args.iter().map(|arg| format!("{arg:x}")).collect();
                failures.push(format!("{name} {ty} ({}) = {found:x}: {error} ulp", args.join(", ")));
            }
        }
        // A bound far above what is reached would hide a loss.
        if worst < bound / 4.0 - 0.01 {
            failures.push(format!("{name} {ty}: the bound {bound} is far above the error {worst}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn stated_bounds_hold() {
    check(false);
}

#[test]
fn stated_bounds_hold_after_fusion() {
    check(true);
}

#[test]
fn the_measure_sees_one_unit() {
    let point = |nearest: f32, offset| Point { args: vec![], nearest: Some(u64::from(nearest.to_bits())), offset };
    let measure = |found: f32, nearest, offset| error(Scalar::F32, u64::from(found.to_bits()), &point(nearest, offset));
    assert_eq!(measure(1.0, 1.0, 0.25), 0.25);
    assert_eq!(measure(1.0 + f32::EPSILON, 1.0, 0.25), 0.75);
    assert_eq!(measure(-1.0 - f32::EPSILON, -1.0, -0.25), 0.75);
    assert_eq!(measure(-0.0, 0.0, 0.0), f64::INFINITY);
    assert_eq!(measure(f32::NAN, 1.0, 0.0), f64::INFINITY);
}
