//! What a module says of itself: see `docs/abi.md`.

use super::module::{Input, PAGE};
use super::range;
use crate::loops::{self, FailureId, Role, Stmt};
use crate::origin::OriginId;
use crate::plan::lower::argument_of;
use crate::plan::print::binding;
use crate::plan::{Arg, PipelinePlan, Place, Slot, StepKind};
use crate::size::{Size, SizeNames, SizeVar};
use crate::target::Profile;
use crate::tensor::{Failure, Pipeline, TensorId};
use crate::types::Scalar;
use kcc_abi::{ABI_MAJOR, ABI_MINOR, Address, Dim, DimValue, LANGUAGE, Manifest, Memory, PlanArg, Tensor};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Describes a module.
pub fn describe(input: Input<'_>) -> Manifest {
    let pages = |bytes: u64| u32::try_from(bytes.div_ceil(PAGE)).unwrap_or(u32::MAX);
    let mut failures = Vec::new();
    let mut pipelines = Vec::new();
    for ((pipeline, own), loops) in input.program.pipelines.iter().zip(&input.plan.pipelines).zip(input.loops) {
        pipelines.push(describe_pipeline(&input.program.names, pipeline, own, loops));
        describe_failures(input, own, loops, &mut failures);
    }
    Manifest {
        abi: [ABI_MAJOR, ABI_MINOR],
        language: LANGUAGE.to_string(),
        compiler: env!("CARGO_PKG_VERSION").to_string(),
        profile: input.profile.name().to_string(),
        requires: match input.profile {
            Profile::Simd128 => vec!["simd128".to_string()],
            Profile::Scalar => Vec::new(),
        },
        source_hash: source_hash(input),
        memory: Memory {
            initial_pages: pages(input.plan.arena),
            max_pages: input.plan.ceiling.map(|bytes| pages(bytes.min(1 << 32))),
        },
        pipelines,
        failures,
    }
}

