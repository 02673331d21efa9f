//! A report as JSON for programs. Sizes are texts, in which the names of `sizes` may stand.

use super::Report;
use serde_json::{Value, json};

/// The report as a value.
pub fn json(report: &Report) -> Value {
    let sizes: serde_json::Map<String, Value> =
        report.sizes.iter().map(|(name, meaning)| (name.clone(), json!(meaning))).collect();
    let stages: Vec<Value> = report
        .stages
        .iter()
        .map(|stage| json!({ "name": stage.name, "fused": stage.fused, "why": stage.why, "place": stage.place }))
        .collect();
    let work: Vec<Value> = report
        .work
        .iter()
        .map(|work| {
            let ([floats, integers], [read, written]) = (&work.operations, &work.bytes);
            json!({
                "stage": work.name,
                "binding": work.binding,
                "float_operations": floats,
                "integer_operations": integers,
                "bytes_read": read,
                "bytes_written": written,
                "depends_on_data": work.depends_on_data,
                "shares_loops": work.shares_loops,
            })
        })
        .collect();
    let kernels: Vec<Value> = report
        .kernels
        .iter()
        .map(|kernel| {
            json!({
                "name": kernel.name,
                "binding": kernel.binding,
                "loops": kernel.loops,
                "depth": kernel.depth,
                "lanes": kernel.lanes,
                "schedule": kernel.schedule,
            })
        })
        .collect();
    let checks: Vec<Value> = report
        .checks
        .iter()
        .map(|check| json!({ "missing": check.what, "code": check.code, "when": check.when, "place": check.place }))
        .collect();
    let buffers: Vec<Value> = report
        .buffers
        .iter()
        .map(|buffer| {
            json!({
                "name": buffer.name,
                "type": buffer.ty,
                "role": buffer.role,
                "kept": buffer.kept,
                "bytes": buffer.bytes,
            })
        })
        .collect();
    json!({
        "pipeline": report.name,
        "signature": report.signature,
        "sizes": sizes,
        "stages": stages,
        "work": work,
        "kernels": kernels,
        "checks": checks,
        "memory": { "between_calls": report.memory[0], "within_a_call": report.memory[1], "buffers": buffers },
    })
}
