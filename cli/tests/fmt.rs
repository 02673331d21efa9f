//! `kcc fmt` on files, folders and standard input.

mod common;

use common::Folder;
use std::io::Write;
use std::process::{Command, Stdio};

const UGLY: &str = "const   A=1 // one\n\n\n\nfn f( x:f32 )->f32{x*2.0}\n";
const GOOD: &str = "const A = 1 // one\n\nfn f(x: f32) -> f32 { x * 2.0 }\n";

#[test]
fn files_and_folders_are_formatted_in_place() {
    let folder =
        Folder::new(&[("a.k", UGLY), ("k/b.k", UGLY), ("k/deep/c.k", GOOD), ("k/.git/d.k", UGLY), ("k/e.txt", UGLY)]);
    let ran = folder.kcc(&["fmt", "--check", "a.k", "k"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "a.k\nk/b.k\n"));
    assert!(ran.err.contains("3 files, 2 would change"), "{ran:?}");
    assert_eq!(folder.read("a.k"), UGLY.as_bytes());
    assert_eq!(folder.good(&["fmt", "a.k", "k"]), "a.k\nk/b.k\n");
    for (name, expected) in
        [("a.k", GOOD), ("k/b.k", GOOD), ("k/deep/c.k", GOOD), ("k/.git/d.k", UGLY), ("k/e.txt", UGLY)]
    {
        assert_eq!(folder.read(name), expected.as_bytes(), "{name}");
    }
    assert_eq!(folder.good(&["fmt", "--check", "a.k", "k"]), "");
    let names: Vec<_> =
        std::fs::read_dir(folder.path("k")).expect("folder").map(|entry| entry.expect("entry").file_name()).collect();
    assert_eq!(names.len(), 4, "no drafts stay: {names:?}");
}

#[test]
fn line_ends_become_those_of_unix() {
    let folder = Folder::new(&[("a.k", &format!("\u{feff}{}", GOOD.replace('\n', "\r\n")))]);
    assert_eq!(folder.good(&["fmt", "a.k"]), "a.k\n");
    assert_eq!(folder.read("a.k"), GOOD.as_bytes());
}

#[test]
fn a_file_with_slips_is_not_touched_and_stops_no_other() {
    let bad = "fn f() { a && b }\n";
    let folder = Folder::new(&[("bad.k", bad), ("ugly.k", UGLY), ("bytes.k", "")]);
    folder.write("bytes.k", b"\xff");
    let ran = folder.kcc(&["fmt", "bad.k", "bytes.k", "none.k", "ugly.k"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "ugly.k\n"));
    for part in ["bad.k:1:12", "E0107", "bytes.k: it is not UTF-8", "none.k: there is no such file"] {
        assert!(ran.err.contains(part), "{part}: {ran:?}");
    }
    assert_eq!(folder.read("bad.k"), bad.as_bytes());
    assert_eq!(folder.read("ugly.k"), GOOD.as_bytes());
}

#[test]
#[cfg(unix)]
fn permissions_and_links_stay() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new(&[("a.k", UGLY)]);
    std::fs::set_permissions(folder.path("a.k"), std::fs::Permissions::from_mode(0o640)).expect("permissions");
    std::os::unix::fs::symlink("a.k", folder.path("link.k")).expect("link");
    folder.good(&["fmt", "link.k"]);
    assert!(std::fs::symlink_metadata(folder.path("link.k")).expect("link").is_symlink());
    assert_eq!(folder.read("a.k"), GOOD.as_bytes());
    assert_eq!(std::fs::metadata(folder.path("a.k")).expect("file").permissions().mode() & 0o777, 0o640);
}

#[test]
fn standard_input() {
    let format = |text: &str, args: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kcc"))
            .args(["fmt", "--stdin"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kcc runs");
        child.stdin.take().expect("stdin").write_all(text.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("kcc ends");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    assert_eq!(format(UGLY, &[]), (Some(0), GOOD.to_string()));
    assert_eq!(format(UGLY, &["--check"]), (Some(1), "standard input\n".to_string()));
    assert_eq!(format(GOOD, &["--check"]), (Some(0), String::new()));
    assert_eq!(format("const A = ", &[]), (Some(1), String::new()));
    let folder = Folder::new(&[]);
    folder.bad(&["fmt"], 2, "required");
    folder.bad(&["fmt", "--stdin", "a.k"], 2, "cannot be used with");
}