fn source_hash(input: Input<'_>) -> String {
    let mut hash = Sha256::new();
    for (_, file) in input.sources.iter() {
        for part in [&file.name, &file.text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn describe_pipeline(
    names: &SizeNames,
    pipeline: &Pipeline,
    own: &PipelinePlan,
    loops: &loops::Program,
) -> kcc_abi::Pipeline {
    let buffer_of = |role: Role| loops.buffers.iter().position(|buffer| buffer.role == role);
    let tensor = |name: &str, id: TensorId, role: Role| {
        let described = &pipeline.tensors[id];
        let buffer = buffer_of(role).expect("every parameter and result has a buffer");
        Tensor {
            name: name.to_string(),
            elem: described.elem.name().to_string(),
            dims: described.dims.iter().map(|dim| describe_dim(names, &pipeline.sizes, own, loops, dim)).collect(),
            address: address(own, buffer),
        }
    };
    let params = pipeline.params.iter().enumerate();
    let results = pipeline.results.iter().enumerate();
    kcc_abi::Pipeline {
        name: own.name.clone(),
        doc: pipeline.doc.clone(),
        plan: own.has_plan().then(|| format!("{}.plan", own.name)),
        plan_args: own.args.iter().map(|arg| plan_arg(names, arg)).collect(),
        run: format!("{}.run", own.name),
        params: params.map(|(n, id)| tensor(&pipeline.tensors[*id].name, *id, Role::Input(n))).collect(),
        results: results.map(|(n, (name, id))| tensor(name, *id, Role::Output(n))).collect(),
        generation_at: own.slot_at(&Slot::Generation),
        steps: own
            .steps
            .iter()
            .map(|step| {
                let StepKind::Kernel(kernel) = step.kind;
                kcc_abi::Step {
                    name: loops.kernels[kernel].name.clone(),
                    binding: binding(step.binding).to_string(),
                    kind: "wasm".to_string(),
                }
            })
            .collect(),
    }
}

fn plan_arg(names: &SizeNames, arg: &Arg) -> PlanArg {
    match arg {
        Arg::Size { var, max } => {
            PlanArg::Size { name: names.size(*var).to_string(), max: max.map(|max| max.clamp(0, 1 << 31) as u32) }
        }
        Arg::Scalar { var, ty, .. } => {
            PlanArg::Scalar { name: names.scalar(*var).to_string(), elem: ty.name().to_string() }
        }
    }
}

fn describe_dim(names: &SizeNames, vars: &[SizeVar], own: &PipelinePlan, loops: &loops::Program, dim: &Size) -> Dim {
    let value = if let Some((_, buffer)) = loops.extents.iter().find(|(own, _)| own == dim) {
        DimValue::Decided(address(own, buffer.0 as usize))
    } else if let Some(value) = dim.as_const() {
        DimValue::Fixed(u32::try_from(value).unwrap_or(0))
    } else if let Some((arg, scale, offset)) = argument_of(dim, vars) {
        DimValue::Arg { arg, scale, offset }
    } else {
        let slot = dim.as_atom().map_or_else(|| Slot::Extent(dim.clone()), |atom| Slot::Atom(atom.clone()));
        DimValue::At(own.slot_at(&slot).expect("every extent that a host needs has a slot"))
    };
    Dim { text: names.show(dim), value }
}

fn address(own: &PipelinePlan, buffer: usize) -> Address {
    match own.buffers[own.root(loops::BufferId(buffer as u32)).0 as usize].place {
        Place::Fixed(address) => Address::Fixed(address),
        Place::Slot(slot) => Address::At(own.slots_at + 4 * slot as u32),
        Place::Same(_) | Place::Nowhere => unreachable!("every parameter and result has an address"),
    }
}

fn describe_failures(
    input: Input<'_>,
    own: &PipelinePlan,
    loops: &loops::Program,
    failures: &mut Vec<kcc_abi::Failure>,
) {
    let mut add = |kind: &str, message: String, values: &[Scalar], origin: Option<OriginId>| {
        let (file, line, column) = match origin {
            Some(origin) => {
                let span = input.program.origins.user_span(origin, input.sources);
                let (line, column) = input.sources.line_column(span);
                (input.sources.file(span.file).name.clone(), line, column)
            }
            None => (String::new(), 0, 0),
        };
        failures.push(kcc_abi::Failure {
            status: kcc_abi::status::FIRST_FAILURE + failures.len() as i32,
            kind: kind.to_string(),
            message,
            values: values.iter().map(|ty| ty.name().to_string()).collect(),
            pipeline: own.name.clone(),
            file,
            line,
            column,
        });
    };
    for fact in &own.facts {
        add("fact", format!("{} does not hold", fact.text), &[], fact.origin);
    }
    let types = value_types(loops);
    for (number, (failure, origin)) in loops.failures.iter().enumerate() {
        let values = types.get(&FailureId(number as u32)).cloned().unwrap_or_default();
        let (kind, message) = match failure {
            Failure::IndexOutOfRange { tensor, axis } => {
                ("index", format!("index {{0}} is out of range for axis {axis} of `{tensor}`, whose extent is {{1}}"))
            }
            Failure::DivisionByZero => ("division", "division by zero".to_string()),
            Failure::EmptyArg => ("empty", "argmax or argmin of nothing".to_string()),
            Failure::ListFull(list) => ("list", format!("the list `{list}` is full, it can hold {{0}}")),
            Failure::ListEmpty(list) => ("list", format!("the list `{list}` is empty")),
            Failure::ListLength(list) => ("list", format!("the list `{list}` cannot be cut to {{0}}, it has {{1}}")),
            Failure::Fact(text) => ("fact", format!("{text} does not hold")),
            Failure::Assert(pieces) => ("assert", assert_message(pieces)),
        };
        add(kind, message, &values, Some(*origin));
    }
}

/// The pieces of an assert's text with `{0}`, `{1}` … between them.
fn assert_message(pieces: &[String]) -> String {
    let mut message = String::new();
    for (number, piece) in pieces.iter().enumerate() {
        if number > 0 {
            message.push_str(&format!("{{{}}}", number - 1));
        }
        message.push_str(piece);
    }
    message
}

/// The types of the values that each failure writes.
fn value_types(program: &loops::Program) -> BTreeMap<FailureId, Vec<Scalar>> {
    fn walk(stmts: &[Stmt], known: &range::Known<'_>, types: &mut BTreeMap<FailureId, Vec<Scalar>>) {
        for stmt in stmts {
            match stmt {
                Stmt::Fail(id, values) => {
                    let values = values.iter().take(kcc_abi::ERROR_VALUES);
                    types.insert(*id, values.map(|value| known.scalar(value)).collect());
                }
                other => other.blocks().into_iter().for_each(|block| walk(block, known, types)),
            }
        }
    }
    let mut types = BTreeMap::new();
    for kernel in &program.kernels {
        walk(&kernel.body, &range::known(kernel, &program.buffers), &mut types);
    }
    types
}
