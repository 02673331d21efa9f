//! Specialisation: size variables that are fixed at build time become constants.

use super::share::map_exprs;
use super::*;
use crate::size::{DimExpr, Subst};
use std::collections::BTreeMap;

/// *Before*: size variables by name. *After*: those in `sizes` are constants everywhere, also in parameter types.
///
/// # Errors
/// A name that no pipeline has, with the names there are; a declared fact that the sizes break.
pub fn specialise(program: &mut Program, sizes: &[(String, i64)]) -> Result<(), String> {
    if sizes.is_empty() {
        return Ok(());
    }
    let mut known: Vec<String> =
        program.pipelines.iter().flat_map(|p| &p.sizes).map(|var| program.names.size(*var).to_string()).collect();
    known.sort();
    known.dedup();
    for (name, _) in sizes {
        if !known.contains(name) {
            return Err(format!("no pipeline has a size `{name}`; there are: {}", known.join(", ")));
        }
    }
    for p in &mut program.pipelines {
        let fixed: BTreeMap<SizeVar, i64> = p
            .sizes
            .iter()
            .filter_map(|var| {
                sizes.iter().find(|(name, _)| name == program.names.size(*var)).map(|(_, value)| (*var, *value))
            })
            .collect();
        let replace = |size: &Size| {
            size.substitute(&Subst {
                size: &|var| fixed.get(&var).map_or_else(|| Size::from(var), |value| Size::constant(*value)),
                scalar: &|var, ty| DimExpr::Scalar(var, ty),
            })
        };
        p.sizes.retain(|var| !fixed.contains_key(var));
        for id in p.tensors.ids() {
            let dims = p.tensors[id].dims.iter().map(&replace).collect();
            p.tensors[id].dims = dims;
        }
        for id in p.axes.ids() {
            let extent = p.axes[id].extent.as_ref().map(&replace);
            p.axes[id].extent = extent;
        }
        for decided in &mut p.decided {
            decided.bound = replace(&decided.bound);
        }
        for fact in &mut p.facts {
            fact.size = replace(&fact.size);
            let holds = match fact.size.as_const() {
                Some(value) if fact.is_equality => value == 0,
                Some(value) => value >= 0,
                None => true,
            };
            if !holds {
                return Err(format!("`{}` does not hold for these sizes", fact.text));
            }
        }
        p.facts.retain(|fact| fact.size.as_const().is_none());
        map_exprs(p, &mut |p, root| {
            p.rewrite(root, &mut |p, node, origin| match node {
                Expr::Size(size) => {
                    let new = replace(size);
                    (new != *size).then(|| p.size(&new, origin))
                }
                Expr::Reduce(reduce) if reduce.axes.iter().any(|axis| replace(&axis.step) != axis.step) => {
                    let axes = reduce
                        .axes
                        .iter()
                        .map(|axis| ReduceAxis { step: replace(&axis.step), ..axis.clone() })
                        .collect();
                    let ty = match reduce.op {
                        ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Max | ReduceOp::Min => p.ty(reduce.body),
                        ReduceOp::Any | ReduceOp::All => Scalar::Bool,
                        ReduceOp::Count | ReduceOp::ArgMax | ReduceOp::ArgMin => Scalar::I32,
                    };
                    Some(p.expr(Expr::Reduce(Reduce { axes, ..reduce.clone() }), ty, origin))
                }
                _ => None,
            })
        });
    }
    Ok(())
}
