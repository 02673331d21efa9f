//! Sizes from expressions: which checked expressions are pure over sizes and scalar parameters, and what size they are.
//!
//! Scalar `let`s are seen through (each local keeps its pure value), calls of pure scalar functions are substituted.

use super::{Checked, Checker, Expect, Reported};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::{Block, Call, Expr, ExprKind, FnId, SizeSource, Stmt, Type};
use crate::ops::{Op, eval};
use crate::size::{Atom, DimExpr, Leaf, ScalarVar, Size, SizeVar, Subst};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::{Const, Scalar};
use std::collections::BTreeMap;

/// A value as a pure expression of sizes and scalar parameters.
#[derive(Clone, Debug)]
pub(in crate::hir) enum Pure {
    /// A scalar.
    Scalar(DimExpr),
    /// The pure components of a tuple.
    Tuple(Vec<Option<Pure>>),
}

/// Greatest number of nodes of a pure value. As trees without sharing they double with every use of a `let`, so a
/// longer scalar computation is no longer seen as a possible size.
const LARGEST: usize = 256;

impl Pure {
    /// The value without the parts that are too large.
    fn if_small(self) -> Option<Pure> {
        match self {
            Pure::Scalar(pure) => within(&pure, &mut { LARGEST }).then_some(Pure::Scalar(pure)),
            Pure::Tuple(parts) => {
                Some(Pure::Tuple(parts.into_iter().map(|part| part.and_then(Pure::if_small)).collect()))
            }
        }
    }
}

/// Whether the expression has at most `left` nodes, which are taken off.
fn within(pure: &DimExpr, left: &mut usize) -> bool {
    if *left == 0 {
        return false;
    }
    *left -= 1;
    match pure {
        DimExpr::Const(_) | DimExpr::Scalar(..) => true,
        DimExpr::Size(size) => size.terms().all(|(product, _)| product.iter().all(|atom| atom_within(atom, left))),
        DimExpr::Op(_, args) => args.iter().all(|arg| within(arg, left)),
        DimExpr::Cast(_, arg) => within(arg, left),
        DimExpr::Select(parts) => parts.iter().all(|part| within(part, left)),
    }
}

fn atom_within(atom: &Atom, left: &mut usize) -> bool {
    match atom {
        Atom::Var(_) => within(&DimExpr::Const(Const::i32(0)), left),
        Atom::Div(a, b) | Atom::Rem(a, b) | Atom::Min(a, b) | Atom::Max(a, b) => {
            [a, b].into_iter().all(|size| within(&DimExpr::Size((**size).clone()), left))
        }
        Atom::Dim(pure) => within(pure, left),
    }
}

