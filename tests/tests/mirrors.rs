//! What is written twice because its readers share no code: the TypeScript runtime carries the constants of the ABI, and
//! `kcc new` carries the first example. Here they are held against each other.

use std::collections::BTreeMap;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The status codes of the ABI by name, read from its source, so that a new one is noticed.
fn codes_of_the_abi() -> BTreeMap<String, i32> {
    read("runtime/abi/src/status.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("pub const "))
        .map(|line| {
            let (name, value) = line.trim_end_matches(';').split_once(": i32 = ").expect("a status code");
            (name.to_string(), value.parse().expect("a number"))
        })
        .collect()
}

#[test]
fn status_codes_agree() {
    let source = read("runtime/web/src/failure.ts");
    let start = source.find("export const STATUS = {").expect("the table");
    let end = start + source[start..].find("} as const").expect("its end");
    let found: BTreeMap<String, i32> = source[start..end]
        .lines()
        .skip(1)
        .filter(|line| !line.trim().starts_with("/**"))
        .filter_map(|line| line.trim().trim_end_matches(',').split_once(": "))
        .map(|(name, value)| (name.to_string(), value.parse().expect("a number")))
        .collect();
    assert!(found.len() >= 6, "{found:?}");
    assert_eq!(found, codes_of_the_abi());
}

#[test]
fn constants_agree() {
    let source = read("runtime/web/src/manifest.ts");
    let has = |line: String| assert!(source.lines().any(|found| found == line), "manifest.ts lacks `{line}`");
    has(format!("export const SECTION = \"{}\";", kcc_abi::SECTION));
    has(format!("export const ABI: readonly [number, number] = [{}, {}];", kcc_abi::ABI_MAJOR, kcc_abi::ABI_MINOR));
    has(format!("export const ERROR_BLOCK = {};", kcc_abi::ERROR_BLOCK));
    has(format!("export const ERROR_VALUES = {};", kcc_abi::ERROR_VALUES));
}

#[test]
fn the_template_is_the_example() {
    assert_eq!(read("cli/templates/pipeline.k"), read("examples/hello/hello.k"));
}
