//! Items: constants, functions with their signatures, and the pipeline.

use super::frame::{Class, Frame, Generator, Kind, Local, Tensor};
use super::sizes::{CALLS, Sizes};
use super::tree::{self, BinaryOp, Expr, ExprKind, Fact, ItemKind, Param, ResultDecl};
use kcc_compiler::size::{Size, SizeVar};
use kcc_compiler::types::{Const, Scalar};

/// A function that may be called.
#[derive(Clone, Debug)]
pub struct Signature {
    /// What stands before the parentheses.
    pub callee: String,
    /// Its type parameter, as the type it has in this signature.
    pub class: Option<(Scalar, Class)>,
    /// Its size variables; their least values are known to [`Sizes`].
    pub sizes: Vec<SizeVar>,
    /// Parameters.
    pub params: Vec<Parameter>,
    /// Results; names where there are several.
    pub results: Vec<(Option<String>, Tensor)>,
    /// How often its innermost body runs, about.
    pub work: u64,
    /// Whether it belongs to std.
    pub is_std: bool,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ParamKind,
    /// Whether a call may leave it out.
    pub has_default: bool,
}

/// What a parameter is.
#[derive(Clone, Debug)]
pub enum ParamKind {
    /// A tensor or scalar.
    Tensor(Tensor),
    /// A size.
    Dim(SizeVar),
    /// A function of scalars.
    Function(Vec<Scalar>, Scalar),
}

/// An input of the pipeline: its type, and its values where they are decided already.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its type.
    pub tensor: Tensor,
    /// The value at each call, of scalars that decide sizes.
    pub values: Option<[Const; CALLS]>,
}

/// Functions of std that are called like those of the program.
pub fn std_signatures(sizes: &mut Sizes) -> Vec<Signature> {
    let (n, m, k) = (sizes.unknown("N", 1), sizes.unknown("M", 0), sizes.unknown("K", 0));
    let size = |var: SizeVar| Size::from(var);
    let generic = |dims: Vec<Size>| ParamKind::Tensor(Tensor { elem: Scalar::F64, dims });
    let result = |dims: Vec<Size>| vec![(None, Tensor { elem: Scalar::F64, dims })];
    let make = |callee: &str, class, sizes: Vec<SizeVar>, params: Vec<(&str, ParamKind)>, results| Signature {
        callee: callee.to_string(),
        class: Some((Scalar::F64, class)),
        sizes,
        params: params
            .into_iter()
            .map(|(name, kind)| Parameter { name: name.to_string(), kind, has_default: false })
            .collect(),
        results,
        work: 8,
        is_std: true,
    };
    let row = || vec![size(n)];
    let padded = || vec![size(n).plus(&size(m)).plus(&size(k))];
    let around = || vec![("x", generic(vec![size(n)])), ("before", ParamKind::Dim(m)), ("after", ParamKind::Dim(k))];
    let shift = ParamKind::Tensor(Tensor { elem: Scalar::I32, dims: Vec::new() });
    vec![
        make("flip", Class::Number, vec![n], vec![("x", generic(row()))], result(row())),
        make("roll", Class::Number, vec![n], vec![("x", generic(row())), ("shift", shift)], result(row())),
        make("cumsum", Class::Number, vec![n], vec![("x", generic(row()))], result(row())),
        make("mean", Class::Float, vec![n], vec![("x", generic(row()))], result(Vec::new())),
        make("variance", Class::Float, vec![n], vec![("x", generic(row()))], result(Vec::new())),
        make("pad_edge", Class::Number, vec![n, m, k], around(), result(padded())),
        make("pad_wrap", Class::Number, vec![n, m, k], around(), result(padded())),
        make("nn.softmax", Class::Float, vec![n], vec![("x", generic(row()))], result(row())),
        make(
            "diff",
            Class::Number,
            vec![n],
            vec![("x", generic(row()))],
            result(vec![size(n).plus(&Size::constant(-1))]),
        ),
        make(
            "matmul",
            Class::Number,
            vec![m, n, k],
            vec![("a", generic(vec![size(m), size(n)])), ("b", generic(vec![size(n), size(k)]))],
            result(vec![size(m), size(k)]),
        ),
    ]
}

