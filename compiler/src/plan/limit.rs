//! The peak-memory certificate against the limit that the user gave.

use super::bounds::Bounds;
use super::{Arg, Plan};
use crate::diag::{Diagnostic, codes};
use crate::source::SourceMap;
use crate::tensor::Program;

/// What can be addressed at all.
const ADDRESSABLE: u64 = 1 << 32;

/// Refuses a plan whose memory may exceed `limit` bytes, or whose fixed part cannot be addressed.
pub fn check(program: &Program, sources: &SourceMap, plan: &Plan, limit: Option<u64>) -> Option<Diagnostic> {
    let place = |number: usize| program.origins.user_span(program.pipelines[number].origin, sources);
    // The pipeline that needs most is the one to look at.
    let need = |number: usize| {
        let own = &plan.pipelines[number];
        own.ceiling.map_or(u64::MAX, |(persistent, scratch)| persistent + scratch)
    };
    let largest = (0..plan.pipelines.len()).max_by_key(|number| (need(*number), std::cmp::Reverse(*number)))?;
    if plan.arena > ADDRESSABLE {
        let message = format!("the program needs {}, but a module can address 4 GiB", show(plan.arena));
        return Some(Diagnostic::error(codes::MEMORY_LIMIT, place(largest), message));
    }
    let limit = limit?;
    match plan.ceiling {
        Some(bytes) if bytes <= limit => None,
        Some(bytes) => {
            let message = format!("the program may need {}, more than the limit of {}", show(bytes), show(limit));
            let diagnostic = Diagnostic::error(codes::MEMORY_LIMIT, place(largest), message);
            let (persistent, scratch) = plan.pipelines[largest].ceiling?;
            let note =
                format!("this pipeline: {} of tensors that stay, {} of scratch", show(persistent), show(scratch));
            Some(diagnostic.note(note).help("declare smaller bounds of its sizes, or raise --max-memory"))
        }
        None => {
            let number = (0..plan.pipelines.len()).find(|number| plan.pipelines[*number].ceiling.is_none())?;
            let own = &plan.pipelines[number];
            let vars: Vec<_> = own
                .args
                .iter()
                .filter_map(|arg| match arg {
                    Arg::Size { var, .. } => Some(*var),
                    Arg::Scalar { .. } => None,
                })
                .collect();
            let bounds = Bounds::of(&vars, &program.pipelines[number].facts);
            let open: Vec<&str> =
                vars.iter().filter(|var| !bounds.is_bounded(**var)).map(|var| program.names.size(*var)).collect();
            let diagnostic = |message: String| Diagnostic::error(codes::MEMORY_LIMIT, place(number), message);
            Some(if open.is_empty() {
                diagnostic(format!("for the declared bounds the pipeline `{}` may need 4 GiB or more", own.name))
            } else {
                let facts: Vec<String> = open.iter().map(|name| format!("{name} <= 4096")).collect();
                diagnostic(format!("the memory that the pipeline `{}` needs has no bound", own.name))
                    .note(format!("no upper bound is declared for {}", open.join(", ")))
                    .help(format!("where {}", facts.join(", ")))
            })
        }
    }
}

/// Bytes as people write them, never less than they are.
fn show(bytes: u64) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit {
            let tenths = (bytes * 10).div_ceil(unit);
            return if tenths % 10 == 0 {
                format!("{} {name}", tenths / 10)
            } else {
                format!("{}.{} {name}", tenths / 10, tenths % 10)
            };
        }
    }
    format!("{bytes} bytes")
}
