//! What was generated: counts of constructs, of pairs of nested constructs, element types, fusion rules and sizes.

use super::Program;
use super::run::{Examined, Verdict};
use super::tree::{self, BinaryOp, Block, Border, Expr, ExprKind, IndexItem, ItemKind, Part, Stmt, StmtKind, UnaryOp};
use kcc_compiler::ops::Op;
use kcc_compiler::types::Scalar;
use std::collections::BTreeMap;
use std::fmt;

/// Counts over programs: in how many each occurs.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Programs.
    pub programs: usize,
    /// Of each construct.
    pub constructs: BTreeMap<String, usize>,
    /// Of each pair of a construct directly inside another.
    pub pairs: BTreeMap<String, usize>,
    /// Of each element type.
    pub elements: BTreeMap<String, usize>,
    /// Of each fusion rule.
    pub rules: BTreeMap<String, usize>,
    /// Of each class of extents.
    pub extents: BTreeMap<String, usize>,
    /// How calls end.
    pub outcomes: BTreeMap<String, usize>,
    /// How many programs have so many stages before fusion, or statements if these are more.
    pub lengths: BTreeMap<usize, usize>,
}

impl Stats {
    /// Adds a program.
    pub fn add(&mut self, program: &Program, examined: &Examined) {
        self.programs += 1;
        let mut walk = Walk::default();
        let mut file = program.file.clone();
        for item in &mut file.items {
            match &mut item.kind {
                ItemKind::Const { value, .. } => {
                    walk.count("const");
                    walk.expr(value, "const");
                }
                ItemKind::Fn(function) | ItemKind::Pipeline(function) => walk.function(function),
                _ => {}
            }
        }
        let length = walk.stmts.max(examined.stages);
        add_all(&mut self.constructs, walk.constructs);
        add_all(&mut self.pairs, walk.pairs);
        add_all(&mut self.elements, walk.elements);
        add_all(&mut self.rules, examined.rules.iter().map(|rule| format!("{rule:?}")).collect());
        let mut extents = Vec::new();
        for (_, array) in program.calls.iter().flatten() {
            for extent in &array.dims {
                let lanes = 16 / array.elem.bytes() as usize;
                extents.extend(classes(*extent, lanes).into_iter().map(str::to_string));
            }
        }
        add_all(&mut self.extents, extents);
        for outcome in &examined.outcomes {
            let text = match outcome {
                Ok(_) => "results",
                Err(message) if message.contains("is out of range") => "index outside",
                Err(message) if message.contains("division by zero") => "division by zero",
                Err(message) if message.contains("assert") => "assert",
                Err(message) if message.contains("of nothing") => "argmax of nothing",
                Err(_) => "sizes",
            };
            *self.outcomes.entry(text.to_string()).or_default() += 1;
        }
        if matches!(examined.verdict, Verdict::Agreed) {
            *self.lengths.entry(length).or_default() += 1;
        }
    }

    /// Adds the counts of others.
    pub fn merge(&mut self, other: Stats) {
        self.programs += other.programs;
        let pairs = [
            (&mut self.constructs, other.constructs),
            (&mut self.pairs, other.pairs),
            (&mut self.elements, other.elements),
            (&mut self.rules, other.rules),
            (&mut self.extents, other.extents),
            (&mut self.outcomes, other.outcomes),
        ];
        for (own, other) in pairs {
            other.into_iter().for_each(|(key, count)| *own.entry(key).or_default() += count);
        }
        other.lengths.into_iter().for_each(|(key, count)| *self.lengths.entry(key).or_default() += count);
    }

    /// The median number of stages or statements.
    pub fn median(&self) -> usize {
        let total: usize = self.lengths.values().sum();
        let mut seen = 0;
        self.lengths
            .iter()
            .find(|(_, count)| {
                seen += **count;
                2 * seen >= total
            })
            .map_or(0, |(length, _)| *length)
    }
}

fn add_all(counts: &mut BTreeMap<String, usize>, mut found: Vec<String>) {
    found.sort();
    found.dedup();
    found.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
}

