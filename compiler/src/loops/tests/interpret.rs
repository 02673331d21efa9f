//! Runs Loop IR of any level in tests, and notices what must not happen: accesses outside buffers (plus the sixteen
//! bytes behind them), stores outside, traps.

use crate::loops::{Access, BufferId, Expr, LabelId, Load, Program, Role, Stmt, Ty, VarId};
use crate::ops::eval::{apply, cast};
use crate::size::eval::SizeValues;
use crate::tensor::eval::TensorValue;
use crate::tensor::{Binding, ConstData, Failure};
use crate::types::{Const, Scalar};

/// What a run gives: results, or the failure with its values.
pub type Outcome = Result<Vec<TensorValue>, (Failure, Vec<Const>)>;

/// Runs a program; `flat` tells its level.
pub fn interpret(
    program: &Program,
    flat: bool,
    sizes: &SizeValues,
    consts: &[ConstData],
    inputs: &[TensorValue],
) -> Outcome {
    let mut machine = Machine::new(program, flat, sizes, consts, inputs);
    for binding in [Binding::Build, Binding::Bind, Binding::Plan, Binding::Call] {
        for kernel in program.kernels.iter().filter(|kernel| kernel.binding == binding) {
            machine.name = &kernel.name;
            machine.vars = vec![Vec::new(); kernel.vars.len()];
            machine.types = kernel.vars.iter().map(|var| var.ty).collect();
            match machine.block(&kernel.body) {
                Ok(()) => {}
                Err(Stop::Failed(failure, values)) => return Err((failure, values)),
                Err(Stop::Left(label)) => panic!("{}: nothing around is called {label:?}", kernel.name),
            }
        }
    }
    Ok(machine.results())
}

const PADDING: usize = 16;

/// Why statements end early.
enum Stop {
    Failed(Failure, Vec<Const>),
    Left(LabelId),
}

struct Machine<'a> {
    program: &'a Program,
    flat: bool,
    sizes: &'a SizeValues,
    memory: Vec<Vec<u8>>,
    name: &'a str,
    vars: Vec<Vec<Const>>,
    types: Vec<Ty>,
}

impl<'a> Machine<'a> {
    fn new(
        program: &'a Program,
        flat: bool,
        sizes: &'a SizeValues,
        consts: &[ConstData],
        inputs: &[TensorValue],
    ) -> Self {
        let mut memory = Vec::new();
        for buffer in &program.buffers {
            let mut bytes = match buffer.role {
                Role::Input(n) => inputs[n].bytes.clone(),
                Role::Const(data) => consts[data.0 as usize].bytes.clone(),
                Role::Output(_) | Role::Local(_) | Role::Scratch | Role::Extent => {
                    let count: i64 = buffer.room.iter().map(|dim| sizes.size(dim).unwrap()).product();
                    vec![0xAB; count as usize * buffer.elem.bytes() as usize]
                }
            };
            bytes.extend([0xCD; PADDING]);
            memory.push(bytes);
        }
        Machine { program, flat, sizes, memory, name: "", vars: Vec::new(), types: Vec::new() }
    }

    fn results(&self) -> Vec<TensorValue> {
        let mut results: Vec<(usize, TensorValue)> = Vec::new();
        for (buffer, bytes) in self.program.buffers.iter().zip(&self.memory) {
            if let Role::Output(n) = buffer.role {
                let dims = buffer.dims.iter().map(|dim| self.sizes.size(dim).unwrap()).collect();
                let bytes = bytes[..bytes.len() - PADDING].to_vec();
                results.push((n, TensorValue { elem: buffer.elem, dims, bytes }));
            }
        }
        results.sort_by_key(|(n, _)| *n);
        results.into_iter().map(|(_, value)| value).collect()
    }

    fn block(&mut self, stmts: &[Stmt]) -> Result<(), Stop> {
        for stmt in stmts {
            match stmt {
                Stmt::Let(var, value) | Stmt::Set(var, value) => self.vars[var.0 as usize] = self.expr(value),
                Stmt::Accumulate(var, op, value) => {
                    let value = self.expr(value);
                    let old = &self.vars[var.0 as usize];
                    self.vars[var.0 as usize] = old.iter().zip(&value).map(|(a, b)| apply(*op, &[*a, *b])).collect();
                }
                Stmt::For(nest) => {
                    let (mut at, hi, step) = (self.index(&nest.lo), self.index(&nest.hi), self.index(&nest.step));
                    assert!(step >= 1, "{}: step {step}", self.name);
                    while at < hi {
                        self.vars[nest.var.0 as usize] = vec![Const::i32(at as i32)];
                        self.block(&nest.body)?;
                        at += step;
                    }
                }
                Stmt::Store { buffer, index, value } => {
                    let value = self.expr(value);
                    self.store(*buffer, index, &value);
                }
                Stmt::If(cond, then, other) => {
                    let cond = self.expr(cond)[0].bits != 0;
                    self.block(if cond { then } else { other })?;
                }
                Stmt::Fail(failure, values) => {
                    let values = values.iter().map(|value| self.expr(value)[0]).collect();
                    return Err(Stop::Failed(self.program.failures[failure.0 as usize].0.clone(), values));
                }
                Stmt::Block(label, body) => match self.block(body) {
                    Err(Stop::Left(left)) if left == *label => {}
                    other => other?,
                },
                Stmt::Repeat(body) => loop {
                    self.block(body)?;
                },
                Stmt::Leave(label) => return Err(Stop::Left(*label)),
            }
        }
        Ok(())
    }

