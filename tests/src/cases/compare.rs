//! Comparing a result with what a case expects, by the case's own tolerance.
//!
//! The modes are those of the cases' README. Each gives `None` when the result is acceptable, otherwise a sentence with
//! the largest difference and its place. Results that pair with another array of the case (`paired_with_boxes`) get it
//! by name.

use crate::array::{Array, to_f64};
use kcc_compiler::types::Const;
use serde_json::Value;

/// The arrays of a case by name.
pub type Named<'a> = &'a dyn Fn(&str) -> Option<&'a Array>;

/// Compares a result with the expected array; `results` and `wanted` give the case's other arrays.
pub fn compare(got: &Array, want: &Array, tol: &Value, results: Named<'_>, wanted: Named<'_>) -> Option<String> {
    if got.elem != want.elem {
        return Some(format!("element type {}, want {}", got.elem, want.elem));
    }
    let mode = tol["mode"].as_str().unwrap_or("");
    if matches!(mode, "rows_unordered" | "boxes_unordered" | "paired_with_boxes") {
        return unordered(got, want, mode, tol, results, wanted);
    }
    if got.dims != want.dims {
        return Some(format!("shape {:?}, want {:?}", got.dims, want.dims));
    }
    if mode == "labels" {
        return labels(got, want);
    }
    if want.is_empty() {
        return None;
    }
    match mode {
        "exact" => exact(got, want),
        "frac_equal" => frac_equal(got, want, tol),
        "levels" => levels(got, want, tol),
        "allclose" | "allclose_frac" => close(got, want, mode, tol),
        _ => Some(format!("unknown tolerance mode {mode:?}")),
    }
}

fn number(tol: &Value, key: &str) -> f64 {
    tol[key].as_f64().unwrap_or(0.0)
}

fn same(a: Const, b: Const) -> bool {
    if a.ty.is_float() {
        let (a, b) = (to_f64(a), to_f64(b));
        a == b || (a.is_nan() && b.is_nan())
    } else {
        a == b
    }
}

/// The difference of two elements; infinite where only one is finite or a number, 0 where both are the same.
fn difference(a: Const, b: Const) -> f64 {
    if same(a, b) {
        return 0.0;
    }
    let difference = (to_f64(a) - to_f64(b)).abs();
    if difference.is_nan() { f64::INFINITY } else { difference }
}

fn differences(got: &Array, want: &Array) -> Vec<f64> {
    got.values().zip(want.values()).map(|(a, b)| difference(a, b)).collect()
}

/// A sentence about the largest difference.
fn worst(got: &Array, want: &Array, differences: &[f64]) -> String {
    let mut at = 0;
    for (position, difference) in differences.iter().enumerate() {
        if *difference > differences[at] {
            at = position;
        }
    }
    let (a, b) = (got.values().nth(at), want.values().nth(at));
    match (a, b) {
        (Some(a), Some(b)) => {
            format!("largest difference {:.4e} at {:?}: got {a}, want {b}", differences[at], want.place(at))
        }
        _ => "nothing to compare".to_string(),
    }
}

fn exact(got: &Array, want: &Array) -> Option<String> {
    let equal: Vec<bool> = got.values().zip(want.values()).map(|(a, b)| same(a, b)).collect();
    let wrong = equal.iter().filter(|equal| !**equal).count();
    if wrong == 0 {
        return None;
    }
    Some(format!("{wrong} of {} elements differ, {}", want.len(), worst(got, want, &differences(got, want))))
}

fn frac_equal(got: &Array, want: &Array, tol: &Value) -> Option<String> {
    let equal = got.values().zip(want.values()).filter(|(a, b)| same(*a, *b)).count();
    let share = equal as f64 / want.len() as f64;
    (share < number(tol, "min_frac"))
        .then(|| format!("only {share:.4} equal, {}", worst(got, want, &differences(got, want))))
}

fn levels(got: &Array, want: &Array, tol: &Value) -> Option<String> {
    let d = differences(got, want);
    let most = d.iter().copied().fold(0.0, f64::max);
    let share = d.iter().filter(|d| **d > 0.0).count() as f64 / d.len() as f64;
    let mean = d.iter().sum::<f64>() / d.len() as f64;
    let fine = most <= number(tol, "max_abs") && share <= number(tol, "max_frac") && mean <= number(tol, "max_mean");
    (!fine).then(|| format!("differing {share:.4}, mean {mean:.4e}, {}", worst(got, want, &d)))
}