impl Checker<'_> {
    /// The expression as a pure value, if it is one.
    pub fn pure(&self, value: &Expr) -> Option<Pure> {
        let pure = match &value.kind {
            ExprKind::Tuple(parts) => Some(Pure::Tuple(parts.iter().map(|part| self.pure(part)).collect())),
            ExprKind::Field(base, part) => match self.pure(base)? {
                Pure::Tuple(mut parts) => parts.swap_remove(*part),
                Pure::Scalar(_) => None,
            },
            ExprKind::Local(local) => self.frame().pure[local.0 as usize].clone(),
            ExprKind::Call(call) => self.pure_call(call),
            ExprKind::Block(block) => self.pure_block(block),
            _ => self.pure_scalar(value).map(Pure::Scalar),
        };
        pure.and_then(Pure::if_small)
    }

    /// The scalar expression as a pure value, if it is one.
    pub fn dim_expr(&self, value: &Expr) -> Option<DimExpr> {
        match self.pure(value)? {
            Pure::Scalar(pure) => Some(pure),
            Pure::Tuple(_) => None,
        }
    }

    /// The scalar expression as a pure value. Since `let`s are seen through, such values can grow without bound: what
    /// is too large to be a sensible size is none.
    fn pure_scalar(&self, value: &Expr) -> Option<DimExpr> {
        value.ty.as_scalar()?;
        Some(self.pure_tree(value)?).filter(|pure| weight(pure) <= MAX_WEIGHT)
    }

    fn pure_tree(&self, value: &Expr) -> Option<DimExpr> {
        Some(match &value.kind {
            ExprKind::Const(value) => DimExpr::Const(*value),
            ExprKind::Size(size) => DimExpr::Size(size.clone()),
            ExprKind::Op(op, args) => {
                let args: Vec<DimExpr> = args.iter().map(|arg| self.dim_expr(arg)).collect::<Option<_>>()?;
                apply(*op, args)
            }
            ExprKind::Cast(arg) => cast(value.ty.as_scalar()?, self.dim_expr(arg)?),
            ExprKind::If { cond, then, otherwise } => {
                let (then, otherwise) = (self.pure_block(then)?, self.pure_block(otherwise)?);
                let (Pure::Scalar(then), Pure::Scalar(otherwise)) = (then, otherwise) else { return None };
                DimExpr::Select(Box::new([self.dim_expr(cond)?, then, otherwise])).fold()
            }
            // Handled by `pure`, or never pure.
            ExprKind::Local(_) | ExprKind::Call(_) | ExprKind::Field(..) | ExprKind::Block(_) => return None,
            ExprKind::Table(_)
            | ExprKind::ConstItem(_)
            | ExprKind::Reshape(_)
            | ExprKind::Transpose(..)
            | ExprKind::Concat(..)
            | ExprKind::Stack(..)
            | ExprKind::Index { .. }
            | ExprKind::For { .. }
            | ExprKind::Reduce { .. }
            | ExprKind::Scan { .. }
            | ExprKind::Freeze { .. }
            | ExprKind::ListLen(_)
            | ExprKind::ListAt(..)
            | ExprKind::Tuple(_) => return None,
        })
    }

    /// A block of lets and a pure value; its locals keep their own pure values.
    pub fn pure_block(&self, block: &Block) -> Option<Pure> {
        let only_lets = block.stmts.iter().all(|stmt| matches!(stmt, Stmt::Let { .. }));
        if only_lets { self.pure(block.value.as_ref()?) } else { None }
    }

    fn pure_call(&self, call: &Call) -> Option<Pure> {
        if !call.lift.is_empty() {
            return None;
        }
        let pure = self.infos[call.callee.0 as usize].pure.as_ref()?;
        let (sizes, scalars) = self.call_values(call.callee, &call.args, &call.sizes);
        bounded(substitute_pure(pure, &sizes, &scalars)?)
    }

    /// What the callee's size variables and scalar parameters are at a call, as far as arguments are pure.
    pub fn call_values(
        &self,
        callee: FnId,
        args: &[Expr],
        sizes: &[Size],
    ) -> (BTreeMap<SizeVar, Size>, BTreeMap<ScalarVar, DimExpr>) {
        let function = &self.program.fns[callee.0 as usize];
        let values = function.sizes.iter().map(|param| param.var).zip(sizes.iter().cloned()).collect();
        let mut scalars = BTreeMap::new();
        for (param, arg) in function.params.iter().zip(args) {
            if let Some(var) = function.locals[param.0 as usize].scalar
                && let Some(pure) = self.dim_expr(arg)
            {
                scalars.insert(var, pure);
            }
        }
        (values, scalars)
    }

    /// What a `let` remembers of its value: a size where it is one without reservations, so that uses of the name
    /// are sizes too.
    pub fn let_pure(&self, value: &Expr) -> Option<Pure> {
        match self.pure(value)? {
            Pure::Scalar(pure) if pure.ty() == Scalar::I32 && is_total(&pure) && !has_bare_scalar(&pure) => {
                Some(Pure::Scalar(DimExpr::Size(Size::dim(pure))))
            }
            other => Some(other),
        }
    }

    /// The size that an `i32` expression is: pure, over sizes, with scalar parameters only inside `dim(…)`.
    pub fn size_of(&mut self, value: &Expr, what: &str) -> Checked<Size> {
        if value.ty.as_scalar() != Some(Scalar::I32) {
            let found = self.show_type(&value.ty);
            return Err(self.report(
                Diagnostic::error(codes::NOT_A_SIZE, value.span, format!("{what} must be a size"))
                    .at(format!("this is {found}"))
                    .note(format!("expected: i32\n   found: {found}")),
            ));
        }
        match self.dim_expr(value) {
            Some(pure) if !has_bare_scalar(&pure) => Ok(Size::dim(pure)),
            Some(_) => {
                let text = self.sources.text(value.span).to_string();
                Err(self.report(
                    Diagnostic::error(codes::NOT_A_SIZE, value.span, format!("{what} must be a size"))
                        .at("this depends on a scalar parameter")
                        .help(format!(
                            "write `dim({text})` to make it a size: it is then fixed before the work begins"
                        )),
                ))
            }
            None => Err(self.impure(value, &format!("{what} must be a size"))),
        }
    }

    /// Complains that an expression is not pure, at the part that is to blame.
    pub fn impure(&mut self, value: &Expr, message: &str) -> Reported {
        let culprit = self.culprit(value);
        let mut help = None;
        let text = match &culprit.kind {
            ExprKind::ListLen(list) => {
                let list = &self.frame().locals[list.0 as usize].name;
                help = Some(format!("bind the elements first: `let items = {list}`; `extent(items, 0)` is a size"));
                format!("the length of `{list}` changes while the work runs")
            }
            ExprKind::Local(local) => {
                let local = &self.frame().locals[local.0 as usize];
                format!("`{}` is only known while the work runs", local.name)
            }
            ExprKind::ConstItem(id) => {
                let def = &self.program.consts[id.0 as usize];
                format!("`{}` is evaluated later; a constant is a size if it is made of literals and sizes", def.name)
            }
            _ => "this is only known while the work runs".to_string(),
        };
        let span = culprit.span;
        let mut diagnostic = Diagnostic::error(codes::NOT_A_SIZE, span, message).at(text).note(
            "a size is made of sizes, literals, scalar parameters inside `dim(…)` and pure scalar arithmetic of these",
        );
        diagnostic.help.extend(help);
        self.report(diagnostic)
    }

    fn culprit<'e>(&self, value: &'e Expr) -> &'e Expr {
        let parts: Vec<&Expr> = match &value.kind {
            ExprKind::Op(_, args) => args.iter().collect(),
            ExprKind::Cast(arg) => vec![arg],
            ExprKind::Call(call) if self.infos[call.callee.0 as usize].pure.is_some() => call.args.iter().collect(),
            ExprKind::If { cond, .. } => vec![cond],
            _ => Vec::new(),
        };
        let bad = parts.into_iter().find(|part| self.pure(part).is_none());
        bad.map_or(value, |part| self.culprit(part))
    }

    /// `dim(e)`: any pure scalar expression as a size; floats are truncated.
    pub fn dim_call(&mut self, arg: &Expr, span: Span) -> Checked<Size> {
        let Some(elem) = arg.ty.as_scalar().filter(|elem| *elem != Scalar::Bool) else {
            let found = self.show_type(&arg.ty);
            return Err(self.report(
                Diagnostic::error(codes::NOT_A_SIZE, span, "`dim` takes a scalar number")
                    .at(format!("this is {found}")),
            ));
        };
        let Some(pure) = self.dim_expr(arg) else {
            return Err(self.impure(arg, "`dim` takes a pure expression of sizes and scalar parameters"));
        };
        let pure = if elem == Scalar::I32 { pure } else { cast(Scalar::I32, pure) };
        let mut used = Vec::new();
        let size = Size::dim(pure);
        size.scalars(&mut used);
        self.frame_mut().size_scalars.extend(used.into_iter().map(|(var, _)| var));
        Ok(size)
    }

    /// Checks an expression that must be a size.
    pub fn size(&mut self, tree: &ast::Expr, what: &str) -> Checked<Size> {
        let value = self.expr(tree, &Expect::Elem(Scalar::I32))?;
        self.size_of(&value, what)
    }

    /// Checks an expression that must be an integer known during compilation.
    pub fn known_int(&mut self, tree: &ast::Expr, what: &str) -> Checked<i64> {
        let size = self.size(tree, what)?;
        match size.as_const() {
            Some(value) => Ok(value),
            None => {
                let shown = self.show(&size);
                Err(self.report(
                    Diagnostic::error(codes::BAD_AXIS, tree.span, format!("{what} must be a literal"))
                        .at(format!("this is `{shown}`")),
                ))
            }
        }
    }
}

