//! From a status and the error block to a [`CallError`] with message, source line and values.

use crate::check::arg_name;
use crate::error::{CallError, Error, Place};
use crate::value::Value;
use kcc_abi::{ERROR_BLOCK, ERROR_VALUES, Manifest, Pipeline, PlanArg, status};

/// What the status of a call of `pipeline` means; `data` is the memory right after the call.
pub(crate) fn describe(manifest: &Manifest, pipeline: &Pipeline, code: i32, data: &[u8]) -> Error {
    let of_pipeline = |failure: &&kcc_abi::Failure| failure.status == code && failure.pipeline == pipeline.name;
    let failure = manifest
        .failures
        .iter()
        .find(of_pipeline)
        .or_else(|| manifest.failures.iter().find(|failure| failure.status == code));
    let error = match failure {
        Some(failure) if code >= status::FIRST_FAILURE => {
            let values: Vec<Value> = failure
                .values
                .iter()
                .enumerate()
                .map(|(position, elem)| Value::from_bits(elem, slot(data, position)))
                .collect();
            CallError {
                pipeline: pipeline.name.clone(),
                status: code,
                kind: failure.kind.clone(),
                message: fill(&failure.message, &values),
                values,
                place: Some(Place { file: failure.file.clone(), line: failure.line, column: failure.column }),
            }
        }
        _ => of_abi(pipeline, code, data),
    };
    Error::Call(Box::new(error))
}

/// A status that the ABI itself defines, or an unknown one.
fn of_abi(pipeline: &Pipeline, code: i32, data: &[u8]) -> CallError {
    let values = |count: usize| (0..count).map(|position| Value::Int(slot(data, position) as i64)).collect();
    let (kind, message, values): (&str, String, Vec<Value>) = match code {
        status::NOT_PLANNED => ("plan", "it was run before a successful plan".to_string(), Vec::new()),
        status::SIZE_OUT_OF_BOUNDS => {
            let (arg, size, bound) = (slot(data, 0), slot(data, 1) as i64, slot(data, 2) as i64);
            let arg = usize::try_from(arg).ok().and_then(|arg| pipeline.plan_args.get(arg));
            let name = arg.map_or("?", |arg| arg_name(arg).as_str());
            let declared = matches!(arg, Some(PlanArg::Size { max: Some(_), .. }));
            let text = if size < 0 {
                format!("size {name} = {size} is negative")
            } else if declared {
                format!("size {name} = {size} is greater than its declared bound {bound}")
            } else {
                format!("size {name} = {size} is greater than {bound}, the greatest possible")
            };
            ("size", text, values(3))
        }
        status::TOO_LARGE => {
            ("size", "at these sizes a size or the bytes of a tensor would not fit 32 bits".to_string(), Vec::new())
        }
        status::OUT_OF_MEMORY => {
            let pages = slot(data, 0);
            let text = format!("the memory cannot grow to the {pages} pages of 64 KiB that these sizes need");
            ("memory", text, values(1))
        }
        status::SIZE_DIVIDES_BY_ZERO => ("size", "at these sizes a size divides by zero".to_string(), Vec::new()),
        status::NEGATIVE_EXTENT => {
            let extent = slot(data, 0) as i64;
            ("size", format!("at these sizes a tensor would have the extent {extent}"), values(1))
        }
        _ => ("unknown", format!("it returned status {code}, which its manifest does not explain"), Vec::new()),
    };
    CallError { pipeline: pipeline.name.clone(), status: code, kind: kind.to_string(), message, values, place: None }
}

/// The 64 bits in a slot of the error block; 0 if the memory is too small to have one.
fn slot(data: &[u8], position: usize) -> u64 {
    debug_assert!(position < ERROR_VALUES);
    let start = ERROR_BLOCK as usize + 8 * position;
    let bytes = data.get(start..start + 8).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    bytes.map_or(0, u64::from_le_bytes)
}

/// Puts values in the places `{0}`, `{1}` … of a message; other braces stay as they are.
fn fill(message: &str, values: &[Value]) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let after = &rest[open + 1..];
        let close = after.find('}');
        let value = close.and_then(|close| after[..close].parse::<usize>().ok()).and_then(|index| values.get(index));
        match (close, value) {
            (Some(close), Some(value)) => {
                out.push_str(&value.to_string());
                rest = &after[close + 1..];
            }
            _ => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_places_are_filled() {
        let values = [Value::Int(7), Value::F32(0.5)];
        assert_eq!(fill("index {0} of {1}, {2} {x} { {{0}", &values), "index 7 of 0.5, {2} {x} { {7");
        assert_eq!(fill("", &values), "");
        assert_eq!(fill("{99999999999999999999999}", &values), "{99999999999999999999999}");
    }

    #[test]
    fn a_tiny_memory_gives_zeros() {
        assert_eq!(slot(&[], 7), 0);
        assert_eq!(slot(&[1; 24], 0), 0x0101_0101_0101_0101);
    }
}