fn fact(left: Expr, op: BinaryOp, right: Expr) -> Fact {
    Fact::Relation(tree::binary(op, left, right))
}

fn item(kind: ItemKind) -> tree::Item {
    tree::Item { doc: String::new(), kind, span: tree::BLANK }
}

impl Generator {
    /// A constant: a table of literals, or computed.
    pub fn constant(&mut self) {
        let name = self.fresh("C");
        let elem = self.number();
        let extents: Vec<i64> =
            self.random.pick(&[vec![], vec![3], vec![4], vec![5], vec![17], vec![2, 3], vec![4, 4]]);
        let dims: Vec<Size> = extents.iter().map(|extent| Size::constant(*extent)).collect();
        self.frame = Frame { work: 1, budget: 10, is_total: true, ..Frame::default() };
        let (ty, value) = if self.random.percent(60) {
            let ty = Some(self.write_type(&Tensor { elem, dims: dims.clone() }));
            (ty, self.literal_table(elem, &extents))
        } else {
            (None, self.for_or_scalar(elem, &dims))
        };
        self.items.push(item(ItemKind::Const { name: tree::name(&name), ty, value }));
        self.constants.push(Local { name, kind: Kind::Value(Tensor { elem, dims }), used: false });
    }

    fn for_or_scalar(&mut self, elem: Scalar, dims: &[Size]) -> Expr {
        if dims.is_empty() { self.scalar(elem, 2) } else { self.for_of(elem, dims, 2) }
    }

    /// A function.
    pub fn function(&mut self) {
        let name = self.fresh("g");
        let class = self.random.percent(30).then(|| self.random.pick(&[Class::Number, Class::Float, Class::Integer]));
        let generic = class.map(|class| (if class == Class::Float { Scalar::F64 } else { Scalar::I64 }, class));
        let is_total = self.random.percent(85);
        self.frame = Frame { work: 1, budget: 20, is_total, generic, ..Frame::default() };
        self.frame.locals = self.constants.clone();
        let mut facts = Vec::new();
        if let Some((elem, class)) = generic {
            // What has this type here is of type `T`, which constants are not.
            self.frame.locals.retain(|local| !matches!(&local.kind, Kind::Value(t) if t.elem == elem));
            facts.push(Fact::Constraint(tree::name("T"), tree::name(class.name())));
        }
        let is_scalar = self.random.percent(35);
        let mut sizes = Vec::new();
        if !is_scalar {
            for _ in 0..self.random.weighted(&[0, 6, 3]) {
                let name = self.fresh("N");
                let least = self.random.pick(&[0, 0, 1, 2]);
                let var = self.sizes.unknown(&name, least);
                if least > 0 {
                    facts.push(fact(tree::ident(&name), BinaryOp::Ge, tree::int(i128::from(least))));
                }
                self.frame.pool.push(Size::from(var));
                sizes.push(var);
            }
        }
        let mut params = Vec::new();
        let mut written = Vec::new();
        self.size_params(&sizes, &mut params, &mut written);
        self.other_params(generic, &mut params, &mut written);
        self.frame.pool.extend([1, 3, 4].map(Size::constant));
        let count = if is_scalar { self.random.below(2) } else { self.random.below(3) };
        let stmts = self.statements(count, false);
        self.frame.budget = 20;
        let several = self.random.percent(if is_scalar { 15 } else { 30 });
        let mut results = Vec::new();
        let mut values = Vec::new();
        for number in 0..if several { 2 } else { 1 } {
            let elem = generic.map_or_else(|| self.number(), |(elem, _)| elem);
            let dims = if is_scalar { Vec::new() } else { self.shape() };
            let value = self.tensor_of(elem, &dims, 3);
            results.push((several.then(|| format!("r{number}")), Tensor { elem, dims }));
            values.push((None, value));
        }
        let mut value = if several { tree::expr(ExprKind::Tuple(values)) } else { values.remove(0).1 };
        if let (Some((elem, class)), false) = (generic, several)
            && self.random.percent(25)
        {
            let dims = results[0].1.dims.clone();
            let otherwise = self.tensor_of(elem, &dims, 2);
            let asked = if class == Class::Float { "f32" } else { "u32" };
            value = tree::expr(ExprKind::If {
                is_static: true,
                cond: Box::new(tree::expr(ExprKind::Is(Box::new(tree::ident("T")), tree::name(asked)))),
                then: tree::block(Vec::new(), value),
                otherwise: Some(tree::block(Vec::new(), otherwise)),
            });
        }
        let declared = results
            .iter()
            .map(|(name, tensor)| ResultDecl { name: name.as_deref().map(tree::name), ty: self.write_type(tensor) })
            .collect();
        self.items.push(item(ItemKind::Fn(tree::Fn {
            name: tree::name(&name),
            params: written,
            results: declared,
            facts,
            body: tree::block(stmts, value),
        })));
        let work = self.frame.most_work.max(1);
        self.functions.push(Signature { callee: name, class: generic, sizes, params, results, work, is_std: false });
    }

