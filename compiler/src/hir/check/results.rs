//! Declared results: their types, which may name sizes that the body defines (`f32[k]` with `let k = dim(…)`) or that
//! the data decides (`i32[K <= N]`), and values against them.

use super::{Checked, Checker, Expect, Reported};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::facts::Answer;
use crate::hir::scope::Binding;
use crate::hir::{Decided, Expr, ExprKind, Fact, Relation, Type};
use crate::size::{DimExpr, Size, SizeVar, Subst};
use crate::source::Span;
use crate::syntax::ast::{self, DimDecl, TypeKind};

impl Checker<'_> {
    /// What the declared results expect of literals.
    pub fn result_expect(&mut self, function: &ast::Fn) -> Checked<Expect> {
        let mut expects = Vec::new();
        for result in &function.results {
            if let Some((item, _)) = self.struct_named(&result.ty) {
                let def = self.struct_def(item)?;
                expects.push(Expect::Tuple(def.fields.iter().map(|(_, ty)| Expect::Elem(ty.elem)).collect()));
                continue;
            }
            let elem = match &result.ty.kind {
                TypeKind::Name(name) | TypeKind::Tensor(name, _) => Some(self.elem(name)?),
                TypeKind::Fn(..) | TypeKind::List(..) | TypeKind::Error => None,
            };
            expects.push(elem.map_or(Expect::None, Expect::Elem));
        }
        Ok(if expects.len() == 1 { expects.remove(0) } else { Expect::Tuple(expects) })
    }

    /// The types of the declared results, read where a value for them stands: the body's names are seen. Sizes that
    /// the data decides are the same at every such place.
    pub fn result_types(&mut self, function: &ast::Fn) -> Checked<Vec<Type>> {
        if let [_, _, ..] = &function.results[..]
            && let Some(result) = function.results.iter().find(|result| self.struct_named(&result.ty).is_some())
        {
            let message = "a struct is the only result of a function";
            return Err(self.report(
                Diagnostic::error(codes::BAD_STRUCT, result.ty.span, message)
                    .help("make the other results fields of the struct"),
            ));
        }
        self.frame_mut().scopes.open();
        let decided = self.declare_decided(function).and_then(|()| self.names_are_known(function));
        let types: Vec<Checked<Type>> = function.results.iter().map(|result| self.value_type(&result.ty)).collect();
        self.frame_mut().scopes.close();
        decided?;
        let types = types.into_iter().collect::<Checked<Vec<Type>>>()?;
        for (ty, decl) in types.iter().zip(&function.results) {
            self.hides_no_decided(ty, decl.ty.span)?;
        }
        Ok(types)
    }

    /// Holds that sizes of results are known: a name that nothing binds may be meant as one that the data decides.
    fn names_are_known(&mut self, function: &ast::Fn) -> Checked<()> {
        for decl in &function.results {
            let TypeKind::Tensor(_, dims) = &decl.ty.kind else { continue };
            for dim in dims {
                let DimDecl::Size(ast::Expr { kind: ast::ExprKind::Name(name), .. }) = dim else { continue };
                if self.lookup(&name.text).is_none() && self.global(&name.text).is_none() {
                    let message = format!("nothing says what `{}` is", name.text);
                    return Err(self.report(
                        Diagnostic::error(codes::UNKNOWN_NAME, name.span, message)
                            .note("a size of a result is one of a parameter, or a `let` of the body")
                            .help(format!("if the data decides it, give it a bound: `{} <= …`", name.text)),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Binds the sizes with a bound, after all bounds were read.
    fn declare_decided(&mut self, function: &ast::Fn) -> Checked<()> {
        let mut found: Vec<(&ast::Name, Size, (usize, usize), Span)> = Vec::new();
        for (result, decl) in function.results.iter().enumerate() {
            let TypeKind::Tensor(_, dims) = &decl.ty.kind else { continue };
            let of = self.struct_named(&decl.ty).map(|(item, _)| item);
            let places = of.map(|item| self.struct_def(item).map(|def| def.places.clone())).transpose()?;
            for (axis, dim) in dims.iter().enumerate() {
                let DimDecl::Bounded(name, tree) = dim else { continue };
                // The fields of a struct are results.
                let place = places.as_ref().and_then(|places| places.get(axis)).copied().unwrap_or((result, axis));
                if let Some(Binding::Size(_) | Binding::Local(_)) = self.lookup(&name.text) {
                    let diagnostic =
                        Diagnostic::error(codes::DATA_SIZE, name.span, format!("`{}` is known already", name.text))
                            .note("a bound in a result's type is for a size that only the data decides")
                            .help(format!("write `{}` here and `where {}` behind the result", name.text, {
                                let bound = self.sources.text(tree.span);
                                format!("{} <= {bound}", name.text)
                            }));
                    return Err(self.report(diagnostic));
                }
                let bound = self.size(tree, "the bound of a size")?;
                if self.mentions_fresh(&bound) {
                    let shown = self.show(&bound);
                    return Err(self.report(
                        Diagnostic::error(codes::DATA_SIZE, tree.span, "a bound must be known before the work begins")
                            .at(format!("the data decides `{shown}`")),
                    ));
                }
                found.push((name, bound, place, tree.span));
            }
        }
        for (name, bound, place, span) in found {
            if let Some(Binding::Size(size)) = self.frame().scopes.find(&name.text).cloned() {
                let first = self.frame().decided.iter().find(|decided| Size::from(decided.var) == size).cloned();
                if let Some(first) = first.filter(|first| first.bound != bound) {
                    let (a, b) = (self.show(&first.bound), self.show(&bound));
                    let message = format!("`{}` has two bounds, {a} and {b}", name.text);
                    return Err(self.report(
                        Diagnostic::error(codes::DATA_SIZE, span, message)
                            .help(format!("write the bound once, then `{}` alone", name.text)),
                    ));
                }
                continue;
            }
            let known = self.frame().decided.iter().find(|decided| decided.place == place).map(|decided| decided.var);
            let var = known.unwrap_or_else(|| {
                let var = self.program.names.new_size(name.text.clone());
                self.frame_mut().decided.push(Decided { var, bound, place });
                var
            });
            self.bind(&name.text, Binding::Size(Size::from(var)));
        }
        Ok(())
    }

    /// A size variable that the data decides where this stands, with what is known about it.
    pub fn fresh_size(&mut self, name: String, bound: &Size, span: Span) -> SizeVar {
        let frame = self.frame();
        let known = frame.sizes.iter().map(|param| param.var).chain(frame.fresh.iter().copied());
        let known: Vec<&str> = known.map(|var| self.program.names.size(var)).collect();
        // A second `K` is `K2`, so that messages tell them apart.
        let numbered = (2..).map(|number| format!("{name}{number}"));
        let unused = std::iter::once(name.clone()).chain(numbered).find(|name| !known.contains(&name.as_str()));
        let var = self.program.names.new_size(unused.unwrap_or(name));
        let size = Size::from(var);
        for fact in [size.clone(), bound.minus(&size)] {
            let text = format!("{} >= 0", self.show(&fact));
            self.frame_mut().implied.push(Fact { rel: Relation::NonNegative, size: fact, span, text });
        }
        let frame = self.frame_mut();
        frame.fresh.push(var);
        frame.bounds.insert(var, bound.clone());
        var
    }

    /// Whether the data decides something in a size.
    pub fn mentions_fresh(&self, size: &Size) -> bool {
        self.mentions_fresh_since(size, 0)
    }

    /// Whether the data decides something in a size that was not there before `since` fresh variables.
    pub fn mentions_fresh_since(&self, size: &Size, since: usize) -> bool {
        let mut vars = Vec::new();
        size.vars(&mut vars);
        let fresh = self.frame().fresh.get(since..).unwrap_or_default();
        vars.iter().any(|var| fresh.contains(var))
    }

    /// Holds that a declared result names no size of the body that the data decides.
    fn hides_no_decided(&mut self, ty: &Type, span: Span) -> Checked<()> {
        if let Type::Tuple(fields) = ty {
            return fields.types().try_for_each(|field| self.hides_no_decided(field, span));
        }
        let Some(dim) = ty.sizes().iter().find(|dim| self.mentions_fresh(dim)).cloned() else { return Ok(()) };
        let shown = self.show(&dim);
        Err(self.report(
            Diagnostic::error(
                codes::DATA_SIZE,
                span,
                "a size that the data decides needs a bound in the result's type",
            )
            .at(format!("the data decides `{shown}`"))
            .help("write `K <= bound` with a new name `K`"),
        ))
    }

    /// Holds that a value is what the function declares.
    pub fn check_results(&mut self, mut value: Expr, function: &ast::Fn, results: &[Type]) -> Checked<Expr> {
        let name = &function.name.text;
        if let [ty] = results {
            let value = self.coerce(value, ty);
            let message = format!("the result of `{name}` is not what is declared");
            let place = function.results[0].ty.span;
            let fields: Vec<Type> = match &value.ty {
                Type::Tuple(parts) => parts.types().cloned().collect(),
                other => vec![other.clone()],
            };
            let decided = self.decided_sizes(&fields, value.span, function)?;
            let ty = decided_type(ty, &decided);
            self.same_type(
                codes::RESULT_TYPE,
                &message,
                (&value.ty, value.span, "the result"),
                (&ty, place, "the declared result"),
            )?;
            return Ok(value);
        }
        if let (ExprKind::Tuple(parts), Type::Tuple(types)) = (&mut value.kind, &mut value.ty)
            && parts.len() == results.len()
        {
            for (part, declared) in parts.iter_mut().zip(results) {
                *part = self.coerce(part.clone(), declared);
            }
            let named = types.iter().zip(parts.iter()).map(|((name, _), part)| (name.clone(), part.ty.clone()));
            *types = named.collect::<Vec<_>>().into();
        }
        let found = match &value.ty {
            Type::Tuple(parts) if parts.len() == results.len() => {
                parts.iter().map(|(_, ty)| ty.clone()).collect::<Vec<_>>()
            }
            other => {
                let shown = self.show_type(other);
                let message = format!("`{name}` declares {} results", results.len());
                return Err(self.report(
                    Diagnostic::error(codes::TUPLE_PARTS, value.span, message)
                        .at(format!("this is {shown}"))
                        .label(function.name.span, "declared here")
                        .help("end the body with `(a, b, …)`, one value for each result"),
                ));
            }
        };
        let decided = self.decided_sizes(&found, value.span, function)?;
        let mut failed = false;
        for (position, (ty, decl)) in results.iter().zip(&function.results).enumerate() {
            let result = decl.name.as_ref().map_or("", |name| name.text.as_str());
            let message = format!("the result `{result}` of `{name}` is not what is declared");
            let span = match &value.kind {
                ExprKind::Tuple(parts) => parts[position].span,
                _ => value.span,
            };
            let found = (&found[position], span, "the result");
            let ty = decided_type(ty, &decided);
            let declared = (&ty, decl.ty.span, "the declared result");
            failed |= self.same_type(codes::RESULT_TYPE, &message, found, declared).is_err();
        }
        if failed { Err(Reported) } else { Ok(value) }
    }

    /// What the sizes that the data decides are for these values; each must be proved to be at most its bound.
    fn decided_sizes(&mut self, found: &[Type], span: Span, function: &ast::Fn) -> Checked<Vec<(SizeVar, Size)>> {
        let mut sizes = Vec::new();
        for decided in self.frame().decided.clone() {
            let (result, axis) = decided.place;
            let Some(size) = found.get(result).and_then(|ty| ty.sizes().get(axis)).cloned() else {
                // Another rank: told when the types are compared.
                continue;
            };
            let answer = self.facts().non_negative(&decided.bound.minus(&size));
            if answer != Answer::Yes {
                let (shown, bound) = (self.show(&size), self.show(&decided.bound));
                let var = self.program.names.size(decided.var).to_string();
                let message = match answer {
                    Answer::No => format!("`{shown}` is more than the bound {bound} of `{var}`"),
                    _ => format!("`{shown}` is not known to be at most {bound}, the bound of `{var}`"),
                };
                let mut diagnostic = Diagnostic::error(codes::DATA_SIZE, span, message).label(
                    function.results[result.min(function.results.len() - 1)].ty.span,
                    "the bound is declared here",
                );
                if answer == Answer::Unknown {
                    diagnostic = diagnostic
                        .help(format!("if it always is, say so behind the parameters: `where {shown} <= {bound}`"));
                }
                return Err(self.report(diagnostic));
            }
            sizes.push((decided.var, size));
        }
        Ok(sizes)
    }
}

/// A declared type with the sizes that a value decides.
fn decided_type(ty: &Type, decided: &[(SizeVar, Size)]) -> Type {
    let value = |var: SizeVar| decided.iter().find(|(known, _)| *known == var).map(|(_, size)| size.clone());
    ty.map_sizes(&mut |size| {
        size.substitute(&Subst {
            size: &|var| value(var).unwrap_or_else(|| Size::from(var)),
            scalar: &|var, ty| DimExpr::Scalar(var, ty),
        })
    })
}
