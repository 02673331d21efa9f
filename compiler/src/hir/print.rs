//! HIR as text: one function a block, typed locals, sizes in the user's names. Made to be read and compared in tests.

use super::{
    Axis, Block, Border, ConstValue, Expr, ExprKind, Fn, IndexItem, LocalId, MessagePart, Program, Relation,
    SizeSource, Stmt, Type,
};
use crate::size::SizeNames;
use std::fmt::Write;

/// A type in the user's terms: `f32[H, W, 3]`, `(probs: f32[5], ids: i32[5])`.
pub fn type_text(names: &SizeNames, ty: &Type) -> String {
    match ty {
        Type::Tensor(tensor) if tensor.dims.is_empty() => tensor.elem.to_string(),
        Type::Tensor(tensor) => format!("{}{}", tensor.elem, names.show_dims(&tensor.dims)),
        Type::List(list) => format!("list {}[{}]", list.elem, names.show(&list.cap)),
        Type::Tuple(parts) if let Some(of) = &parts.of => {
            if of.sizes.is_empty() {
                of.name.clone()
            } else {
                format!("{}{}", of.name, names.show_dims(&of.sizes))
            }
        }
        Type::Tuple(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|(name, ty)| match name {
                    Some(name) => format!("{name}: {}", type_text(names, ty)),
                    None => type_text(names, ty),
                })
                .collect();
            format!("({})", parts.join(", "))
        }
    }
}

/// The whole program.
pub fn print(program: &Program) -> String {
    let mut out = String::new();
    for (number, def) in program.consts.iter().enumerate() {
        let value = match &def.value {
            ConstValue::Fn(id) => format!("fn {}", id.0),
            ConstValue::Data(bytes) => format!("{} bytes", bytes.len()),
        };
        let _ = writeln!(out, "const {number} {}: {} = {value}", def.name, type_text(&program.names, &def.ty));
    }
    for (number, function) in program.fns.iter().enumerate() {
        out.push_str(&print_fn(program, number, function));
    }
    for id in &program.pipelines {
        let _ = writeln!(out, "pipeline {}", id.0);
    }
    for (name, id) in &program.tests {
        let _ = writeln!(out, "test {name:?} {}", id.0);
    }
    out
}

fn print_fn(program: &Program, number: usize, function: &Fn) -> String {
    let mut printer = Printer { program, function, out: String::new(), depth: 1 };
    let params: Vec<String> = function.params.iter().map(|&param| printer.typed_local(param)).collect();
    let results: Vec<String> = function
        .results
        .iter()
        .map(|result| match &result.name {
            Some(name) => format!("{name}: {}", type_text(&program.names, &result.ty)),
            None => type_text(&program.names, &result.ty),
        })
        .collect();
    let sizes: Vec<String> = function
        .sizes
        .iter()
        .map(|size| match size.source {
            SizeSource::Param { param, axis } => format!("{}@{param}.{axis}", program.names.size(size.var)),
            SizeSource::Dim(param) => format!("{}@{param}", program.names.size(size.var)),
        })
        .collect();
    let mut head = format!("fn {number} {}({})", function.name, params.join(", "));
    if !results.is_empty() {
        let _ = write!(head, " -> {}", results.join(", "));
    }
    if !sizes.is_empty() {
        let _ = write!(head, " sizes {}", sizes.join(", "));
    }
    for decided in &function.decided {
        let (result, axis) = decided.place;
        let (var, bound) = (program.names.size(decided.var), program.names.show(&decided.bound));
        let _ = write!(head, " decided {var}@{result}.{axis} <= {bound}");
    }
    for fact in &function.facts {
        let relation = if fact.rel == Relation::Zero { "==" } else { ">=" };
        let _ = write!(head, " fact {} {relation} 0", program.names.show(&fact.size));
    }
    printer.block_lines(&function.body);
    format!("{head} {{\n{}}}\n", printer.out)
}

struct Printer<'a> {
    program: &'a Program,
    function: &'a Fn,
    out: String,
    depth: usize,
}