    /// Parameters that say what the size variables are: tensors, or sizes.
    fn size_params(&mut self, sizes: &[SizeVar], params: &mut Vec<Parameter>, written: &mut Vec<Param>) {
        let mut left = sizes.to_vec();
        while let Some(first) = left.pop() {
            if self.random.percent(15) {
                let name = self.sizes.name(first).to_string();
                self.bind(&name, Kind::Size);
                written.push(parameter(&name, tree::tensor_type("dim", Vec::new()), None));
                params.push(Parameter { name, kind: ParamKind::Dim(first), has_default: false });
                continue;
            }
            let elem = match self.frame.generic {
                Some((elem, _)) if self.random.percent(80) => elem,
                _ => self.number(),
            };
            let own = Size::from(first);
            let mut dims = vec![match self.random.below(12) {
                0 => own.times_const(2),
                1 => own.plus(&Size::constant(1)),
                _ => own,
            }];
            if let (Some(second), true) = (left.last().copied(), self.random.percent(40)) {
                left.pop();
                dims.insert(self.random.below(2), Size::from(second));
            }
            let name = self.fresh("x");
            let tensor = Tensor { elem, dims };
            written.push(parameter(&name, self.write_type(&tensor), None));
            self.bind(&name, Kind::Value(tensor.clone()));
            params.push(Parameter { name, kind: ParamKind::Tensor(tensor), has_default: false });
        }
    }

    /// More parameters: scalars with defaults, tensors of known sizes, functions.
    fn other_params(
        &mut self,
        generic: Option<(Scalar, Class)>,
        params: &mut Vec<Parameter>,
        written: &mut Vec<Param>,
    ) {
        let least = if params.is_empty() { 1 } else { 0 };
        // The type parameter must occur.
        let mentions = |p: &Parameter| match (&p.kind, generic) {
            (ParamKind::Tensor(t), Some((elem, _))) => t.elem == elem,
            _ => generic.is_none(),
        };
        let mut needs_generic = generic.is_some() && !params.iter().any(mentions);
        let count = self.random.below(3).max(least).max(usize::from(needs_generic));
        let mut has_default = false;
        for _ in 0..count {
            let name = self.fresh("x");
            if generic.is_none() && !has_default && self.random.percent(12) {
                let elem = self.random.pick(&[Scalar::F32, Scalar::I32, Scalar::F64]);
                let takes = vec![elem; self.random.below(2) + 1];
                let plain = |elem: Scalar| tree::tensor_type(elem.name(), Vec::new());
                let kind = tree::TypeKind::Fn(takes.iter().map(|t| plain(*t)).collect(), Box::new(plain(elem)));
                written.push(parameter(&name, tree::TypeExpr { kind, span: tree::BLANK }, None));
                self.bind(&name, Kind::Function(takes.clone(), elem));
                params.push(Parameter { name, kind: ParamKind::Function(takes, elem), has_default: false });
                continue;
            }
            let elem = match generic {
                Some((elem, _)) if needs_generic || self.random.percent(60) => elem,
                _ => self.number(),
            };
            let dims = if !self.frame.pool.is_empty() && self.random.percent(40) { self.shape() } else { Vec::new() };
            has_default |= !needs_generic && dims.is_empty() && self.random.percent(25);
            needs_generic = false;
            let tensor = Tensor { elem, dims };
            let default = (has_default && tensor.dims.is_empty()).then(|| self.literal(elem));
            // What follows a parameter with a default has one, too.
            if has_default && default.is_none() {
                continue;
            }
            written.push(parameter(&name, self.write_type(&tensor), default));
            self.bind(&name, Kind::Value(tensor.clone()));
            params.push(Parameter { name, kind: ParamKind::Tensor(tensor), has_default });
        }
    }

