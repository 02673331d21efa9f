//! A working folder and the binary in it.
#![allow(dead_code)]

use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder with files, thrown away at the end.
pub struct Folder {
    dir: tempfile::TempDir,
}

/// What the command did.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Folder {
    /// With these files.
    pub fn new(files: &[(&str, &str)]) -> Folder {
        let folder = Folder { dir: tempfile::tempdir().expect("folder") };
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, bytes).expect("file");
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("file exists")
    }

    /// Runs `kcc` here.
    pub fn kcc(&self, args: &[&str]) -> Ran {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_kcc"))
            .args(args)
            .current_dir(self.dir.path())
            .env_remove("NO_COLOR")
            .output()
            .expect("kcc runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("kcc writes UTF-8");
        // No code means a signal: never acceptable.
        let code = output.status.code().expect("kcc ends by itself");
        Ran { code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs `kcc`, which must succeed; gives its standard output.
    pub fn good(&self, args: &[&str]) -> String {
        let ran = self.kcc(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.out
    }

    /// Runs `kcc`, which must end with `code` and say `part` on standard error, and nothing about a bug.
    pub fn bad(&self, args: &[&str], code: i32, part: &str) {
        let ran = self.kcc(args);
        assert_eq!(ran.code, code, "{args:?}: {ran:?}");
        assert!(ran.err.contains(part), "{args:?} should say `{part}`: {ran:?}");
        assert!(!ran.err.contains("bug in kcc"), "{ran:?}");
    }
}

/// A `.npy` file.
pub fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

/// `f32` values as bytes.
pub fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
