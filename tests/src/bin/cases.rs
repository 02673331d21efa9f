//! Runs the reference cases of a folder: adapts each to a `.k` program, compiles, runs, compares.
//!
//! Exit codes: 0 if no case failed, 1 if one did, 2 if the folder or an argument is wrong.

use clap::Parser;
use kcc_tests::cases::case::{Case, index, read_case};
use kcc_tests::cases::run::{Outcome, program, run};
use kcc_tests::engines::Engine;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs every case of a folder of reference cases and compares within the case's own tolerance.
#[derive(Parser)]
#[command(name = "cases")]
struct Arguments {
    /// The folder that holds index.json.
    folder: PathBuf,
    /// Only cases of this kind; may be given several times.
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// On which engine: unfused, eval, scalar or simd128; may be given several times.
    #[arg(long, value_name = "ENGINE", value_parser = engine, default_value = "simd128")]
    engine: Vec<Engine>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    json: bool,
    /// Print the program of this case and stop.
    #[arg(long, value_name = "ID")]
    print: Option<String>,
}

fn engine(name: &str) -> Result<Engine, String> {
    Engine::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Engine::ALL.iter().map(|engine| engine.name()).collect();
        format!("engines are {}", known.join(", "))
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let cases = match load(&arguments) {
        Ok(cases) => cases,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    match &arguments.print {
        Some(id) => print(&cases, id),
        None => run_all(&cases, &arguments),
    }
}

fn load(arguments: &Arguments) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for (kind, path) in index(&arguments.folder)? {
        if arguments.kind.is_empty() || arguments.kind.contains(&kind) {
            cases.push(read_case(&arguments.folder, &path)?);
        }
    }
    for kind in &arguments.kind {
        if !cases.iter().any(|case| case.kind == *kind) {
            return Err(format!("{}: no case of kind {kind}", arguments.folder.display()));
        }
    }
    Ok(cases)
}

fn print(cases: &[Case], id: &str) -> ExitCode {
    let Some(case) = cases.iter().find(|case| case.id == id) else {
        eprintln!("no case {id}");
        return ExitCode::from(2);
    };
    match program(case) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("{id} is unsupported: {reason}");
            ExitCode::from(1)
        }
    }
}

fn run_all(cases: &[Case], arguments: &Arguments) -> ExitCode {
    let (mut passed, mut failed) = (0, 0);
    let mut unsupported: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut entries = Vec::new();
    for case in cases {
        let outcome = run(case, &arguments.engine);
        let (status, details) = match &outcome {
            Outcome::Passed => {
                passed += 1;
                ("passed", Vec::new())
            }
            Outcome::Failed(complaints) => {
                failed += 1;
                ("failed", complaints.clone())
            }
            Outcome::Unsupported(reason) => {
                *unsupported.entry((case.kind.as_str(), reason.clone())).or_default() += 1;
                ("unsupported", vec![reason.clone()])
            }
        };
        if arguments.json {
            entries.push(json!({ "id": case.id, "kind": case.kind, "status": status, "details": details }));
        } else if status == "failed" {
            for complaint in &details {
                println!("FAIL {}: {complaint}", case.id);
            }
        }
    }
    let skipped: usize = unsupported.values().sum();
    if arguments.json {
        let engines: Vec<&str> = arguments.engine.iter().map(|engine| engine.name()).collect();
        let document = json!({
            "engines": engines, "passed": passed, "failed": failed, "unsupported": skipped, "cases": entries,
        });
        println!("{document:#}");
    } else {
        for ((kind, reason), count) in &unsupported {
            println!("unsupported {kind} ({count}): {reason}");
        }
        println!("{passed} passed, {failed} failed, {skipped} unsupported");
    }
    if failed > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS }
}
