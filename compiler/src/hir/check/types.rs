//! Types as written: element names, type parameters, extents, and the signature of a function instance, in which
//! size variables are bound.

use super::{Checked, Checker, Reported};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::load::{ItemId, ModuleId};
use crate::hir::scope::{Binding, did_you_mean};
use crate::hir::{Fact, Relation, Type};
use crate::size::Size;
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, DimDecl, TypeKind};
use crate::types::Scalar;

/// The element types that a constraint accepts.
pub(super) fn constraint(name: &str) -> Option<fn(Scalar) -> bool> {
    match name {
        "number" => Some(|elem| elem != Scalar::Bool),
        "float" => Some(|elem| elem.is_float()),
        "integer" => Some(|elem| elem.is_int()),
        _ => None,
    }
}

/// Capitalised element types of parameters, in order.
fn capitalised(function: &ast::Fn) -> Vec<String> {
    fn collect(ty: &ast::TypeExpr, out: &mut Vec<String>) {
        match &ty.kind {
            TypeKind::Name(name) | TypeKind::Tensor(name, _) | TypeKind::List(name, _) => {
                let is_param = name.text.starts_with(char::is_uppercase);
                if is_param && !out.contains(&name.text) {
                    out.push(name.text.clone());
                }
            }
            TypeKind::Fn(params, result) => {
                params.iter().for_each(|param| collect(param, out));
                collect(result, out);
            }
            TypeKind::Error => {}
        }
    }
    let mut out = Vec::new();
    function.params.iter().for_each(|param| collect(&param.ty, &mut out));
    out
}

