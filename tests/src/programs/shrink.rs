//! Making a program smaller that shows a fault: as long as the smaller one shows the same fault, it goes on from there.
//!
//! Nothing here knows types: a candidate that the compiler refuses shows another fault and is dropped. So every construct
//! that the tree has is shrunk. Expressions give way to their parts or to literals, statements, items, results, facts,
//! indices and parameters go, extents become small and elements zero.

use super::Program;
use super::tree::{self, Block, Expr, ExprKind, ItemKind, Part, StmtKind, Visit};
use crate::array::Array;
use kcc_compiler::syntax::ast::DimDecl;
use std::collections::BTreeMap;

/// The smallest program found with at most so many attempts. `shows` says whether a program shows the fault.
pub fn shrink(program: &Program, attempts: usize, shows: &mut dyn FnMut(&Program) -> bool) -> Program {
    let mut shrinker = Shrinker { best: program.clone(), left: attempts, shows };
    loop {
        let before = shrinker.left;
        let mut changed = shrinker.calls();
        changed |= shrinker.items();
        changed |= shrinker.results();
        changed |= shrinker.statements();
        changed |= shrinker.expressions();
        changed |= shrinker.params();
        changed |= shrinker.facts();
        changed |= shrinker.sizes();
        changed |= shrinker.elements();
        if !changed || shrinker.left == 0 || shrinker.left == before {
            return shrinker.best;
        }
    }
}

struct Shrinker<'a> {
    best: Program,
    left: usize,
    shows: &'a mut dyn FnMut(&Program) -> bool,
}

