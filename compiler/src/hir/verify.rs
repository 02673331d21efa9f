//! Holds what HIR promises. A complaint is a bug of the checker, not of the user's program.

mod stmts;

use super::{Axis, Block, Call, ConstValue, Expr, ExprKind, Fn, IndexItem, LocalId, Program, Type};
use crate::ops::ReduceOp;
use crate::size::{Size, SizeVar};
use crate::types::Scalar;

/// Holds the invariants of HIR after a pass.
///
/// # Panics
/// With the pass's name, the complaint and the program's text, if one does not hold: a bug of the compiler.
pub fn verify(program: &Program, pass: &str) {
    if let Err(complaint) = find(program) {
        panic!(
            "internal error: HIR is invalid after `{pass}`: {complaint}\nplease report this with the program\n{}",
            super::print::print(program)
        );
    }
}

/// The first violation, with the function's name.
fn find(program: &Program) -> Result<(), String> {
    for function in &program.fns {
        verify_fn(program, function).map_err(|complaint| format!("{}: {complaint}", function.name))?;
    }
    for def in &program.consts {
        let complaint = |text: &str| Err(format!("const {}: {text}", def.name));
        match (&def.value, &def.ty) {
            (ConstValue::Fn(id), _) if id.0 as usize >= program.fns.len() => return complaint("no such function"),
            (ConstValue::Fn(id), ty) => {
                let body = program.fns[id.0 as usize].body.value.as_ref();
                if body.is_none_or(|value| !same_kind(&value.ty, ty)) {
                    return complaint("its function gives another type");
                }
            }
            (ConstValue::Data(bytes), Type::Tensor(ty)) => {
                let Some(count) = Size::product(&ty.dims).as_const() else {
                    return complaint("its size is not constant");
                };
                if bytes.len() as i64 != count * i64::from(ty.elem.bytes()) {
                    return complaint("its data has another size than its type");
                }
            }
            (ConstValue::Data(_), Type::Tuple(_) | Type::List(_)) => return complaint("only a tensor is data"),
        }
    }
    let exported = program.pipelines.iter().chain(program.tests.iter().map(|(_, id)| id));
    for id in exported {
        if id.0 as usize >= program.fns.len() {
            return Err(format!("there is no function {}", id.0));
        }
    }
    Ok(())
}

fn verify_fn(program: &Program, function: &Fn) -> Result<(), String> {
    let of_consts = program.consts.iter().flat_map(|def| &def.decided).map(|decided| decided.var);
    let mut verifier = Verifier {
        program,
        function,
        vars: function.sizes.iter().map(|size| size.var).chain(of_consts).collect(),
        defined: vec![false; function.locals.len()],
        loops: 0,
        may_return: true,
    };
    for param in &function.params {
        verifier.define(*param)?;
    }
    for decided in &function.decided {
        verifier.size(&decided.bound)?;
        let (result, axis) = decided.place;
        let place = function.results.get(result).and_then(|result| result.ty.sizes().get(axis));
        expect(place == Some(&Size::from(decided.var)), "a decided size does not stand in its place")?;
    }
    verifier.block(&function.body)?;
    match &function.body.value {
        Some(value) => verifier.result(value)?,
        None => expect(
            function.results.is_empty() || super::check::diverges(&function.body.stmts),
            "the body gives no result",
        )?,
    }
    verifier.vars.extend(function.decided.iter().map(|decided| decided.var));
    function.results.iter().try_for_each(|result| verifier.ty(&result.ty))?;
    // Facts also speak of sizes that the data decides in the body.
    function.facts.iter().try_for_each(|fact| verifier.size(&fact.size))
}

/// Equal up to extents, whose equality may rest on facts.
fn same_kind(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Tensor(a), Type::Tensor(b)) => a.elem == b.elem && a.dims.len() == b.dims.len(),
        (Type::Tuple(a), Type::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((_, a), (_, b))| same_kind(a, b))
        }
        (Type::List(a), Type::List(b)) => a.elem == b.elem,
        (Type::Tensor(_) | Type::Tuple(_) | Type::List(_), _) => false,
    }
}

