//! Running a case: program, inputs, engines, comparison.

use super::adapters;
use super::case::Case;
use super::compare::compare;
use super::text::Request;
use crate::array::{Array, read_npy};
use crate::engines::{Engine, prepare};

/// What became of a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Every result was acceptable on every engine.
    Passed,
    /// One sentence for each complaint, with engine and result.
    Failed(Vec<String>),
    /// Why there is no program for it.
    Unsupported(String),
}

/// The program that a case's adapter writes.
///
/// # Errors
/// Why there is none.
pub fn program(case: &Case) -> Result<String, String> {
    adapters::program(&case.kind, &Request { params: &case.params, inputs: &case.inputs })
}

/// Runs a case on these engines.
pub fn run(case: &Case, engines: &[Engine]) -> Outcome {
    let text = match program(case) {
        Ok(text) => text,
        Err(reason) => return Outcome::Unsupported(reason),
    };
    let inputs: Result<Vec<Array>, String> = case.inputs.iter().map(|input| input.read()).collect();
    let inputs = match inputs {
        Ok(inputs) => inputs,
        Err(why) => return Outcome::Failed(vec![why]),
    };
    let mut complaints = Vec::new();
    for engine in engines {
        let found = match prepare(&text, *engine, false).and_then(|prepared| prepared.run(0, &inputs)) {
            Ok(results) => judge(case, &results),
            Err(why) => vec![why],
        };
        complaints.extend(found.into_iter().map(|complaint| format!("{}: {complaint}", engine.name())));
    }
    if complaints.is_empty() { Outcome::Passed } else { Outcome::Failed(complaints) }
}

/// Compares results with what the case expects; a single result stands for a single expected array whatever its name.
pub fn judge(case: &Case, results: &[(String, Array)]) -> Vec<String> {
    let wanted: Result<Vec<(String, Array)>, String> =
        case.expected.iter().map(|expected| Ok((expected.name.clone(), read_npy(&expected.file)?))).collect();
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(why) => return vec![why],
    };
    fn named<'a>(arrays: &'a [(String, Array)], name: &str) -> Option<&'a Array> {
        arrays.iter().find(|(own, _)| own == name).map(|(_, array)| array)
    }
    if wanted.is_empty() {
        return vec!["the case expects nothing".to_string()];
    }
    let mut complaints = Vec::new();
    for (expected, (name, want)) in case.expected.iter().zip(&wanted) {
        let got = match (results, wanted.len()) {
            ([(_, only)], 1) => Some(only),
            _ => named(results, name),
        };
        let complaint = match got {
            Some(got) => compare(got, want, &expected.tolerance, &|n| named(results, n), &|n| named(&wanted, n)),
            None => Some("the program has no such result".to_string()),
        };
        complaints.extend(complaint.map(|complaint| format!("{name}: {complaint}")));
    }
    complaints
}
