//! Calls: of functions written before and of some of std, with arguments by position or by name, defaults left out, extra
//! leading axes, type parameters, and functions as arguments.

use super::frame::{Class, Generator, Kind, Tensor};
use super::items::{ParamKind, Signature};
use super::tree::{self, Expr, ExprKind};
use kcc_compiler::size::{DimExpr, Size, SizeVar, Subst};
use kcc_compiler::types::Scalar;
use std::collections::BTreeMap;

/// A call with the types of its results.
pub type Called = (Expr, Vec<(Option<String>, Tensor)>);

impl Generator {
    /// A call whose one result is a scalar of this type; or a component of several.
    pub fn scalar_call(&mut self, elem: Scalar, depth: usize) -> Option<Expr> {
        let functions = self.locals(|local| matches!(&local.kind, Kind::Function(_, result) if *result == elem));
        if !functions.is_empty() && self.random.percent(50) {
            let position = self.random.pick(&functions);
            let Kind::Function(params, _) = self.frame.locals[position].kind.clone() else { return None };
            let args = params.into_iter().map(|param| self.scalar(param, depth - 1)).collect();
            self.use_local(position);
            return Some(tree::call(&self.frame.locals[position].name.clone(), args));
        }
        let fitting = |generator: &Self, s: &Signature| {
            s.results.iter().position(|(_, t)| t.dims.is_empty() && generator.gives(s, t.elem, elem))
        };
        let number = self.some_signature(|generator, s| fitting(generator, s).is_some())?;
        let signature = self.functions[number].clone();
        let at = fitting(self, &signature)?;
        let generic = signature.class.filter(|(own, _)| *own == signature.results[at].1.elem).map(|_| elem);
        let (call, results) = self.call_signature(&signature, generic, false, depth)?;
        if results[at].1.elem != elem {
            return None;
        }
        Some(match (&results[at].0, results.len()) {
            (_, 1) => call,
            (Some(name), _) => tree::expr(ExprKind::Field(Box::new(call), tree::name(name))),
            (None, _) => return None,
        })
    }

    /// A call with one tensor as result.
    pub fn tensor_call(&mut self, depth: usize) -> Option<(Expr, Tensor)> {
        let number = self.some_signature(|_, s| s.results.len() == 1)?;
        let signature = self.functions[number].clone();
        let lifted = self.random.percent(40);
        let (call, mut results) = self.call_signature(&signature, None, lifted, depth)?;
        Some((call, results.pop()?.1))
    }

    /// A call with several results.
    pub fn tuple_call(&mut self, depth: usize) -> Option<Called> {
        let number = self.some_signature(|_, s| s.results.len() > 1)?;
        let signature = self.functions[number].clone();
        let lifted = self.random.percent(30);
        self.call_signature(&signature, None, lifted, depth)
    }

    fn some_signature(&mut self, fits: impl Fn(&Self, &Signature) -> bool) -> Option<usize> {
        let callable = |s: &Signature| (!s.is_std || self.std_calls > 0) && !self.has_own_meaning(s);
        let all: Vec<usize> = (0..self.functions.len())
            .filter(|at| callable(&self.functions[*at]) && fits(self, &self.functions[*at]))
            .collect();
        (!all.is_empty()).then(|| self.random.pick(&all))
    }

    /// Whether a result of type `own` in the signature can be of type `elem` here.
    fn gives(&self, signature: &Signature, own: Scalar, elem: Scalar) -> bool {
        match signature.class {
            Some((generic, class)) if generic == own => self.satisfies(elem, class),
            _ => own == elem,
        }
    }

    /// Whether a signature names a type that is written `T` here, and means the type itself.
    fn has_own_meaning(&self, signature: &Signature) -> bool {
        let generic = signature.class.map(|(elem, _)| elem);
        let means = |elem: Scalar| generic != Some(elem) && self.class(elem).is_some();
        let params = signature.params.iter().any(|param| match &param.kind {
            ParamKind::Tensor(tensor) => means(tensor.elem),
            ParamKind::Function(params, result) => params.iter().any(|elem| means(*elem)) || means(*result),
            ParamKind::Dim(_) => false,
        });
        params || signature.results.iter().any(|(_, tensor)| means(tensor.elem))
    }

