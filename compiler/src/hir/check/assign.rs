//! Assignment: to all of a `var`, to an element, to rows and slices, to an element of a list; also with an operator.

use super::{Checked, Checker, Expect, Reported, expr};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::scope::{Binding, did_you_mean};
use crate::hir::{Expr, ExprKind, IndexItem, LocalId, Stmt, Type};
use crate::ops::Border;
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp};
use crate::types::Scalar;

/// What is assigned to.
struct Place {
    local: LocalId,
    items: Vec<IndexItem>,
    /// The type of the part.
    ty: Type,
    span: Span,
}

impl Checker<'_> {
    /// `x = e`, `a[i] += e`.
    pub fn assignment(
        &mut self,
        target: &ast::Expr,
        op: Option<BinaryOp>,
        tree: &ast::Expr,
        span: Span,
        out: &mut Vec<Stmt>,
    ) -> Checked<()> {
        let place = match self.place(target) {
            Ok(place) => place,
            Err(Reported) => {
                // The value may be wrong too.
                let _ = self.whole_value(tree, &Expect::None, &mut Vec::new());
                return Err(Reported);
            }
        };
        let Place { local, items, ty, span: place_span } = place;
        let elem = ty.as_tensor().expect("a place is a tensor").elem;
        let (items, value) = match op {
            None => (items, self.whole_value(tree, &Expect::Elem(elem), out)?),
            Some(op) => {
                let op = super::operator::infix(op);
                let items = self.evaluated_once(items, out);
                let old = self.old_value(local, &items, &ty, place_span);
                let expect = match self.open(tree) {
                    Some(_) => Expect::Elem(super::operator::widened(elem)),
                    None => Expect::None,
                };
                let right = self.expr(tree, &expect)?;
                let right = self.widen(right);
                let wanted = super::operator::widened(elem);
                if right.ty.elem().is_some_and(|found| found != wanted) {
                    let message = format!("`{}=` needs a value of the variable's type", super::operator::symbol(op));
                    let wanted = Type::tensor(wanted, right.ty.sizes().to_vec());
                    let place = (&wanted, place_span, "what is assigned to");
                    self.same_type(codes::ELEMENT_TYPES, &message, (&right.ty, right.span, "the value"), place)?;
                }
                let value = self.op(op, vec![old, right], span)?;
                (items, value)
            }
        };
        let name = self.frame().locals[local.0 as usize].name.clone();
        let message = format!("the value does not fit `{name}`");
        let value = self.fitting(value, &ty, (place_span, "what is assigned to"), &message)?;
        out.push(Stmt::Assign { local, items, value, span });
        Ok(())
    }

    /// The variable with this name, which a statement here is about to change. `what` says how: `assigned to`.
    pub fn variable(&mut self, name: &ast::Name, what: &str) -> Checked<LocalId> {
        let local = match self.frame().scopes.find(&name.text).cloned() {
            Some(Binding::Local(local)) => local,
            Some(Binding::Poison) => return Err(Reported),
            Some(Binding::Size(_) | Binding::Const(_) | Binding::Type(_) | Binding::Fn(..)) => {
                let message = format!("`{}` cannot be {what}", name.text);
                return Err(self.error(codes::NOT_A_VAR, name.span, message));
            }
            None => return Err(self.no_variable(name, what)),
        };
        let known = self.frame().locals[local.0 as usize].clone();
        if !known.is_var {
            let is_param = self.frame().params.contains(&local);
            let is_let = self.frame().lets.contains(&local);
            let (text, help) = match (is_param, is_let) {
                (true, _) => {
                    ("a parameter", format!("copy it: `var {0} = {0}`, or make it in-out: `var {0}: …`", name.text))
                }
                (false, true) => ("bound by `let`", format!("declare it as `var {} = …`", name.text)),
                (false, false) => ("an index", format!("copy it: `var at = {}`", name.text)),
            };
            let message = format!("`{}` cannot be {what}: it is {text}", name.text);
            return Err(self.report(
                Diagnostic::error(codes::NOT_A_VAR, name.span, message)
                    .label(known.span, format!("`{}` is {text}", name.text))
                    .help(help),
            ));
        }
        if let Some(barrier) = self.barrier(local) {
            let mut diagnostic =
                Diagnostic::error(codes::OUTER_CHANGE, name.span, format!("`{}` cannot be {what} here", name.text))
                    .label(known.span, "it belongs to the code around this");
            diagnostic = if barrier.is_parallel {
                diagnostic
                    .note(
                        "the passes of a comprehension or reduction run side by side in no fixed order, so they change \
                         nothing around them",
                    )
                    .help("write a `loop`, or build the values with `for` and assign the result")
            } else {
                diagnostic
                    .note("a block that is a part of an expression changes nothing around it")
                    .help("bind the block first: `let x = { … }`")
            };
            return Err(self.report(diagnostic));
        }
        Ok(local)
    }

    fn no_variable(&mut self, name: &ast::Name, what: &str) -> Reported {
        // A lambda sees the names around it, but only their values.
        if self.frame().captures.is_some() && self.lookup(&name.text).is_some() {
            return self.report(
                Diagnostic::error(codes::OUTER_CHANGE, name.span, format!("`{}` cannot be {what} here", name.text))
                    .note("a lambda gets the values of the names around it, not the variables"),
            );
        }
        if let Some(super::items::Global::Item(item)) = self.global(&name.text) {
            let place = crate::hir::load::item_name(self.modules.item(item)).map(|name| name.span);
            let message = format!("`{}` cannot be {what}: it is an item of the module", name.text);
            let mut diagnostic = Diagnostic::error(codes::NOT_A_VAR, name.span, message);
            if let Some(place) = place {
                diagnostic = diagnostic.label(place, "defined here");
            }
            return self.report(diagnostic);
        }
        let known = self.visible_names();
        let mut diagnostic =
            Diagnostic::error(codes::UNKNOWN_NAME, name.span, format!("there is no variable `{}`", name.text));
        diagnostic = match did_you_mean(&name.text, known.iter().map(String::as_str)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("declare it: `var {} = …`", name.text)),
        };
        self.report(diagnostic)
    }

    fn place(&mut self, target: &ast::Expr) -> Checked<Place> {
        let (name, items, default) = match &target.kind {
            ast::ExprKind::Name(name) => (name, &[][..], None),
            ast::ExprKind::Index { base, items, default } => match &base.kind {
                ast::ExprKind::Name(name) => (name, &items[..], default.as_deref()),
                _ => return Err(Reported),
            },
            _ => return Err(Reported),
        };
        let local = self.variable(name, "assigned to")?;
        let known = self.ty(local).clone();
        let span = target.span;
        if let Type::List(list) = &known {
            let [ast::IndexItem::At(Border::None, index)] = items else {
                let message = if items.is_empty() {
                    format!("the list `{}` as a whole cannot be assigned to", name.text)
                } else {
                    format!("one element of the list `{}` at a time can be assigned to", name.text)
                };
                return Err(self.report(
                    Diagnostic::error(codes::LIST, span, message)
                        .help(format!("empty it with `{0}.truncate(0)`, then `{0}.push(…)`", name.text)),
                ));
            };
            let index = self.position(index, None)?;
            let items = vec![IndexItem::At(Border::None, index)];
            return Ok(Place { local, items, ty: Type::scalar(list.elem), span });
        }
        let tensor = known.as_tensor().expect("variables are tensors or lists").clone();
        if items.len() > tensor.dims.len() {
            return Err(self.too_many_indices(items.len(), &known, name.span, span));
        }
        let bordered = items.iter().find_map(|item| match item {
            ast::IndexItem::At(border, tree) if *border != Border::None => Some(tree.span),
            _ => None,
        });
        if let Some(span) = bordered.or(default.map(|default| default.span)) {
            let message = "an assignment has no border: what is outside cannot be assigned to";
            return Err(self.error(codes::NOT_ASSIGNABLE, span, message));
        }
        let mut dims = Vec::new();
        let mut checked = Vec::new();
        for (axis, item) in items.iter().enumerate() {
            let item = self.item(item, Some(&tensor.dims[axis]), false)?;
            if let IndexItem::Slice { lo, hi } = &item {
                dims.push(hi.minus(lo));
            }
            checked.push(item);
        }
        dims.extend(tensor.dims.iter().skip(items.len()).cloned());
        Ok(Place { local, items: checked, ty: Type::tensor(tensor.elem, dims), span })
    }

    /// Binds indices, so that they can be used twice.
    fn evaluated_once(&mut self, items: Vec<IndexItem>, out: &mut Vec<Stmt>) -> Vec<IndexItem> {
        let is_simple = |checker: &Self, index: &Expr| match &index.kind {
            ExprKind::Const(_) | ExprKind::Size(_) => true,
            ExprKind::Local(local) => !checker.frame().locals[local.0 as usize].is_var,
            _ => false,
        };
        let mut result = Vec::new();
        for item in items {
            result.push(match item {
                IndexItem::At(border, index) if !is_simple(self, &index) => {
                    let span = index.span;
                    let local = self.add_local("at", Type::scalar(Scalar::I32), span, None);
                    out.push(Stmt::Let { locals: vec![local], value: index });
                    IndexItem::At(border, self.local(local, span))
                }
                other => other,
            });
        }
        result
    }

    /// The value of a place before it is assigned to.
    fn old_value(&self, local: LocalId, items: &[IndexItem], ty: &Type, span: Span) -> Expr {
        let base = expr(ExprKind::Local(local), self.ty(local).clone(), span);
        match (self.ty(local), items) {
            (Type::List(_), [IndexItem::At(_, index)]) => {
                expr(ExprKind::ListAt(local, Box::new(index.clone())), ty.clone(), span)
            }
            (_, []) => base,
            _ => {
                let kind = ExprKind::Index { base: Box::new(base), items: items.to_vec(), default: None };
                expr(kind, ty.clone(), span)
            }
        }
    }
}
