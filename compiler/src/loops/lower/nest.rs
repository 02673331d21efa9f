//! A kernel under construction: a stack of open scopes (kernel, loops, blocks), each with the statements written so
//! far and the expressions that already have a variable in it.
//!
//! An expression is placed by appending to the scope it belongs to, which may lie outside the innermost one: its
//! statements then stand before the loop that is still open inside.

use super::buffers::Buffers;
use super::facts::Facts;
use crate::loops::{Expr, Loop, LoopKind, Stmt, Ty, Var, VarId, build};
use crate::tensor::{AxisId, ExprId, Pipeline, ReduceAxis, TensorId};
use crate::types::Scalar;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What opened a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScopeKind {
    /// The kernel itself.
    Root,
    /// A loop over a stage's axis. Such nests are guarded as a whole where it matters that they are not empty.
    StageLoop,
    /// A loop that may be empty without the stage being empty.
    Loop,
    /// The arm of an `If`.
    Arm,
    /// A block whose statements join the enclosing scope when it closes.
    Block,
    /// An arm that is hardly ever executed: nothing in it moves out of it.
    Cold,
}

/// An open scope.
pub(super) struct Scope {
    /// What opened it.
    pub kind: ScopeKind,
    /// Axes with a value here.
    pub axes: Vec<(AxisId, Expr)>,
    /// The reductions that it carries out whenever it is reached, as far as declared.
    pub needed: Option<Rc<BTreeSet<ExprId>>>,
    /// The loop that will enclose the statements.
    header: Option<Header>,
    /// Statements so far.
    pub stmts: Vec<Stmt>,
    /// Expressions that have a value here.
    pub values: BTreeMap<ExprId, Expr>,
}

struct Header {
    var: VarId,
    lo: Expr,
    hi: Expr,
    step: Expr,
}

/// A kernel under construction.
pub(super) struct Nest<'n, 'a> {
    pub pipeline: &'a Pipeline,
    pub buffers: &'n mut Buffers,
    pub facts: &'n mut Facts<'a>,
    pub vars: Vec<Var>,
    pub scopes: Vec<Scope>,
    /// Whether what is placed now may run without being asked for.
    pub speculative: bool,
    /// Whether the nest relies on its loops not being empty.
    guarded: bool,
    /// Extents of the stage's axes that are not constant.
    extents: Vec<Expr>,
    /// Private tensors of rank 0, which need no room in memory, with the scope of their value.
    pub held: BTreeMap<TensorId, (Expr, usize)>,
    /// Tensors of which a ring keeps some rows, with the number of the first row kept.
    pub rings: BTreeMap<TensorId, Expr>,
    /// Values made of sizes that have a variable in the kernel's own scope.
    pub heads: Vec<(Expr, Expr)>,
}

impl<'n, 'a> Nest<'n, 'a> {
    /// An empty kernel.
    pub fn new(pipeline: &'a Pipeline, buffers: &'n mut Buffers, facts: &'n mut Facts<'a>) -> Self {
        let mut nest = Nest {
            pipeline,
            buffers,
            facts,
            vars: Vec::new(),
            scopes: Vec::new(),
            speculative: false,
            guarded: false,
            extents: Vec::new(),
            held: BTreeMap::new(),
            rings: BTreeMap::new(),
            heads: Vec::new(),
        };
        nest.open(ScopeKind::Root);
        nest
    }

    /// Closes all loops and gives the kernel's variables and body.
    pub fn finish(mut self) -> (Vec<Var>, Vec<Stmt>) {
        self.close_to(0);
        let body = self.scopes.pop().expect("the kernel's scope").stmts;
        let filled = self
            .extents
            .iter()
            .map(|extent| build::less(build::int(0), extent.clone()))
            .reduce(build::and)
            .filter(|_| self.guarded);
        let body = match filled {
            Some(cond) => vec![Stmt::If(cond, body, Vec::new())],
            None => body,
        };
        (self.vars, body)
    }

