//! Compiles one statement of Tensor IR, with those inside it, to bytecode for known sizes.
//!
//! Each statement inside another stands behind a floor: what it computes stays in it, since variables may have changed before
//! the next one.
//! Each expression is computed once per scope that needs it, in the outermost scope that binds its axes and in which
//! it is surely wanted: out of a stage's loops always (a stage without elements is not compiled), out of a reduction's
//! loop into its guard (code that runs once, and only if the loop has an iteration), out of the guard only if it has a
//! value under all circumstances, out of the arm of a `Select` never. Constants and sizes stand before everything.

use super::analysis::Analysis;
use super::code::{Code, Instr, Reg};
use super::error::EvalError;
use crate::ops::Op;
use crate::ops::eval::{binary, cast_fn, unary};
use crate::size::eval::SizeValues;
use crate::size::{Atom, Size, SizeNames, SizeVar};
use crate::tensor::{AxisId, Check, Expr, ExprId, LabelId, Pipeline, ReduceAxis, TensorId};
use crate::types::Scalar;
use std::collections::BTreeMap;

/// Code that may leave a scope for the one around it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    /// Whatever does not use the scope's axes.
    All,
    /// What also has a value under all circumstances.
    Total,
    /// Nothing.
    Nothing,
}

struct Scope {
    leaves: Leaves,
    axes: Vec<AxisId>,
    code: Vec<Instr>,
    known: BTreeMap<ExprId, Reg>,
}

/// Compiles one statement.
pub(super) struct Compiler<'c, 'p> {
    pub(super) pipeline: &'p Pipeline,
    names: &'p SizeNames,
    sizes: &'c SizeValues,
    analysis: &'c mut Analysis<'p>,
    scopes: Vec<Scope>,
    /// The first scope of the statement at hand.
    pub(super) floor: usize,
    axis_regs: BTreeMap<AxisId, Reg>,
    /// Sizes that the code itself decides.
    pub(super) decided: BTreeMap<SizeVar, Reg>,
    constants: BTreeMap<u64, Reg>,
    regs: u32,
    /// Where the contents of tensors are.
    places: &'c BTreeMap<TensorId, usize>,
    pub(super) checks: Vec<&'p Check>,
    /// Blocks that are open, with the labels of their ends.
    pub(super) blocks: Vec<(LabelId, u32)>,
    labels: u32,
}

/// A loop that [`Compiler::open_loop`] began.
pub(super) struct OpenLoop {
    axis: AxisId,
    /// The register of its index.
    pub(super) index: Reg,
    lo: Reg,
    hi: Reg,
    step: u32,
}

impl<'c, 'p> Compiler<'c, 'p> {
    pub(super) fn new(
        pipeline: &'p Pipeline,
        names: &'p SizeNames,
        sizes: &'c SizeValues,
        analysis: &'c mut Analysis<'p>,
        places: &'c BTreeMap<TensorId, usize>,
    ) -> Self {
        let root = Scope { leaves: Leaves::All, axes: Vec::new(), code: Vec::new(), known: BTreeMap::new() };
        Compiler {
            pipeline,
            names,
            sizes,
            analysis,
            scopes: vec![root],
            floor: 0,
            axis_regs: BTreeMap::new(),
            decided: BTreeMap::new(),
            constants: BTreeMap::new(),
            regs: 0,
            places,
            checks: Vec::new(),
            blocks: Vec::new(),
            labels: 0,
        }
    }

