//! Loop IR as text, for people: `kcc build --emit loops`, messages of failed verification, structure tests.
//!
//! ```text
//! buffer b2 y: f32[N] output 0
//! kernel p.y (call): vector i x4
//!   for i0: 0..N
//!     let x1: f32 = x[i0]
//!     y[i0] = x1 * 2.0
//! ```

use super::{Access, Buffer, Expr, Kernel, LoopKind, Program, Role, Stmt, VarId};
use crate::ops::Op;
use crate::size::SizeNames;
use crate::tensor::Binding;
use std::fmt::Write;

/// The whole program.
pub fn print(program: &Program, names: &SizeNames) -> String {
    let mut out = String::new();
    for (n, buffer) in program.buffers.iter().enumerate() {
        let _ = writeln!(out, "buffer b{n} {}", declaration(program, buffer, names));
    }
    for (n, (failure, _)) in program.failures.iter().enumerate() {
        let _ = writeln!(out, "failure {n}: {failure:?}");
    }
    for kernel in &program.kernels {
        out.push_str(&print_kernel(program, kernel, names));
    }
    out
}

/// One kernel.
pub fn print_kernel(program: &Program, kernel: &Kernel, names: &SizeNames) -> String {
    let mut printer = Printer { program, kernel, names, out: String::new() };
    let schedule = if kernel.schedule.is_empty() { String::new() } else { format!(": {}", kernel.schedule) };
    let _ = writeln!(printer.out, "kernel {} ({}){schedule}", kernel.name, binding(kernel.binding));
    printer.stmts(&kernel.body, 1);
    printer.out
}

fn binding(binding: Binding) -> &'static str {
    match binding {
        Binding::Build => "build",
        Binding::Bind => "bind",
        Binding::Plan => "plan",
        Binding::Call => "call",
    }
}

fn declaration(program: &Program, buffer: &Buffer, names: &SizeNames) -> String {
    let role = match buffer.role {
        Role::Input(n) => format!("input {n}"),
        Role::Output(n) => format!("output {n}"),
        Role::Const(data) => format!("const {}", data.0),
        Role::Local(when) => format!("local {}", binding(when)),
        Role::Scratch => "scratch".to_string(),
        Role::Extent => "extent".to_string(),
    };
    let alias = buffer.alias_of.map_or(String::new(), |of| format!(" = {}", buffer_name(program, of)));
    format!("{}: {}{} {role}{alias}", buffer.name, buffer.elem, names.show_dims(&buffer.dims))
}

/// The buffer's name, with its number where another buffer has the same name.
fn buffer_name(program: &Program, id: super::BufferId) -> String {
    let name = &program.buffers[id.0 as usize].name;
    let unique = program.buffers.iter().filter(|other| other.name == *name).count() == 1;
    if unique { name.clone() } else { format!("{name}.b{}", id.0) }
}

struct Printer<'a> {
    program: &'a Program,
    kernel: &'a Kernel,
    names: &'a SizeNames,
    out: String,
}

