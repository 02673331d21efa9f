//! Builds programs of flat kernels and runs the modules that they become.

use kcc_abi::{Address, Manifest, PlanArg};
use kcc_compiler::loops::{
    self, Access, Buffer, BufferId, Expr, Kernel, Load, Loop, LoopKind, Role, Stmt, Ty, Var, VarId,
};
use kcc_compiler::ops::Op;
use kcc_compiler::origin::OriginId;
use kcc_compiler::plan::{self, Plan};
use kcc_compiler::size::Size;
use kcc_compiler::source::{FileId, SourceMap, Span};
use kcc_compiler::target::Profile;
use kcc_compiler::target::wasm::module::{Artifact, Input, assemble};
use kcc_compiler::tensor::{self, Binding, ConstData, DataId, Fact, Failure, Pipeline, Tensor, TensorKind};
use kcc_compiler::types::{Const, Scalar};
use wasmtime::{Engine, Instance, Memory, Module, Store, Val};

/// A module under construction.
pub struct Build {
    pub program: tensor::Program,
    pub loops: Vec<loops::Program>,
    pub sources: SourceMap,
    pub origin: OriginId,
}

impl Build {
    pub fn new() -> Build {
        let mut sources = SourceMap::default();
        sources.add("test.k", "a pipeline\nby hand\n", false);
        let mut program = tensor::Program::default();
        let origin = program.origins.add(Span { file: FileId(0), start: 11, end: 18 }, None);
        Build { program, loops: Vec::new(), sources, origin }
    }

    /// Begins a pipeline; what follows belongs to it.
    pub fn pipeline(&mut self, name: &str) {
        self.program.pipelines.push(Pipeline {
            name: name.to_string(),
            doc: format!("The pipeline {name}."),
            origin: self.origin,
            sizes: Vec::new(),
            plan_scalars: Vec::new(),
            params: Vec::new(),
            results: Vec::new(),
            facts: Vec::new(),
            decided: Vec::new(),
            tensors: Default::default(),
            axes: Default::default(),
            exprs: Default::default(),
            types: Vec::new(),
            body: Default::default(),
        });
        self.loops.push(loops::Program::default());
    }

    pub fn p(&mut self) -> &mut Pipeline {
        self.program.pipelines.last_mut().unwrap()
    }

    fn own(&mut self) -> &mut loops::Program {
        self.loops.last_mut().unwrap()
    }

    pub fn size(&mut self, name: &str) -> Size {
        let var = self.program.names.new_size(name);
        self.p().sizes.push(var);
        var.into()
    }

    pub fn fact(&mut self, text: &str, size: Size) {
        let origin = Some(self.origin);
        self.p().facts.push(Fact { is_equality: false, size, text: text.to_string(), origin });
    }

    fn buffer(&mut self, name: &str, elem: Scalar, dims: &[Size], role: Role) -> BufferId {
        let buffers = &mut self.own().buffers;
        let room = dims.to_vec();
        let (name, dims) = (name.to_string(), dims.to_vec());
        buffers.push(Buffer { name, elem, dims, room, role, alias_of: None, is_variable: false });
        BufferId(buffers.len() as u32 - 1)
    }

    fn tensor(&mut self, name: &str, elem: Scalar, dims: &[Size], kind: TensorKind) -> tensor::TensorId {
        let origin = self.origin;
        self.p().tensors.add(Tensor { name: name.to_string(), elem, dims: dims.to_vec(), kind }, origin)
    }

    pub fn input(&mut self, name: &str, elem: Scalar, dims: &[Size]) -> BufferId {
        let number = self.p().params.len();
        let id = self.tensor(name, elem, dims, TensorKind::Param(number));
        self.p().params.push(id);
        self.buffer(name, elem, dims, Role::Input(number))
    }

    pub fn output(&mut self, name: &str, elem: Scalar, dims: &[Size]) -> BufferId {
        let id = self.tensor(name, elem, dims, TensorKind::Local);
        let number = self.p().results.len();
        self.p().results.push((name.to_string(), id));
        self.buffer(name, elem, dims, Role::Output(number))
    }

    pub fn local(&mut self, name: &str, elem: Scalar, dims: &[Size], binding: Binding) -> BufferId {
        self.buffer(name, elem, dims, Role::Local(binding))
    }

    pub fn alias(&mut self, name: &str, of: BufferId, dims: &[Size]) -> BufferId {
        let elem = self.own().buffers[of.0 as usize].elem;
        let id = self.buffer(name, elem, dims, Role::Local(Binding::Call));
        self.own().buffers[id.0 as usize].alias_of = Some(of);
        id
    }