fn same(value: &Expr, ty: &Type) -> Result<(), String> {
    if same_kind(&value.ty, ty) { Ok(()) } else { Err(format!("expected {ty:?}, found {:?}", value.ty)) }
}

fn expect(holds: bool, complaint: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(complaint.to_string()) }
}

struct Verifier<'a> {
    program: &'a Program,
    function: &'a Fn,
    /// Size variables that are known here: those of the signature, and those that the data decided before.
    vars: Vec<SizeVar>,
    defined: Vec<bool>,
    /// How many loops can be left here.
    loops: usize,
    /// Whether the function can be left here.
    may_return: bool,
}

impl Verifier<'_> {
    fn define(&mut self, local: LocalId) -> Result<(), String> {
        let Some(slot) = self.defined.get_mut(local.0 as usize) else {
            return Err(format!("there is no local {}", local.0));
        };
        *slot = true;
        self.ty(&self.function.locals[local.0 as usize].ty)
    }

    fn size(&self, size: &Size) -> Result<(), String> {
        let mut vars = Vec::new();
        size.vars(&mut vars);
        match vars.iter().find(|var| !self.vars.contains(var)) {
            Some(var) => Err(format!("size variable {} belongs to another function", self.program.names.size(*var))),
            None => Ok(()),
        }
    }

    fn ty(&self, ty: &Type) -> Result<(), String> {
        match ty {
            Type::Tensor(_) | Type::List(_) => ty.sizes().iter().try_for_each(|dim| self.size(dim)),
            Type::Tuple(parts) => parts.iter().try_for_each(|(_, part)| self.ty(part)),
        }
    }

    /// A value against the declared results.
    fn result(&self, value: &Expr) -> Result<(), String> {
        let declared: Vec<&Type> = self.function.results.iter().map(|result| &result.ty).collect();
        match (&declared[..], &value.ty) {
            (types, Type::Tuple(parts)) if parts.len() == types.len() => {
                let equal = parts.iter().zip(types.iter()).all(|((_, part), ty)| same_kind(part, ty));
                expect(equal, "a result has another type than declared")
            }
            ([ty], _) => same(value, ty),
            _ => Err("the body does not give the declared results".to_string()),
        }
    }

    fn items(&mut self, items: &[IndexItem]) -> Result<(), String> {
        for item in items {
            match item {
                IndexItem::At(_, index) => self.scalar(index, Scalar::I32)?,
                IndexItem::Slice { lo, hi } => {
                    self.size(lo)?;
                    self.size(hi)?;
                }
            }
        }
        Ok(())
    }

    fn axes(&mut self, axes: &[Axis], with_extents: bool) -> Result<(), String> {
        for axis in axes {
            self.scalar(&axis.lo, Scalar::I32)?;
            self.scalar(&axis.hi, Scalar::I32)?;
            self.size(&axis.step)?;
            match &axis.extent {
                Some(extent) => self.size(extent)?,
                None => expect(!with_extents, "an axis has no extent")?,
            }
            self.define(axis.local)?;
            let ty = &self.function.locals[axis.local.0 as usize].ty;
            expect(ty.as_scalar() == Some(Scalar::I32), "an index is no i32")?;
        }
        Ok(())
    }

    fn scalar(&mut self, value: &Expr, ty: Scalar) -> Result<(), String> {
        self.expr(value)?;
        expect(value.ty.as_scalar() == Some(ty), &format!("expected {ty}, found {:?}", value.ty))
    }

    fn elem(value: &Expr) -> Result<Scalar, String> {
        value.ty.as_tensor().map(|tensor| tensor.elem).ok_or_else(|| "a tuple is used as a tensor".to_string())
    }

    /// The type of a block that is a value.
    fn body(&mut self, block: &Block) -> Result<Type, String> {
        self.block(block)?;
        block.value.as_ref().map(|value| value.ty.clone()).ok_or_else(|| "a block without value".to_string())
    }

    fn expr(&mut self, value: &Expr) -> Result<(), String> {
        self.kind(value)?;
        // Inside, the data may have decided what it speaks of.
        self.ty(&value.ty)
    }

    fn kind(&mut self, value: &Expr) -> Result<(), String> {
        match &value.kind {
            ExprKind::Const(constant) => expect(value.ty.as_scalar() == Some(constant.ty), "a literal's type differs"),
            ExprKind::Table(elements) => {
                let tensor = value.ty.as_tensor().ok_or("a table is a tensor")?;
                expect(elements.iter().all(|element| element.ty == tensor.elem), "a table's elements differ")?;
                let count = Size::product(&tensor.dims).as_const();
                expect(count == Some(elements.len() as i64), "a table has another size than its type")
            }
            ExprKind::Local(local) => {
                let defined = self.defined.get(local.0 as usize).copied().unwrap_or(false);
                expect(defined, &format!("local {} is used before it is defined", local.0))?;
                same(value, &self.function.locals[local.0 as usize].ty)
            }
            ExprKind::Freeze { list, size } => {
                let elem = self.list(*list)?;
                self.vars.push(*size);
                let ty = Type::tensor(elem, vec![Size::from(*size)]);
                expect(value.ty == ty, "a list's elements have another type")
            }
            ExprKind::ListLen(list) => {
                self.list(*list)?;
                expect(value.ty.as_scalar() == Some(Scalar::I32), "a length is an i32")
            }
            ExprKind::ListAt(list, index) => {
                let elem = self.list(*list)?;
                self.scalar(index, Scalar::I32)?;
                expect(value.ty.as_scalar() == Some(elem), "a list's element has another type")
            }
            ExprKind::ConstItem(id) => {
                let def = self.program.consts.get(id.0 as usize).ok_or("no such constant")?;
                same(value, &def.ty)
            }
            ExprKind::Size(size) => {
                self.size(size)?;
                expect(value.ty.as_scalar() == Some(Scalar::I32), "a size is an i32")
            }
            ExprKind::Op(op, args) => {
                args.iter().try_for_each(|arg| self.expr(arg))?;
                expect(args.len() == op.arity(), "an operation has another number of operands")?;
                let elem = Self::elem(&args[0])?;
                for arg in args {
                    expect(Self::elem(arg)? == elem, &format!("operands of {} differ", op.name()))?;
                }
                expect(op.result(elem) == Some(Self::elem(value)?), &format!("{} does not give this type", op.name()))
            }
            ExprKind::Cast(arg) => {
                self.expr(arg)?;
                let (from, to) = (arg.ty.as_tensor(), value.ty.as_tensor());
                expect(from.map(|ty| &ty.dims) == to.map(|ty| &ty.dims), "a cast changes the shape")
            }
            ExprKind::If { cond, then, otherwise } => {
                self.scalar(cond, Scalar::Bool)?;
                let (then, otherwise) = (self.body(then)?, self.body(otherwise)?);
                expect(same_kind(&then, &otherwise), "branches have different types")?;
                same(value, &then)
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::Reshape(arg) => {
                self.expr(arg)?;
                expect(Self::elem(arg)? == Self::elem(value)?, "a reshape changes the element type")
            }
            ExprKind::Transpose(arg, perm) => {
                self.expr(arg)?;
                let mut sorted = perm.clone();
                sorted.sort_unstable();
                let rank = arg.ty.as_tensor().map_or(0, |tensor| tensor.dims.len());
                expect(sorted.iter().copied().eq(0..rank), "the order of a transpose is no permutation")
            }
            ExprKind::Concat(args, axis) => {
                args.iter().try_for_each(|arg| self.expr(arg))?;
                args.iter().try_for_each(|arg| same(arg, &value.ty))?;
                let rank = value.ty.as_tensor().map_or(0, |tensor| tensor.dims.len());
                expect(*axis < rank, "a concat's axis does not exist")
            }
            ExprKind::Stack(args, axis) => {
                args.iter().try_for_each(|arg| self.expr(arg))?;
                args.iter().try_for_each(|arg| same(arg, &args[0].ty))?;
                let rank = value.ty.as_tensor().map_or(0, |tensor| tensor.dims.len());
                expect(*axis < rank, "a stack's axis does not exist")
            }
            ExprKind::Index { base, items, default } => {
                self.expr(base)?;
                let rank = base.ty.as_tensor().map_or(0, |tensor| tensor.dims.len());
                expect(items.len() <= rank, "too many indices")?;
                self.items(items)?;
                default.as_ref().map_or(Ok(()), |default| {
                    self.expr(default)?;
                    expect(Self::elem(default)? == Self::elem(value)?, "an `else` has another type")
                })
            }
            ExprKind::For { axes, body } => {
                self.axes(axes, true)?;
                let body = self.parallel_value(body)?;
                let inner = body.as_tensor().map_or(0, |tensor| tensor.dims.len());
                let rank = value.ty.as_tensor().map_or(0, |tensor| tensor.dims.len());
                expect(rank == axes.len() + inner, "a comprehension has another rank")
            }
            ExprKind::Reduce { op, axes, body } => {
                self.axes(axes, false)?;
                self.reduced(*op, body)
            }
            ExprKind::Scan { op, axis, body } => {
                self.axes(std::slice::from_ref(axis), true)?;
                self.reduced(*op, body)
            }
            ExprKind::Tuple(parts) => parts.iter().try_for_each(|part| self.expr(part)),
            ExprKind::Field(base, part) => {
                self.expr(base)?;
                match &base.ty {
                    Type::Tuple(parts) if *part < parts.len() => same(value, &parts[*part].1),
                    _ => Err("there is no such component".to_string()),
                }
            }
            ExprKind::Block(block) => {
                let ty = self.body(block)?;
                same(value, &ty)
            }
        }
    }

    fn parallel_value(&mut self, block: &Block) -> Result<Type, String> {
        self.parallel(block)?;
        block.value.as_ref().map(|value| value.ty.clone()).ok_or_else(|| "a block without value".to_string())
    }

    fn reduced(&mut self, op: ReduceOp, body: &Block) -> Result<(), String> {
        let ty = self.parallel_value(body)?;
        let logical = matches!(op, ReduceOp::Any | ReduceOp::All | ReduceOp::Count);
        expect(
            ty.as_scalar().is_some_and(|elem| logical == (elem == Scalar::Bool)),
            "a reduction's body has a wrong type",
        )
    }

    fn call(&mut self, call: &Call) -> Result<(), String> {
        call.args.iter().try_for_each(|arg| self.expr(arg))?;
        let callee = self.program.fns.get(call.callee.0 as usize).ok_or("no such function")?;
        expect(callee.params.len() == call.args.len(), "a call has another number of arguments")?;
        expect(callee.sizes.len() == call.sizes.len(), "a call has another number of sizes")?;
        expect(callee.decided.len() == call.decided.len(), "a call has another number of decided sizes")?;
        expect(call.decided.is_empty() || call.lift.is_empty(), "a call whose size the data decides is lifted")?;
        for (param, arg) in callee.params.iter().zip(&call.args) {
            let param = &callee.locals[param.0 as usize];
            if param.is_var {
                let ExprKind::Local(local) = &arg.kind else {
                    return Err("an in-out argument is no local".to_string());
                };
                expect(same_kind(self.variable(*local)?, &param.ty), "an in-out argument has another type")?;
                expect(call.lift.is_empty(), "a call with in-out arguments is lifted")?;
                continue;
            }
            let ty = param.ty.as_tensor().ok_or("a parameter is a tuple")?;
            expect(Self::elem(arg)? == ty.elem, "an argument has another element type")?;
            let rank = arg.ty.as_tensor().map_or(0, |tensor| tensor.dims.len());
            let extra = rank.checked_sub(ty.dims.len()).ok_or("an argument has too few axes")?;
            expect(extra <= call.lift.len(), "an argument has more extra axes than the call")?;
        }
        let sizes = call.sizes.iter().chain(&call.lift).chain(call.checks.iter().map(|check| &check.size));
        sizes.into_iter().try_for_each(|size| self.size(size))?;
        self.vars.extend(&call.decided);
        Ok(())
    }
}
