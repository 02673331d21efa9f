//! Binding times: each statement runs at the earliest time at which all it reads is there.

use super::*;
use std::collections::BTreeMap;

/// Largest tensor that is computed at build time and stored in the module.
const BUILD_BYTES: i64 = 64 * 1024;

/// *Before*: binding times as they come. *After*: the earliest possible ones (`Build` for what depends on constants
/// alone and has a known size, `Plan` for what depends on sizes and on scalars that reach a size, `Call` otherwise).
///
/// Results are always `Call`: a host reads them after a call, and one that is computed earlier is copied.
pub fn bind(program: &mut Program) {
    for pipeline in &mut program.pipelines {
        let mut when: BTreeMap<TensorId, Binding> = BTreeMap::new();
        for (id, tensor) in pipeline.tensors.iter() {
            let scalar = pipeline.plan_scalars.iter().any(|(_, param)| *param == id);
            let known = match tensor.kind {
                TensorKind::Const(_) => Binding::Build,
                TensorKind::Param(_) if scalar => Binding::Plan,
                TensorKind::Param(_) => Binding::Call,
                TensorKind::Local => continue,
            };
            when.insert(id, known);
        }
        let results: Vec<TensorId> = pipeline.results.iter().map(|(_, tensor)| *tensor).collect();
        let mut body = std::mem::take(&mut pipeline.body);
        for stmt in &mut body.stmts {
            match stmt {
                Stmt::Stage(stage) => {
                    let mut binding = time(pipeline, &when, &super::share::stage_roots(stage));
                    let sizes = stage.axes.iter().filter_map(|axis| pipeline.axes[*axis].extent.as_ref());
                    let elements = sizes.into_iter().try_fold(1i64, |product, extent| {
                        extent.as_const().map(|extent| product.saturating_mul(extent.max(0)))
                    });
                    // What is large is not worth its bytes in the module.
                    let elem = pipeline.tensors[stage.tensors[0]].elem;
                    let is_small = elements.is_some_and(|n| n.saturating_mul(i64::from(elem.bytes())) <= BUILD_BYTES);
                    if !is_small {
                        binding = binding.max(Binding::Plan);
                    }
                    if stage.tensors.iter().any(|tensor| results.contains(tensor)) {
                        binding = Binding::Call;
                    }
                    // A tensor that two stages write, each under its guard, is there when both have run.
                    for tensor in &stage.tensors {
                        let known = when.entry(*tensor).or_insert(binding);
                        binding = binding.max(*known);
                        *known = binding;
                    }
                    stage.binding = binding;
                }
                Stmt::Alias { tensor, of, binding, .. } => {
                    *binding = when[of];
                    if results.contains(tensor) {
                        *binding = Binding::Call;
                    }
                    when.insert(*tensor, *binding);
                }
                Stmt::Group(_) => unreachable!("groups are made after binding times are set"),
                Stmt::Check(check) => {
                    let roots: Vec<ExprId> = check
                        .axes
                        .iter()
                        .flat_map(|axis| [axis.lo, axis.hi])
                        .chain([check.cond])
                        .chain(check.values.iter().copied())
                        .collect();
                    // A check of constants alone still reports at run time (it is reached only if it may fail).
                    check.binding = time(pipeline, &when, &roots).max(Binding::Plan);
                }
            }
        }
        for stmt in &mut body.stmts {
            if let Stmt::Stage(stage) = stmt {
                stage.binding = stage.tensors.iter().map(|tensor| when[tensor]).fold(stage.binding, Binding::max);
            }
        }
        pipeline.body = body;
    }
}

fn time(p: &Pipeline, when: &BTreeMap<TensorId, Binding>, roots: &[ExprId]) -> Binding {
    let mut latest = Binding::Build;
    p.visit(roots, &mut |_, expr| match expr {
        Expr::Load(tensor, _) => latest = latest.max(when[tensor]),
        Expr::Size(_) => latest = latest.max(Binding::Plan),
        Expr::Reduce(reduce) if reduce.axes.iter().any(|axis| axis.step.as_const().is_none()) => {
            latest = latest.max(Binding::Plan);
        }
        Expr::Const(_) | Expr::Axis(_) | Expr::Op(..) | Expr::Cast(_) | Expr::Select(..) | Expr::Reduce(_) => {}
    });
    latest
}