fn close(got: &Array, want: &Array, mode: &str, tol: &Value) -> Option<String> {
    let d = differences(got, want);
    // NaN and infinities must stand in the same places, where `difference` is 0; elsewhere it is then infinite.
    let finite: Vec<(f64, f64)> = d
        .iter()
        .zip(want.values())
        .map(|(d, want)| (*d, to_f64(want)))
        .filter(|(d, want)| want.is_finite() || d.is_infinite())
        .collect();
    if finite.is_empty() {
        return None;
    }
    if d.iter().any(|d| d.is_infinite()) {
        return Some(format!("NaN or infinity in other places, {}", worst(got, want, &d)));
    }
    let count = finite.len() as f64;
    if mode == "allclose_frac" {
        let most = finite.iter().map(|(d, _)| *d).fold(0.0, f64::max);
        let share = finite.iter().filter(|(d, _)| *d > 1e-5).count() as f64 / count;
        let fine = most <= number(tol, "atol") && share <= number(tol, "frac_over_1e-5");
        return (!fine).then(|| format!("over 1e-5: {share:.4}, {}", worst(got, want, &d)));
    }
    let (atol, rtol) = (number(tol, "atol"), number(tol, "rtol"));
    let beyond = finite.iter().filter(|(d, want)| *d > atol + rtol * want.abs()).count();
    if beyond > 0 {
        return Some(format!("{beyond} of {count} beyond tolerance, {}", worst(got, want, &d)));
    }
    let mean = finite.iter().map(|(d, _)| d).sum::<f64>() / count;
    let limit = tol["mean_atol"].as_f64()?;
    (mean > limit).then(|| format!("mean difference {mean:.4e}, {}", worst(got, want, &d)))
}

/// Equal up to a renumbering that keeps 0.
fn labels(got: &Array, want: &Array) -> Option<String> {
    let mut pairs: Vec<(Const, Const)> = got.values().zip(want.values()).collect();
    pairs.sort();
    pairs.dedup();
    let distinct = |side: fn(&(Const, Const)) -> Const| {
        let mut side: Vec<Const> = pairs.iter().map(side).collect();
        side.sort();
        side.dedup();
        side.len()
    };
    let one_to_one = distinct(|pair| pair.0) == pairs.len() && distinct(|pair| pair.1) == pairs.len();
    let keeps_zero = pairs.iter().all(|(a, b)| (to_f64(*a) == 0.0) == (to_f64(*b) == 0.0));
    (!one_to_one || !keeps_zero).then(|| "not the same partition".to_string())
}

fn rows(array: &Array) -> Vec<Vec<f64>> {
    let width = array.dims.iter().skip(1).product::<usize>();
    let values: Vec<f64> = array.values().map(to_f64).collect();
    if width == 0 {
        vec![Vec::new(); array.dims.first().copied().unwrap_or(0)]
    } else {
        values.chunks(width).map(<[f64]>::to_vec).collect()
    }
}

fn unordered(
    got: &Array,
    want: &Array,
    mode: &str,
    tol: &Value,
    results: Named<'_>,
    wanted: Named<'_>,
) -> Option<String> {
    let (a, b) = (got.dims.first().copied(), want.dims.first().copied());
    if a != b {
        return Some(format!("{} rows, want {}", a.unwrap_or(0), b.unwrap_or(0)));
    }
    if b == Some(0) {
        return None;
    }
    match mode {
        "rows_unordered" => {
            let sorted = |array: &Array| {
                let mut rows = rows(array);
                rows.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
                rows
            };
            (sorted(got) != sorted(want)).then(|| "rows differ".to_string())
        }
        "boxes_unordered" => {
            let (_, worst) = match_boxes(&rows(got), &rows(want));
            (worst > number(tol, "max_abs")).then(|| format!("a corner is {worst:.4e} off"))
        }
        _ => {
            let (Some(boxes), Some(wanted_boxes)) = (results("boxes"), wanted("boxes")) else {
                return Some("no boxes to pair with".to_string());
            };
            let (pairs, _) = match_boxes(&rows(boxes), &rows(wanted_boxes));
            let (a, b): (Vec<Const>, Vec<Const>) = (got.values().collect(), want.values().collect());
            if pairs.len() != b.len() {
                return Some("not as many boxes as scores".to_string());
            }
            let worst = pairs.iter().map(|(i, j)| difference(a[*i], b[*j])).fold(0.0, f64::max);
            (worst > number(tol, "atol")).then(|| format!("a score is {worst:.4e} off"))
        }
    }
}

/// Greedy one-to-one match by largest corner distance; the pairs and the worst distance.
fn match_boxes(got: &[Vec<f64>], want: &[Vec<f64>]) -> (Vec<(usize, usize)>, f64) {
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let mut free: Vec<(f64, usize, usize)> = Vec::new();
    for (i, a) in got.iter().enumerate() {
        for (j, b) in want.iter().enumerate() {
            let d = distance(a, b);
            free.push((if d.is_nan() || a.len() != b.len() { f64::INFINITY } else { d }, i, j));
        }
    }
    free.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    let (mut pairs, mut worst) = (Vec::new(), 0.0f64);
    while let Some((d, i, j)) = free.first().copied() {
        worst = worst.max(d);
        pairs.push((i, j));
        free.retain(|(_, a, b)| *a != i && *b != j);
    }
    (pairs, worst)
}
