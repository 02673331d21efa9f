//! Tensor IR as text: one line a statement; an expression that is used more than once in it is named (`%12 = …`) on a
//! line of its own before it, so the text stays as small as the graph.

use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The program's text form (`kcc build --emit tensor`).
pub fn print(program: &Program) -> String {
    let mut out = String::new();
    for pipeline in &program.pipelines {
        Printer { program, p: pipeline, out: &mut out, named: BTreeSet::new() }.pipeline();
    }
    out
}

struct Printer<'a> {
    program: &'a Program,
    p: &'a Pipeline,
    out: &'a mut String,
    /// Expressions that stand on lines of their own.
    named: BTreeSet<ExprId>,
}

impl Printer<'_> {
    fn pipeline(&mut self) {
        let _ = writeln!(self.out, "pipeline {}", self.p.name);
        for tensor in &self.p.params {
            let line = self.declaration(*tensor);
            let _ = writeln!(self.out, "  param {line}");
        }
        for fact in &self.p.facts {
            let size = self.program.names.show(&fact.size);
            let _ = writeln!(self.out, "  fact {size} {} 0", if fact.is_equality { "==" } else { ">=" });
        }
        for stmt in &self.p.body.stmts {
            self.shared(&super::share::roots(stmt));
            let line = self.stmt(stmt);
            let _ = writeln!(self.out, "  {line}");
        }
        for (name, tensor) in &self.p.results {
            let line = self.declaration(*tensor);
            let _ = writeln!(self.out, "  result {name} = {line}");
        }
    }

    /// Names what the statement uses more than once, operands first.
    fn shared(&mut self, roots: &[ExprId]) {
        let mut uses: BTreeMap<ExprId, usize> = roots.iter().map(|id| (*id, 0)).collect();
        self.p.visit(roots, &mut |id, _| {
            self.p.children(id).into_iter().for_each(|child| *uses.entry(child).or_insert(0) += 1);
        });
        self.named = uses
            .into_iter()
            .filter(|(id, uses)| *uses > 1 && !self.p.children(*id).is_empty())
            .map(|(id, _)| id)
            .collect();
        for id in operands_first(self.p, roots).into_iter().filter(|id| self.named.contains(id)).collect::<Vec<_>>() {
            let text = self.node(id);
            let _ = writeln!(self.out, "    %{} = {text}", id.index());
        }
    }

    fn tensor(&self, id: TensorId) -> String {
        format!("{}.{}", self.p.tensors[id].name, id.index())
    }

    fn axis(&self, id: AxisId) -> String {
        format!("{}.{}", self.p.axes[id].name, id.index())
    }

    fn declaration(&self, id: TensorId) -> String {
        let tensor = &self.p.tensors[id];
        format!("{}: {}{}", self.tensor(id), tensor.elem, self.program.names.show_dims(&tensor.dims))
    }

    fn stmt(&self, stmt: &Stmt) -> String {
        match stmt {
            Stmt::Stage(stage) => {
                let axes: Vec<String> = stage
                    .axes
                    .iter()
                    .map(|axis| {
                        let extent =
                            self.p.axes[*axis].extent.as_ref().map(|e| self.program.names.show(e)).unwrap_or_default();
                        format!("{} < {extent}", self.axis(*axis))
                    })
                    .collect();
                let tensors: Vec<String> = stage.tensors.iter().map(|id| self.declaration(*id)).collect();
                let body = match &stage.body {
                    StageBody::Map(exprs) => exprs.iter().map(|id| self.expr(*id)).collect::<Vec<_>>().join("; "),
                    StageBody::Scan { op, expr } => format!("scan {} {}", op.name(), self.expr(*expr)),
                };
                let guard = stage.guard.map(|id| format!(" if {}", self.expr(id))).unwrap_or_default();
                format!("{} stage {} [{}]{guard} = {body}", binding(stage.binding), tensors.join(", "), axes.join(", "))
            }
            Stmt::Alias { tensor, of, binding: when, .. } => {
                format!("{} alias {} = {}", binding(*when), self.declaration(*tensor), self.tensor(*of))
            }
            Stmt::Group(group) => self.group(group, "", "    "),
            Stmt::Check(check) => {
                let axes = self.ranges(&check.axes);
                let values: Vec<String> = check.values.iter().map(|id| self.expr(*id)).collect();
                let what = format!("{:?}", check.failure);
                format!(
                    "{} check [{axes}] {} else {what} ({})",
                    binding(check.binding),
                    self.expr(check.cond),
                    values.join(", ")
                )
            }
        }
    }

    /// A group; `rows` says of which rows, if it belongs to a ring.
    fn group(&self, group: &Group, rows: &str, indent: &str) -> String {
        let axes: Vec<String> = group.axes.iter().map(|axis| self.axis(*axis)).collect();
        let mut out = format!("{} group [{}]{rows}", binding(group.binding), axes.join(", "));
        let deeper = format!("{indent}  ");
        for ring in &group.rings {
            let kept = self.program.names.show(&ring.rows);
            let rows = format!(" ring of {kept} rows {}..{}", self.expr(ring.first), self.expr(ring.end));
            let _ = write!(out, "\n{indent}{}", self.group(&ring.group, &rows, &deeper));
        }
        for stage in &group.stages {
            let kind = if stage.tensors.iter().all(|t| group.private.contains(t)) { "private " } else { "" };
            let _ = write!(out, "\n{indent}{kind}{}", self.stmt(&Stmt::Stage(stage.clone())));
        }
        out
    }

    fn ranges(&self, axes: &[ReduceAxis]) -> String {
        let ranges: Vec<String> = axes
            .iter()
            .map(|axis| {
                let (lo, hi) = (self.expr(axis.lo), self.expr(axis.hi));
                let step = if axis.step.as_const() == Some(1) {
                    String::new()
                } else {
                    format!(" by {}", self.program.names.show(&axis.step))
                };
                format!("{} in {lo}..{hi}{step}", self.axis(axis.axis))
            })
            .collect();
        ranges.join(", ")
    }

    fn expr(&self, id: ExprId) -> String {
        if self.named.contains(&id) { format!("%{}", id.index()) } else { self.node(id) }
    }

    fn node(&self, id: ExprId) -> String {
        match &self.p.exprs[id] {
            Expr::Const(value) => format!("{value:?}"),
            Expr::Axis(axis) => self.axis(*axis),
            Expr::Size(size) => format!("<{}>", self.program.names.show(size)),
            Expr::Op(op, args) if args.len() == 2 && !op.name().starts_with(char::is_alphabetic) => {
                format!("({} {} {})", self.expr(args[0]), op.name(), self.expr(args[1]))
            }
            Expr::Op(op, args) => {
                let args: Vec<String> = args.iter().map(|arg| self.expr(*arg)).collect();
                format!("{}({})", op.name(), args.join(", "))
            }
            Expr::Cast(arg) => format!("{}({})", self.p.ty(id), self.expr(*arg)),
            Expr::Select(c, a, b) => {
                format!("if {} {{ {} }} else {{ {} }}", self.expr(*c), self.expr(*a), self.expr(*b))
            }
            Expr::Load(tensor, index) => {
                let index: Vec<String> = index.iter().map(|arg| self.expr(*arg)).collect();
                format!("{}[{}]", self.tensor(*tensor), index.join(", "))
            }
            Expr::Reduce(reduce) => {
                let order = match reduce.order {
                    FoldOrder::Any => "",
                    FoldOrder::Serial => " serial",
                    FoldOrder::Lanes16 => " lanes16",
                };
                let component = match reduce.op {
                    ReduceOp::ArgMax | ReduceOp::ArgMin => format!(".{}", reduce.component),
                    _ => String::new(),
                };
                let (axes, body) = (self.ranges(&reduce.axes), self.expr(reduce.body));
                format!("{}{component}{order} {axes} {{ {body} }}", reduce.op.name())
            }
        }
    }
}

fn binding(binding: Binding) -> &'static str {
    match binding {
        Binding::Build => "build",
        Binding::Bind => "bind",
        Binding::Plan => "plan",
        Binding::Call => "call",
    }
}

/// All expressions below the roots, each after what it uses.
fn operands_first(p: &Pipeline, roots: &[ExprId]) -> Vec<ExprId> {
    let (mut order, mut seen) = (Vec::new(), BTreeSet::new());
    let mut open: Vec<(ExprId, bool)> = roots.iter().map(|id| (*id, false)).collect();
    while let Some((id, done)) = open.pop() {
        if done {
            order.push(id);
        } else if seen.insert(id) {
            open.push((id, true));
            open.extend(p.children(id).into_iter().map(|child| (child, false)));
        }
    }
    order
}
