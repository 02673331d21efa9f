//! The arrows between the compiler's folders go one way, and the compiler knows no function of the standard library.
//!
//! Reads the `use` lines and paths of the sources; see `docs/architecture.md` for the chain.

use std::fs;
use std::path::{Path, PathBuf};

/// The chain, in order. Base modules (files directly in `compiler/src`) stand before all of it.
const CHAIN: [&str; 6] = ["syntax", "hir", "tensor", "loops", "plan", "target"];

fn compiler() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/src")
}

fn rust_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder exists") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            out.push(path);
        }
    }
}

/// The folders of the chain that a text names as `crate::folder`, outside comments.
fn named_folders(text: &str) -> Vec<&'static str> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect();
    CHAIN
        .into_iter()
        .filter(|folder| {
            code.iter()
                .any(|line| line.contains(&format!("crate::{folder}::")) || line.contains(&format!("crate::{folder};")))
        })
        .collect()
}

#[test]
fn folders_import_only_what_lies_before_them() {
    let mut complaints = Vec::new();
    for (position, folder) in CHAIN.iter().enumerate() {
        let mut files = Vec::new();
        rust_files(&compiler().join(folder), &mut files);
        assert!(!files.is_empty(), "no files in {folder}");
        for file in files {
            let text = fs::read_to_string(&file).expect("UTF-8");
            for used in named_folders(&text) {
                let other = CHAIN.iter().position(|name| *name == used).expect("from the chain");
                if other > position {
                    complaints.push(format!("{} uses {used}, which comes later", file.display()));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn base_modules_import_no_level() {
    let mut complaints = Vec::new();
    for entry in fs::read_dir(compiler()).expect("the folder exists") {
        let path = entry.expect("readable").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("").to_string();
        // `lib.rs` and `pipeline.rs` are where the levels meet.
        if !name.ends_with(".rs") || name == "lib.rs" || name == "pipeline.rs" {
            continue;
        }
        let used = named_folders(&fs::read_to_string(&path).expect("UTF-8"));
        if !used.is_empty() {
            complaints.push(format!("{name} uses {}", used.join(", ")));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn the_test_sees_a_wrong_arrow() {
    assert_eq!(named_folders("use crate::loops::Kernel; // crate::plan::Plan"), ["loops"]);
}
