//! Every program of `tests/corpus/runs` on every engine: the stated results, and the same bits everywhere.

use kcc_compiler::tensor::{self, Binding, Stmt};
use kcc_tests::array::{Array, same_bits};
use kcc_tests::corpus::{Call, Expected, Run, read};
use kcc_tests::engines::{self, Engine, Prepared, prepare, schedules};
use kcc_tests::structure;
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;

fn main() {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/runs");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "k"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus is empty");
    let trials = files
        .into_iter()
        .map(|path| {
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            Trial::test(format!("runs/{name}"), move || file(&path))
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn file(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    let run = read(&text)?;
    let mut complaints = Vec::new();
    let mut prepared = Vec::new();
    for engine in Engine::ALL {
        match prepare(&text, engine, false) {
            Ok(program) => prepared.push((engine, program)),
            Err(why) => complaints.push(format!("{}: {why}", engine.name())),
        }
    }
    for call in &run.calls {
        let mut first = None;
        for (engine, program) in &prepared {
            for complaint in one(call, program, &mut first) {
                complaints.push(format!("{} of {}: {complaint}", engine.name(), call.pipeline));
            }
        }
    }
    for (engine, program) in &prepared {
        if let (Engine::Eval, Prepared::Tensor(program)) = (engine, program) {
            complaints.extend(structure(&run, program, &text));
        }
    }
    complaints.extend(scheduled(&run, &text)?);
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}

/// What is wrong with the schedules of kernels that the file names.
fn scheduled(run: &Run, text: &str) -> Result<Vec<String>, String> {
    if run.schedules.is_empty() {
        return Ok(Vec::new());
    }
    let found = schedules(text)?;
    let complain = |(kernel, wanted): &(String, String)| match found.iter().find(|(name, _)| name == kernel) {
        None => Some(format!("there is no kernel {kernel}")),
        Some((_, got)) => (got != wanted).then(|| format!("{kernel}: {got}, the file says {wanted}")),
    };
    Ok(run.schedules.iter().filter_map(complain).collect())
}

/// One call on one engine; `first` holds the results of the first engine.
fn one(call: &Call, program: &Prepared, first: &mut Option<Vec<(String, Array)>>) -> Vec<String> {
    let Some(number) = program.pipelines().iter().position(|name| *name == call.pipeline) else {
        return vec!["there is no such pipeline".to_string()];
    };
    let inputs: Vec<Array> = call.inputs.iter().map(|(_, array)| array.clone()).collect();
    let results = match (program.run(number, &inputs), &call.fails) {
        (Ok(results), None) => results,
        (Ok(_), Some(message)) => return vec![format!("it must fail with `{message}`")],
        (Err(why), Some(message)) if why.contains(message.as_str()) => return Vec::new(),
        (Err(why), _) => return vec![why],
    };
    let mut complaints = Vec::new();
    if results.len() != call.outputs.len() {
        complaints.push(format!("{} results, the file names {}", results.len(), call.outputs.len()));
    }
    for ((name, got), (wanted_name, wanted)) in results.iter().zip(&call.outputs) {
        let fits = match wanted {
            Expected::Values(want) => same_bits(got, want),
            Expected::Shape(elem, dims) => got.elem == *elem && got.dims == *dims,
        };
        if name != wanted_name || !fits {
            let shown: Vec<String> = got.values().take(24).map(|value| value.to_string()).collect();
            complaints.push(format!("{name}: {}{:?} = {}", got.elem, got.dims, shown.join(" ")));
        }
    }
    match first {
        None => *first = Some(results),
        Some(first) => {
            let differing = results.iter().zip(first.iter()).filter(|((_, a), (_, b))| !same_bits(a, b));
            complaints.extend(differing.map(|((name, _), _)| format!("{name}: other bits than on the first engine")));
        }
    }
    complaints
}

/// What the fused program must look like.
fn structure(run: &Run, program: &tensor::Program, text: &str) -> Vec<String> {
    if run.structure.is_empty() {
        return Vec::new();
    }
    let built = match engines::built(text) {
        Ok(built) => built,
        Err(why) => return vec![why],
    };
    let stmts = || program.pipelines.iter().flat_map(|pipeline| &pipeline.body.stmts);
    let stages =
        |when: Binding| stmts().filter(|stmt| matches!(stmt, Stmt::Stage(stage) if stage.binding == when)).count();
    let mut complaints = Vec::new();
    for (what, wanted) in &run.structure {
        let found = match what.as_str() {
            "call stages" => stages(Binding::Call),
            "plan stages" => stages(Binding::Plan),
            "checks" => stmts().filter(|stmt| matches!(stmt, Stmt::Check(_))).count(),
            other => match structure::count(&built, other) {
                Some(found) => found,
                None => {
                    complaints.push(format!("`{other}` is no count"));
                    continue;
                }
            },
        };
        if found != *wanted {
            complaints.push(format!("{what} = {found}, the file says {wanted}"));
        }
    }
    complaints
}
