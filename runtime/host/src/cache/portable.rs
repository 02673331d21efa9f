//! The cache's folder and files where nothing is known about the system: the folder must exist or be made, and the
//! user answers for who else can write to it. The feature `portable` chooses this file everywhere, for tests.

use crate::error::Error;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes the folder; refuses what is no folder.
pub(super) fn prepare_folder(folder: &Path) -> Result<(), Error> {
    let io_error = |source| Error::Io { path: folder.to_path_buf(), source };
    if folder.exists() && !folder.is_dir() {
        return Err(Error::CacheFolder { path: folder.to_path_buf(), reason: "it is not a folder".to_string() });
    }
    std::fs::create_dir_all(folder).map_err(io_error)
}

/// The contents of a file.
pub(super) fn read_own_file(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
}

/// A new file; fails if the name is taken.
pub(super) fn create_own_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