fn classes(extent: usize, lanes: usize) -> Vec<&'static str> {
    let mut classes = Vec::new();
    match extent {
        0 => classes.push("0"),
        1 => classes.push("1"),
        extent if extent % 2 == 1 => classes.push("odd"),
        _ => {}
    }
    classes.push(match extent.cmp(&lanes) {
        std::cmp::Ordering::Less => "below the vector width",
        std::cmp::Ordering::Equal => "at the vector width",
        std::cmp::Ordering::Greater => "above the vector width",
    });
    classes
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} programs, median {} stages or statements", self.programs, self.median())?;
        let groups = [
            ("constructs", &self.constructs),
            ("element types", &self.elements),
            ("fusion rules", &self.rules),
            ("extents", &self.extents),
            ("calls", &self.outcomes),
            ("pairs", &self.pairs),
        ];
        for (title, counts) in groups {
            let shown: Vec<String> = counts.iter().map(|(key, count)| format!("{key} {count}")).collect();
            writeln!(f, "{title} ({}): {}", counts.len(), shown.join(", "))?;
        }
        Ok(())
    }
}

/// Counts in one program.
#[derive(Default)]
struct Walk {
    stmts: usize,
    constructs: Vec<String>,
    pairs: Vec<String>,
    elements: Vec<String>,
}

impl Walk {
    fn count(&mut self, construct: &str) {
        self.constructs.push(construct.to_string());
    }

    fn element(&mut self, name: &str) {
        if Scalar::from_name(name).is_some() {
            self.elements.push(name.to_string());
        }
    }

    fn function(&mut self, function: &mut tree::Fn) {
        for param in &function.params {
            match &param.ty.kind {
                tree::TypeKind::Name(name) if name.text == "dim" => self.count("dim parameter"),
                tree::TypeKind::Name(name) | tree::TypeKind::Tensor(name, _) => self.element(&name.text),
                tree::TypeKind::Fn(..) => self.count("function parameter"),
                _ => {}
            }
            if param.default.is_some() {
                self.count("default");
            }
        }
        for fact in &function.facts {
            self.count(match fact {
                tree::Fact::Constraint(..) => "type parameter",
                tree::Fact::Relation(_) => "fact",
            });
        }
        if function.results.len() > 1 {
            self.count("several results");
        }
        self.block(&mut function.body, "body");
    }

    fn block(&mut self, block: &mut Block, outer: &str) {
        for stmt in &mut block.stmts {
            if let Some(own) = statement(stmt) {
                self.stmts += 1;
                self.count(own);
            }
            for part in tree::stmt_parts(stmt) {
                self.part(part, outer);
            }
        }
    }

    fn part(&mut self, part: Part<'_>, outer: &str) {
        match part {
            Part::Expr(e) => self.expr(e, outer),
            Part::Block(block) => self.block(block, outer),
        }
    }

    fn expr(&mut self, e: &mut Expr, outer: &str) {
        if let ExprKind::For { axes, .. } | ExprKind::Reduce { axes, .. } = &e.kind {
            for axis in axes {
                self.count(match &axis.range {
                    None => "inferred range",
                    Some(tree::Range { step: Some(_), .. }) => "stepped range",
                    Some(tree::Range { hi, lo, .. }) if mentions_index(lo) || mentions_index(hi) => "dependent range",
                    Some(_) => "written range",
                });
            }
        }
        if let ExprKind::Call { callee, args } = &e.kind {
            if args.iter().any(|arg| arg.name.as_ref().is_some_and(|name| name.text != "axis")) {
                self.count("named argument");
            }
            if let ExprKind::Name(name) = &callee.kind {
                self.element(&name.text);
            }
        }
        let own = construct(e);
        if let Some((fine, coarse)) = &own {
            self.count(fine);
            if outer != "body" && outer != "const" {
                self.pairs.push(format!("{outer}>{coarse}"));
            }
        }
        let outer = own.map_or(outer.to_string(), |(_, coarse)| coarse.to_string());
        for part in tree::parts(e) {
            self.part(part, &outer);
        }
    }
}

