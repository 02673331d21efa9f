//! Sizes in the user's terms, for messages and printed IR.

use super::{Atom, DimExpr, ScalarVar, Size, SizeVar};
use std::fmt::{self, Write};

/// Names of size variables and scalar parameters, for messages and printed IR.
#[derive(Clone, Debug, Default)]
pub struct SizeNames {
    sizes: Vec<String>,
    scalars: Vec<String>,
}

impl SizeNames {
    /// A new size variable.
    pub fn new_size(&mut self, name: impl Into<String>) -> SizeVar {
        self.sizes.push(name.into());
        SizeVar(self.sizes.len() as u32 - 1)
    }

    /// A new scalar parameter.
    pub fn new_scalar(&mut self, name: impl Into<String>) -> ScalarVar {
        self.scalars.push(name.into());
        ScalarVar(self.scalars.len() as u32 - 1)
    }

    /// The variable's name as the user wrote it.
    pub fn size(&self, var: SizeVar) -> &str {
        &self.sizes[var.0 as usize]
    }

    /// The parameter's name as the user wrote it.
    pub fn scalar(&self, var: ScalarVar) -> &str {
        &self.scalars[var.0 as usize]
    }

    /// A size in the user's terms: `2*H + 1`.
    pub fn show(&self, size: &Size) -> String {
        let mut out = String::new();
        self.write_size(&mut out, size);
        out
    }

    /// A shape in the user's terms: `[H, W, 3]`.
    pub fn show_dims(&self, dims: &[Size]) -> String {
        let dims: Vec<String> = dims.iter().map(|dim| self.show(dim)).collect();
        format!("[{}]", dims.join(", "))
    }

    fn write_size(&self, out: &mut String, size: &Size) {
        // The constant stands last, as people write it.
        let mut terms: Vec<_> = size.terms.iter().collect();
        terms.sort_by_key(|(product, _)| product.is_empty());
        if terms.is_empty() {
            out.push('0');
        }
        for (position, (product, coefficient)) in terms.into_iter().enumerate() {
            match (position, *coefficient < 0) {
                (0, true) => out.push('-'),
                (0, false) => {}
                (_, true) => out.push_str(" - "),
                (_, false) => out.push_str(" + "),
            }
            let magnitude = coefficient.unsigned_abs();
            if product.is_empty() || magnitude != 1 {
                let _ = write!(out, "{magnitude}");
            }
            for (index, atom) in product.iter().enumerate() {
                if index > 0 || magnitude != 1 {
                    out.push('*');
                }
                self.write_atom(out, atom);
            }
        }
    }

    fn write_operand(&self, out: &mut String, size: &Size) {
        if size.as_atom().is_some() || size.as_const().is_some_and(|value| value >= 0) {
            self.write_size(out, size);
        } else {
            out.push('(');
            self.write_size(out, size);
            out.push(')');
        }
    }

    fn write_atom(&self, out: &mut String, atom: &Atom) {
        match atom {
            Atom::Var(var) => out.push_str(self.size(*var)),
            Atom::Div(a, b) | Atom::Rem(a, b) => {
                out.push('(');
                self.write_operand(out, a);
                out.push_str(if matches!(atom, Atom::Div(..)) { " / " } else { " % " });
                self.write_operand(out, b);
                out.push(')');
            }
            Atom::Min(a, b) | Atom::Max(a, b) => {
                let _ = write!(
                    out,
                    "{}({}, {})",
                    if matches!(atom, Atom::Min(..)) { "min" } else { "max" },
                    self.show(a),
                    self.show(b)
                );
            }
            Atom::Dim(e) => {
                let _ = write!(out, "dim({})", self.show_expr(e));
            }
        }
    }

    /// A `dim` expression in the user's terms.
    pub fn show_expr(&self, expr: &DimExpr) -> String {
        match expr {
            DimExpr::Const(value) => value.to_string(),
            DimExpr::Size(size) => self.show(size),
            DimExpr::Scalar(var, _) => self.scalar(*var).to_string(),
            DimExpr::Cast(to, arg) => format!("{to}({})", self.show_expr(arg)),
            DimExpr::Select(parts) => {
                let [c, a, b] = &**parts;
                format!("if {} {{ {} }} else {{ {} }}", self.show_expr(c), self.show_expr(a), self.show_expr(b))
            }
            DimExpr::Op(op, args) if args.len() == 2 && !op.name().starts_with(|c: char| c.is_alphabetic()) => {
                format!("({} {} {})", self.show_expr(&args[0]), op.name(), self.show_expr(&args[1]))
            }
            DimExpr::Op(op, args) => {
                let args: Vec<String> = args.iter().map(|arg| self.show_expr(arg)).collect();
                format!("{}({})", op.name(), args.join(", "))
            }
        }
    }
}

impl fmt::Display for SizeVar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}
