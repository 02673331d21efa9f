//! `kcc fmt`: brings source files into the one style, or says which are not in it.
//!
//! Line ends become `\n` and a byte order mark goes. A file is replaced as a whole, by renaming a finished one over it;
//! a file with syntax errors is not touched.

use crate::args::Fmt;
use crate::files::{explain, read_text};
use crate::report::{self, Fail, Outcome, fault, note, stdout};
use kcc_compiler::diag::render;
use kcc_compiler::source::{FileId, SourceMap};
use kcc_compiler::syntax::format::format;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Runs the command. All files are looked at, whatever is wrong with one.
pub fn run(args: &Fmt) -> Outcome {
    if args.stdin {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| fault("standard input", explain(&error)))?;
        let formatted = formatted("standard input", &text)?;
        return match (args.check, formatted == text) {
            (false, _) => stdout(&formatted),
            (true, true) => Ok(()),
            (true, false) => {
                stdout("standard input\n")?;
                Err(Fail::Said)
            }
        };
    }
    let mut files = Vec::new();
    args.files.iter().try_for_each(|path| collect(path, &mut files))?;
    let mut is_fine = true;
    let mut changed = 0;
    for path in &files {
        match one(path, args.check) {
            Ok(false) => {}
            Ok(true) => changed += 1,
            Err(fail) => {
                fail.report();
                is_fine = false;
            }
        }
    }
    let plural = if files.len() == 1 { "" } else { "s" };
    let verb = if args.check { "would change" } else { "changed" };
    note(&format!("{} file{plural}, {changed} {verb}", files.len()));
    if is_fine && !(args.check && changed > 0) { Ok(()) } else { Err(Fail::Said) }
}

/// The source files that a path names: itself, or all `.k` files below a folder, in order of their names.
fn collect(path: &Path, out: &mut Vec<PathBuf>) -> Outcome {
    if !path.is_dir() {
        out.push(path.to_path_buf());
        return Ok(());
    }
    let fail = |error: std::io::Error| fault(path.display(), explain(&error));
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        entries.push((entry.path(), entry.file_type().map_err(fail)?));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Links are not followed: they may lead in a circle.
        if kind.is_dir() && !name.starts_with('.') && name != "node_modules" {
            collect(&path, out)?;
        } else if kind.is_file() && name.ends_with(".k") {
            out.push(path);
        }
    }
    Ok(())
}

/// Formats one file; whether that changes it. A file that would change is listed.
fn one(path: &Path, check: bool) -> Outcome<bool> {
    let text = read_text(path).map_err(|problem| fault(path.display(), problem))?;
    let formatted = formatted(&path.display().to_string(), &text)?;
    if formatted == text {
        return Ok(false);
    }
    stdout(&format!("{}\n", path.display()))?;
    if !check {
        replace(path, &formatted).map_err(|error| fault(path.display(), explain(&error)))?;
    }
    Ok(true)
}

/// The text in the one style; shows its syntax errors.
fn formatted(name: &str, text: &str) -> Outcome<String> {
    let mut sources = SourceMap::default();
    let id: FileId = sources.add(name, text, false);
    format(&sources.file(id).text, id).map_err(|diagnostics| {
        report::stderr(&render::render(&diagnostics, &sources, report::color_stderr()));
        Fail::Said
    })
}

/// Puts a file in the place of another one, with its permissions, so that nobody ever sees half of it.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // Through a link, the file that it leads to is meant.
    let path = path.canonicalize()?;
    let permissions = std::fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(std::io::ErrorKind::PermissionDenied.into());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}.draft", std::process::id()));
    let written = std::fs::write(&draft, text)
        .and_then(|()| std::fs::set_permissions(&draft, permissions))
        .and_then(|()| std::fs::rename(&draft, &path));
    if written.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    written
}