impl Printer<'_> {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{}{text}", "    ".repeat(self.depth));
    }

    fn local(&self, local: LocalId) -> String {
        format!("{}%{}", self.function.locals[local.0 as usize].name, local.0)
    }

    fn typed_local(&self, local: LocalId) -> String {
        let declared = &self.function.locals[local.0 as usize];
        let var = if declared.is_var { "var " } else { "" };
        format!("{var}{}: {}", self.local(local), type_text(&self.program.names, &declared.ty))
    }

    fn block_lines(&mut self, block: &Block) {
        for stmt in &block.stmts {
            let text = self.stmt(stmt);
            self.line(&text);
        }
        if let Some(value) = &block.value {
            let text = self.expr(value);
            self.line(&text);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) -> String {
        match stmt {
            Stmt::Let { locals, value } => {
                let names: Vec<String> = locals.iter().map(|&local| self.typed_local(local)).collect();
                let value = self.expr(value);
                match &names[..] {
                    [] => value,
                    [name] => format!("let {name} = {value}"),
                    _ => format!("let ({}) = {value}", names.join(", ")),
                }
            }
            Stmt::Assert { cond, message, .. } => {
                let parts: Vec<String> = message
                    .iter()
                    .map(|part| match part {
                        MessagePart::Text(text) => format!("{text:?}"),
                        MessagePart::Value(value) => self.expr(value),
                    })
                    .collect();
                format!("assert {}, [{}]", self.expr(cond), parts.join(", "))
            }
            Stmt::ForAsserts { axes, body } => format!("for {} {}", self.axes(axes), self.block(body)),
            Stmt::Var { local, value } => {
                let name = self.typed_local(*local);
                value.as_ref().map_or(name.clone(), |value| format!("{name} = {}", self.expr(value)))
            }
            Stmt::Assign { local, items, value, .. } => {
                let items: Vec<String> = items.iter().map(|item| self.index_item(item)).collect();
                let part = if items.is_empty() { String::new() } else { format!("[{}]", items.join(", ")) };
                format!("{}{part} = {}", self.local(*local), self.expr(value))
            }
            Stmt::Push { list, value, .. } => format!("push {}, {}", self.local(*list), self.expr(value)),
            Stmt::Pop { list, into: Some(into), .. } => {
                format!("let {} = pop {}", self.typed_local(*into), self.local(*list))
            }
            Stmt::Pop { list, into: None, .. } => format!("pop {}", self.local(*list)),
            Stmt::Truncate { list, len, .. } => format!("truncate {}, {}", self.local(*list), self.expr(len)),
            Stmt::If { cond, then, otherwise } => {
                let mut text = format!("if {} {}", self.expr(cond), self.block(then));
                if !otherwise.stmts.is_empty() {
                    let _ = write!(text, " else {}", self.block(otherwise));
                }
                text
            }
            Stmt::Loop { axis, body, .. } => format!("loop {} {}", self.axis(axis), self.block(body)),
            Stmt::While { cond, body, .. } => format!("while {} {}", self.expr(cond), self.block(body)),
            Stmt::Break => "break".to_string(),
            Stmt::Continue => "continue".to_string(),
            Stmt::Return { value, .. } => {
                value.as_ref().map_or("return".to_string(), |value| format!("return {}", self.expr(value)))
            }
        }
    }

    /// A block in one expression: on one line if it has no statements.
    fn block(&mut self, block: &Block) -> String {
        if block.stmts.is_empty()
            && let Some(value) = &block.value
        {
            return format!("{{ {} }}", self.expr(value));
        }
        let outer = std::mem::take(&mut self.out);
        self.depth += 1;
        self.block_lines(block);
        self.depth -= 1;
        let inner = std::mem::replace(&mut self.out, outer);
        format!("{{\n{inner}{}}}", "    ".repeat(self.depth))
    }

    fn axes(&mut self, axes: &[Axis]) -> String {
        let axes: Vec<String> = axes.iter().map(|axis| self.axis(axis)).collect();
        axes.join(", ")
    }

    fn axis(&mut self, axis: &Axis) -> String {
        let mut text = format!("{} in {}..{}", self.local(axis.local), self.expr(&axis.lo), self.expr(&axis.hi));
        if axis.step.as_const() != Some(1) {
            let _ = write!(text, " by {}", self.program.names.show(&axis.step));
        }
        text
    }

    fn list(&mut self, exprs: &[Expr]) -> String {
        let exprs: Vec<String> = exprs.iter().map(|expr| self.expr(expr)).collect();
        exprs.join(", ")
    }

    fn expr(&mut self, expr: &Expr) -> String {
        let names = &self.program.names;
        match &expr.kind {
            ExprKind::Const(value) => format!("{value:?}"),
            ExprKind::Table(values) if values.len() > 16 => format!("table {}", type_text(names, &expr.ty)),
            ExprKind::Table(values) => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                format!("{}[{}]", type_text(names, &expr.ty), values.join(", "))
            }
            ExprKind::Local(local) => self.local(*local),
            ExprKind::Freeze { list, size } => format!("freeze({}, {})", self.local(*list), names.size(*size)),
            ExprKind::ListLen(list) => format!("len({})", self.local(*list)),
            ExprKind::ListAt(list, index) => format!("{}[{}]", self.local(*list), self.expr(index)),
            ExprKind::ConstItem(id) => format!("const {}", id.0),
            ExprKind::Size(size) => format!("size({})", names.show(size)),
            ExprKind::Op(op, args) => format!("({} {})", op.name(), self.list(args)),
            ExprKind::Cast(arg) => {
                let ty = expr.ty.as_tensor().map_or("?", |tensor| tensor.elem.name());
                format!("{ty}({})", self.expr(arg))
            }
            ExprKind::If { cond, then, otherwise } => {
                format!("if {} {} else {}", self.expr(cond), self.block(then), self.block(otherwise))
            }
            ExprKind::Call(call) => {
                let name = self.program.fns.get(call.callee.0 as usize).map_or("?", |callee| &callee.name);
                let mut text = format!("{name}#{}({})", call.callee.0, self.list(&call.args));
                if !call.sizes.is_empty() {
                    let sizes: Vec<String> = call.sizes.iter().map(|size| names.show(size)).collect();
                    let _ = write!(text, " sizes [{}]", sizes.join(", "));
                }
                if !call.lift.is_empty() {
                    let _ = write!(text, " lift {}", names.show_dims(&call.lift));
                }
                if !call.decided.is_empty() {
                    let decided: Vec<&str> = call.decided.iter().map(|var| names.size(*var)).collect();
                    let _ = write!(text, " decided [{}]", decided.join(", "));
                }
                for check in &call.checks {
                    let relation = if check.rel == Relation::Zero { "==" } else { ">=" };
                    let _ = write!(text, " check {} {relation} 0", names.show(&check.size));
                }
                text
            }
            ExprKind::Reshape(arg) => format!("reshape({}) : {}", self.expr(arg), type_text(names, &expr.ty)),
            ExprKind::Transpose(arg, perm) => format!("transpose({}, {perm:?})", self.expr(arg)),
            ExprKind::Concat(args, axis) => format!("concat({}, axis {axis})", self.list(args)),
            ExprKind::Stack(args, axis) => format!("stack({}, axis {axis})", self.list(args)),
            ExprKind::Index { base, items, default } => {
                let base = self.expr(base);
                let items: Vec<String> = items.iter().map(|item| self.index_item(item)).collect();
                let default = default.as_ref().map(|value| format!(" else {}", self.expr(value))).unwrap_or_default();
                format!("{base}[{}{default}]", items.join(", "))
            }
            ExprKind::For { axes, body } => format!("for {} {}", self.axes(axes), self.block(body)),
            ExprKind::Reduce { op, axes, body } => {
                format!("{} {} {}", op.name(), self.axes(axes), self.block(body))
            }
            ExprKind::Scan { op, axis, body } => {
                format!("scan {} {} {}", op.name(), self.axis(axis), self.block(body))
            }
            ExprKind::Tuple(parts) => format!("({})", self.list(parts)),
            ExprKind::Field(base, part) => format!("{}.{part}", self.expr(base)),
            ExprKind::Block(block) => self.block(block),
        }
    }

    fn index_item(&mut self, item: &IndexItem) -> String {
        match item {
            IndexItem::At(Border::None, index) => self.expr(index),
            IndexItem::At(Border::Clamp, index) => format!("clamp: {}", self.expr(index)),
            IndexItem::At(Border::Wrap, index) => format!("wrap: {}", self.expr(index)),
            IndexItem::At(Border::Reflect, index) => format!("reflect: {}", self.expr(index)),
            IndexItem::Slice { lo, hi } => {
                let names = &self.program.names;
                format!("{}..{}", names.show(lo), names.show(hi))
            }
        }
    }
}