/// Whether the size parameter comes from a `dim` parameter.
pub(in crate::hir) fn dim_param(source: SizeSource) -> Option<usize> {
    match source {
        SizeSource::Dim(param) => Some(param),
        SizeSource::Param { .. } => None,
    }
}

/// The most operations that a pure value may have.
const MAX_WEIGHT: usize = 256;

/// The value without parts that are too large.
fn bounded(pure: Pure) -> Option<Pure> {
    match pure {
        Pure::Scalar(pure) => Some(pure).filter(|pure| weight(pure) <= MAX_WEIGHT).map(Pure::Scalar),
        Pure::Tuple(parts) => Some(Pure::Tuple(parts.into_iter().map(|part| bounded(part?)).collect())),
    }
}

/// How many operations and leaves an expression has.
fn weight(pure: &DimExpr) -> usize {
    1 + match pure {
        DimExpr::Const(_) | DimExpr::Scalar(..) => 0,
        DimExpr::Size(size) => size_weight(size),
        DimExpr::Op(_, args) => args.iter().map(weight).sum(),
        DimExpr::Cast(_, arg) => weight(arg),
        DimExpr::Select(parts) => parts.iter().map(weight).sum(),
    }
}

fn size_weight(size: &Size) -> usize {
    let atoms = size.terms().flat_map(|(product, _)| product);
    let weights = atoms.map(|atom| match atom {
        Atom::Var(_) => 1,
        Atom::Div(a, b) | Atom::Rem(a, b) | Atom::Min(a, b) | Atom::Max(a, b) => size_weight(a) + size_weight(b),
        Atom::Dim(inner) => weight(inner),
    });
    weights.sum()
}

