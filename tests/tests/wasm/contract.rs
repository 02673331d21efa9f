//! The module as a file: its manifest and schema, names, size, reproducibility.

use crate::harness::*;
use kcc_abi::Manifest;
use kcc_compiler::loops::Expr;
use kcc_compiler::ops::Op;
use kcc_compiler::size::Size;
use kcc_compiler::target::Profile;
use kcc_compiler::tensor::Binding;
use kcc_compiler::types::{Const, Scalar};
use serde_json::Value;

/// Two pipelines, one of them with everything that a manifest can say.
fn build() -> Build {
    let mut build = Build::new();
    for name in ["first", "second"] {
        build.pipeline(name);
        let n = build.size("N");
        build.fact("N <= 100", Size::constant(100).minus(&n));
        build.fact("N >= 3", n.minus(&3.into()));
        let scale = build.program.names.new_scalar("factor");
        let x = build.input("x", Scalar::F32, &[n.times_const(2).plus(&1.into()), 3.into()]);
        build.input("factor", Scalar::F64, &[]);
        let param = build.p().params[1];
        build.p().plan_scalars.push((scale, param));
        let half = n.div(&2.into());
        let y = build.output("y", Scalar::F32, std::slice::from_ref(&half));
        let table = build.constant("table", &[1.0, 2.0].map(Const::f32));
        let at = || mul(var(0), int(4));
        let body = vec![store(y, at(), Expr::Op(Op::Add, vec![load(x, 1, at()), load(table, 1, int(4))]))];
        build.kernel("k", Binding::Call, vec![one(Scalar::I32)], vec![for_loop(0, int(0), Expr::Size(half), 1, body)]);
    }
    build
}

#[test]
fn the_manifest_in_the_module_is_the_one_that_is_given() {
    let artifact = build().assemble(Profile::Simd128);
    let mut found = None;
    for payload in wasmparser::Parser::new(0).parse_all(&artifact.wasm) {
        if let Ok(wasmparser::Payload::CustomSection(section)) = payload
            && section.name() == kcc_abi::SECTION
        {
            found = Some(serde_json::from_slice::<Manifest>(section.data()).expect("a manifest"));
        }
    }
    assert_eq!(found, Some(artifact.manifest));
}

#[test]
fn manifests_follow_the_schema() {
    let schema = include_str!("../../../docs/manifest.schema.json");
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    for profile in [Profile::Simd128, Profile::Scalar] {
        let manifest = build().assemble(profile).manifest;
        let value = serde_json::to_value(&manifest).expect("plain data");
        assert_eq!(check(&schema, &schema, &value, "manifest"), Ok(()));
        // The schema is not content with anything else.
        for (path, wrong) in [
            ("/pipelines/0/params/0/elem", Value::from("f8")),
            ("/pipelines/0/params/0/dims/0/value", Value::from(3)),
            ("/pipelines/0/plan_args/0/kind", Value::from("other")),
            ("/memory/initial_pages", Value::from(-1)),
            ("/abi", Value::from(vec![0])),
            ("/failures/0/line", Value::Null),
        ] {
            let mut broken = value.clone();
            *broken.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = wrong;
            assert!(check(&schema, &schema, &broken, "manifest").is_err(), "{path} is not checked");
        }
        let mut broken = value;
        broken.as_object_mut().unwrap().remove("memory");
        assert!(check(&schema, &schema, &broken, "manifest").is_err());
    }
}

/// Checks a value against the part of JSON Schema that the manifest's schema uses; unknown keywords are an error.
fn check(root: &Value, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    for (keyword, rule) in schema.as_object().expect("a schema is an object") {
        let fails = match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => false,
            "$ref" => {
                let target = rule.as_str().and_then(|target| target.strip_prefix('#')).expect("a local reference");
                check(root, root.pointer(target).expect("what is referred to"), value, path)?;
                false
            }
            "type" => {
                let is = |name: &Value| match name.as_str().expect("a type's name") {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "null" => value.is_null(),
                    other => panic!("type {other}"),
                };
                !rule.as_array().map_or_else(|| is(rule), |types| types.iter().any(is))
            }
            "const" => value != rule,
            "enum" => !rule.as_array().expect("values").contains(value),
            "minimum" => value.as_i64().is_some_and(|value| value < rule.as_i64().expect("a number")),
            "maximum" => value.as_i64().is_some_and(|value| value > rule.as_i64().expect("a number")),
            "pattern" => {
                assert_eq!(rule, "^[0-9a-f]{64}$", "the only pattern");
                value.as_str().is_some_and(|text| text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()))
            }
            "minItems" => value.as_array().is_some_and(|items| (items.len() as u64) < rule.as_u64().expect("a number")),
            "maxItems" => value.as_array().is_some_and(|items| items.len() as u64 > rule.as_u64().expect("a number")),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{path}[{index}]"))?;
                }
                false
            }
            "required" => {
                let names = rule.as_array().expect("names");
                names.iter().any(|name| value.is_object() && value.get(name.as_str().expect("a name")).is_none())
            }
            "properties" => {
                for (name, rule) in rule.as_object().expect("properties") {
                    if let Some(value) = value.get(name) {
                        check(root, rule, value, &format!("{path}.{name}"))?;
                    }
                }
                false
            }
            "additionalProperties" => {
                assert_eq!(rule, false);
                let known = schema["properties"].as_object().expect("properties");
                value.as_object().is_some_and(|object| object.keys().any(|name| !known.contains_key(name)))
            }
            "oneOf" => {
                let fitting = rule.as_array().expect("schemas").iter();
                fitting.filter(|rule| check(root, rule, value, path).is_ok()).count() != 1
            }
            other => panic!("keyword {other}"),
        };
        if fails {
            return Err(format!("{path} breaks {keyword} {rule}: {value}"));
        }
    }
    Ok(())
}

#[test]
fn the_same_program_gives_the_same_bytes() {
    let first = build().assemble(Profile::Simd128);
    for _ in 0..3 {
        assert_eq!(build().assemble(Profile::Simd128).wasm, first.wasm);
    }
}

#[test]
fn functions_have_names_and_no_twins() {
    let mut build = Build::new();
    build.pipeline("p");
    let n = Size::constant(8);
    let x = build.input("x", Scalar::I32, std::slice::from_ref(&n));
    let y = build.output("y", Scalar::I32, std::slice::from_ref(&n));
    for name in ["once", "twice"] {
        let at = || mul(var(0), int(4));
        let body = vec![store(y, at(), load(x, 1, at()))];
        build.kernel(name, Binding::Call, vec![one(Scalar::I32)], vec![for_loop(0, int(0), int(8), 1, body)]);
    }
    let artifact = build.assemble(Profile::Scalar);
    let mut names = Vec::new();
    let mut functions = 0;
    for payload in wasmparser::Parser::new(0).parse_all(&artifact.wasm) {
        match payload.expect("a valid module") {
            wasmparser::Payload::FunctionSection(section) => functions = section.count(),
            wasmparser::Payload::CustomSection(section) => {
                if let wasmparser::KnownCustom::Name(reader) = section.as_known() {
                    for part in reader {
                        if let Ok(wasmparser::Name::Function(map)) = part {
                            names.extend(map.into_iter().map(|naming| naming.expect("a name").name.to_string()));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    names.sort();
    // The second kernel is the first one; nothing that only `plan` needs is there.
    assert_eq!(names, ["p.once", "p.run"]);
    assert_eq!(functions, 2);
    assert!(artifact.wasm.len() < 1200, "{} bytes", artifact.wasm.len());
}