    /// The pipeline, with what its inputs are.
    pub fn pipeline(&mut self, name: &str, statements: usize) -> Vec<Input> {
        self.frame = Frame { work: 1, budget: 40, ..Frame::default() };
        self.frame.locals = self.constants.clone();
        let mut facts = Vec::new();
        let sizes = self.pipeline_sizes(&mut facts);
        self.frame.pool = sizes.iter().map(|var| Size::from(*var)).collect();
        let mut params = Vec::new();
        let mut written = Vec::new();
        self.size_params(&sizes, &mut params, &mut written);
        let mut inputs: Vec<Input> = params.iter().map(|param| self.input(param)).collect();
        for _ in 0..self.random.below(4) {
            let name = self.fresh("x");
            let elem = match self.random.below(12) {
                0 => Scalar::F16,
                1 => Scalar::Bool,
                _ => self.number(),
            };
            let tensor = Tensor { elem, dims: if self.random.percent(30) { Vec::new() } else { self.shape() } };
            written.push(parameter(&name, self.write_type(&tensor), None));
            self.bind(&name, Kind::Value(tensor.clone()));
            inputs.push(Input { name, tensor, values: None });
        }
        let mut stmts = Vec::new();
        if self.random.percent(15) {
            stmts.push(self.decided_size(&mut written, &mut inputs));
        }
        let constants = [1, 2, 3, 4, 5, 8, 16, 17].map(Size::constant);
        self.frame.pool.extend([self.random.pick(&constants), self.random.pick(&constants)]);
        if let Some(var) = sizes.first().filter(|_| self.random.percent(40)) {
            self.frame.pool.push(Size::from(*var).div(&Size::constant(2)));
            self.frame.pool.push(Size::from(*var).plus(&Size::constant(1)));
        }
        stmts.extend(self.statements(statements, true));
        self.frame.budget = 10;
        let chosen = self.results();
        let several = chosen.len() > 1 || self.random.percent(50);
        let mut results = Vec::new();
        let mut values = Vec::new();
        for (number, position) in chosen.into_iter().enumerate() {
            let Kind::Value(tensor) = self.frame.locals[position].kind.clone() else { continue };
            let name = several.then(|| tree::name(&format!("r{number}")));
            results.push(ResultDecl { name, ty: self.write_type(&tensor) });
            values.push((None, self.use_local(position)));
        }
        let value = if values.len() == 1 { values.remove(0).1 } else { tree::expr(ExprKind::Tuple(values)) };
        self.items.push(item(ItemKind::Pipeline(tree::Fn {
            name: tree::name(name),
            params: written,
            results,
            facts,
            body: tree::block(stmts, value),
        })));
        inputs
    }

