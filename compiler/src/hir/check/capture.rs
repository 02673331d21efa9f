//! Name look-up, and captures: a lambda's frame sees the names of the frame below; what it uses of them becomes a
//! hidden parameter (a size becomes a hidden `dim` parameter), so that every size and local in a function is its own.

use super::{Checker, FnValue, Pure, expr};
use crate::diag::{Diagnostic, codes};
use crate::hir::scope::{Binding, FnSignature};
use crate::hir::{Expr, ExprKind, Fact, Local, LocalId, Parts, SizeParam, SizeSource, Stmt, Type};
use crate::size::{DimExpr, ScalarVar, Size, SizeVar, Subst};
use crate::types::Scalar;

impl Checker<'_> {
    /// What a name means in the function being checked; captures it if it belongs to the function around a lambda.
    pub fn lookup(&mut self, name: &str) -> Option<Binding> {
        self.lookup_at(self.frames.len() - 1, name)
    }

    fn lookup_at(&mut self, at: usize, name: &str) -> Option<Binding> {
        if let Some(binding) = self.frames[at].scopes.find(name) {
            return Some(binding.clone());
        }
        self.frames[at].captures.as_ref()?;
        let outer = self.lookup_at(at - 1, name)?;
        Some(match outer {
            Binding::Local(local) if self.frames[at - 1].locals[local.0 as usize].ty.as_list().is_some() => {
                self.captured_list(at, name);
                Binding::Poison
            }
            Binding::Local(local) => match &self.frames[at - 1].pure[local.0 as usize] {
                Some(Pure::Scalar(DimExpr::Size(size))) => Binding::Size(self.capture_size(at, &size.clone())),
                _ => Binding::Local(self.capture_local(at, local)),
            },
            Binding::Size(size) => Binding::Size(self.capture_size(at, &size)),
            Binding::Fn(value, signature) => {
                let value = match value {
                    FnValue::Instance(id, values) => {
                        FnValue::Instance(id, values.iter().map(|value| self.capture_value(at, value)).collect())
                    }
                    other => other,
                };
                let params = signature.params.iter().map(|ty| self.capture_type(at, ty)).collect();
                let result = self.capture_type(at, &signature.result);
                Binding::Fn(value, FnSignature { params, result, span: signature.span })
            }
            other @ (Binding::Type(_) | Binding::Const(_) | Binding::Poison) => other,
        })
    }

    /// A lambda takes values: a list is none.
    fn captured_list(&mut self, at: usize, name: &str) {
        let span = self.frames[at].span;
        self.report(
            Diagnostic::error(codes::LIST, span, format!("this lambda uses the list `{name}`"))
                .note("a lambda gets the values of the names around it; a list is a variable")
                .help(format!("bind its elements before: `let items = {name}`")),
        );
    }

    /// All names that can be seen from the function being checked.
    pub fn visible_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for frame in self.frames.iter().rev() {
            names.extend(frame.scopes.names().map(str::to_string));
            if frame.captures.is_none() {
                break;
            }
        }
        names
    }

    fn capture_value(&mut self, at: usize, value: &Expr) -> Expr {
        match &value.kind {
            ExprKind::Local(local) => {
                let local = self.capture_local(at, *local);
                let ty = self.frames[at].locals[local.0 as usize].ty.clone();
                expr(ExprKind::Local(local), ty, value.span)
            }
            ExprKind::Size(size) => {
                let size = self.capture_size(at, size);
                expr(ExprKind::Size(size), value.ty.clone(), value.span)
            }
            _ => value.clone(),
        }
    }

    fn capture_local(&mut self, at: usize, outer: LocalId) -> LocalId {
        if let Some(&known) = self.frames[at].captures.as_ref().and_then(|captures| captures.locals.get(&outer)) {
            return known;
        }
        let source = self.frames[at - 1].locals[outer.0 as usize].clone();
        let value = expr(ExprKind::Local(outer), source.ty.clone(), source.span);
        let local = match &source.ty {
            Type::Tuple(parts) => self.capture_parts(at, &source, parts, &value),
            _ => self.hidden_param(at, source.name.clone(), value, source.scalar),
        };
        let captures = self.frames[at].captures.as_mut().expect("only lambdas capture");
        captures.locals.insert(outer, local);
        local
    }

    /// Several values, captured one by one and put together before the lambda's body.
    fn capture_parts(&mut self, at: usize, source: &Local, parts: &Parts, value: &Expr) -> LocalId {
        let ty = self.capture_type(at, &source.ty);
        let (mut values, mut pure) = (Vec::new(), Vec::new());
        for (number, (name, part)) in parts.iter().enumerate() {
            let name = match name {
                Some(name) => format!("{}.{name}", source.name),
                None => format!("{}.{number}", source.name),
            };
            let field = expr(ExprKind::Field(Box::new(value.clone()), number), part.clone(), source.span);
            let local = self.hidden_param(at, name, field, None);
            let frame = &self.frames[at];
            pure.push(frame.pure[local.0 as usize].clone());
            values.push(expr(ExprKind::Local(local), frame.locals[local.0 as usize].ty.clone(), source.span));
        }
        let value = expr(ExprKind::Tuple(values), ty.clone(), source.span);
        let frame = &mut self.frames[at];
        let local = LocalId(frame.locals.len() as u32);
        let scalar = None;
        frame.locals.push(Local { name: source.name.clone(), ty, span: source.span, scalar, is_var: false });
        frame.pure.push(Some(Pure::Tuple(pure)));
        frame.prelude.push(Stmt::Let { locals: vec![local], value });
        local
    }

    /// Adds a parameter for a value of the frame below. `outer` is the value's name inside sizes.
    fn hidden_param(&mut self, at: usize, name: String, value: Expr, outer: Option<ScalarVar>) -> LocalId {
        let ty = self.capture_type(at, &value.ty);
        let (pure, scalar) = match ty.as_scalar() {
            Some(elem) => {
                let var = self.program.names.new_scalar(name.clone());
                (Some(Pure::Scalar(DimExpr::Scalar(var, elem))), Some(var))
            }
            None => (None, None),
        };
        let frame = &mut self.frames[at];
        let local = LocalId(frame.locals.len() as u32);
        frame.locals.push(Local { name, ty, span: value.span, scalar, is_var: false });
        frame.pure.push(pure);
        frame.params.push(local);
        let captures = frame.captures.as_mut().expect("only lambdas capture");
        if let (Some(outer), Some(inner)) = (outer, scalar) {
            captures.scalars.insert(outer, inner);
        }
        captures.values.push(value);
        local
    }

    fn capture_size_var(&mut self, at: usize, outer: SizeVar) -> SizeVar {
        if let Some(&known) = self.frames[at].captures.as_ref().and_then(|captures| captures.sizes.get(&outer)) {
            return known;
        }
        let name = self.program.names.size(outer).to_string();
        let var = self.program.names.new_size(name.clone());
        let size = Size::from(var);
        let frame = &mut self.frames[at];
        let span = frame.span;
        let local = LocalId(frame.locals.len() as u32);
        frame.locals.push(Local { name, ty: Type::scalar(Scalar::I32), span, scalar: None, is_var: false });
        frame.pure.push(Some(Pure::Scalar(DimExpr::Size(size))));
        frame.sizes.push(SizeParam { var, source: SizeSource::Dim(frame.params.len()) });
        frame.params.push(local);
        let captures = frame.captures.as_mut().expect("only lambdas capture");
        captures.sizes.insert(outer, var);
        captures.values.push(expr(ExprKind::Size(Size::from(outer)), Type::scalar(Scalar::I32), span));
        var
    }

    fn capture_scalar_var(&mut self, at: usize, outer: ScalarVar) -> ScalarVar {
        if let Some(&known) = self.frames[at].captures.as_ref().and_then(|captures| captures.scalars.get(&outer)) {
            return known;
        }
        let position = self.frames[at - 1].locals.iter().position(|local| local.scalar == Some(outer));
        let local = LocalId(position.expect("a scalar variable belongs to a local") as u32);
        self.capture_local(at, local);
        self.frames[at].captures.as_ref().expect("only lambdas capture").scalars[&outer]
    }

    /// A size of the frame below in terms of the lambda's own variables.
    pub fn capture_size(&mut self, at: usize, size: &Size) -> Size {
        let (mut vars, mut scalars) = (Vec::new(), Vec::new());
        size.vars(&mut vars);
        size.scalars(&mut scalars);
        for var in vars {
            if !self.const_sizes.contains_key(&var) {
                self.capture_size_var(at, var);
            }
        }
        for (var, _) in scalars {
            self.capture_scalar_var(at, var);
        }
        self.captured(at, size).expect("everything in it was just captured")
    }

    fn capture_type(&mut self, at: usize, ty: &Type) -> Type {
        ty.map_sizes(&mut |size| self.capture_size(at, size))
    }

    /// A size of the frame below in the lambda's terms, if everything in it was captured already.
    fn captured(&self, at: usize, size: &Size) -> Option<Size> {
        let captures = self.frames[at].captures.as_ref()?;
        let (mut vars, mut scalars) = (Vec::new(), Vec::new());
        size.vars(&mut vars);
        size.scalars(&mut scalars);
        let known = vars.iter().all(|var| captures.sizes.contains_key(var) || self.const_sizes.contains_key(var))
            && scalars.iter().all(|(var, _)| captures.scalars.contains_key(var));
        known.then(|| {
            size.substitute(&Subst {
                size: &|var| Size::from(captures.sizes.get(&var).copied().unwrap_or(var)),
                scalar: &|var, ty| DimExpr::Scalar(captures.scalars[&var], ty),
            })
        })
    }

    /// Facts of the frames around a lambda that speak only of what it captured, in its terms.
    pub fn captured_facts(&self, at: usize) -> Vec<Fact> {
        if self.frames[at].captures.is_none() {
            return Vec::new();
        }
        let below = &self.frames[at - 1];
        let mut outer: Vec<Fact> = below.facts.iter().chain(&below.implied).cloned().collect();
        outer.extend(self.captured_facts(at - 1));
        outer.into_iter().filter_map(|fact| Some(Fact { size: self.captured(at, &fact.size)?, ..fact })).collect()
    }
}
