//! Small constructors for Loop IR expressions, with the folding that index arithmetic wants.
//!
//! Only `i32` arithmetic is folded here: it wraps, so folding never changes a value. Sizes fold among themselves.

use super::{Expr, Kernel, Load, Program, Stmt, Ty, Var, VarId};
use crate::ops::Op;
use crate::size::{Atom, Size, SizeVar};
use crate::types::{Const, Scalar};

/// An `i32` constant.
pub fn int(value: i64) -> Expr {
    Expr::Const(Const::int(Scalar::I32, i128::from(value)))
}

/// A size; a constant one becomes a constant.
pub fn size(size: &Size) -> Expr {
    match size.as_const() {
        Some(value) => int(value),
        None => Expr::Size(size.clone()),
    }
}

/// A size in a kernel where variables hold the sizes that the data decides.
pub fn decided_size(own: &Size, decided: &[(SizeVar, VarId)]) -> Expr {
    let holds = |size: &Size| decided.iter().any(|(var, _)| size.mentions(*var));
    if !holds(own) {
        return size(own);
    }
    let mut sum = int(0);
    for (product, coefficient) in own.terms() {
        let mut plain = Size::constant(coefficient);
        let mut term: Option<Expr> = None;
        for atom in product {
            let alone = Size::atom(atom.clone());
            if !holds(&alone) {
                plain = plain.times(&alone);
                continue;
            }
            let value = decided_atom(atom, decided);
            term = Some(match term {
                Some(before) => mul(before, value),
                None => value,
            });
        }
        let term = term.map_or_else(|| size(&plain), |term| mul(term, size(&plain)));
        sum = add(sum, term);
    }
    sum
}

fn decided_atom(atom: &Atom, decided: &[(SizeVar, VarId)]) -> Expr {
    let (code, a, b) = match atom {
        Atom::Var(var) => {
            let held = decided.iter().find(|(own, _)| own == var).map(|(_, held)| Expr::Var(*held));
            return held.unwrap_or_else(|| size(&Size::from(*var)));
        }
        Atom::Div(a, b) => (Op::Div, a, b),
        Atom::Rem(a, b) => (Op::Rem, a, b),
        Atom::Min(a, b) => (Op::Min, a, b),
        Atom::Max(a, b) => (Op::Max, a, b),
        Atom::Dim(_) => unreachable!("the front end makes no `dim` of what the data decides"),
    };
    op(code, decided_size(a, decided), decided_size(b, decided))
}

/// The value of an `i32` constant.
pub fn as_int(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Const(value) if value.ty == Scalar::I32 => Some(value.as_int() as i64),
        Expr::Size(size) => size.as_const(),
        _ => None,
    }
}

/// The size that an expression is made of, if it is a size or a constant.
pub fn as_size(expr: &Expr) -> Option<Size> {
    match expr {
        Expr::Size(size) => Some(size.clone()),
        _ => as_int(expr).map(Size::constant),
    }
}

/// Folds constants, and sizes as far as the result is a polynomial of the atoms that are there: no atom is added
/// that a plan would have to compute.
fn fold(a: &Expr, b: &Expr, constant: fn(i32, i32) -> i32, symbolic: fn(&Size, &Size) -> Size) -> Option<Expr> {
    match (as_int(a), as_int(b)) {
        (Some(a), Some(b)) => Some(int(i64::from(constant(a as i32, b as i32)))),
        _ => Some(size(&symbolic(&as_size(a)?, &as_size(b)?))),
    }
}

/// For `min` and `max`: which of two sizes, if their difference is a constant.
fn pick(a: &Expr, b: &Expr, first: fn(i64) -> bool) -> Option<Expr> {
    let (a, b) = (as_size(a)?, as_size(b)?);
    let difference = a.minus(&b).as_const()?;
    Some(size(if first(difference) { &a } else { &b }))
}

fn op(op: Op, a: Expr, b: Expr) -> Expr {
    Expr::Op(op, vec![a, b])
}

/// `a + b` of `i32`s. A constant part stands last, so that targets can fold it into an address.
pub fn add(a: Expr, b: Expr) -> Expr {
    if let Some(folded) = fold(&a, &b, i32::wrapping_add, Size::plus) {
        return folded;
    }
    match (a, b) {
        (a, b) if as_int(&b) == Some(0) => a,
        (a, b) if as_int(&a) == Some(0) => b,
        (Expr::Op(Op::Add, inner), b) if as_int(&inner[1]).is_some() => {
            let [x, c] = <[Expr; 2]>::try_from(inner).expect("an addition has two operands");
            if as_int(&b).is_some() { add(x, add(c, b)) } else { add(add(x, b), c) }
        }
        (a, b) if as_int(&a).is_some() => add(b, a),
        (a, b) => op(Op::Add, a, b),
    }
}