    /// The code, when everything was compiled.
    pub(super) fn finish(mut self) -> Code<'p> {
        let root = self.close();
        debug_assert!(self.scopes.is_empty());
        Code { instrs: resolve(root, self.labels), regs: self.regs, checks: self.checks }
    }

    /// A new label for jumps between scopes.
    pub(super) fn label(&mut self) -> u32 {
        self.labels += 1;
        self.labels - 1
    }

    /// The position of the innermost scope.
    pub(super) fn innermost(&self) -> usize {
        self.scopes.len() - 1
    }

    /// New consecutive registers; the first one.
    pub(super) fn new_regs(&mut self, count: u32) -> Reg {
        self.regs += count;
        self.regs - count
    }

    /// Appends an instruction to the innermost scope.
    pub(super) fn emit(&mut self, instr: Instr) {
        self.scopes.last_mut().expect("the root scope is open").code.push(instr);
    }

    /// Appends code to the innermost scope.
    pub(super) fn emit_all(&mut self, code: Vec<Instr>) {
        self.scopes.last_mut().expect("the root scope is open").code.extend(code);
    }

    /// Opens a scope.
    pub(super) fn open(&mut self, leaves: Leaves, axes: Vec<AxisId>) {
        self.scopes.push(Scope { leaves, axes, code: Vec::new(), known: BTreeMap::new() });
    }

    /// Closes the innermost scope and gives its code.
    pub(super) fn close(&mut self) -> Vec<Instr> {
        self.scopes.pop().expect("a scope is open").code
    }

    /// Binds an axis to a new register.
    pub(super) fn bind(&mut self, axis: AxisId) -> Reg {
        let reg = self.new_regs(1);
        self.axis_regs.insert(axis, reg);
        reg
    }

    /// Ends the binding of an axis.
    pub(super) fn unbind(&mut self, axis: AxisId) {
        self.axis_regs.remove(&axis);
    }

    /// A register that holds these bits from the start.
    pub(super) fn constant(&mut self, bits: u64) -> Reg {
        if let Some(reg) = self.constants.get(&bits) {
            return *reg;
        }
        let dst = self.new_regs(1);
        self.scopes[0].code.push(Instr::Const { dst, bits });
        self.constants.insert(bits, dst);
        dst
    }

    /// A register with the value of a size.
    pub(super) fn size_reg(&mut self, size: &Size) -> Result<Reg, EvalError> {
        if !self.decided.keys().any(|var| size.mentions(*var)) {
            let value = self.size(size)?;
            return Ok(self.constant(value as u64));
        }
        let mut sum = self.constant(0);
        for (product, coefficient) in size.terms() {
            let mut term = self.constant(coefficient as u64);
            for atom in product {
                let atom = self.atom_reg(atom)?;
                term = self.int(Op::Mul, term, atom);
            }
            sum = self.int(Op::Add, sum, term);
        }
        Ok(sum)
    }

    fn atom_reg(&mut self, atom: &Atom) -> Result<Reg, EvalError> {
        let (op, a, b) = match atom {
            Atom::Var(var) if self.decided.contains_key(var) => return Ok(self.decided[var]),
            Atom::Div(a, b) => (Op::Div, a, b),
            Atom::Rem(a, b) => (Op::Rem, a, b),
            Atom::Min(a, b) => (Op::Min, a, b),
            Atom::Max(a, b) => (Op::Max, a, b),
            Atom::Var(_) | Atom::Dim(_) => {
                let value = self.size(&Size::atom(atom.clone()))?;
                return Ok(self.constant(value as u64));
            }
        };
        let (a, b) = (self.size_reg(a)?, self.size_reg(b)?);
        Ok(self.int(op, a, b))
    }

    /// An operation on 64-bit integers.
    pub(super) fn int(&mut self, op: Op, a: Reg, b: Reg) -> Reg {
        let f = binary(op, Scalar::I64).expect("integers have this operation");
        let dst = self.new_regs(1);
        self.emit(if op.divides(Scalar::I64) {
            Instr::Divide { f, dst, a, b }
        } else {
            Instr::Binary { f, dst, a, b }
        });
        dst
    }

    /// The place of a tensor's contents.
    pub(super) fn place_of(&self, tensor: TensorId) -> Result<u32, EvalError> {
        let name = &self.pipeline.tensors[tensor].name;
        let unwritten = || EvalError::Invalid(format!("`{name}` is read before it is written"));
        self.places.get(&tensor).map(|place| *place as u32).ok_or_else(unwritten)
    }

    /// The value of a size.
    pub(super) fn size(&self, size: &Size) -> Result<i64, EvalError> {
        self.sizes.size(size).map_err(|error| EvalError::size(self.names.show(size), error))
    }

    /// The step of a range.
    pub(super) fn step(&self, axis: &ReduceAxis) -> Result<u32, EvalError> {
        match self.size(&axis.step)? {
            step if step >= 1 => Ok(step as u32),
            step => {
                let reason = format!("is {step}, but a step must be at least 1");
                Err(EvalError::Size { size: self.names.show(&axis.step), reason })
            }
        }
    }

    /// Begins a loop over an axis with bounds; code until [`Compiler::close_loop`] is its body.
    pub(super) fn open_loop(&mut self, axis: &ReduceAxis) -> Result<OpenLoop, EvalError> {
        let (lo, hi) = (self.expr(axis.lo)?, self.expr(axis.hi)?);
        let step = self.step(axis)?;
        self.open(Leaves::Total, Vec::new());
        self.open(Leaves::All, vec![axis.axis]);
        let index = self.bind(axis.axis);
        Ok(OpenLoop { axis: axis.axis, index, lo, hi, step })
    }

    /// Ends a loop.
    pub(super) fn close_loop(&mut self, open: OpenLoop) {
        let body = self.close();
        let guard = self.close();
        self.unbind(open.axis);
        let (index, limit) = (open.index, open.hi);
        self.emit(Instr::Move { dst: index, a: open.lo });
        self.emit(Instr::SkipIfGe { a: index, b: limit, by: length(&guard) + length(&body) + 1 });
        let by = length(&body) + 1;
        self.emit_all(guard);
        self.emit_all(body);
        self.emit(Instr::Next { index, limit, step: open.step, by });
    }

    /// The register that holds the expression's value in the innermost scope.
    pub(super) fn expr(&mut self, id: ExprId) -> Result<Reg, EvalError> {
        match &self.pipeline.exprs[id] {
            Expr::Axis(axis) => {
                let unbound = || EvalError::Invalid(format!("axis {axis:?} is used outside of it"));
                return self.axis_regs.get(axis).copied().ok_or_else(unbound);
            }
            Expr::Const(value) => return Ok(self.constant(value.bits)),
            Expr::Size(size) => return self.size_reg(size),
            Expr::Op(..) | Expr::Cast(_) | Expr::Select(..) | Expr::Load(..) | Expr::Reduce(_) => {}
        }
        if let Some(reg) = self.scopes[self.floor..].iter().rev().find_map(|scope| scope.known.get(&id)) {
            return Ok(*reg);
        }
        let place = self.place(id);
        let inner = self.scopes.split_off(place + 1);
        let reg = self.compute(id)?;
        self.scopes[place].known.insert(id, reg);
        self.scopes.extend(inner);
        Ok(reg)
    }

    /// The outermost scope in which the expression may be computed.
    fn place(&mut self, id: ExprId) -> usize {
        let facts = self.analysis.of(id);
        let mut place = self.scopes.len() - 1;
        while place > self.floor {
            let scope = &self.scopes[place];
            let leaves = match scope.leaves {
                Leaves::All => true,
                Leaves::Total => facts.total,
                Leaves::Nothing => false,
            };
            if !leaves || scope.axes.iter().any(|axis| facts.axes.contains(axis)) {
                break;
            }
            place -= 1;
        }
        place
    }

    /// Computes an expression in the innermost scope.
    fn compute(&mut self, id: ExprId) -> Result<Reg, EvalError> {
        let pipeline = self.pipeline;
        let ty = pipeline.ty(id);
        match &pipeline.exprs[id] {
            Expr::Const(_) | Expr::Axis(_) | Expr::Size(_) => self.expr(id),
            Expr::Op(op, args) => {
                let operands = pipeline.ty(args[0]);
                let unfit = || EvalError::Invalid(format!("{} does not take {operands}", op.name()));
                let dst;
                match args.as_slice() {
                    [a] => {
                        let f = unary(*op, operands).ok_or_else(unfit)?;
                        let a = self.expr(*a)?;
                        dst = self.new_regs(1);
                        self.emit(Instr::Unary { f, dst, a });
                    }
                    [a, b] => {
                        let f = binary(*op, operands).ok_or_else(unfit)?;
                        let (a, b) = (self.expr(*a)?, self.expr(*b)?);
                        dst = self.new_regs(1);
                        self.emit(if op.divides(operands) {
                            Instr::Divide { f, dst, a, b }
                        } else {
                            Instr::Binary { f, dst, a, b }
                        });
                    }
                    _ => return Err(unfit()),
                }
                Ok(dst)
            }
            Expr::Cast(arg) => {
                let f = cast_fn(pipeline.ty(*arg), ty);
                let a = self.expr(*arg)?;
                let dst = self.new_regs(1);
                self.emit(Instr::Unary { f, dst, a });
                Ok(dst)
            }
            Expr::Select(cond, then, otherwise) => self.select(*cond, *then, *otherwise),
            Expr::Load(tensor, index) => self.load(*tensor, index),
            Expr::Reduce(reduce) => self.reduce(reduce),
        }
    }

    fn select(&mut self, cond: ExprId, then: ExprId, otherwise: ExprId) -> Result<Reg, EvalError> {
        let cond = self.expr(cond)?;
        self.open(Leaves::Nothing, Vec::new());
        let a = self.expr(then)?;
        let mut then = self.close();
        self.open(Leaves::Nothing, Vec::new());
        let b = self.expr(otherwise)?;
        let mut otherwise = self.close();
        let dst = self.new_regs(1);
        if then.is_empty() && otherwise.is_empty() {
            self.emit(Instr::Select { dst, cond, a, b });
            return Ok(dst);
        }
        otherwise.push(Instr::Move { dst, a: b });
        then.push(Instr::Move { dst, a });
        then.push(Instr::Jump { by: length(&otherwise) });
        self.emit(Instr::Unless { cond, by: length(&then) });
        self.emit_all(then);
        self.emit_all(otherwise);
        Ok(dst)
    }

    fn load(&mut self, tensor: TensorId, index: &[ExprId]) -> Result<Reg, EvalError> {
        let target = &self.pipeline.tensors[tensor];
        if index.len() != target.dims.len() {
            let (name, rank) = (&target.name, target.dims.len());
            return Err(EvalError::Invalid(format!("a load of `{name}` has {} indices, not {rank}", index.len())));
        }
        let at = self.flat_index(tensor, index)?;
        let place = self.place_of(tensor)?;
        let dst = self.new_regs(1);
        self.emit(Instr::Load { dst, place, at, elem: target.elem });
        Ok(dst)
    }

    /// The number of an element.
    pub(super) fn flat_index(&mut self, tensor: TensorId, index: &[ExprId]) -> Result<Reg, EvalError> {
        let mut at = self.constant(0);
        for (index, dim) in index.iter().zip(&self.pipeline.tensors[tensor].dims) {
            let extent = self.size_reg(dim)?;
            let index = self.expr(*index)?;
            let dst = self.new_regs(1);
            self.emit(Instr::Index { dst, base: at, index, extent });
            at = dst;
        }
        Ok(at)
    }
}