impl Shrinker<'_> {
    /// Takes a candidate if it is another program and shows the fault.
    fn attempt(&mut self, candidate: Program) -> bool {
        let is_same = candidate.file == self.best.file && candidate.calls == self.best.calls;
        if self.left == 0 || is_same {
            return false;
        }
        self.left -= 1;
        let taken = (self.shows)(&candidate);
        if taken {
            self.best = candidate;
        }
        taken
    }

    /// Attempts `change` at the positions 0, 1, 2 … until it has none there; after a success the same position again.
    fn each(&mut self, mut change: impl FnMut(&mut Program, usize) -> bool) -> bool {
        let (mut position, mut changed) = (0, false);
        loop {
            let mut candidate = self.best.clone();
            if self.left == 0 || !change(&mut candidate, position) {
                return changed;
            }
            if self.attempt(candidate) {
                changed = true;
            } else {
                position += 1;
            }
        }
    }

    fn calls(&mut self) -> bool {
        self.each(|program, position| {
            let exists = position < program.calls.len() && program.calls.len() > 1;
            if exists {
                program.calls.remove(position);
            }
            exists
        })
    }

    fn items(&mut self) -> bool {
        self.each(|program, position| {
            let exists = position < program.file.items.len();
            if exists {
                program.file.items.remove(position);
            }
            exists
        })
    }

    /// Results of functions and pipelines, with what stands for them in the tuple at the end.
    fn results(&mut self) -> bool {
        self.each(|program, position| {
            let mut left = position;
            for function in functions(program) {
                let count = function.results.len();
                if left >= count {
                    left -= count;
                    continue;
                }
                let value = function.body.stmts.last_mut().map(|stmt| &mut stmt.kind);
                if let Some(StmtKind::Expr(Expr { kind: ExprKind::Tuple(values), .. })) = value
                    && values.len() == count
                    && count > 1
                {
                    function.results.remove(left);
                    values.remove(left);
                    if let [(_, only)] = &values[..] {
                        let only = only.clone();
                        function.body.stmts.pop();
                        function.body.stmts.push(tree::stmt(StmtKind::Expr(only)));
                    }
                }
                return true;
            }
            false
        })
    }

    /// Statements, the last first: what follows no longer needs them.
    fn statements(&mut self) -> bool {
        let mut changed = false;
        for block in 0.. {
            let mut count = 0;
            at_block(&mut self.best.clone(), block, &mut |block| count = block.stmts.len());
            if count == 0 && !at_block(&mut self.best.clone(), block, &mut |_| {}) {
                return changed;
            }
            for stmt in (0..count).rev() {
                let mut candidate = self.best.clone();
                at_block(&mut candidate, block, &mut |block| {
                    if stmt < block.stmts.len() {
                        block.stmts.remove(stmt);
                    }
                });
                changed |= self.attempt(candidate);
            }
        }
        changed
    }

    /// Expressions become parts of theirs, or literals, or lose indices and borders.
    fn expressions(&mut self) -> bool {
        let (mut position, mut changed) = (0, false);
        'positions: while let Some(old) = expr_at(&mut self.best, position) {
            for new in simpler(&old) {
                let mut candidate = self.best.clone();
                at_expr(&mut candidate, position, &mut |e| *e = new.clone());
                if self.attempt(candidate) {
                    changed = true;
                    continue 'positions;
                }
            }
            position += 1;
        }
        changed
    }

    fn params(&mut self) -> bool {
        self.each(|program, position| {
            let Some(function) = pipeline(program) else { return false };
            let exists = position < function.params.len();
            if exists {
                function.params.remove(position);
                for call in &mut program.calls {
                    call.remove(position);
                }
            }
            exists
        })
    }

    fn facts(&mut self) -> bool {
        self.each(|program, position| {
            let mut left = position;
            for function in functions(program) {
                match left.checked_sub(function.facts.len()) {
                    Some(rest) => left = rest,
                    None => {
                        function.facts.remove(left);
                        return true;
                    }
                }
            }
            false
        })
    }

    /// Size variables take smaller values: inputs are cut.
    fn sizes(&mut self) -> bool {
        let mut changed = false;
        let names: Vec<String> = self.size_values(0).into_keys().collect();
        for call in 0..self.best.calls.len() {
            for name in &names {
                let Some(value) = self.size_values(call).get(name).copied() else { continue };
                for smaller in [0, 1, 2, 3, 4, value / 2, value - 1] {
                    if smaller >= 0 && smaller < value {
                        let mut values = self.size_values(call);
                        values.insert(name.clone(), smaller);
                        if let Some(candidate) = self.cut(call, &values)
                            && self.attempt(candidate)
                        {
                            changed = true;
                            break;
                        }
                    }
                }
            }
        }
        changed
    }

    /// The values of size variables that stand alone in the type of some parameter.
    fn size_values(&mut self, call: usize) -> BTreeMap<String, i64> {
        let mut values = BTreeMap::new();
        let inputs = self.best.calls[call].clone();
        let Some(function) = pipeline(&mut self.best) else { return values };
        for (param, (_, array)) in function.params.iter().zip(&inputs) {
            for (dim, extent) in dims(param).into_iter().zip(&array.dims) {
                if let ExprKind::Name(name) = &dim.kind {
                    values.insert(name.text.clone(), *extent as i64);
                }
            }
        }
        values
    }

    /// The program with the inputs of a call cut to what these sizes make of them.
    fn cut(&mut self, call: usize, values: &BTreeMap<String, i64>) -> Option<Program> {
        let mut candidate = self.best.clone();
        let params = pipeline(&mut candidate)?.params.clone();
        for (param, (_, array)) in params.iter().zip(&mut candidate.calls[call]) {
            let extents: Option<Vec<usize>> =
                dims(param).into_iter().map(|dim| usize::try_from(evaluate(dim, values)?).ok()).collect();
            *array = crop(array, &extents?)?;
        }
        Some(candidate)
    }

    /// Elements become zero or one, all at once and then one by one.
    fn elements(&mut self) -> bool {
        let mut changed = false;
        for call in 0..self.best.calls.len() {
            for input in 0..self.best.calls[call].len() {
                for byte in [0u8, 1] {
                    let mut candidate = self.best.clone();
                    let array = &mut candidate.calls[call][input].1;
                    let size = array.elem.bytes() as usize;
                    array.bytes.iter_mut().enumerate().for_each(|(at, b)| *b = if at % size == 0 { byte } else { 0 });
                    if array.elem.is_float() && byte == 1 {
                        continue;
                    }
                    if candidate.calls != self.best.calls && self.attempt(candidate) {
                        changed = true;
                        break;
                    }
                }
                let size = self.best.calls[call][input].1.elem.bytes() as usize;
                for at in 0..self.best.calls[call][input].1.len().min(80) {
                    let mut candidate = self.best.clone();
                    candidate.calls[call][input].1.bytes[at * size..(at + 1) * size].fill(0);
                    if candidate.calls != self.best.calls {
                        changed |= self.attempt(candidate);
                    }
                }
            }
        }
        changed
    }
}

fn functions(program: &mut Program) -> impl Iterator<Item = &mut tree::Fn> {
    program.file.items.iter_mut().filter_map(|item| match &mut item.kind {
        ItemKind::Fn(function) | ItemKind::Pipeline(function) => Some(function),
        _ => None,
    })
}

fn pipeline(program: &mut Program) -> Option<&mut tree::Fn> {
    program.file.items.iter_mut().find_map(|item| match &mut item.kind {
        ItemKind::Pipeline(function) => Some(function),
        _ => None,
    })
}