/// `a - b` of `i32`s.
pub fn sub(a: Expr, b: Expr) -> Expr {
    if let Some(folded) = fold(&a, &b, i32::wrapping_sub, Size::minus) {
        return folded;
    }
    match as_int(&b) {
        Some(value) => add(a, int(-value)),
        None => op(Op::Sub, a, b),
    }
}

/// `a * b` of `i32`s.
pub fn mul(a: Expr, b: Expr) -> Expr {
    if let Some(folded) = fold(&a, &b, i32::wrapping_mul, Size::times) {
        return folded;
    }
    match (as_int(&a), as_int(&b)) {
        (Some(0), _) | (_, Some(0)) => int(0),
        (Some(1), _) => b,
        (_, Some(1)) => a,
        (Some(_), _) => op(Op::Mul, b, a),
        _ => op(Op::Mul, a, b),
    }
}

/// The smaller of two `i32`s.
pub fn min(a: Expr, b: Expr) -> Expr {
    pick(&a, &b, |difference| difference <= 0).unwrap_or_else(|| op(Op::Min, a, b))
}

/// The larger of two `i32`s.
pub fn max(a: Expr, b: Expr) -> Expr {
    pick(&a, &b, |difference| difference >= 0).unwrap_or_else(|| op(Op::Max, a, b))
}

/// `a / b`, floor division of an `i32` by a constant that is at least 1.
pub fn div(a: Expr, b: i64) -> Expr {
    match as_int(&a) {
        _ if b == 1 => a,
        Some(value) => int(value.div_euclid(b)),
        None => op(Op::Div, a, int(b)),
    }
}

/// `a < b` of `i32`s.
pub fn less(a: Expr, b: Expr) -> Expr {
    match (as_int(&a), as_int(&b)) {
        (Some(a), Some(b)) => Expr::Const(Const::bool(a < b)),
        _ => op(Op::Lt, a, b),
    }
}

/// `a & b`, simpler if one is a known `bool`.
pub fn and(a: Expr, b: Expr) -> Expr {
    let known = |expr: &Expr| match expr {
        Expr::Const(value) if value.ty == Scalar::Bool => Some(value.bits != 0),
        _ => None,
    };
    match (known(&a), known(&b)) {
        (Some(true), _) | (_, Some(false)) => b,
        (Some(false), _) | (_, Some(true)) => a,
        (None, None) => op(Op::And, a, b),
    }
}

/// `c ? a : b`.
pub fn select(c: Expr, a: Expr, b: Expr) -> Expr {
    match &c {
        Expr::Const(value) => {
            if value.bits != 0 {
                a
            } else {
                b
            }
        }
        _ if a == b => a,
        _ => Expr::Select(Box::new([c, a, b])),
    }
}

impl Ty {
    /// One value of this element type.
    pub fn one(scalar: Scalar) -> Ty {
        Ty { scalar, lanes: 1 }
    }
}

/// The type that a load from this buffer element gives.
pub fn loaded(elem: Scalar) -> Scalar {
    if elem == Scalar::F16 { Scalar::F32 } else { elem }
}

/// The type of a well-formed expression.
pub fn ty(program: &Program, vars: &[Var], expr: &Expr) -> Ty {
    match expr {
        Expr::Const(value) => Ty::one(value.ty),
        Expr::Var(var) => vars[var.0 as usize].ty,
        Expr::Size(_) => Ty::one(Scalar::I32),
        Expr::Op(op, args) => {
            let arg = ty(program, vars, &args[0]);
            Ty { scalar: op.result(arg.scalar).unwrap_or(arg.scalar), lanes: arg.lanes }
        }
        Expr::Cast(to, arg) => Ty { scalar: *to, lanes: ty(program, vars, arg).lanes },
        Expr::Select(parts) => ty(program, vars, &parts[1]),
        Expr::Load(load) => {
            Ty { scalar: loaded(program.buffers[load.buffer.0 as usize].elem), lanes: load.access.lanes() }
        }
        Expr::Splat(arg, lanes) => Ty { lanes: *lanes, ..ty(program, vars, arg) },
        Expr::Ramp(_, lanes) => Ty { scalar: Scalar::I32, lanes: *lanes },
        Expr::Lane(arg, _) => Ty::one(ty(program, vars, arg).scalar),
    }
}

impl super::Access {
    /// The number of lanes loaded.
    pub fn lanes(&self) -> u8 {
        match self {
            super::Access::One => 1,
            super::Access::Contiguous(lanes) => *lanes,
            super::Access::Strided { lanes, .. } | super::Access::Gather { lanes, .. } => *lanes,
        }
    }
}

