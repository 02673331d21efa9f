//! Plan and kernels → one WebAssembly module: sections in order, names, the manifest, and validation.
//!
//! Functions that came out alike are there once. The result depends on nothing but the arguments.

use super::helpers::{Helper, Helpers};
use super::link;
use super::plan_fn::{self, State};
use super::{emit, manifest};
use crate::loops;
use crate::plan::Plan;
use crate::source::SourceMap;
use crate::target::Profile;
use crate::tensor;
use kcc_abi::Manifest;
use std::borrow::Cow;
use std::collections::BTreeMap;
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, MemorySection, MemoryType, Module, NameMap, NameSection, TypeSection, ValType,
};

/// A finished module.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// The module.
    pub wasm: Vec<u8>,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// What a module is made of.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The program.
    pub program: &'a tensor::Program,
    /// Flat kernels, one program per pipeline.
    pub loops: &'a [loops::Program],
    /// The verified plan.
    pub plan: &'a Plan,
    /// For the places in the manifest.
    pub sources: &'a SourceMap,
    /// The profile that the kernels were made for.
    pub profile: Profile,
}

/// Bytes of a page of memory.
pub const PAGE: u64 = 65536;

/// Makes the module.
///
/// # Errors
/// What the validator says; that is a bug of ours, or a plan that leaves the 4 GiB of a memory.
pub fn assemble(input: Input<'_>) -> Result<Artifact, String> {
    let manifest = manifest::describe(input);
    let mut builder = Builder::default();
    let problem = builder.global(ValType::I32, &ConstExpr::i32_const(0));
    let top = builder.global(ValType::I64, &ConstExpr::i64_const(input.plan.arena as i64));
    let states: Vec<Option<State>> = input.plan.pipelines.iter().map(|own| builder.state(own)).collect();
    let helpers = Helpers { first: 0, problem };
    for Helper { name, params, results, function } in helpers.all() {
        builder.function(name.to_string(), params, results, function);
    }
    for (number, (own, loops)) in input.plan.pipelines.iter().zip(input.loops).enumerate() {
        let context = emit::Context { program: loops, plan: own, first_failure: own.first_kernel_failure() };
        let mut kernels = Vec::new();
        for kernel in &loops.kernels {
            let emitted = emit::emit(context, kernel);
            let results = if emitted.fails { vec![ValType::I32] } else { Vec::new() };
            let name = format!("{}.{}", own.name, kernel.name);
            kernels.push((builder.function(name, Vec::new(), results, emitted.function), emitted.fails));
        }
        let context = plan_fn::Context { plan: input.plan, states: &states, top, helpers, kernels: &kernels };
        let described = &manifest.pipelines[number];
        if let Some(name) = &described.plan {
            let function = plan_fn::plan(context, number);
            builder.export(name, plan_fn::params(own), function);
        }
        builder.export(&described.run, Vec::new(), plan_fn::run(context, number));
    }
    let wasm = builder.finish(input, &manifest);
    let wasm = link::link(&wasm, &manifest)?;
    validate(&wasm, input.profile)?;
    Ok(Artifact { wasm, manifest })
}

/// Checks a module, with the features of its profile only.
///
/// # Errors
/// What is wrong, and where.
pub fn validate(wasm: &[u8], profile: Profile) -> Result<(), String> {
    use wasmparser::WasmFeatures;
    let mut features = WasmFeatures::WASM1
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::BULK_MEMORY;
    if profile == Profile::Simd128 {
        features |= WasmFeatures::SIMD;
    }
    let mut validator = wasmparser::Validator::new_with_features(features);
    validator.validate_all(wasm).map(|_| ()).map_err(|error| format!("the module is not valid: {error}"))
}

#[derive(Default)]
struct Builder {
    types: Vec<(Vec<ValType>, Vec<ValType>)>,
    functions: Vec<(u32, Function, String)>,
    /// Where a function with this type and code is.
    same: BTreeMap<(u32, Vec<u8>), u32>,
    globals: GlobalSection,
    exports: Vec<(String, u32)>,
}

impl Builder {
    fn global(&mut self, ty: ValType, value: &ConstExpr) -> u32 {
        self.globals.global(GlobalType { val_type: ty, mutable: true, shared: false }, value);
        self.globals.len() - 1
    }

    /// The globals of a pipeline that has `plan`.
    fn state(&mut self, own: &crate::plan::PipelinePlan) -> Option<State> {
        if !own.has_plan() {
            return None;
        }
        let zero = |ty: ValType| match ty {
            ValType::I64 => ConstExpr::i64_const(0),
            ValType::F32 => ConstExpr::f32_const(0.0.into()),
            ValType::F64 => ConstExpr::f64_const(0.0.into()),
            _ => ConstExpr::i32_const(0),
        };
        let mut new = |ty: ValType| self.global(ty, &zero(ty));
        let planned = new(ValType::I32);
        let [base, room, scratch] = [new(ValType::I64), new(ValType::I64), new(ValType::I64)];
        let last = plan_fn::params(own).into_iter().map(new).collect();
        Some(State { planned, base, room, scratch, last })
    }

    fn function(&mut self, name: String, params: Vec<ValType>, results: Vec<ValType>, function: Function) -> u32 {
        let ty = (params, results);
        let index = self.types.iter().position(|own| *own == ty).unwrap_or_else(|| {
            self.types.push(ty);
            self.types.len() - 1
        }) as u32;
        let next = self.functions.len() as u32;
        let found = *self.same.entry((index, function.clone().into_raw_body())).or_insert(next);
        if found == next {
            self.functions.push((index, function, name));
        }
        found
    }

    fn export(&mut self, name: &str, params: Vec<ValType>, function: Function) {
        let index = self.function(name.to_string(), params, vec![ValType::I32], function);
        self.exports.push((name.to_string(), index));
    }

    fn finish(self, input: Input<'_>, manifest: &Manifest) -> Vec<u8> {
        let mut types = TypeSection::new();
        for (params, results) in self.types {
            types.ty().function(params, results);
        }
        let (mut functions, mut code, mut names) = (FunctionSection::new(), CodeSection::new(), NameMap::new());
        for (index, (ty, function, name)) in self.functions.iter().enumerate() {
            functions.function(*ty);
            code.function(function);
            names.append(index as u32, name);
        }
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: u64::from(manifest.memory.initial_pages),
            maximum: manifest.memory.max_pages.map(u64::from),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0);
        for (name, index) in &self.exports {
            exports.export(name, ExportKind::Func, *index);
        }
        let mut data = DataSection::new();
        for (constant, address) in input.program.consts.iter().zip(&input.plan.consts) {
            // Memory is zero from the start.
            let length = constant.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if let (Some(address), true) = (address, length > 0) {
                let bytes = constant.bytes[..length].iter().copied();
                data.active(0, &ConstExpr::i32_const(*address as i32), bytes);
            }
        }
        let mut section = NameSection::new();
        section.module("kcc");
        section.functions(&names);
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&memories).section(&self.globals).section(&exports);
        module.section(&code).section(&data).section(&section);
        module.finish()
    }
}

/// The manifest's custom section.
pub(super) fn section(manifest: &Manifest) -> (Cow<'static, str>, Vec<u8>) {
    let json = serde_json::to_vec(manifest).expect("a manifest is plain data");
    (kcc_abi::SECTION.into(), json)
}