    pub fn constant(&mut self, name: &str, values: &[Const]) -> BufferId {
        let (elem, dims) = (values[0].ty, vec![values.len() as i64]);
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.program.consts.push(ConstData { name: name.to_string(), elem, dims, bytes });
        let data = DataId(self.program.consts.len() as u32 - 1);
        self.buffer(name, elem, &[Size::constant(values.len() as i64)], Role::Const(data))
    }

    pub fn failure(&mut self, failure: Failure) -> loops::FailureId {
        let origin = self.origin;
        self.own().failures.push((failure, origin));
        loops::FailureId(self.own().failures.len() as u32 - 1)
    }

    pub fn kernel(&mut self, name: &str, binding: Binding, vars: Vec<Ty>, body: Vec<Stmt>) {
        let vars = vars.into_iter().enumerate().map(|(n, ty)| Var { name: format!("v{n}"), ty }).collect();
        let origin = self.origin;
        let kernel = Kernel {
            name: name.to_string(),
            binding,
            vars,
            body,
            origin,
            schedule: String::new(),
            decided: Vec::new(),
            short: Default::default(),
        };
        self.own().kernels.push(kernel);
    }

    pub fn plan(&self) -> Plan {
        let plan = plan::lower::lower(&self.program, &self.loops);
        plan::verify::verify(&self.program, &self.loops, &plan).unwrap_or_else(|complaint| {
            panic!("{complaint}\n{}", plan::print::print(&self.program, &self.loops, &plan))
        });
        plan
    }

    pub fn assemble(&self, profile: Profile) -> Artifact {
        let plan = self.plan();
        let input = Input { program: &self.program, loops: &self.loops, plan: &plan, sources: &self.sources, profile };
        assemble(input).expect("a valid module")
    }

    pub fn run(&self, profile: Profile) -> Running {
        Running::new(self.assemble(profile))
    }
}

/// An instance of a module.
pub struct Running {
    pub manifest: Manifest,
    pub store: Store<()>,
    pub instance: Instance,
    pub memory: Memory,
}

impl Running {
    pub fn new(artifact: Artifact) -> Running {
        let engine = Engine::default();
        let module = Module::new(&engine, &artifact.wasm).expect("Wasmtime takes the module");
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).expect("an instance");
        let memory = instance.get_memory(&mut store, "memory").expect("the memory");
        Running { manifest: artifact.manifest, store, instance, memory }
    }

    pub fn call(&mut self, name: &str, args: &[Val]) -> i32 {
        let function = self.instance.get_func(&mut self.store, name).unwrap_or_else(|| panic!("no export {name}"));
        let mut results = [Val::I32(-1)];
        function.call(&mut self.store, args, &mut results).unwrap_or_else(|trap| panic!("{name} trapped: {trap:?}"));
        results[0].unwrap_i32()
    }

    /// Calls `plan` with sizes only.
    pub fn plan(&mut self, pipeline: &str, sizes: &[i32]) -> i32 {
        let args: Vec<Val> = sizes.iter().map(|size| Val::I32(*size)).collect();
        self.call(&format!("{pipeline}.plan"), &args)
    }

    pub fn go(&mut self, pipeline: &str) -> i32 {
        self.call(&format!("{pipeline}.run"), &[])
    }

    pub fn i32_at(&self, address: u32) -> i32 {
        i32::from_le_bytes(self.bytes(address, 4).try_into().unwrap())
    }

    pub fn error(&self, position: u32) -> u64 {
        u64::from_le_bytes(self.bytes(kcc_abi::ERROR_BLOCK + 8 * position, 8).try_into().unwrap())
    }

    pub fn address(&self, address: Address) -> u32 {
        match address {
            Address::Fixed(address) => address,
            Address::At(slot) => self.i32_at(slot) as u32,
        }
    }

    pub fn bytes(&self, address: u32, length: usize) -> &[u8] {
        &self.memory.data(&self.store)[address as usize..][..length]
    }

    fn tensor(&self, pipeline: &str, name: &str) -> u32 {
        let pipeline = self.manifest.pipelines.iter().find(|own| own.name == pipeline).expect("the pipeline");
        let tensor = pipeline.params.iter().chain(&pipeline.results).find(|own| own.name == name);
        self.address(tensor.unwrap_or_else(|| panic!("no tensor {name}")).address)
    }

    pub fn write(&mut self, pipeline: &str, name: &str, values: &[Const]) {
        let at = self.tensor(pipeline, name) as usize;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.memory.data_mut(&mut self.store)[at..at + bytes.len()].copy_from_slice(&bytes);
    }

    pub fn read(&self, pipeline: &str, name: &str, elem: Scalar, count: usize) -> Vec<Const> {
        let size = elem.bytes() as usize;
        let bytes = self.bytes(self.tensor(pipeline, name), size * count);
        bytes.chunks(size).map(|bytes| Const::from_le_bytes(elem, bytes)).collect()
    }

    /// Names of `plan`'s arguments.
    pub fn plan_args(&self, pipeline: usize) -> Vec<&str> {
        let args = self.manifest.pipelines[pipeline].plan_args.iter();
        args.map(|arg| match arg {
            PlanArg::Size { name, .. } | PlanArg::Scalar { name, .. } => name.as_str(),
        })
        .collect()
    }
}

