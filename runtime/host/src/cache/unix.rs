//! The cache's folder and files on Unix: private to the user that runs the process, or refused.

use crate::error::Error;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Makes the folder with access for its owner only, and refuses one that belongs to someone else, gives others any
/// access, or is no folder (a symbolic link is none).
pub(super) fn prepare_folder(folder: &Path) -> Result<(), Error> {
    let io_error = |source| Error::Io { path: folder.to_path_buf(), source };
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).map_err(io_error)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(io_error(error)),
        _ => {}
    }
    let metadata = std::fs::symlink_metadata(folder).map_err(io_error)?;
    let refuse = |reason: String| Err(Error::CacheFolder { path: folder.to_path_buf(), reason });
    if !metadata.is_dir() {
        return refuse("it is not a folder".to_string());
    }
    if metadata.uid() != user() {
        return refuse(format!("it belongs to user {}, not to user {}", metadata.uid(), user()));
    }
    if metadata.mode() & 0o077 != 0 {
        return refuse(format!("others have access to it (mode {:o}, wanted 700)", metadata.mode() & 0o777));
    }
    Ok(())
}

/// The contents of a file that belongs to this user and that nobody else may write to.
pub(super) fn read_own_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.uid() != user() || metadata.mode() & 0o022 != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A new file for this user alone; fails if the name is taken.
pub(super) fn create_own_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// The user whose rights the process has.
fn user() -> u32 {
    // SAFETY: takes nothing, always succeeds.
    unsafe { libc::geteuid() }
}
