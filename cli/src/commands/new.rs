//! `kcc new`: a folder with a pipeline, its test, and hosts for Wasmtime, Node and the browser.

use crate::args::New;
use crate::files::explain;
use crate::report::{Outcome, fault, stdout};

/// Files and their texts; NAME and VERSION are replaced.
const FILES: &[(&str, &str)] = &[
    ("pipeline.k", include_str!("../../templates/pipeline.k")),
    ("embed.rs", include_str!("../../templates/embed.rs.txt")),
    ("Cargo.toml", include_str!("../../templates/Cargo.toml.txt")),
    ("embed.mjs", include_str!("../../templates/embed.mjs")),
    ("package.json", include_str!("../../templates/package.json.txt")),
    ("index.html", include_str!("../../templates/index.html")),
    ("README.md", include_str!("../../templates/README.md.txt")),
    (".gitignore", include_str!("../../templates/gitignore.txt")),
];

/// Runs the command. An existing folder must be empty: nothing is ever overwritten.
pub fn run(args: &New) -> Outcome {
    let dir = &args.dir;
    let fail = |error: std::io::Error| fault(dir.display(), explain(&error));
    std::fs::create_dir_all(dir).map_err(fail)?;
    if std::fs::read_dir(dir).map_err(fail)?.next().is_some() {
        return Err(fault(dir.display(), "the folder is not empty"));
    }
    let folder = dir.canonicalize().map_err(fail)?;
    let name = package_name(folder.file_name().and_then(|name| name.to_str()).unwrap_or(""));
    for (file, text) in FILES {
        let text = text.replace("NAME", &name).replace("VERSION", env!("CARGO_PKG_VERSION"));
        let path = dir.join(file);
        std::fs::write(&path, text).map_err(|error| fault(path.display(), explain(&error)))?;
    }
    let names: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
    let at = dir.join("pipeline.k");
    stdout(&format!("{}: {}\nTry `kcc test {}`.\n", dir.display(), names.join(", "), at.display()))
}

/// A name that Cargo and npm accept.
fn package_name(folder: &str) -> String {
    let name: String =
        folder.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let name = name.trim_matches('-');
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.to_string()
    } else {
        format!("pipeline-{name}").trim_end_matches('-').to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_accepted_everywhere() {
        assert_eq!(package_name("My Kernels"), "my-kernels");
        assert_eq!(package_name("3d"), "pipeline-3d");
        assert_eq!(package_name("é"), "pipeline");
        assert_eq!(package_name(""), "pipeline");
    }

    #[test]
    fn hosts_are_short() {
        for (name, text) in FILES {
            assert!(text.lines().count() < 30, "{name}");
        }
    }
}