impl Checker<'_> {
    /// The names of a function's type parameters, in order: capitalised element types of parameters that are no structs
    /// of its module.
    pub fn type_params(&self, module: ModuleId, function: &ast::Fn) -> Vec<String> {
        let mut names = capitalised(function);
        names.retain(|name| self.struct_item(module, name).is_none());
        names
    }

    /// The scalar type that a name stands for here.
    pub fn elem(&mut self, name: &ast::Name) -> Checked<Scalar> {
        if let Some(scalar) = Scalar::from_name(&name.text) {
            return Ok(scalar);
        }
        match self.lookup(&name.text) {
            Some(Binding::Type(scalar)) => return Ok(scalar),
            Some(Binding::Poison) => return Err(Reported),
            _ => {}
        }
        if let Some(item) = self.struct_item(self.frame().module, &name.text) {
            let message = format!("`{}` is a struct, no element type", self.item_text(item));
            return Err(self.error(codes::UNKNOWN_TYPE, name.span, message));
        }
        let mut diagnostic =
            Diagnostic::error(codes::UNKNOWN_TYPE, name.span, format!("there is no type `{}`", name.text));
        let scalars = Scalar::ALL.iter().map(|scalar| scalar.name());
        if let Some(near) = did_you_mean(&name.text, scalars.chain(["dim"])) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        } else if name.text == "dim" {
            diagnostic = diagnostic.note("`dim` is the type of parameters that are sizes, nothing else");
        } else if name.text.starts_with(char::is_uppercase) {
            diagnostic = diagnostic.note("a type parameter must occur as the element type of a parameter");
        }
        Err(self.report(diagnostic))
    }

    /// The type of a `let`, `const` or result: all names in it are known.
    pub fn value_type(&mut self, ty: &ast::TypeExpr) -> Checked<Type> {
        if let Some((item, sizes)) = self.struct_named(ty) {
            return self.struct_type(item, sizes, ty.span);
        }
        match &ty.kind {
            TypeKind::Name(name) => Ok(Type::scalar(self.elem(name)?)),
            TypeKind::Tensor(name, dims) => {
                let elem = self.elem(name);
                let dims: Vec<Checked<Size>> = dims.iter().map(|dim| self.extent_decl(dim)).collect();
                Ok(Type::tensor(elem?, dims.into_iter().collect::<Checked<_>>()?))
            }
            TypeKind::Fn(..) => Err(self.report(
                Diagnostic::error(codes::UNKNOWN_TYPE, ty.span, "functions are not values")
                    .note("only a parameter can have a function type"),
            )),
            TypeKind::List(..) => Err(self.report(
                Diagnostic::error(codes::LIST, ty.span, "only a `var` and an in-out parameter can be a list")
                    .note("a list used as a value is a tensor with as many elements as were pushed")
                    .help("for a result write `i32[K <= N]`; for a variable `var x: list i32[N]`"),
            )),
            TypeKind::Error => Err(Reported),
        }
    }

    pub fn extent_decl(&mut self, dim: &DimDecl) -> Checked<Size> {
        match dim {
            DimDecl::Size(tree) => {
                let size = self.size(tree, "an extent")?;
                self.check_extent(&size, tree.span)?;
                Ok(size)
            }
            DimDecl::Bounded(name, _) => match self.frame().scopes.find(&name.text) {
                // Results bind these before their types are read.
                Some(Binding::Size(size)) => Ok(size.clone()),
                _ => Err(self.report(
                    Diagnostic::error(codes::DATA_SIZE, name.span, "a bound stands only in the type of a result")
                        .help(format!("write `{}` alone, and the bound behind `where`", name.text)),
                )),
            },
        }
    }

    fn check_extent(&mut self, size: &Size, span: Span) -> Checked<()> {
        match size.as_const() {
            Some(value) if value < 0 => {
                Err(self.error(codes::BAD_RANGE, span, format!("an extent cannot be negative, this is {value}")))
            }
            Some(value) if value > i64::from(i32::MAX) => Err(self.error(
                codes::BAD_RANGE,
                span,
                format!("an extent cannot exceed {}, this is {value}", i32::MAX),
            )),
            _ => Ok(()),
        }
    }

    /// Checks the instance's types against the constraints behind `where`.
    pub fn check_constraints(&mut self, function: &ast::Fn, item: ItemId) -> Checked<()> {
        let mut result = Ok(());
        for fact in &function.facts {
            if let ast::Fact::Constraint(name, class) = fact
                && self.constraint_fact(name, class, item).is_err()
            {
                result = Err(Reported);
            }
        }
        result
    }

    /// Makes facts of the relations behind `where`.
    pub fn declare_facts(&mut self, function: &ast::Fn) -> Checked<()> {
        let mut result = Ok(());
        for fact in &function.facts {
            if let ast::Fact::Relation(tree) = fact {
                match self.relation(tree) {
                    Ok(fact) => self.frame_mut().facts.push(fact),
                    Err(Reported) => result = Err(Reported),
                }
            }
        }
        result
    }

    fn constraint_fact(&mut self, name: &ast::Name, class: &ast::Name, item: ItemId) -> Checked<()> {
        let elem = self.elem(name)?;
        let Some(accepts) = constraint(&class.text) else {
            let mut diagnostic =
                Diagnostic::error(codes::UNKNOWN_TYPE, class.span, format!("there is no constraint `{}`", class.text))
                    .note("constraints are `number`, `float` and `integer`");
            if let Some(near) = did_you_mean(&class.text, ["number", "float", "integer"]) {
                diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
            }
            return Err(self.report(diagnostic));
        };
        if accepts(elem) {
            return Ok(());
        }
        let text = self.item_text(item);
        let place = self.active.last().and_then(|active| active.asked).unwrap_or(name.span);
        let mut diagnostic = Diagnostic::error(
            codes::CONSTRAINT,
            place,
            format!("`{text}` needs {} to be {}, here it is {elem}", name.text, kind_text(&class.text)),
        );
        if place != name.span {
            diagnostic = diagnostic.label(name.span.to(class.span), "required here");
        }
        self.diagnostics.push(diagnostic);
        Err(Reported)
    }

    /// `C == G * groups`, `H <= 4096` as a fact.
    fn relation(&mut self, tree: &ast::Expr) -> Checked<Fact> {
        let ast::ExprKind::Binary(op, left, right) = &tree.kind else {
            return Err(self.bad_fact(tree));
        };
        let text = self.sources.text(tree.span).to_string();
        if !matches!(op, BinaryOp::Eq | BinaryOp::Le | BinaryOp::Lt | BinaryOp::Ge | BinaryOp::Gt) {
            return Err(self.bad_fact(tree));
        }
        let (left, right) = (self.size(left, "a side of a fact"), self.size(right, "a side of a fact"));
        let (left, right) = (left?, right?);
        let one = Size::constant(1);
        let (rel, size) = match op {
            BinaryOp::Eq => (Relation::Zero, left.minus(&right)),
            BinaryOp::Le => (Relation::NonNegative, right.minus(&left)),
            BinaryOp::Lt => (Relation::NonNegative, right.minus(&left).minus(&one)),
            BinaryOp::Ge => (Relation::NonNegative, left.minus(&right)),
            _ => (Relation::NonNegative, left.minus(&right).minus(&one)),
        };
        Ok(Fact { rel, size, span: tree.span, text })
    }

    fn bad_fact(&mut self, tree: &ast::Expr) -> Reported {
        if matches!(tree.kind, ast::ExprKind::Error) {
            return Reported;
        }
        self.report(
            Diagnostic::error(codes::BAD_FACT, tree.span, "a fact is a comparison of sizes")
                .note("write `==`, `<=`, `<`, `>=` or `>` between two sizes; several facts are separated by commas"),
        )
    }
}

fn kind_text(class: &str) -> &'static str {
    match class {
        "float" => "a float type",
        "integer" => "an integer type",
        _ => "a number type",
    }
}
