//! The examples in the documentation: those of the standard library run as tests, those in Markdown files are compiled
//! and their tests run, on every engine.

use kcc_tests::engines::{Engine, prepare};
use kcc_tests::examples::{Example, in_markdown, in_module};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};

fn main() {
    let arguments = Arguments::from_args();
    let mut examples: Vec<Example> = kcc_std::modules().iter().flat_map(|(path, text)| in_module(path, text)).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for path in documents(&root) {
        let text = std::fs::read_to_string(root.join(&path)).expect("a readable document");
        examples.extend(in_markdown(&path.to_string_lossy(), &text));
    }
    let trials = examples.into_iter().map(|example| Trial::test(example.name.clone(), move || run(&example))).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// README.md and all of docs, relative to the root.
fn documents(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        ["README.md"].into_iter().map(PathBuf::from).filter(|path| root.join(path).exists()).collect();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries.flatten() {
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Compiles the example and runs its tests, which have no inputs.
fn run(example: &Example) -> Result<(), Failed> {
    for engine in Engine::ALL {
        let prepared = prepare(&example.program, engine, true).map_err(|why| format!("{}: {why}", engine.name()))?;
        for (number, name) in prepared.pipelines().iter().enumerate() {
            // Pipelines of the example itself have inputs that it does not show.
            if !example.program.contains(&format!("test \"{name}\"")) {
                continue;
            }
            prepared.run(number, &[]).map_err(|why| format!("{}: {name}: {why}", engine.name()))?;
        }
    }
    Ok(())
}