impl Expr {
    /// The direct operands.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Const(_) | Expr::Var(_) | Expr::Size(_) => Vec::new(),
            Expr::Op(_, args) => args.iter().collect(),
            Expr::Cast(_, arg) | Expr::Splat(arg, _) | Expr::Ramp(arg, _) | Expr::Lane(arg, _) => vec![arg],
            Expr::Select(parts) => parts.iter().collect(),
            Expr::Load(Load { index, access, .. }) => {
                let mut all: Vec<&Expr> = index.iter().collect();
                if let super::Access::Gather { offsets, .. } = access {
                    all.extend(offsets);
                }
                all
            }
        }
    }

    /// The direct operands, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Expr::Const(_) | Expr::Var(_) | Expr::Size(_) => Vec::new(),
            Expr::Op(_, args) => args.iter_mut().collect(),
            Expr::Cast(_, arg) | Expr::Splat(arg, _) | Expr::Ramp(arg, _) | Expr::Lane(arg, _) => vec![arg],
            Expr::Select(parts) => parts.iter_mut().collect(),
            Expr::Load(Load { index, access, .. }) => {
                let mut all: Vec<&mut Expr> = index.iter_mut().collect();
                if let super::Access::Gather { offsets, .. } = access {
                    all.extend(offsets);
                }
                all
            }
        }
    }

    /// Calls `f` with this expression and everything in it, outermost first.
    pub fn visit<'a>(&'a self, f: &mut impl FnMut(&'a Expr)) {
        f(self);
        for child in self.children() {
            child.visit(f);
        }
    }

    /// Whether a condition holds for this expression or anything in it.
    pub fn any(&self, test: &mut impl FnMut(&Expr) -> bool) -> bool {
        test(self) || self.children().into_iter().any(|child| child.any(test))
    }
}

impl Stmt {
    /// The expressions that stand in the statement itself, not in statements inside it.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Stmt::Let(_, value) | Stmt::Set(_, value) | Stmt::Accumulate(_, _, value) => vec![value],
            Stmt::For(nest) => vec![&nest.lo, &nest.hi, &nest.step],
            Stmt::Store { index, value, .. } => index.iter().chain([value]).collect(),
            Stmt::If(cond, ..) => vec![cond],
            Stmt::Fail(_, values) => values.iter().collect(),
            Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => Vec::new(),
        }
    }

    /// The same, to be changed.
    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Stmt::Let(_, value) | Stmt::Set(_, value) | Stmt::Accumulate(_, _, value) => vec![value],
            Stmt::For(nest) => vec![&mut nest.lo, &mut nest.hi, &mut nest.step],
            Stmt::Store { index, value, .. } => index.iter_mut().chain([value]).collect(),
            Stmt::If(cond, ..) => vec![cond],
            Stmt::Fail(_, values) => values.iter_mut().collect(),
            Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => Vec::new(),
        }
    }

    /// The lists of statements inside.
    pub fn blocks(&self) -> Vec<&Vec<Stmt>> {
        match self {
            Stmt::Let(..) | Stmt::Set(..) | Stmt::Accumulate(..) | Stmt::Store { .. } => Vec::new(),
            Stmt::Fail(..) | Stmt::Leave(_) => Vec::new(),
            Stmt::For(nest) => vec![&nest.body],
            Stmt::If(_, then, other) => vec![then, other],
            Stmt::Block(_, body) | Stmt::Repeat(body) => vec![body],
        }
    }

    /// The same, to be changed.
    pub fn blocks_mut(&mut self) -> Vec<&mut Vec<Stmt>> {
        match self {
            Stmt::Let(..) | Stmt::Set(..) | Stmt::Accumulate(..) | Stmt::Store { .. } => Vec::new(),
            Stmt::Fail(..) | Stmt::Leave(_) => Vec::new(),
            Stmt::For(nest) => vec![&mut nest.body],
            Stmt::If(_, then, other) => vec![then, other],
            Stmt::Block(_, body) | Stmt::Repeat(body) => vec![body],
        }
    }
}

/// Calls `f` with every statement, outer ones first.
pub fn visit<'a>(stmts: &'a [Stmt], f: &mut impl FnMut(&'a Stmt)) {
    for stmt in stmts {
        f(stmt);
        for block in stmt.blocks() {
            visit(block, f);
        }
    }
}

/// Calls `f` with every statement, to be changed, outer ones first.
pub fn visit_mut(stmts: &mut [Stmt], f: &mut impl FnMut(&mut Stmt)) {
    for stmt in stmts {
        f(stmt);
        for block in stmt.blocks_mut() {
            visit_mut(block, f);
        }
    }
}

impl Kernel {
    /// A new variable.
    pub fn var(&mut self, name: impl Into<String>, ty: Ty) -> VarId {
        self.vars.push(Var { name: name.into(), ty });
        VarId(self.vars.len() as u32 - 1)
    }
}