    fn index(&self, expr: &Expr) -> i64 {
        self.expr(expr)[0].as_int() as i64
    }

    fn expr(&self, expr: &Expr) -> Vec<Const> {
        match expr {
            Expr::Const(value) => vec![*value],
            Expr::Var(VarId(n)) => {
                let value = self.vars[*n as usize].clone();
                assert_eq!(value.len(), usize::from(self.types[*n as usize].lanes), "{}: lanes of {n}", self.name);
                value
            }
            Expr::Size(size) => vec![Const::i32(self.sizes.size(size).unwrap() as i32)],
            Expr::Op(op, args) => {
                let args: Vec<Vec<Const>> = args.iter().map(|arg| self.expr(arg)).collect();
                (0..args[0].len())
                    .map(|lane| {
                        let args: Vec<Const> = args.iter().map(|arg| arg[lane]).collect();
                        let zero = op.divides(args[0].ty) && args[1].bits == 0;
                        assert!(!zero, "{}: an integer division by zero", self.name);
                        apply(*op, &args)
                    })
                    .collect()
            }
            Expr::Cast(to, arg) => self.expr(arg).into_iter().map(|value| cast(*to, value)).collect(),
            Expr::Select(parts) => {
                let [cond, yes, no] = [0, 1, 2].map(|n| self.expr(&parts[n]));
                cond.iter().zip(yes.iter().zip(&no)).map(|(c, (a, b))| if c.bits != 0 { *a } else { *b }).collect()
            }
            Expr::Load(load) => self.load(load),
            Expr::Splat(arg, lanes) => vec![self.expr(arg)[0]; usize::from(*lanes)],
            Expr::Ramp(base, lanes) => {
                let base = self.index(base) as i32;
                (0..i32::from(*lanes)).map(|lane| Const::i32(base.wrapping_add(lane))).collect()
            }
            Expr::Lane(arg, lane) => vec![self.expr(arg)[usize::from(*lane)]],
        }
    }

    fn root(&self, buffer: BufferId) -> usize {
        self.program.buffers[buffer.0 as usize].alias_of.unwrap_or(buffer).0 as usize
    }

    /// The byte offset of an element.
    fn offset(&self, buffer: BufferId, index: &[Expr]) -> i64 {
        if self.flat {
            return self.index(&index[0]);
        }
        let known = &self.program.buffers[buffer.0 as usize];
        let mut offset = 0;
        for (index, dim) in index.iter().zip(&known.dims) {
            offset = offset * self.sizes.size(dim).unwrap() + self.index(index);
        }
        offset * i64::from(known.elem.bytes())
    }

    fn load(&self, load: &Load) -> Vec<Const> {
        let base = self.offset(load.buffer, &load.index);
        let known = &self.program.buffers[load.buffer.0 as usize];
        let width = i64::from(known.elem.bytes());
        let elements: Vec<i64> = match &load.access {
            Access::One => vec![0],
            Access::Contiguous(lanes) => (0..i64::from(*lanes)).collect(),
            Access::Strided { lanes, stride } => (0..i64::from(*lanes)).map(|l| l * i64::from(*stride)).collect(),
            Access::Gather { offsets, .. } => match offsets.as_slice() {
                [one] => self.expr(one).iter().map(|offset| offset.as_int() as i64).collect(),
                many => many.iter().map(|offset| self.index(offset)).collect(),
            },
        };
        let memory = &self.memory[self.root(load.buffer)];
        let read = |element: i64| {
            let at = base + element * width;
            let end = at + width;
            let inside = at >= 0 && end <= memory.len() as i64;
            assert!(inside, "{}: load of {} at byte {at} of {}", self.name, known.name, memory.len() - PADDING);
            let value = Const::from_le_bytes(known.elem, &memory[at as usize..end as usize]);
            if known.elem == Scalar::F16 { cast(Scalar::F32, value) } else { value }
        };
        elements.into_iter().map(read).collect()
    }

    fn store(&mut self, buffer: BufferId, index: &[Expr], values: &[Const]) {
        let at = self.offset(buffer, index);
        let known = &self.program.buffers[buffer.0 as usize];
        let mut bytes = Vec::new();
        for &value in values {
            let value = if known.elem == Scalar::F16 { cast(Scalar::F16, value) } else { value };
            bytes.extend(value.to_le_bytes());
        }
        let root = self.root(buffer);
        let memory = &mut self.memory[root];
        let end = at + bytes.len() as i64;
        let inside = at >= 0 && end <= (memory.len() - PADDING) as i64;
        assert!(inside, "{}: store to {} at byte {at} of {}", self.name, known.name, memory.len() - PADDING);
        memory[at as usize..end as usize].copy_from_slice(&bytes);
    }
}