fn dims(param: &tree::Param) -> Vec<&Expr> {
    match &param.ty.kind {
        tree::TypeKind::Tensor(_, dims) => dims
            .iter()
            .map(|dim| match dim {
                DimDecl::Size(size) | DimDecl::Bounded(_, size) => size,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The value of a size as it is written.
fn evaluate(e: &Expr, values: &BTreeMap<String, i64>) -> Option<i64> {
    use tree::BinaryOp as B;
    Some(match &e.kind {
        ExprKind::Int(value) => i64::try_from(*value).ok()?,
        ExprKind::Name(name) => *values.get(&name.text)?,
        ExprKind::Binary(op, left, right) => {
            let (left, right) = (evaluate(left, values)?, evaluate(right, values)?);
            match op {
                B::Add => left + right,
                B::Sub => left - right,
                B::Mul => left * right,
                B::Div if right > 0 => left.div_euclid(right),
                B::Rem if right > 0 => left.rem_euclid(right),
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// The first elements along every axis.
fn crop(array: &Array, dims: &[usize]) -> Option<Array> {
    if dims.len() != array.dims.len() || dims.iter().zip(&array.dims).any(|(new, old)| new > old) {
        return None;
    }
    let mut small = Array { elem: array.elem, dims: dims.to_vec(), bytes: Vec::new() };
    let size = array.elem.bytes() as usize;
    for at in 0..small.len() {
        let place = small.place(at);
        let flat = place.iter().zip(&array.dims).fold(0, |flat, (index, extent)| flat * extent + index);
        small.bytes.extend_from_slice(&array.bytes[flat * size..(flat + 1) * size]);
    }
    Some(small)
}

/// Does something at the block or expression of a number, in the order of a walk.
struct At<'a> {
    left: Option<usize>,
    block: Option<&'a mut dyn FnMut(&mut Block)>,
    expr: Option<&'a mut dyn FnMut(&mut Expr)>,
}

impl At<'_> {
    /// Whether this is the one.
    fn is_here(&mut self) -> bool {
        match self.left {
            Some(0) => {
                self.left = None;
                true
            }
            Some(left) => {
                self.left = Some(left - 1);
                false
            }
            None => false,
        }
    }
}

impl Visit for At<'_> {
    fn expr(&mut self, e: &mut Expr) -> bool {
        if self.expr.is_some() && self.is_here() {
            self.expr.as_mut().expect("just seen")(e);
        }
        self.left.is_some()
    }

    fn block(&mut self, block: &mut Block) -> bool {
        if self.block.is_some() && self.is_here() {
            self.block.as_mut().expect("just seen")(block);
        }
        self.left.is_some()
    }
}

fn at_block(program: &mut Program, position: usize, run: &mut dyn FnMut(&mut Block)) -> bool {
    let mut at = At { left: Some(position), block: Some(run), expr: None };
    tree::visit_file(&mut program.file, &mut at);
    at.left.is_none()
}

fn at_expr(program: &mut Program, position: usize, run: &mut dyn FnMut(&mut Expr)) -> bool {
    let mut at = At { left: Some(position), block: None, expr: Some(run) };
    tree::visit_file(&mut program.file, &mut at);
    at.left.is_none()
}

fn expr_at(program: &mut Program, position: usize) -> Option<Expr> {
    let mut found = None;
    at_expr(program, position, &mut |e| found = Some(e.clone()));
    found
}

/// What may stand in the place of an expression.
fn simpler(e: &Expr) -> Vec<Expr> {
    let mut out = Vec::new();
    let is_literal = |e: &Expr| matches!(e.kind, ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_));
    if is_literal(e) {
        if matches!(e.kind, ExprKind::Int(value) if value > 1) {
            out.extend([tree::int(0), tree::int(1)]);
        }
        return out;
    }
    for part in tree::parts(&mut e.clone()) {
        match part {
            Part::Expr(inner) => out.push(inner.clone()),
            Part::Block(block) => match &block.stmts[..] {
                [tree::Stmt { kind: StmtKind::Expr(value), .. }] => out.push(value.clone()),
                _ => out.push(tree::expr(ExprKind::Block(block.clone()))),
            },
        }
    }
    out.extend([tree::int(0), tree::int(1), tree::float(0.0), tree::float(1.0)]);
    out.extend([true, false].map(|value| tree::expr(ExprKind::Bool(value))));
    let mut changed = e.clone();
    match &mut changed.kind {
        ExprKind::Index { default, items, .. } => {
            if default.take().is_some() {
                out.push(changed.clone());
            } else {
                for at in 0..items.len() {
                    let mut plain = e.clone();
                    if let ExprKind::Index { items, .. } = &mut plain.kind
                        && let tree::IndexItem::At(border, _) = &mut items[at]
                        && *border != tree::Border::None
                    {
                        *border = tree::Border::None;
                        out.push(plain);
                    }
                }
            }
        }
        ExprKind::For { axes, .. } | ExprKind::Reduce { axes, .. } if axes.len() > 1 => {
            for at in 0..axes.len() {
                let mut fewer = e.clone();
                if let ExprKind::For { axes, .. } | ExprKind::Reduce { axes, .. } = &mut fewer.kind {
                    axes.remove(at);
                }
                out.push(fewer);
            }
        }
        ExprKind::Call { args, .. } => {
            for at in 0..args.len() {
                let mut fewer = e.clone();
                if let ExprKind::Call { args, .. } = &mut fewer.kind {
                    args.remove(at);
                }
                out.push(fewer);
            }
        }
        _ => {}
    }
    out
}
