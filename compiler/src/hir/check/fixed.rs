//! What runs during compilation: the conditions of `static if`, and `static loop`, which is written out.
//!
//! A function whose body asks for sizes this way gets an instance of its own for the constant sizes that a call gives
//! it ([`Checker::is_static`]); all other functions are checked once for all sizes.

use super::items::Global;
use super::sequential::diverges;
use super::{Checked, Checker, Expect, Reported, Wants};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::load::{ItemId, ModuleId};
use crate::hir::scope::Binding;
use crate::hir::{ConstValue, ExprKind, Stmt};
use crate::size::Size;
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ItemKind, Over, StmtKind, UnaryOp};
use crate::syntax::visit::{Node, visit_block, visit_expr};
use crate::types::{Const, Scalar};

/// How many passes of static loops one program may have.
const PASSES: usize = 20_000;

impl Checker<'_> {
    /// The condition of a `static if`, decided now.
    pub fn static_condition(&mut self, cond: &ast::Expr) -> Checked<bool> {
        use ast::ExprKind as E;
        match &cond.kind {
            E::Bool(value) => Ok(*value),
            E::Unary(UnaryOp::Not, inner) => Ok(!self.static_condition(inner)?),
            E::Binary(BinaryOp::And, left, right) => Ok(self.static_condition(left)? && self.static_condition(right)?),
            E::Binary(BinaryOp::Or, left, right) => Ok(self.static_condition(left)? || self.static_condition(right)?),
            E::Is(subject, class) => {
                let E::Name(name) = &subject.kind else {
                    return Err(self.error(
                        codes::STATIC_CONDITION,
                        subject.span,
                        "`is` stands behind a type parameter",
                    ));
                };
                let elem = self.elem(name)?;
                if let Some(scalar) = Scalar::from_name(&class.text) {
                    return Ok(elem == scalar);
                }
                match super::types::constraint(&class.text) {
                    Some(accepts) => Ok(accepts(elem)),
                    None => Err(self.unknown(class, "type")),
                }
            }
            E::Call { callee, args } if is_known(callee) => match &args[..] {
                [ast::Arg { name: None, is_var: false, value }] => {
                    let value = self.expr(value, &Expect::None)?;
                    Ok(self.constant_of(&value).is_some())
                }
                _ => {
                    let message = "`known` takes one size";
                    Err(self
                        .report(Diagnostic::error(codes::ARGUMENT_COUNT, cond.span, message).help("write `known(N)`")))
                }
            },
            E::Error => Err(Reported),
            _ => {
                let value = self.expr(cond, &Expect::None)?;
                match self.constant_of(&value) {
                    Some(value) if value.ty == Scalar::Bool => Ok(value.bits != 0),
                    _ => {
                        let of_sizes = self.dim_expr(&value).is_some_and(|pure| !super::sizes::has_bare_scalar(&pure));
                        Err(self.undecided(cond.span, "this cannot be decided during compilation", of_sizes))
                    }
                }
            }
        }
    }

    fn undecided(&mut self, span: Span, message: &str, of_sizes: bool) -> Reported {
        if of_sizes && self.is_uncalled {
            // A call would say what the sizes are.
            return Reported;
        }
        let mut diagnostic = Diagnostic::error(codes::STATIC_CONDITION, span, message);
        if of_sizes {
            diagnostic = diagnostic
                .note("a size is known during compilation where calls give it as a constant: test with `known(N)`");
            if let Some(asked) = self.active.last().and_then(|active| active.asked) {
                diagnostic = diagnostic.label(asked, "this call gives no constant");
            }
        } else {
            diagnostic = diagnostic
                .note("known during compilation are types (`T is f32`), sizes that are constants, and literals");
        }
        self.report(diagnostic)
    }

    fn constant_of(&self, value: &crate::hir::Expr) -> Option<Const> {
        match &value.kind {
            ExprKind::Const(value) => Some(*value),
            _ => match self.dim_expr(value)? {
                crate::size::DimExpr::Const(value) => Some(value),
                crate::size::DimExpr::Size(size) => Some(Const::i32(i32::try_from(size.as_const()?).ok()?)),
                _ => None,
            },
        }
    }

    /// `static loop p in T { … }`: each pass is checked afresh with `p` a constant, and stands in the place of the loop.
    pub fn static_loop(
        &mut self,
        name: &ast::Name,
        over: &Over,
        body: &ast::Block,
        span: Span,
        out: &mut Vec<Stmt>,
    ) -> Checked<()> {
        let values = self.static_values(over)?;
        let frame = self.frame_mut();
        let loops = std::mem::take(&mut frame.loops);
        frame.static_loops += 1;
        let mut result = Ok(());
        for value in values {
            self.passes += 1;
            if self.passes > PASSES {
                let head = Span { end: name.span.end, ..span };
                let message = format!("static loops would be written out more than {PASSES} times");
                result = Err(self.report(
                    Diagnostic::error(codes::TOO_LARGE, head, message)
                        .note("a `static loop` is written out: each pass is code of its own")
                        .help(format!(
                            "if its passes need not differ in types or sizes write `loop {} in …`",
                            name.text
                        )),
                ));
                break;
            }
            self.frame_mut().scopes.open();
            self.bind(&name.text, Binding::Const(value));
            let pass = self.statements(body, &Expect::None, Wants::Nothing);
            self.frame_mut().scopes.close();
            match pass {
                Ok(pass) => out.extend(pass.stmts),
                Err(Reported) => {
                    result = Err(Reported);
                    break;
                }
            }
            if diverges(out) {
                break;
            }
        }
        let frame = self.frame_mut();
        frame.loops = loops;
        frame.static_loops -= 1;
        result
    }

    /// The values of a static loop.
    fn static_values(&mut self, over: &Over) -> Checked<Vec<Const>> {
        let tree = match over {
            Over::Values(tree) => tree,
            Over::Range(range) => {
                let ends = [Some(&range.lo), Some(&range.hi), range.step.as_ref()];
                let mut values = [0, 0, 1];
                for (value, tree) in values.iter_mut().zip(ends) {
                    if let Some(tree) = tree {
                        *value = self.static_bound(tree)?;
                    }
                }
                let [lo, hi, step] = values;
                if step < 1 {
                    let step = range.step.as_ref().map_or(range.lo.span, |step| step.span);
                    return Err(self.error(codes::BAD_RANGE, step, "a step must be at least 1"));
                }
                // More than the greatest number of passes need not be listed.
                let passes = (lo..hi).step_by(step as usize).take(PASSES + 1);
                return Ok(passes.map(|value| Const::int(Scalar::I32, i128::from(value))).collect());
            }
        };
        let value = self.settled(tree, &Expect::None)?;
        let values = match &value.kind {
            ExprKind::Table(values) if value.ty.sizes().len() == 1 => Some(values.clone()),
            ExprKind::ConstItem(id) => match &self.program.consts[id.0 as usize].value {
                ConstValue::Data(bytes) if value.ty.sizes().len() == 1 => value.ty.elem().map(|elem| {
                    let width = elem.bytes() as usize;
                    bytes.chunks_exact(width).map(|bytes| Const::from_le_bytes(elem, bytes)).collect()
                }),
                ConstValue::Data(_) | ConstValue::Fn(_) => None,
            },
            _ => None,
        };
        values.ok_or_else(|| {
            let found = self.show_type(&value.ty);
            self.report(
                Diagnostic::error(
                    codes::STATIC_CONDITION,
                    tree.span,
                    "a `static loop` runs over values known during compilation",
                )
                .at(format!("this is {found}"))
                .help("write a table of literals, `[2, 3, 5]`, a constant that is one, or a range `0..4`"),
            )
        })
    }

    fn static_bound(&mut self, tree: &ast::Expr) -> Checked<i64> {
        let size: Size = self.size(tree, "a bound of a `static loop`")?;
        match size.as_const() {
            Some(value) => Ok(value),
            None => {
                let shown = self.show(&size);
                Err(self.undecided(tree.span, &format!("`{shown}` is not known during compilation"), true))
            }
        }
    }

    /// Whether a function asks for sizes during compilation, itself or by way of a function that it uses.
    pub fn is_static(&mut self, item: ItemId) -> bool {
        if let Some(known) = self.statics.get(&item) {
            return *known;
        }
        // Recursion is refused elsewhere.
        self.statics.insert(item, false);
        let ast = self.modules.get(item.module).ast.clone();
        let (ItemKind::Fn(function) | ItemKind::Pipeline(function)) = &ast.items[item.item].kind else { return false };
        let mut found = false;
        let mut used = Vec::new();
        visit_block(&function.body, &mut |node| match node {
            Node::Stmt(stmt) => found |= matches!(stmt.kind, StmtKind::StaticLoop { .. }),
            Node::Expr(tree) => match &tree.kind {
                ast::ExprKind::If { is_static: true, cond, .. } => found |= asks_for_values(cond),
                ast::ExprKind::Name(_) | ast::ExprKind::Field(..) => used.push(tree),
                _ => {}
            },
        });
        let found = found
            || used.into_iter().any(|tree| {
                let used = self.item_used(item.module, tree);
                used.is_some_and(|used| self.is_static(used))
            });
        self.statics.insert(item, found);
        found
    }

    /// The item that a name or `module.name` means outside of functions.
    fn item_used(&self, module: ModuleId, tree: &ast::Expr) -> Option<ItemId> {
        match &tree.kind {
            ast::ExprKind::Name(name) => match self.global_in(module, &name.text)? {
                Global::Item(item) => Some(item),
                _ => None,
            },
            ast::ExprKind::Field(base, field) => match &base.kind {
                ast::ExprKind::Name(name) => match self.global_in(module, &name.text)? {
                    Global::Module(module) => self.modules.find(module, &field.text),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }
}

fn is_known(callee: &ast::Expr) -> bool {
    matches!(&callee.kind, ast::ExprKind::Name(name) if name.text == "known")
}

/// Whether a static condition tests more than types.
fn asks_for_values(cond: &ast::Expr) -> bool {
    let mut found = false;
    visit_expr(cond, &mut |node| {
        if let Node::Expr(tree) = node {
            found |= match &tree.kind {
                ast::ExprKind::Call { .. } => true,
                ast::ExprKind::Binary(op, ..) => !matches!(op, BinaryOp::And | BinaryOp::Or),
                _ => false,
            };
        }
    });
    found
}
