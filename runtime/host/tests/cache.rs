//! The disk cache: hit, damage, races, and folders that must be refused.

mod common;

use kcc_runtime::{CacheUse, Engine, Error, Module, Options};
use std::path::{Path, PathBuf};

fn load(folder: &Path) -> Module {
    let engine = Engine::with(Options { cache: Some(folder.to_path_buf()), ..Options::default() }).expect("engine");
    Module::from_bytes(&engine, &common::fixture()).expect("loads")
}

fn works(module: &Module) {
    let mut instance = module.instantiate().expect("instantiates");
    instance.plan("negate", &[("N", 2)]).expect("plan");
    instance.view_mut::<f32>("negate", "x").expect("x").fill(3.0);
    instance.run("negate").expect("run");
    assert_eq!(instance.view::<f32>("negate", "y").expect("y")[7], -3.0);
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()).collect()
}

#[test]
fn compiled_code_is_stored_found_and_replaced_when_damaged() {
    let home = tempfile::tempdir().expect("folder");
    let folder = home.path().join("deep/cache");
    let first = load(&folder);
    assert_eq!(first.cache_use(), &CacheUse::Stored);
    works(&first);
    let second = load(&folder);
    assert_eq!(second.cache_use(), &CacheUse::Hit);
    works(&second);
    let [entry] = &entries(&folder)[..] else { panic!("one entry, no temporary file") };
    let whole = std::fs::read(entry).expect("entry");
    let mut flipped = whole.clone();
    *flipped.last_mut().expect("not empty") ^= 1;
    for damaged in [&whole[..whole.len() / 2], &whole[..10], &[], &flipped] {
        std::fs::write(entry, damaged).expect("write");
        let module = load(&folder);
        assert_eq!(module.cache_use(), &CacheUse::Stored, "a damaged entry is compiled anew");
        works(&module);
        assert_eq!(load(&folder).cache_use(), &CacheUse::Hit);
    }
}

#[test]
fn a_module_that_is_not_cached_says_so() {
    let engine = Engine::new().expect("engine");
    let module = Module::from_bytes(&engine, &common::fixture()).expect("loads");
    assert_eq!(module.cache_use(), &CacheUse::Off);
}

#[test]
fn other_bytes_are_another_entry() {
    let home = tempfile::tempdir().expect("folder");
    let folder = home.path().join("cache");
    load(&folder);
    let engine = Engine::with(Options { cache: Some(folder.clone()), ..Options::default() }).expect("engine");
    let other = common::with_manifest(common::WAT, &common::MANIFEST.replace("Scales.", "Scales!"));
    assert_eq!(Module::from_bytes(&engine, &other).expect("loads").cache_use(), &CacheUse::Stored);
    assert_eq!(entries(&folder).len(), 2);
}

#[test]
fn many_writers_at_once_leave_one_whole_entry() {
    let home = tempfile::tempdir().expect("folder");
    let folder = home.path().join("cache");
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| works(&load(&folder)));
        }
    });
    assert_eq!(entries(&folder).len(), 1);
    assert_eq!(load(&folder).cache_use(), &CacheUse::Hit);
}

#[test]
fn a_file_is_no_folder() {
    let file = tempfile::NamedTempFile::new().expect("file");
    let error = Engine::with(Options { cache: Some(file.path().to_path_buf()), ..Options::default() });
    assert!(matches!(error.err(), Some(Error::CacheFolder { .. })));
}

#[cfg(all(unix, not(feature = "portable")))]
mod private {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_folder_is_made_private_and_others_are_refused() {
        let home = tempfile::tempdir().expect("folder");
        let folder = home.path().join("cache");
        load(&folder);
        let mode = |path: &Path| std::fs::metadata(path).expect("exists").permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&entries(&folder)[0]), 0o600);
        for open in [0o770, 0o707, 0o750, 0o701] {
            std::fs::set_permissions(&folder, PermissionsExt::from_mode(open)).expect("mode");
            let error = Engine::with(Options { cache: Some(folder.clone()), ..Options::default() }).err();
            let text = error.expect("refused").to_string();
            assert!(text.contains("others have access"), "{text}");
        }
    }

    #[test]
    fn links_and_entries_that_others_can_write_are_not_followed() {
        let home = tempfile::tempdir().expect("folder");
        let folder = home.path().join("cache");
        load(&folder);
        let entry = entries(&folder).remove(0);
        std::fs::set_permissions(&entry, PermissionsExt::from_mode(0o622)).expect("mode");
        assert_eq!(load(&folder).cache_use(), &CacheUse::Stored, "not taken, but replaced");
        let link = home.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).expect("link");
        let error = Engine::with(Options { cache: Some(link), ..Options::default() }).err();
        assert!(matches!(error, Some(Error::CacheFolder { .. })));
    }

    #[test]
    fn an_entry_that_cannot_be_written_is_reported_and_the_module_works() {
        let home = tempfile::tempdir().expect("folder");
        let folder = home.path().join("cache");
        load(&folder);
        let entry = entries(&folder).remove(0);
        std::fs::remove_file(&entry).expect("remove");
        // A folder in the entry's place cannot be replaced by a file, whoever the user is.
        std::fs::create_dir(&entry).expect("folder");
        std::fs::write(entry.join("x"), b"").expect("file");
        let module = load(&folder);
        assert!(matches!(module.cache_use(), CacheUse::NotStored(_)));
        works(&module);
        assert_eq!(entries(&folder).len(), 1, "no temporary file is left");
    }
}