fn apply(op: Op, args: Vec<DimExpr>) -> DimExpr {
    // As a difference it stays inside what ring laws can express.
    if op == Op::Neg && args[0].ty() == Scalar::I32 {
        let zero = DimExpr::Const(Const::i32(0));
        return DimExpr::Op(Op::Sub, vec![zero, args.into_iter().next().expect("one operand")]).fold();
    }
    DimExpr::Op(op, args).fold()
}

fn cast(to: Scalar, arg: DimExpr) -> DimExpr {
    if arg.ty() == to {
        return arg;
    }
    match &arg {
        // A constant size is an `i32` constant.
        DimExpr::Size(size) if size.as_const().is_some_and(|value| i32::try_from(value).is_ok()) => {
            let value = Const::i32(size.as_const().expect("just seen") as i32);
            DimExpr::Const(eval::cast(to, value))
        }
        _ => DimExpr::Cast(to, Box::new(arg)).fold(),
    }
}

/// Whether a scalar parameter occurs outside `dim(…)`.
pub(super) fn has_bare_scalar(pure: &DimExpr) -> bool {
    match pure {
        DimExpr::Const(_) | DimExpr::Size(_) => false,
        DimExpr::Scalar(..) => true,
        DimExpr::Op(_, args) => args.iter().any(has_bare_scalar),
        DimExpr::Cast(_, arg) => has_bare_scalar(arg),
        DimExpr::Select(parts) => parts.iter().any(has_bare_scalar),
    }
}

/// Whether the expression has a value for all sizes: no divisor that may be zero.
fn is_total(pure: &DimExpr) -> bool {
    match pure {
        DimExpr::Const(_) | DimExpr::Size(_) | DimExpr::Scalar(..) => true,
        DimExpr::Op(op, args) => {
            let safe = !op.divides(args[0].ty())
                || matches!(&args[1], DimExpr::Const(divisor) if divisor.as_int() != 0)
                || matches!(&args[1], DimExpr::Size(divisor) if divisor.as_const().is_some_and(|value| value != 0));
            safe && args.iter().all(is_total)
        }
        DimExpr::Cast(_, arg) => is_total(arg),
        DimExpr::Select(parts) => parts.iter().all(is_total),
    }
}

/// Puts a call's values in the place of the callee's variables; `None` where one that is needed has none.
pub(super) fn substitute_pure(
    pure: &Pure,
    sizes: &BTreeMap<SizeVar, Size>,
    scalars: &BTreeMap<ScalarVar, DimExpr>,
) -> Option<Pure> {
    match pure {
        Pure::Scalar(pure) => {
            let mut known = true;
            Size::atom(Atom::Dim(Box::new(pure.clone()))).visit(&mut |leaf| match leaf {
                Leaf::Size(var) => known &= sizes.contains_key(&var),
                Leaf::Scalar(var, _) => known &= scalars.contains_key(&var),
            });
            known.then(|| Pure::Scalar(pure.substitute(&subst(&size_value(sizes), &scalar_value(scalars)))))
        }
        Pure::Tuple(parts) => Some(Pure::Tuple(
            parts.iter().map(|part| part.as_ref().and_then(|part| substitute_pure(part, sizes, scalars))).collect(),
        )),
    }
}

fn subst<'a>(size: &'a dyn Fn(SizeVar) -> Size, scalar: &'a dyn Fn(ScalarVar, Scalar) -> DimExpr) -> Subst<'a> {
    Subst { size, scalar }
}

fn size_value(sizes: &BTreeMap<SizeVar, Size>) -> impl Fn(SizeVar) -> Size {
    |var| sizes.get(&var).cloned().unwrap_or_else(|| Size::from(var))
}

fn scalar_value(scalars: &BTreeMap<ScalarVar, DimExpr>) -> impl Fn(ScalarVar, Scalar) -> DimExpr {
    |var, ty| scalars.get(&var).cloned().unwrap_or(DimExpr::Scalar(var, ty))
}

/// A size of the callee in the caller's terms.
pub(super) fn substitute_size(
    size: &Size,
    sizes: &BTreeMap<SizeVar, Size>,
    scalars: &BTreeMap<ScalarVar, DimExpr>,
) -> Size {
    size.substitute(&subst(&size_value(sizes), &scalar_value(scalars)))
}

/// A type of the callee in the caller's terms, with the extra leading axes of a lifted call.
pub(super) fn substitute_type(
    ty: &Type,
    lift: &[Size],
    sizes: &BTreeMap<SizeVar, Size>,
    scalars: &BTreeMap<ScalarVar, DimExpr>,
) -> Type {
    ty.map_sizes(&mut |size| substitute_size(size, sizes, scalars)).lifted(lift)
}