    fn pipeline_sizes(&mut self, facts: &mut Vec<Fact>) -> Vec<SizeVar> {
        let classes = [0, 1, 1, 2, 3, 4, 5, 7, 8, 8, 9, 11, 15, 16, 16, 17, 19, 31, 32, 33];
        let mut sizes = Vec::new();
        for number in 0..self.random.weighted(&[0, 5, 5, 2]) {
            let name = self.fresh("N");
            let mut values: [i64; CALLS] = std::array::from_fn(|_| self.random.pick(&classes));
            if number == 0 && self.random.percent(20) {
                values[0] = self.random.pick(&[47, 63, 64, 65, 100]);
            }
            if self.random.percent(70) {
                // Small and empty tensors make most indices impossible: not in every program.
                values = values.map(|value| value.max(3));
            }
            let least = values.into_iter().min().unwrap_or(0);
            if self.random.percent(40) {
                let declared = self.random.below(least.min(3) as usize + 1) as i128;
                facts.push(fact(tree::ident(&name), BinaryOp::Ge, tree::int(declared)));
            }
            if self.random.percent(60) {
                facts.push(fact(tree::ident(&name), BinaryOp::Le, tree::int(1000)));
            }
            sizes.push(self.sizes.known(&name, values, 0));
        }
        sizes
    }

    fn input(&self, param: &Parameter) -> Input {
        let scalar = |elem| Tensor { elem, dims: Vec::new() };
        let (tensor, values) = match &param.kind {
            ParamKind::Tensor(tensor) => (tensor.clone(), None),
            ParamKind::Dim(var) => {
                let size = Size::from(*var);
                let values = std::array::from_fn(|call| Const::i32(self.sizes.value(&size, call) as i32));
                (scalar(Scalar::I32), Some(values))
            }
            ParamKind::Function(..) => unreachable!("pipelines take no functions"),
        };
        Input { name: param.name.clone(), tensor, values }
    }

    /// A scalar parameter, and `let k = dim(…)` of it.
    fn decided_size(&mut self, written: &mut Vec<Param>, inputs: &mut Vec<Input>) -> tree::Stmt {
        let (name, size) = (self.fresh("x"), self.fresh("m"));
        let choice = [0, 1, 2, 3, 5, 9, 16];
        let wanted: [i32; CALLS] = std::array::from_fn(|_| self.random.pick(&choice));
        let (elem, values, value) = if self.random.percent(50) {
            (Scalar::I32, wanted.map(Const::i32), tree::ident(&name))
        } else {
            let quarters = wanted.map(|value| Const::f32(value as f32 * 0.25));
            let scaled = tree::binary(BinaryOp::Mul, tree::ident(&name), tree::float(4.0));
            (Scalar::F32, quarters, tree::call("ceil", vec![scaled]))
        };
        let tensor = Tensor { elem, dims: Vec::new() };
        written.push(parameter(&name, self.write_type(&tensor), None));
        self.bind(&name, Kind::Value(tensor.clone()));
        inputs.push(Input { name, tensor, values: Some(values) });
        let var = self.sizes.known(&size, wanted.map(i64::from), 0);
        self.bind(&size, Kind::Size);
        self.frame.pool.push(Size::from(var));
        tree::let_(&size, tree::call("dim", vec![value]))
    }

    /// Which locals are results: those that nothing reads.
    fn results(&mut self) -> Vec<usize> {
        let own = self.constants.len()..self.frame.locals.len();
        let mut values: Vec<usize> =
            own.filter(|position| matches!(self.frame.locals[*position].kind, Kind::Value(_))).collect();
        values.reverse();
        let mut chosen: Vec<usize> =
            values.iter().copied().filter(|position| !self.frame.locals[*position].used).take(6).collect();
        if chosen.is_empty() || self.random.percent(10) {
            chosen.push(self.random.pick(&values));
        }
        chosen
    }
}

fn parameter(name: &str, ty: tree::TypeExpr, default: Option<Expr>) -> Param {
    Param { name: tree::name(name), is_var: false, ty, default }
}