    /// A call of a function; `generic` is what its type parameter must be.
    fn call_signature(
        &mut self,
        signature: &Signature,
        generic: Option<Scalar>,
        lifted: bool,
        depth: usize,
    ) -> Option<Called> {
        if self.frame.work.saturating_mul(signature.work) > super::frame::MOST_WORK {
            return None;
        }
        let mut sizes: BTreeMap<SizeVar, Size> = BTreeMap::new();
        for var in &signature.sizes {
            let least = self.sizes.declared_least(*var);
            let mut choice = self.affordable();
            choice.push(Size::constant(self.random.below(4) as i64 + least));
            choice.retain(|size| self.sizes.sure(size) >= least && self.sizes.sure(size) >= 0);
            // Loops inside were counted with few steps.
            choice.retain(|size| signature.work <= 40 || self.sizes.greatest(size) <= 20);
            sizes.insert(*var, self.random.pick(&choice));
        }
        let element = match signature.class {
            Some((_, class)) => Some(match generic {
                Some(elem) => elem,
                None => match self.frame.generic {
                    Some((own, _)) if self.satisfies(own, class) && self.random.percent(50) => own,
                    _ => {
                        let all: Vec<Scalar> =
                            class.types().iter().copied().filter(|elem| self.class(*elem).is_none()).collect();
                        self.random.pick(&all)
                    }
                },
            }),
            None => None,
        };
        if signature.is_std {
            self.std_calls -= 1;
            self.uses_nn |= signature.callee.starts_with("nn.");
        }
        let actual = |tensor: &Tensor| Tensor {
            elem: match (signature.class, element) {
                (Some((own, _)), Some(element)) if own == tensor.elem => element,
                _ => tensor.elem,
            },
            dims: tensor.dims.iter().map(|dim| put(dim, &sizes)).collect(),
        };
        // Extra leading axes of some arguments; the others are shared.
        let extra: Vec<Size> = if lifted { self.shape().into_iter().take(1).collect() } else { Vec::new() };
        let tensors = signature.params.iter().filter(|p| matches!(p.kind, ParamKind::Tensor(_))).count();
        let all_results = signature.results.iter().map(|(_, t)| self.elements(&actual(t).dims)).max().unwrap_or(1);
        let may_lift = !extra.is_empty() && tensors > 0 && self.affords(self.elements(&extra) * all_results);
        let first_lifted = self.random.below(tensors.max(1));
        let (mut seen, mut is_lifted) = (0, false);
        let mut args = Vec::new();
        let mut by_name = false;
        for param in &signature.params {
            if param.has_default && self.random.percent(50) {
                by_name = true;
                continue;
            }
            let value = match &param.kind {
                ParamKind::Dim(var) => self.sizes.write(&sizes[var]),
                ParamKind::Function(params, result) => self.function_argument(params, *result, depth)?,
                ParamKind::Tensor(tensor) => {
                    let Tensor { elem, mut dims } = actual(tensor);
                    if may_lift && (seen == first_lifted || self.random.percent(30)) {
                        dims.splice(0..0, extra.iter().cloned());
                        is_lifted = true;
                    }
                    seen += 1;
                    if !self.affords(self.elements(&dims)) {
                        return None;
                    }
                    self.argument(elem, &dims, depth.saturating_sub(1).min(2))
                }
            };
            by_name |= self.random.percent(10) && !signature.is_std;
            args.push(if by_name { tree::named(&param.name, value) } else { tree::arg(value) });
        }
        let results = signature
            .results
            .iter()
            .map(|(name, tensor)| {
                let mut tensor = actual(tensor);
                if is_lifted {
                    tensor.dims.splice(0..0, extra.iter().cloned());
                }
                (name.clone(), tensor)
            })
            .collect();
        let call = match signature.callee.split_once('.') {
            Some((module, item)) => tree::expr(ExprKind::Call {
                callee: Box::new(tree::expr(ExprKind::Field(Box::new(tree::ident(module)), tree::name(item)))),
                args,
            }),
            None => tree::call_args(&signature.callee, args),
        };
        Some((call, results))
    }

