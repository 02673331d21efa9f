//! The compiler knows no function of the standard library by name: a program that calls std, and one file in which
//! everything that it uses is written out under other names, give the same code.

use kcc_compiler::pipeline::{Options, Profile};
use kcc_tests::engines::compile;
use std::collections::{BTreeMap, BTreeSet};

/// Words that fold before a name and call before a parenthesis.
const REDUCERS: [&str; 9] = ["sum", "prod", "max", "min", "any", "all", "count", "argmax", "argmin"];

/// Words that say before a colon what an index outside means.
const BORDERS: [&str; 3] = ["clamp", "wrap", "reflect"];

/// A part of a source text.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Other(String),
}

/// Names and what stands between them, without comments and `use` lines.
fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let lines = text.lines().filter(|line| !line.starts_with("use "));
    for line in lines.map(|line| line.split("//").next().unwrap_or("")) {
        let chars: Vec<char> = line.chars().collect();
        let mut at = 0;
        while at < chars.len() {
            let start = at;
            let is_word = |at: usize| chars.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_');
            if chars[at].is_ascii_digit() {
                // A number with its fraction and exponent's letter is no name.
                while is_word(at)
                    || (chars[at..].starts_with(&['.']) && chars.get(at + 1).is_some_and(char::is_ascii_digit))
                {
                    at += 1;
                }
                out.push(Token::Other(chars[start..at].iter().collect()));
            } else if is_word(at) {
                while is_word(at) {
                    at += 1;
                }
                out.push(Token::Name(chars[start..at].iter().collect()));
            } else {
                out.push(Token::Other(chars[at].to_string()));
                at += 1;
            }
        }
        out.push(Token::Other("\n".to_string()));
    }
    out
}

/// The names that a module defines.
fn items(text: &str) -> BTreeSet<String> {
    let definition = |line: &str| {
        let rest = line.strip_prefix("fn ").or_else(|| line.strip_prefix("const "))?;
        Some(rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()?.to_string())
    };
    text.lines().filter_map(definition).collect()
}

/// New names of all items of std by module, and of the modules' own.
fn new_names() -> BTreeMap<String, BTreeMap<String, String>> {
    let module = |(number, (path, text)): (usize, &(&str, &str))| {
        let own = items(text).into_iter().enumerate();
        let own = own.map(|(position, name)| (name, format!("zz{number}_{position}"))).collect();
        (path.trim_end_matches(".k").to_string(), own)
    };
    kcc_std::modules().iter().enumerate().map(module).collect()
}

/// A text with the names of std replaced: those of a module before a dot, its own, those in scope everywhere.
fn renamed(text: &str, own: Option<&str>, names: &BTreeMap<String, BTreeMap<String, String>>) -> String {
    let tokens = tokens(text);
    let is = |at: usize, other: &str| matches!(tokens.get(at), Some(Token::Other(text)) if text == other);
    let mut out = String::new();
    let mut at = 0;
    while at < tokens.len() {
        let Token::Name(name) = &tokens[at] else {
            let Token::Other(text) = &tokens[at] else { unreachable!("two kinds of tokens") };
            out.push_str(text);
            at += 1;
            continue;
        };
        if let (Some(module), true, Some(Token::Name(item))) = (names.get(name), is(at + 1, "."), tokens.get(at + 2))
            && let Some(new) = module.get(item)
        {
            out.push_str(new);
            at += 3;
            continue;
        }
        let scopes = own.into_iter().chain(["math", "tensor"]);
        let new = scopes.filter_map(|module| names[module].get(name)).next();
        let reduces = REDUCERS.contains(&name.as_str()) && !is(at + 1, "(");
        let is_border = BORDERS.contains(&name.as_str()) && is(at + 1, ":");
        out.push_str(new.filter(|_| !reduces && !is_border).unwrap_or(name));
        at += 1;
    }
    out
}

/// The program with everything that std has in one file, under other names.
fn copied(program: &str) -> String {
    let names = new_names();
    let mut out = renamed(program, None, &names);
    for (path, text) in kcc_std::modules() {
        out.push_str(&renamed(text, Some(path.trim_end_matches(".k")), &names));
    }
    out
}

/// The bodies of a module's functions.
fn code(wasm: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(wasm) {
        if let wasmparser::Payload::CodeSectionEntry(body) = payload.expect("a valid module") {
            let range = body.range();
            bodies.push(wasm[range.start as usize..range.end as usize].to_vec());
        }
    }
    bodies
}

fn same_code(program: &str, std_names: &[&str]) {
    let copy = copied(program);
    let left = tokens(&copy);
    for name in std_names {
        assert!(!left.contains(&Token::Name(name.to_string())), "`{name}` is still in the copy");
    }
    for profile in [Profile::Simd128, Profile::Scalar] {
        let options = Options { profile, ..Options::default() };
        let build = |text: &str| compile(text, &options).unwrap_or_else(|why| panic!("{why}\n{program}")).wasm;
        let (with_std, with_copy) = (code(&build(program)), code(&build(&copy)));
        assert!(with_std.len() >= 2, "the module has functions");
        assert!(with_std == with_copy, "{profile:?}: the code differs for\n{program}");
    }
}

#[test]
fn matrix_product() {
    same_code("pipeline p(a: f32[M, K], b: f32[K, N]) -> f32[M, N] { matmul(a, b) }\n", &["matmul"]);
    same_code("pipeline p(a: f32[256, 256], b: f32[256, 256]) -> f32[256, 256] { matmul(a, b) }\n", &["matmul"]);
}

#[test]
fn softmax_and_layers() {
    same_code("use std.nn\npipeline p(x: f32[B, N]) -> f32[B, N] { nn.softmax(x) }\n", &["softmax", "exp"]);
    same_code(
        "use std.nn\npipeline p(x: f32[B, N], w: f32[N], b: f32[N]) -> f32[B, N] { nn.gelu(nn.layer_norm(x, w, b)) }\n",
        &["layer_norm", "gelu", "erf"],
    );
}

#[test]
fn resizing_of_images() {
    same_code(
        "use std.pil\npipeline p(photo: u8[H, W, 3]) -> u8[224, 224, 3] { pil.resize_bilinear(photo, 224, 224) }\n",
        &["resize_bilinear", "triangle", "taps"],
    );
    same_code(
        "use std.torch\npipeline p(photo: u8[H, W, 3]) -> f32[3, 224, 224] { torch.clip_eval(photo) }\n",
        &["clip_eval", "center_crop", "resize_shorter", "cubic"],
    );
}

#[test]
fn the_copy_has_other_names_only() {
    let text =
        "fn half(x: f32) -> f32 { 0.5e1 * max(x, 1.0) } // half\nfn most(x: f32[N]) -> f32 { max i { half(x[i]) } }\n";
    let names = BTreeMap::from([
        ("own".to_string(), BTreeMap::from([("half", "a"), ("max", "b")].map(|(k, v)| (k.to_string(), v.to_string())))),
        ("math".to_string(), BTreeMap::new()),
        ("tensor".to_string(), BTreeMap::new()),
    ]);
    let expected = "fn a(x: f32) -> f32 { 0.5e1 * b(x, 1.0) } \nfn most(x: f32[N]) -> f32 { max i { a(x[i]) } }\n";
    assert_eq!(renamed(text, Some("own"), &names), expected);
    assert_eq!(renamed("own.half(own.x)", None, &names), "a(own.x)\n");
}
