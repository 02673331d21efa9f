//! A call against its instance's signature: element types, rank lifting, size variables, facts.

use super::shape::Shape;
use super::sizes::{dim_param, substitute_size, substitute_type};
use super::{Checked, Checker, FnInfo, Reported, expr};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::facts::Answer;
use crate::hir::{Call, Expr, ExprKind, Fact, Fn, FnId, Parts, Relation, SizeSource, StructRef, Type};
use crate::size::{Atom, DimExpr, ScalarVar, Size, SizeVar};
use crate::source::Span;
use crate::types::Scalar;
use std::collections::BTreeMap;

/// What a call's values are in the caller's terms.
struct Values {
    sizes: BTreeMap<SizeVar, Size>,
    scalars: BTreeMap<ScalarVar, DimExpr>,
}

impl Checker<'_> {
    /// Calls an instance with all its arguments, hidden ones included.
    pub fn apply(&mut self, id: FnId, args: Vec<Expr>, span: Span) -> Checked<Expr> {
        // The signature is copied: checking may add instances.
        let function = signature(&self.program.fns[id.0 as usize]);
        let info = self.infos[id.0 as usize].clone();
        let mut args: Vec<Expr> = args;
        let mut lifts: Vec<usize> = Vec::new();
        let mut failed = false;
        for (position, arg) in args.iter_mut().enumerate() {
            match self.fit_arg(&function, position, arg) {
                Ok(extra) => lifts.push(extra),
                Err(Reported) => {
                    failed = true;
                    lifts.push(0);
                }
            }
        }
        if failed {
            return Err(Reported);
        }
        self.may_lift(&function, &args, &lifts, span)?;
        let mut checks = Vec::new();
        let sizes = self.solve_sizes(&function, &args, &lifts, span, &mut checks)?;
        let (size_values, scalars) = self.call_values(id, &args, &sizes);
        let mut values = Values { sizes: size_values, scalars };
        for position in 0..args.len() {
            failed |= self.match_shape(&function, position, &args, lifts[position], &values, span).is_err();
        }
        let lift = self.lift(&function, &args, &lifts);
        if failed {
            return Err(Reported);
        }
        let lift = lift?;
        self.scalars_reach_sizes(&function, &info, &args, &values.scalars)?;
        self.prove_facts(&function, &info, &values, &sizes, span, &mut checks)?;
        let decided = self.fresh_decided(&function, &mut values, span);
        let mut results: Vec<(Option<String>, Type)> = function
            .results
            .iter()
            .map(|result| (result.name.clone(), substitute_type(&result.ty, &lift, &values.sizes, &values.scalars)))
            .collect();
        let ty = match &info.result {
            // Lifted, the fields have further axes: together they are no struct any more.
            Some(of) if lift.is_empty() => {
                let sizes = of.sizes.iter().map(|size| substitute_size(size, &values.sizes, &values.scalars)).collect();
                Type::Tuple(Parts::of(StructRef { sizes, ..of.clone() }, results))
            }
            None if results.len() == 1 => results.pop().expect("one").1,
            _ => Type::tuple(results),
        };
        Ok(expr(ExprKind::Call(Call { callee: id, args, sizes, lift, decided, checks }), ty, span))
    }

    /// Fresh variables for the sizes that the data decides in the callee, at most what its bounds are here.
    fn fresh_decided(&mut self, function: &Fn, values: &mut Values, span: Span) -> Vec<SizeVar> {
        let mut fresh = Vec::new();
        for decided in &function.decided {
            let bound = substitute_size(&decided.bound, &values.sizes, &values.scalars);
            let name = self.program.names.size(decided.var).to_string();
            fresh.push(self.fresh_size(name, &bound, span));
        }
        let vars = function.decided.iter().map(|decided| decided.var);
        values.sizes.extend(vars.zip(fresh.iter().map(|&var| Size::from(var))));
        fresh
    }

    /// Holds that an argument has the parameter's element type and enough axes; gives the number of extra ones.
    fn fit_arg(&mut self, function: &Fn, position: usize, arg: &mut Expr) -> Checked<usize> {
        let param = &function.locals[function.params[position].0 as usize];
        if param.is_var {
            return self.fit_in_out(function, position, arg).map(|()| 0);
        }
        let Type::Tensor(wanted) = &param.ty else { unreachable!("parameters are tensors") };
        let found = self.tensor_of(arg, &format!("the argument `{}`", param.name))?.clone();
        if found.elem != wanted.elem {
            *arg = self.coerce(arg.clone(), &Type::tensor(wanted.elem, found.dims.clone()));
        }
        let found_ty = arg.ty.clone();
        if arg.ty.as_tensor().expect("a tensor").elem != wanted.elem {
            let (shown_wanted, shown_found) = (self.show_type(&param.ty), self.show_type(&found_ty));
            let text = self.sources.text(arg.span).to_string();
            let mut diagnostic = Diagnostic::error(
                codes::ARGUMENT_TYPE,
                arg.span,
                format!("`{}` of `{}` must be {}, found {}", param.name, function.name, wanted.elem, found.elem),
            )
            .at(format!("this is {shown_found}"))
            .label(param.span, "the parameter")
            .note(format!("expected: {shown_wanted}\n   found: {shown_found}"));
            if wanted.elem != Scalar::Bool && text.len() <= 40 {
                diagnostic = diagnostic.help(format!("convert it: `{}({text})`", wanted.elem));
            }
            return Err(self.report(diagnostic));
        }
        match found.dims.len().checked_sub(wanted.dims.len()) {
            Some(extra) => Ok(extra),
            None => {
                let (shown_wanted, shown_found) = (self.show_type(&param.ty), self.show_type(&found_ty));
                Err(self.report(
                    Diagnostic::error(
                        codes::RANK,
                        arg.span,
                        format!(
                            "`{}` of `{}` needs at least {} axes, found {}",
                            param.name,
                            function.name,
                            wanted.dims.len(),
                            found.dims.len()
                        ),
                    )
                    .at(format!("this is {shown_found}"))
                    .label(param.span, "the parameter")
                    .note(format!("expected: {shown_wanted}\n   found: {shown_found}")),
                ))
            }
        }
    }

    /// The value of each size variable of the callee.
    fn solve_sizes(
        &mut self,
        function: &Fn,
        args: &[Expr],
        lifts: &[usize],
        span: Span,
        checks: &mut Vec<Fact>,
    ) -> Checked<Vec<Size>> {
        let mut sizes = Vec::new();
        let mut failed = false;
        for param in &function.sizes {
            let name = self.program.names.size(param.var).to_string();
            let solved = match param.source {
                SizeSource::Dim(position) => {
                    let what = format!("`{name}` of `{}`", function.name);
                    self.size_of(&args[position], &what).map(|size| (size, Size::constant(0)))
                }
                SizeSource::Param { param: position, axis } => {
                    let local = &function.locals[function.params[position].0 as usize];
                    let declared = &local.ty.sizes()[axis];
                    let (factor, rest) =
                        declared.solve_for(param.var).expect("a size variable stands as `a*V + c` where it is bound");
                    let found = args[position].ty.sizes()[lifts[position] + axis].clone();
                    let scaled = found.minus(&rest);
                    let value = scaled.div(&Size::constant(factor));
                    let remainder = scaled.minus(&value.times_const(factor));
                    Ok((value, remainder))
                }
            };
            match solved {
                Ok((value, remainder)) => {
                    failed |= self.check_size_value(param.source, &name, function, &value, args, span, checks).is_err();
                    if remainder != Size::constant(0) {
                        let text = format!("{name} is whole");
                        let fact = Fact { rel: Relation::Zero, size: remainder, span, text };
                        failed |= self.require(fact, function, None, &sizes, checks).is_err();
                    }
                    sizes.push(value);
                }
                Err(Reported) => failed = true,
            }
        }
        if failed { Err(Reported) } else { Ok(sizes) }
    }

    /// A size that is not an extent itself must not be negative.
    fn check_size_value(
        &mut self,
        source: SizeSource,
        name: &str,
        function: &Fn,
        value: &Size,
        args: &[Expr],
        span: Span,
        checks: &mut Vec<Fact>,
    ) -> Checked<()> {
        let is_extent = match source {
            SizeSource::Dim(_) => false,
            SizeSource::Param { param, axis } => {
                let local = &function.locals[function.params[param].0 as usize];
                local.ty.sizes()[axis].as_var().is_some()
            }
        };
        if is_extent {
            return Ok(());
        }
        let place = dim_param(source).map_or(span, |position| args[position].span);
        let fact = Fact { rel: Relation::NonNegative, size: value.clone(), span: place, text: format!("{name} >= 0") };
        self.require(fact, function, None, &[], checks)
    }

    /// Holds that the own axes of an argument are what the parameter declares.
    fn match_shape(
        &mut self,
        function: &Fn,
        position: usize,
        args: &[Expr],
        extra: usize,
        values: &Values,
        span: Span,
    ) -> Checked<()> {
        let param = &function.locals[function.params[position].0 as usize];
        let declared = param.ty.sizes();
        let found = args[position].ty.sizes()[extra..].to_vec();
        let wanted: Vec<Size> =
            declared.iter().map(|dim| substitute_size(dim, &values.sizes, &values.scalars)).collect();
        let facts = self.facts();
        for axis in 0..declared.len() {
            let answer = facts.equal(&wanted[axis], &found[axis]);
            if answer == Answer::Yes {
                continue;
            }
            let message = format!("`{}` of `{}` has another shape than its parameters say", param.name, function.name);
            // The argument that gave the size its value is the other place that matters.
            let mut vars = Vec::new();
            declared[axis].vars(&mut vars);
            let binder = function.sizes.iter().find(|size| vars.contains(&size.var)).map(|size| match size.source {
                SizeSource::Param { param, .. } | SizeSource::Dim(param) => param,
            });
            let (other, what) = match binder {
                Some(binder) if binder != position => {
                    let name = &function.locals[function.params[binder].0 as usize].name;
                    (args[binder].span, format!("what `{name}` asks for"))
                }
                _ => (span, "what the parameter asks for".to_string()),
            };
            return Err(self.extent_error(
                answer,
                &message,
                &Shape { dims: &found, span: args[position].span, what: &format!("`{}`", param.name) },
                &Shape { dims: &wanted, span: other, what: &what },
                (axis, axis),
            ));
        }
        Ok(())
    }

    /// The extra leading axes of a call: those of its arguments, paired from the right.
    fn lift(&mut self, function: &Fn, args: &[Expr], lifts: &[usize]) -> Checked<Vec<Size>> {
        let extra = |position: usize| &args[position].ty.sizes()[..lifts[position]];
        let Some(longest) = (0..args.len()).max_by_key(|&position| (lifts[position], usize::MAX - position)) else {
            return Ok(Vec::new());
        };
        let lift = extra(longest).to_vec();
        for position in 0..args.len() {
            let own = extra(position);
            if function.sizes.iter().any(|size| dim_param(size.source) == Some(position)) && !own.is_empty() {
                return Err(Reported);
            }
            let message = format!("extra axes of the arguments of `{}` differ", function.name);
            let shared = &lift[lift.len() - own.len()..];
            self.same_shape(
                &message,
                &Shape { dims: own, span: args[position].span, what: "this argument" },
                &Shape { dims: shared, span: args[longest].span, what: "the other argument" },
            )?;
        }
        Ok(lift)
    }

    /// Scalar parameters that reach a size in the callee need pure arguments; these then reach a size here too.
    fn scalars_reach_sizes(
        &mut self,
        function: &Fn,
        info: &FnInfo,
        args: &[Expr],
        values: &BTreeMap<ScalarVar, DimExpr>,
    ) -> Checked<()> {
        for (param, arg) in function.params.iter().zip(args) {
            let local = &function.locals[param.0 as usize];
            let Some(var) = local.scalar.filter(|var| info.size_scalars.contains(var)) else { continue };
            let Some(pure) = values.get(&var) else {
                let message = format!(
                    "`{}` of `{}` decides a size, so it must be known before the work begins",
                    local.name, function.name
                );
                return Err(self.impure(arg, &message));
            };
            let mut used = Vec::new();
            Size::atom(Atom::Dim(Box::new(pure.clone()))).scalars(&mut used);
            self.frame_mut().size_scalars.extend(used.into_iter().map(|(var, _)| var));
        }
        Ok(())
    }

    /// The callee's declared facts: proved, refused, or left to be checked before the work.
    fn prove_facts(
        &mut self,
        function: &Fn,
        info: &FnInfo,
        values: &Values,
        sizes: &[Size],
        span: Span,
        checks: &mut Vec<Fact>,
    ) -> Checked<()> {
        let mut result = Ok(());
        for fact in &function.facts[..info.declared_facts] {
            let size = substitute_size(&fact.size, &values.sizes, &values.scalars);
            let here = Fact { rel: fact.rel, size, span, text: fact.text.clone() };
            if self.require(here, function, Some(fact.span), sizes, checks).is_err() {
                result = Err(Reported);
            }
        }
        result
    }

    fn require(
        &mut self,
        fact: Fact,
        function: &Fn,
        declared: Option<Span>,
        sizes: &[Size],
        checks: &mut Vec<Fact>,
    ) -> Checked<()> {
        let span = fact.span;
        match self.facts().holds(fact.rel, &fact.size) {
            Answer::Yes => Ok(()),
            Answer::Unknown => {
                checks.push(fact);
                Ok(())
            }
            Answer::No => {
                let mut diagnostic = Diagnostic::error(
                    codes::FACT_VIOLATED,
                    span,
                    format!("`{}` needs `{}`, which does not hold here", function.name, fact.text),
                );
                let sizes: Vec<String> = function
                    .sizes
                    .iter()
                    .zip(sizes)
                    .map(|(param, size)| format!("{} = {}", self.program.names.size(param.var), self.show(size)))
                    .collect();
                if !sizes.is_empty() {
                    diagnostic = diagnostic.note(format!("here {}", sizes.join(", ")));
                }
                if let Some(declared) = declared {
                    diagnostic = diagnostic.label(declared, "required here");
                }
                Err(self.report(diagnostic))
            }
        }
    }
}

/// A function without its body.
fn signature(function: &Fn) -> Fn {
    Fn {
        name: function.name.clone(),
        doc: String::new(),
        span: function.span,
        sizes: function.sizes.clone(),
        params: function.params.clone(),
        results: function.results.clone(),
        facts: function.facts.clone(),
        decided: function.decided.clone(),
        locals: function.locals.clone(),
        body: crate::hir::Block { stmts: Vec::new(), value: None },
    }
}