/// Whether an index or a load occurs in a bound.
fn mentions_index(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Name(name) => name.text.starts_with(['j', 'k']),
        ExprKind::Index { .. } => true,
        ExprKind::Binary(_, left, right) => mentions_index(left) || mentions_index(right),
        ExprKind::Call { args, .. } => args.iter().any(|arg| mentions_index(&arg.value)),
        _ => false,
    }
}

fn statement(stmt: &Stmt) -> Option<&'static str> {
    Some(match &stmt.kind {
        StmtKind::Let { is_tuple: true, .. } => "let of several",
        StmtKind::Let { ty: Some(_), .. } => "let with type",
        StmtKind::Let { .. } => "let",
        StmtKind::Var { .. } => "var",
        StmtKind::Assign { .. } => "assignment",
        StmtKind::Assert { .. } => "assert",
        StmtKind::Loop { .. } => "loop",
        StmtKind::While { .. } => "while",
        StmtKind::Break => "break",
        StmtKind::Continue => "continue",
        StmtKind::Return(_) => "return",
        StmtKind::StaticLoop { .. } => "static loop",
        StmtKind::Expr(_) => return None,
    })
}

/// What an expression is, finely and coarsely; nothing for names and literals.
fn construct(e: &Expr) -> Option<(String, &'static str)> {
    let both = |name: &'static str| (name.to_string(), name);
    Some(match &e.kind {
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Name(_) | ExprKind::Error => return None,
        ExprKind::Text(_) | ExprKind::Byte(_) => both("text"),
        ExprKind::Field(..) => both("field"),
        ExprKind::Call { callee, .. } => match &callee.kind {
            ExprKind::Name(name) => called(&name.text),
            _ => both("std call"),
        },
        ExprKind::Index { items, default, .. } => {
            if default.is_some() {
                both("else")
            } else if items.iter().any(|item| matches!(item, IndexItem::Slice(..))) {
                both("slice")
            } else {
                let border = items.iter().find_map(|item| match item {
                    IndexItem::At(Border::Clamp, _) => Some("clamp:"),
                    IndexItem::At(Border::Wrap, _) => Some("wrap:"),
                    IndexItem::At(Border::Reflect, _) => Some("reflect:"),
                    _ => None,
                });
                border.map_or(both("access"), |border| (border.to_string(), "border"))
            }
        }
        ExprKind::Unary(op, _) => {
            let sign = match op {
                UnaryOp::Neg => "-x",
                UnaryOp::Not => "not",
                UnaryOp::BitNot => "~",
            };
            (sign.to_string(), "operator")
        }
        ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), ..) => (format!("{op:?}").to_lowercase(), "and or"),
        ExprKind::Binary(op, ..) => (format!("{op:?}"), "operator"),
        ExprKind::Array(_) => both("table"),
        ExprKind::Tuple(_) => both("tuple"),
        ExprKind::If { is_static: true, .. } => both("static if"),
        ExprKind::If { .. } => both("if"),
        ExprKind::For { .. } => both("for"),
        ExprKind::Reduce { op, scan: true, .. } => (format!("scan {}", op.name()), "scan"),
        ExprKind::Reduce { op, axes, .. } if axes.len() > 1 => (format!("{} of several", op.name()), "reduction"),
        ExprKind::Reduce { op, .. } => (op.name().to_string(), "reduction"),
        ExprKind::Lambda { .. } => both("lambda"),
        ExprKind::Is(..) => return None,
        ExprKind::Block(_) => both("block"),
    })
}

fn called(name: &str) -> (String, &'static str) {
    let views = ["reshape", "flatten", "transpose", "concat", "stack"];
    if name == "T" || Scalar::from_name(name).is_some() {
        (format!("cast to {name}"), "cast")
    } else if views.contains(&name) {
        (name.to_string(), "view")
    } else if name == "dim" {
        ("dim(…)".to_string(), "call")
    } else if Op::ALL.iter().any(|op| op.name() == name) {
        (format!("{name}(…)"), "operator")
    } else if name.starts_with(['g', 'x']) && name[1..].chars().all(|c| c.is_ascii_digit()) {
        ("function call".to_string(), "call")
    } else {
        (format!("std {name}"), "std call")
    }
}