    /// A tensor as an argument: one in scope if there is one.
    fn argument(&mut self, elem: Scalar, dims: &[Size], depth: usize) -> Expr {
        let same = self.locals(|local| matches!(&local.kind, Kind::Value(t) if t.elem == elem && t.dims == dims));
        if !same.is_empty() && self.random.percent(60) {
            let position = self.random.pick(&same);
            return self.use_local(position);
        }
        self.tensor_of(elem, dims, depth)
    }

    /// A function as an argument: an operation, one written before, or a lambda, which sees what is around it.
    fn function_argument(&mut self, params: &[Scalar], result: Scalar, depth: usize) -> Option<Expr> {
        let is_unary = params.len() == 1 && params[0] == result;
        if is_unary && result.is_float() && self.random.percent(30) {
            return Some(tree::ident(self.random.pick(&["sqrt", "abs", "floor", "round"])));
        }
        if params.len() == 2 && params.iter().all(|param| *param == result) && self.random.percent(30) {
            return Some(tree::ident(self.random.pick(&["max", "min"])));
        }
        let fits = |_: &Self, s: &Signature| {
            !s.is_std
                && s.class.is_none()
                && s.params.len() == params.len()
                && s.params.iter().zip(params).all(
                    |(own, param)| matches!(&own.kind, ParamKind::Tensor(t) if t.dims.is_empty() && t.elem == *param),
                )
                && matches!(&s.results[..], [(_, t)] if t.dims.is_empty() && t.elem == result)
        };
        if let Some(number) = self.some_signature(fits)
            && self.random.percent(50)
        {
            return Some(tree::ident(&self.functions[number].callee.clone()));
        }
        let names: Vec<String> = params.iter().map(|_| self.fresh("t")).collect();
        let open = std::mem::take(&mut self.frame.open);
        let body = self.scoped(|generator| {
            for (name, param) in names.iter().zip(params) {
                generator.bind(name, Kind::Value(Tensor { elem: *param, dims: Vec::new() }));
            }
            generator.repeated(8, |g| g.scalar(result, depth.min(2)))
        });
        self.frame.open = open;
        let params = names.iter().map(|name| tree::name(name)).collect();
        Some(tree::expr(ExprKind::Lambda { params, body: Box::new(body) }))
    }

    /// A mathematical function of std.
    pub fn math(&mut self, elem: Scalar, depth: usize) -> Option<Expr> {
        let is_float =
            matches!(elem, Scalar::F32 | Scalar::F64) && self.class(elem).is_none_or(|class| class == Class::Float);
        if !is_float {
            if !elem.is_int() {
                return None;
            }
            let value = self.scalar(elem, depth - 1);
            if self.random.percent(50) {
                return Some(tree::call("square", vec![value]));
            }
            let (lo, hi) = (self.literal(elem), self.scalar(elem, 0));
            return Some(tree::call("clamp", vec![value, lo, hi]));
        }
        let light = ["clamp", "lerp", "sign", "square", "rsqrt", "round_away"];
        let long = ["exp", "log", "sin", "cos", "tanh", "sigmoid", "exp2", "log1p", "erf", "atan2", "hypot", "pow"];
        let name = if self.std_calls > 0 && self.random.percent(40) {
            self.std_calls -= 1;
            // In double precision the largest ones make programs slow to compile.
            self.random.pick(if elem == Scalar::F64 { &long[..8] } else { &long[..] })
        } else {
            self.random.pick(&light)
        };
        let count = match name {
            "clamp" | "lerp" => 3,
            "atan2" | "hypot" | "pow" => 2,
            _ => 1,
        };
        let args = (0..count).map(|at| self.scalar(elem, if at == 0 { depth - 1 } else { 0 })).collect();
        Some(tree::call(name, args))
    }
}

/// The size with the caller's sizes in the place of the function's own.
pub fn put(size: &Size, sizes: &BTreeMap<SizeVar, Size>) -> Size {
    size.substitute(&Subst {
        size: &|var| sizes.get(&var).cloned().unwrap_or_else(|| Size::from(var)),
        scalar: &|var, ty| DimExpr::Scalar(var, ty),
    })
}
