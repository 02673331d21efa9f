//! The compiler's door to files: sources beside the root file, the standard library (embedded, or a folder given with
//! `--std`), embedded data.
//!
//! Names are relative to the root file's folder and use `/`, so that the same sources give the same module in any
//! folder. `use` and `embed` take relative paths only. A file is named by where it really lies, so one file that is
//! reached on two ways is loaded once.

use kcc_compiler::source::{Resolved, Resolver};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// Largest source file.
const MAX_SOURCE: u64 = 16 << 20;
/// Largest embedded file.
const MAX_DATA: u64 = 1 << 30;

/// Finds files for one compilation.
pub struct Files {
    /// Folder of the root file, canonical.
    root: PathBuf,
    /// Folder of the standard library, if not the embedded one.
    std: Option<PathBuf>,
}

impl Files {
    /// For the root file `path`; also gives the name to ask the compiler for.
    pub fn new(path: &Path, std: Option<&Path>) -> Result<(Files, String), String> {
        let real = path.canonicalize().map_err(|error| explain(&error))?;
        let name = real.file_name().and_then(|name| name.to_str()).ok_or("its name is not UTF-8")?;
        let root = real.parent().ok_or("it is not a file")?.to_path_buf();
        let name = name.to_string();
        Ok((Files { root, std: std.map(Path::to_path_buf) }, name))
    }

    /// For programs that use nothing but the standard library.
    pub fn library_only(std: Option<&Path>) -> Files {
        Files { root: PathBuf::new(), std: std.map(Path::to_path_buf) }
    }

    /// Where a path that stands in file `from` leads.
    fn locate(&self, from: &str, path: &str) -> Result<PathBuf, String> {
        if Path::new(path).is_absolute() || path.contains('\\') {
            return Err("paths in sources are relative and have `/` between their parts".to_string());
        }
        let folder = Path::new(from).parent().unwrap_or(Path::new(""));
        self.root.join(folder).join(path).canonicalize().map_err(|error| explain(&error))
    }

    /// Name of a file, relative to the root's folder.
    fn name(&self, real: &Path) -> Result<String, String> {
        let root: Vec<Component<'_>> = self.root.components().collect();
        let path: Vec<Component<'_>> = real.components().collect();
        let same = root.iter().zip(&path).take_while(|(a, b)| a == b).count();
        let mut parts = vec![".."; root.len() - same];
        for part in &path[same..] {
            parts.push(part.as_os_str().to_str().ok_or("its name is not UTF-8")?);
        }
        let name = parts.join("/");
        // `std/…` names the standard library.
        Ok(if name.starts_with("std/") { format!("./{name}") } else { name })
    }

    /// The text of a module of the standard library, `nn.k`.
    pub fn module(&self, module: &str) -> Result<String, String> {
        match &self.std {
            Some(folder) => read_text(&folder.join(module)),
            None => kcc_std::source(module)
                .map(str::to_string)
                .ok_or_else(|| format!("the standard library has no module `{}`", module.trim_end_matches(".k"))),
        }
    }
}

impl Resolver for Files {
    fn source(&self, from: &str, path: &str) -> Result<Resolved, String> {
        let module = path.strip_prefix("std/");
        if let Some(module) = module.filter(|_| from.is_empty() || from.starts_with("std/")) {
            return Ok(Resolved { name: path.to_string(), text: self.module(module)?, is_std: true });
        }
        if from.starts_with("std/") {
            return Err("the standard library has no files of its own beside its modules".to_string());
        }
        let real = self.locate(from, path)?;
        Ok(Resolved { name: self.name(&real)?, text: read_text(&real)?, is_std: false })
    }

    fn bytes(&self, from: &str, path: &str) -> Result<Vec<u8>, String> {
        if from.starts_with("std/") {
            return Err("the standard library embeds no files".to_string());
        }
        read_limited(&self.locate(from, path)?, MAX_DATA)
    }
}

/// A source file.
pub fn read_text(path: &Path) -> Result<String, String> {
    String::from_utf8(read_limited(path, MAX_SOURCE)?)
        .map_err(|error| format!("it is not UTF-8 text (byte {})", error.utf8_error().valid_up_to()))
}

/// A file of at most `max` bytes.
pub fn read_limited(path: &Path, max: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    // The length of a device or pipe is not known before, so the limit is on what is read.
    let read = std::fs::File::open(path).and_then(|file| file.take(max + 1).read_to_end(&mut bytes));
    read.map_err(|error| explain(&error))?;
    if bytes.len() as u64 > max {
        return Err(format!("it has more than {max} bytes"));
    }
    Ok(bytes)
}

/// What went wrong with a file, in a few words.
pub fn explain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_string(),
        std::io::ErrorKind::PermissionDenied => "access is denied".to_string(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_string(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("folder");
        for (name, text) in [("a/main.k", ""), ("a/lib/x.k", "x"), ("b/y.k", "y"), ("a/std/nn.k", "mine")] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        }
        folder
    }

    #[test]
    fn names_are_canonical_and_relative() {
        let folder = folder();
        let (files, root) = Files::new(&folder.path().join("a/main.k"), None).expect("root");
        assert_eq!(root, "main.k");
        assert_eq!(files.source("", &root).expect("root").name, "main.k");
        assert_eq!(files.source("main.k", "./lib/x.k").expect("x").name, "lib/x.k");
        assert_eq!(files.source("lib/x.k", "../lib/./x.k").expect("x").name, "lib/x.k");
        let y = files.source("lib/x.k", "../../b/y.k").expect("y");
        assert_eq!((y.name.as_str(), y.text.as_str()), ("../b/y.k", "y"));
        assert_eq!(files.source(&y.name, "../a/lib/x.k").expect("x").name, "lib/x.k");
    }

    #[test]
    fn std_is_embedded_and_files_of_that_name_are_others() {
        let folder = folder();
        let (files, root) = Files::new(&folder.path().join("a/main.k"), None).expect("root");
        let nn = files.source("", "std/nn.k").expect("nn");
        assert!(nn.is_std && nn.text.contains("fn softmax"));
        let mine = files.source(&root, "./std/nn.k").expect("mine");
        assert_eq!((mine.name.as_str(), mine.text.as_str(), mine.is_std), ("./std/nn.k", "mine", false));
        assert!(files.source("", "std/nothing.k").expect_err("unknown").contains("no module `nothing`"));
        let (files, _) = Files::new(&folder.path().join("a/main.k"), Some(&folder.path().join("a/std"))).expect("root");
        assert_eq!(files.source("", "std/nn.k").expect("override").text, "mine");
    }

    #[test]
    fn what_cannot_be_read_is_explained() {
        let folder = folder();
        assert!(Files::new(&folder.path().join("none.k"), None).is_err());
        let (files, root) = Files::new(&folder.path().join("a/main.k"), None).expect("root");
        assert!(files.source(&root, "/etc/passwd").expect_err("absolute").contains("relative"));
        assert!(files.source(&root, "./none.k").expect_err("missing").contains("no such file"));
        std::fs::write(folder.path().join("a/bad.k"), b"ab\xff").expect("file");
        assert!(files.source(&root, "./bad.k").expect_err("not text").contains("byte 2"));
        assert_eq!(files.bytes(&root, "./bad.k").expect("bytes"), b"ab\xff");
    }
}