impl Printer<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        for _ in 0..depth {
            self.out.push_str("  ");
        }
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn var(&self, var: VarId) -> String {
        let name = self.kernel.vars.get(var.0 as usize).map_or("?", |var| var.name.as_str());
        format!("{name}{}", var.0)
    }

    fn ty(&self, var: VarId) -> String {
        match self.kernel.vars.get(var.0 as usize) {
            Some(var) if var.ty.lanes == 1 => var.ty.scalar.to_string(),
            Some(var) => format!("{}x{}", var.ty.scalar, var.ty.lanes),
            None => "?".to_string(),
        }
    }

    fn stmts(&mut self, stmts: &[Stmt], depth: usize) {
        for stmt in stmts {
            self.stmt(stmt, depth);
        }
    }

    fn stmt(&mut self, stmt: &Stmt, depth: usize) {
        match stmt {
            Stmt::Let(var, value) => {
                let text = format!("let {}: {} = {}", self.var(*var), self.ty(*var), self.expr(value));
                self.line(depth, &text);
            }
            Stmt::Set(var, value) => {
                let text = format!("{} := {}", self.var(*var), self.expr(value));
                self.line(depth, &text);
            }
            Stmt::Accumulate(var, op, value) => {
                let text = format!("{} {}= {}", self.var(*var), op.name(), self.expr(value));
                self.line(depth, &text);
            }
            Stmt::For(nest) => {
                let kind = match nest.kind {
                    LoopKind::Serial => String::new(),
                    LoopKind::Ordered => " in order".to_string(),
                    LoopKind::Vector(lanes) => format!(" vector {lanes}"),
                    LoopKind::Unrolled(times) => format!(" unrolled {times}"),
                    LoopKind::Parallel => " parallel".to_string(),
                };
                let step = match super::build::as_int(&nest.step) {
                    Some(1) => String::new(),
                    _ => format!(" by {}", self.expr(&nest.step)),
                };
                let (lo, hi) = (self.expr(&nest.lo), self.expr(&nest.hi));
                self.line(depth, &format!("for {}: {lo}..{hi}{step}{kind}", self.var(nest.var)));
                self.stmts(&nest.body, depth + 1);
            }
            Stmt::Store { buffer, index, value } => {
                let text = format!("{} = {}", self.element(*buffer, index), self.expr(value));
                self.line(depth, &text);
            }
            Stmt::If(cond, then, other) => {
                let cond = self.expr(cond);
                self.line(depth, &format!("if {cond}"));
                self.stmts(then, depth + 1);
                if !other.is_empty() {
                    self.line(depth, "else");
                    self.stmts(other, depth + 1);
                }
            }
            Stmt::Block(label, body) => {
                self.line(depth, &format!("block {}", label.0));
                self.stmts(body, depth + 1);
            }
            Stmt::Repeat(body) => {
                self.line(depth, "repeat");
                self.stmts(body, depth + 1);
            }
            Stmt::Leave(label) => self.line(depth, &format!("leave {}", label.0)),
            Stmt::Fail(failure, values) => {
                let values = self.list(values);
                self.line(depth, &format!("fail {}({values})", failure.0));
            }
        }
    }

    fn list(&self, exprs: &[Expr]) -> String {
        exprs.iter().map(|expr| self.expr(expr)).collect::<Vec<_>>().join(", ")
    }

    fn element(&self, buffer: super::BufferId, index: &[Expr]) -> String {
        format!("{}[{}]", buffer_name(self.program, buffer), self.list(index))
    }

    fn expr(&self, expr: &Expr) -> String {
        match expr {
            Expr::Const(value) => value.to_string(),
            Expr::Var(var) => self.var(*var),
            Expr::Size(size) => format!("<{}>", self.names.show(size)),
            Expr::Op(op, args) if args.len() == 2 && !op.name().starts_with(char::is_alphabetic) => {
                format!("({} {} {})", self.expr(&args[0]), op.name(), self.expr(&args[1]))
            }
            Expr::Op(op, args) => self.call(*op, args),
            Expr::Cast(to, arg) => format!("{to}({})", self.expr(arg)),
            Expr::Select(parts) => {
                format!("({} ? {} : {})", self.expr(&parts[0]), self.expr(&parts[1]), self.expr(&parts[2]))
            }
            Expr::Load(load) => {
                let element = self.element(load.buffer, &load.index);
                match &load.access {
                    Access::One => element,
                    Access::Contiguous(lanes) => format!("{element}:{lanes}"),
                    Access::Strided { lanes, stride } => format!("{element}:{lanes} by {stride}"),
                    Access::Gather { lanes, offsets } => format!("{element}:{lanes} at ({})", self.list(offsets)),
                }
            }
            Expr::Splat(arg, lanes) => format!("{}x{lanes}", self.expr(arg)),
            Expr::Ramp(arg, lanes) => format!("ramp{lanes}({})", self.expr(arg)),
            Expr::Lane(arg, lane) => format!("{}.{lane}", self.expr(arg)),
        }
    }

    fn call(&self, op: Op, args: &[Expr]) -> String {
        format!("{}({})", op.name(), self.list(args))
    }
}