    /// Declares the expressions that the innermost scope needs in any case.
    pub fn need(&mut self, roots: &[ExprId]) {
        self.scopes.last_mut().expect("a scope is open").needed = Some(self.facts.needed(roots));
    }

    /// The position of the innermost scope.
    pub fn top(&self) -> usize {
        self.scopes.len() - 1
    }

    /// A new variable.
    pub fn var(&mut self, name: &str, ty: Ty) -> VarId {
        self.vars.push(Var { name: name.to_string(), ty });
        VarId(self.vars.len() as u32 - 1)
    }

    /// Appends to the innermost scope.
    pub fn push(&mut self, stmt: Stmt) {
        self.scopes.last_mut().expect("a scope is open").stmts.push(stmt);
    }

    /// The type of an expression.
    pub fn ty(&self, expr: &Expr) -> Scalar {
        match expr {
            Expr::Const(value) => value.ty,
            Expr::Var(var) => self.vars[var.0 as usize].ty.scalar,
            Expr::Load(load) => build::loaded(self.buffers.all[load.buffer.0 as usize].elem),
            Expr::Op(op, args) => {
                let ty = self.ty(&args[0]);
                op.result(ty).unwrap_or(ty)
            }
            Expr::Cast(to, _) => *to,
            Expr::Select(parts) => self.ty(&parts[1]),
            Expr::Splat(arg, _) | Expr::Lane(arg, _) => self.ty(arg),
            Expr::Size(_) | Expr::Ramp(..) => Scalar::I32,
        }
    }

    /// A new variable with this value in the innermost scope.
    pub fn define(&mut self, name: &str, value: Expr) -> VarId {
        self.define_at(self.top(), name, value)
    }

    /// A new variable with this value in a scope.
    pub fn define_at(&mut self, scope: usize, name: &str, value: Expr) -> VarId {
        let var = self.var(name, Ty::one(self.ty(&value)));
        self.scopes[scope].stmts.push(Stmt::Let(var, value));
        var
    }

    /// The expression as it is, or a variable of the scope if it is more than a leaf. Equal values share a variable:
    /// tensors do not change while the kernel runs, nor do accumulators once their loop is closed.
    pub fn leaf_at(&mut self, scope: usize, name: &str, value: Expr) -> Expr {
        if matches!(value, Expr::Const(_) | Expr::Var(_) | Expr::Size(_)) {
            return value;
        }
        let known = self.scopes[scope].stmts.iter().find_map(|stmt| match stmt {
            Stmt::Let(var, known) if *known == value => Some(*var),
            _ => None,
        });
        Expr::Var(known.unwrap_or_else(|| self.define_at(scope, name, value)))
    }

    /// Opens a scope that is not a loop.
    pub fn open(&mut self, kind: ScopeKind) {
        let (axes, stmts, values) = (Vec::new(), Vec::new(), BTreeMap::new());
        self.scopes.push(Scope { kind, axes, needed: None, header: None, stmts, values });
    }

    /// Opens a block in which axes have these values.
    pub fn open_block(&mut self, axes: Vec<(AxisId, Expr)>) {
        self.open(ScopeKind::Block);
        self.scopes.last_mut().expect("just opened").axes = axes;
    }

    /// Opens a loop and gives its index.
    pub fn open_loop(&mut self, kind: ScopeKind, name: &str, lo: Expr, hi: Expr, step: Expr) -> VarId {
        let var = self.var(name, Ty::one(Scalar::I32));
        self.open(kind);
        self.scopes.last_mut().expect("just opened").header = Some(Header { var, lo, hi, step });
        var
    }

    /// Opens a loop over `0..hi` that belongs to no axis.
    pub fn open_counter(&mut self, number: usize, hi: Expr) -> Expr {
        const NAMES: [&str; 6] = ["i", "j", "k", "l", "m", "n"];
        let name = NAMES[number % NAMES.len()];
        Expr::Var(self.open_loop(ScopeKind::StageLoop, name, build::int(0), hi, build::int(1)))
    }

