//! Programs that must be refused: `tests/corpus/refusals/*.k`.
//!
//! `//~ E0401 text` stands above the line that the message is about; `//~ 12 E0401 text` also says the column. The text
//! is part of the message, of a remark at a place, of a note or of the help. Several such lines may stand above one
//! line. Every message must be expected and every expectation met. A `.txt` or `.json` beside a program is
//! everything that is said about it, rendered or as JSON; `KCC_BLESS=1` writes both anew where they exist.

use kcc_compiler::diag::{Diagnostic, json::to_json};
use kcc_tests::front::{Flags, Said, say};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/refusals");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(&folder).expect("the corpus").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let trials = paths.into_iter().map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(name, move || {
            if path.extension().is_some_and(|extension| extension == "k") {
                refusal(&path)
            } else if path.with_extension("k").exists() {
                Ok(())
            } else {
                Err("no program stands beside this file".into())
            }
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn refusal(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let said = say(&text, &Flags::default());
    compare(&text, &said)?;
    snapshot(&path.with_extension("txt"), &said.render())?;
    snapshot(&path.with_extension("json"), &format!("{:#}\n", to_json(&said.diagnostics, &said.sources)))
}

/// What a line of a program promises.
struct Expectation {
    line: u32,
    column: Option<u32>,
    code: String,
    text: String,
}

fn expectations(text: &str) -> Result<Vec<Expectation>, String> {
    let lines: Vec<&str> = text.lines().collect();
    let promise = |line: &str| line.trim_start().strip_prefix("//~").map(str::trim).map(str::to_string);
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(promise) = promise(line) else { continue };
        let (first, rest) = promise.split_once(' ').unwrap_or((&promise, ""));
        let column = first.parse().ok();
        let (code, text) = if column.is_some() { rest.split_once(' ').unwrap_or((rest, "")) } else { (first, rest) };
        if !code.starts_with('E') || code.len() != 5 {
            return Err(format!("line {}: `{code}` is no code", index + 1));
        }
        let below = lines[index..].iter().position(|line| !line.trim_start().starts_with("//~")).unwrap_or(0);
        found.push(Expectation {
            line: (index + below) as u32 + 1,
            column,
            code: code.to_string(),
            text: text.to_string(),
        });
    }
    if found.is_empty() { Err("nothing is expected here".to_string()) } else { Ok(found) }
}

fn compare(text: &str, said: &Said) -> Result<(), Failed> {
    let mut missing = expectations(text)?;
    let mut wrong = String::new();
    for diagnostic in &said.diagnostics {
        let place = said.sources.line_column(diagnostic.labels[0].span);
        let met = missing.iter().position(|expected| {
            expected.line == place.0
                && expected.column.is_none_or(|column| column == place.1)
                && expected.code == diagnostic.code.to_string()
                && says(diagnostic, &expected.text)
        });
        match met {
            Some(index) => drop(missing.remove(index)),
            None => {
                let (line, column) = place;
                wrong +=
                    &format!("not expected: //~ {column} {} {} (line {line})\n", diagnostic.code, diagnostic.message);
            }
        }
    }
    for expected in missing {
        wrong += &format!("not said: {} {} (line {})\n", expected.code, expected.text, expected.line);
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{wrong}\n{}", said.render()).into()) }
}

fn says(diagnostic: &Diagnostic, text: &str) -> bool {
    let remarks = diagnostic.labels.iter().map(|label| &label.text);
    remarks
        .chain(&diagnostic.notes)
        .chain(&diagnostic.help)
        .chain([&diagnostic.message])
        .any(|said| said.contains(text))
}

fn snapshot(path: &Path, found: &str) -> Result<(), Failed> {
    if !path.exists() {
        return Ok(());
    }
    if std::env::var_os("KCC_BLESS").is_some() {
        return std::fs::write(path, found).map_err(|error| error.to_string().into());
    }
    let wanted = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    if wanted == found { Ok(()) } else { Err(format!("expected:\n{wanted}\nfound:\n{found}").into()) }
}
