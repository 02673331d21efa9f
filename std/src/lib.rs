//! The standard library of kcc: the text of its modules, embedded.
//!
//! The library itself is the `.k` files beside this crate's manifest; they are ordinary source text, and the
//! compiler has no knowledge of them. This crate only carries them, so that `kcc` works from any folder.
//! A module `std.nn` is the file `nn.k` here. Every embedded file is listed exactly once, in order of name.

/// Version of the library, which is the version of this crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

const MODULES: &[(&str, &str)] = &[
    ("image.k", include_str!("../image.k")),
    ("math.k", include_str!("../math.k")),
    ("math32.k", include_str!("../math32.k")),
    ("math64.k", include_str!("../math64.k")),
    ("nn.k", include_str!("../nn.k")),
    ("pil.k", include_str!("../pil.k")),
    ("tensor.k", include_str!("../tensor.k")),
    ("torch.k", include_str!("../torch.k")),
];

/// All modules as (path, text), in order of path.
pub fn modules() -> &'static [(&'static str, &'static str)] {
    MODULES
}

/// The text of the module with this path (`nn.k`), if there is one.
pub fn source(path: &str) -> Option<&'static str> {
    MODULES.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that lies in the folder but is not embedded would work with `--std` only.
    #[test]
    fn every_file_is_embedded() {
        let folder = env!("CARGO_MANIFEST_DIR");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the crate's folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a UTF-8 name"))
            .filter(|name| name.ends_with(".k"))
            .collect();
        files.sort();
        let embedded: Vec<&str> = modules().iter().map(|(name, _)| *name).collect();
        assert_eq!(files, embedded);
    }

    #[test]
    fn modules_are_found_by_path() {
        assert!(source("tensor.k").is_some_and(|text| text.contains("fn matmul")));
        assert_eq!(source("tensor"), None);
        assert_eq!(source("../Cargo.toml"), None);
    }
}