    /// Opens the loop over a stage's axis.
    pub fn open_stage_axis(&mut self, axis: AxisId, kind: ScopeKind) {
        let declared = &self.pipeline.axes[axis];
        let extent = build::size(declared.extent.as_ref().expect("a stage's axis has an extent"));
        let never_empty = build::as_int(&extent).is_some_and(|extent| extent >= 1);
        if kind == ScopeKind::StageLoop && !never_empty {
            self.extents.push(extent.clone());
        }
        // What is never empty may be treated like a loop that the whole nest is guarded for.
        let kind = if never_empty { ScopeKind::StageLoop } else { kind };
        let var = self.open_loop(kind, &declared.name, build::int(0), extent, build::int(1));
        self.scopes.last_mut().expect("just opened").axes = vec![(axis, Expr::Var(var))];
    }

    /// Opens the loop over a reduction's or check's axis; all `names` mean its index.
    pub fn open_axis(&mut self, names: &[AxisId], axis: &ReduceAxis) {
        let lo = self.value(axis.lo).0;
        let hi = self.value(axis.hi).0;
        let name = &self.pipeline.axes[axis.axis].name;
        let var = self.open_loop(ScopeKind::Loop, name, lo, hi, build::size(&axis.step));
        self.scopes.last_mut().expect("just opened").axes = names.iter().map(|&axis| (axis, Expr::Var(var))).collect();
    }

    /// Writes an element of a stage's tensor.
    pub fn store(&mut self, tensor: TensorId, index: Vec<Expr>, value: Expr) {
        let buffer = self.buffers.of(tensor);
        self.push(Stmt::Store { buffer, index, value });
    }

    /// Keeps the element of a private tensor of rank 0 in a variable.
    pub fn hold(&mut self, tensor: TensorId, value: Expr) {
        self.held.insert(tensor, (value, self.top()));
    }

    /// The value of an axis and the scope that binds it.
    pub fn axis(&self, axis: AxisId) -> (Expr, usize) {
        for (depth, scope) in self.scopes.iter().enumerate().rev() {
            if let Some((_, value)) = scope.axes.iter().find(|(bound, _)| *bound == axis) {
                return (value.clone(), depth);
            }
        }
        panic!("axis {} is used outside the loops that bind it", self.pipeline.axes[axis].name)
    }

    /// Closes the innermost scope and gives its statements, which the caller places.
    pub fn close_block(&mut self) -> Vec<Stmt> {
        self.scopes.pop().expect("a scope is open").stmts
    }

    /// Closes loops and blocks until this scope is the innermost.
    pub fn close_to(&mut self, depth: usize) {
        while self.top() > depth {
            let scope = self.scopes.pop().expect("a scope is open");
            match scope.header {
                Some(Header { var, lo, hi, step }) => {
                    self.push(Stmt::For(Loop { var, lo, hi, step, kind: LoopKind::Serial, body: scope.stmts }));
                }
                None => {
                    debug_assert_eq!(scope.kind, ScopeKind::Block);
                    self.scopes.last_mut().expect("a scope is open").stmts.extend(scope.stmts);
                }
            }
        }
    }

    /// Whether code placed in scope `depth` may run although the innermost scope does not ask for it.
    /// If only empty loops over the stage's axes could make the difference, the nest becomes guarded.
    pub fn speculated(&mut self, depth: usize) -> bool {
        let mut crossed_stage = false;
        for scope in &self.scopes[depth + 1..] {
            match scope.kind {
                ScopeKind::Loop | ScopeKind::Arm => return true,
                ScopeKind::StageLoop => crossed_stage = true,
                ScopeKind::Root | ScopeKind::Block | ScopeKind::Cold => {}
            }
        }
        self.guarded |= crossed_stage;
        self.speculative
    }

    /// The outermost scope in which new statements may stand: inside the innermost cold arm.
    pub fn floor(&self) -> usize {
        self.scopes.iter().rposition(|scope| scope.kind == ScopeKind::Cold).unwrap_or(0)
    }
}
