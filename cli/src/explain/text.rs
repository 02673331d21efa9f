//! A report as text for people.

use super::Report;
use std::fmt::Write;

/// The sections of a report.
pub fn show(report: &Report) -> String {
    let mut out = format!("{}\n", report.signature);
    sizes(report, &mut out);
    stages(report, &mut out);
    work(report, &mut out);
    kernels(report, &mut out);
    checks(report, &mut out);
    memory(report, &mut out);
    out
}

fn sizes(report: &Report, out: &mut String) {
    if !report.sizes.is_empty() {
        title(out, "sizes", "names for long ones");
        table(out, report.sizes.iter().map(|(name, meaning)| vec![format!("{name} ="), meaning.clone()]));
    }
}

fn stages(report: &Report, out: &mut String) {
    let fused = report.stages.iter().filter(|stage| stage.fused).count();
    let note = format!("{fused} fused into their readers, {} stored", report.stages.len() - fused);
    title(out, "stages", &note);
    table(
        out,
        report.stages.iter().map(|stage| {
            let verb = if stage.fused { "fused" } else { "stored" };
            vec![stage.name.clone(), verb.to_string(), stage.why.to_string(), stage.place.clone()]
        }),
    );
}

fn work(report: &Report, out: &mut String) {
    title(out, "work", "estimated; bytes as loads and stores ask for them");
    let head = ["stage", "when", "float ops", "integer ops", "bytes read", "bytes written", ""].map(str::to_string);
    let rows = report.work.iter().map(|work| {
        let mut notes = Vec::new();
        if work.shares_loops {
            notes.push("shares loops with the stage above");
        }
        if work.depends_on_data {
            notes.push("times the length of ranges that data decides");
        }
        let [floats, integers] = work.operations.clone();
        let [read, written] = work.bytes.clone();
        vec![work.name.clone(), work.binding.to_string(), floats, integers, read, written, notes.join("; ")]
    });
    table(out, std::iter::once(head.to_vec()).chain(rows));
}

fn kernels(report: &Report, out: &mut String) {
    let count = |binding: &str| report.kernels.iter().filter(|kernel| kernel.binding == binding).count();
    let calls = count("call");
    let earlier = report.kernels.len() - calls;
    let note = match earlier {
        0 => format!("{calls} at each call"),
        _ => format!("{calls} at each call, {earlier} when sizes are planned"),
    };
    title(out, "kernels", &note);
    table(
        out,
        report.kernels.iter().map(|kernel| {
            let plural = if kernel.loops == 1 { "" } else { "s" };
            let lanes: Vec<String> = kernel.lanes.iter().map(u8::to_string).collect();
            let vector = match (&lanes[..], kernel.loops) {
                ([], 0) => String::new(),
                ([], _) => "scalar".to_string(),
                _ => format!("vector of {} lanes", lanes.join(", ")),
            };
            let loops = format!("{} loop{plural}, {} deep", kernel.loops, kernel.depth);
            vec![kernel.name.clone(), kernel.binding.to_string(), loops, vector, kernel.schedule.clone()]
        }),
    );
}

fn checks(report: &Report, out: &mut String) {
    if report.checks.is_empty() {
        return title(out, "checks", "none: everything that could fail is proved");
    }
    title(out, "checks", &format!("{} stay, since this is not known:", report.checks.len()));
    for check in &report.checks {
        let _ = writeln!(out, "    {}\n        {}: {} ({})", check.what, check.when, check.code, check.place);
    }
    out.push_str(
        "    A `where` of the pipeline moves a fact about sizes to `plan`; an index is proved by its range, `where`, `min`,\n    \
         `max` and `clamp`.\n",
    );
}

fn memory(report: &Report, out: &mut String) {
    let [kept, scratch] = &report.memory;
    title(out, "memory", &format!("bytes kept between calls {kept}, within one {scratch}; without constants"));
    table(
        out,
        report.buffers.iter().map(|buffer| {
            vec![
                buffer.name.clone(),
                buffer.ty.clone(),
                buffer.role.to_string(),
                buffer.kept.to_string(),
                format!("{} bytes", buffer.bytes),
            ]
        }),
    );
}

fn title(out: &mut String, title: &str, note: &str) {
    let _ = writeln!(out, "\n  {title}: {note}");
}

/// Columns as wide as their entries, up to a width that keeps lines readable.
fn table(out: &mut String, rows: impl Iterator<Item = Vec<String>>) {
    const WIDEST: usize = 36;
    let rows: Vec<Vec<String>> = rows.collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count()).max().unwrap_or(0))
        .map(|width| width.min(WIDEST))
        .collect();
    for row in rows {
        let mut line = String::from("   ");
        for (text, width) in row.iter().zip(&widths) {
            let _ = write!(line, " {text:<width$} ");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}