/// A type with one lane.
pub fn one(scalar: Scalar) -> Ty {
    Ty { scalar, lanes: 1 }
}

pub fn int(value: i64) -> Expr {
    Expr::Const(Const::int(Scalar::I32, i128::from(value)))
}

pub fn var(number: u32) -> Expr {
    Expr::Var(VarId(number))
}

pub fn op(op: Op, args: Vec<Expr>) -> Expr {
    Expr::Op(op, args)
}

pub fn mul(a: Expr, b: Expr) -> Expr {
    op(Op::Mul, vec![a, b])
}

pub fn add(a: Expr, b: Expr) -> Expr {
    op(Op::Add, vec![a, b])
}

/// One element, or `lanes` consecutive ones, at a byte offset.
pub fn load(buffer: BufferId, lanes: u8, offset: Expr) -> Expr {
    let access = if lanes == 1 { Access::One } else { Access::Contiguous(lanes) };
    Expr::Load(Load { buffer, index: vec![offset], access })
}

pub fn store(buffer: BufferId, offset: Expr, value: Expr) -> Stmt {
    Stmt::Store { buffer, index: vec![offset], value }
}

/// `for v in lo..hi by step`.
pub fn for_loop(v: u32, lo: Expr, hi: Expr, step: i64, body: Vec<Stmt>) -> Stmt {
    let kind = if step == 1 { LoopKind::Serial } else { LoopKind::Vector(step as u8) };
    Stmt::For(Loop { var: VarId(v), lo, hi, step: int(step), kind, body })
}

/// A small generator of random bits (xorshift).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A value of a type: often near zero, near a power of two, or special.
    pub fn value(&mut self, ty: Scalar) -> Const {
        let raw = self.next();
        let choice = self.next() % 8;
        match ty {
            Scalar::F32 => Const::f32(match choice {
                0 => [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, f32::MIN_POSITIVE, 1e-45]
                    [raw as usize % 8],
                1 | 2 => (raw as i32 >> 24) as f32 / 2.0,
                3 => (raw as i64) as f32,
                4 => 2f32.powi((raw % 140) as i32 - 10) * if raw & 1024 == 0 { 1.0 } else { -1.0 },
                _ => f32::from_bits(raw as u32),
            }),
            Scalar::F64 => Const::f64(match choice {
                0 => [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MAX, f64::MIN_POSITIVE, 5e-324]
                    [raw as usize % 8],
                1 | 2 => (raw as i32 >> 24) as f64 / 2.0,
                3 => (raw as i64) as f64,
                4 => 2f64.powi((raw % 140) as i32 - 10) * if raw & 1024 == 0 { 1.0 } else { -1.0 },
                5 => f64::from(f32::from_bits(raw as u32)),
                _ => f64::from_bits(raw),
            }),
            Scalar::F16 => Const { ty, bits: raw & 0xffff },
            _ => {
                let small = i128::from(raw as i8 >> 4);
                let edge = (1i128 << (raw % u64::from(ty.bits() + 1))) + i128::from((raw >> 32) % 3) - 1;
                Const::int(
                    ty,
                    match choice {
                        0 | 1 => small,
                        2 | 3 => edge,
                        4 => -edge,
                        _ => i128::from(raw),
                    },
                )
            }
        }
    }
}

/// Equal bits, or both NaN.
pub fn same(a: Const, b: Const) -> bool {
    let nan = |value: Const| match value.ty {
        Scalar::F16 => value.bits & 0x7fff > 0x7c00,
        Scalar::F32 => value.as_f32().is_nan(),
        Scalar::F64 => value.as_f64().is_nan(),
        _ => false,
    };
    a == b || (nan(a) && nan(b))
}

/// The numbers of lanes that can hold a type, 1 first.
pub fn lane_counts(bytes: u32) -> Vec<u8> {
    [1u8, 2, 4, 8, 16].into_iter().filter(|n| *n == 1 || 16 / u32::from(*n) >= bytes).collect()
}