/// The number of instructions, as jumps count them.
pub(super) fn length(code: &[Instr]) -> u32 {
    u32::try_from(code.len()).expect("the code of a statement has fewer than 2^32 instructions")
}

/// Turns jumps to labels into jumps over instructions.
fn resolve(mut code: Vec<Instr>, labels: u32) -> Vec<Instr> {
    let mut targets = vec![0; labels as usize];
    for (position, instr) in code.iter().enumerate() {
        if let Instr::Label { label } = instr {
            targets[*label as usize] = position;
        }
    }
    for (position, instr) in code.iter_mut().enumerate() {
        let over = |label: u32| (targets[label as usize] - position - 1) as u32;
        let back = |label: u32| (position + 1 - targets[label as usize]) as u32;
        *instr = match *instr {
            Instr::Go { label } if targets[label as usize] > position => Instr::Jump { by: over(label) },
            Instr::Go { label } => Instr::Back { by: back(label) },
            Instr::GoUnless { cond, label } => Instr::Unless { cond, by: over(label) },
            Instr::GoIfGe { a, b, label } => Instr::SkipIfGe { a, b, by: over(label) },
            Instr::GoNext { index, limit, step, label } => Instr::Next { index, limit, step, by: back(label) },
            other => other,
        };
    }
    code
}
