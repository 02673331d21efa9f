//! Binding times: each statement runs at the earliest time at which all it reads is there.

use super::*;
use std::collections::BTreeMap;

/// Largest tensor that is computed at build time and stored in the module.
const BUILD_BYTES: i64 = 64 * 1024;

/// *Before*: binding times as they come. *After*: the earliest possible ones (`Build` for what depends on constants
/// alone and has a known size, `Plan` for what depends on sizes and on scalars that reach a size, `Call` otherwise).
///
/// Results are always `Call`: a host reads them after a call, and one that is computed earlier is copied. All statements
/// that change a variable, and those that read it while it still changes, have one binding time.
pub fn bind(program: &mut Program) {
    for pipeline in &mut program.pipelines {
        let mut body = std::mem::take(&mut pipeline.body);
        let mut binder = Binder { p: pipeline, when: BTreeMap::new(), decided: BTreeMap::new() };
        binder.start();
        // Variables hand times back to earlier statements, so this goes on until nothing changes; times only grow.
        while binder.region(&mut body) {}
        pipeline.body = body;
    }
}

struct Binder<'a> {
    p: &'a Pipeline,
    when: BTreeMap<TensorId, Binding>,
    decided: BTreeMap<SizeVar, Binding>,
}

impl Binder<'_> {
    fn start(&mut self) {
        for (id, tensor) in self.p.tensors.iter() {
            let scalar = self.p.plan_scalars.iter().any(|(_, param)| *param == id);
            let known = match tensor.kind {
                TensorKind::Param(_) if scalar => Binding::Plan,
                TensorKind::Param(_) => Binding::Call,
                TensorKind::Const(_) | TensorKind::Local => Binding::Build,
                // What is large is not worth its bytes in the module.
                TensorKind::Var if is_small(tensor) => Binding::Build,
                TensorKind::Var => Binding::Plan,
            };
            self.when.insert(id, known);
        }
        for (_, result) in &self.p.results {
            self.when.insert(*result, Binding::Call);
        }
    }

    /// Sets the times of the statements of the outermost region; whether one of a variable or size grew.
    fn region(&mut self, region: &mut Region) -> bool {
        let mut last_writer: BTreeMap<TensorId, usize> = BTreeMap::new();
        for (position, stmt) in region.stmts.iter().enumerate() {
            let vars = stmt.writes().into_iter().filter(|tensor| self.p.tensors[*tensor].kind == TensorKind::Var);
            last_writer.extend(vars.map(|tensor| (tensor, position)));
        }
        let mut changed = false;
        for (position, stmt) in region.stmts.iter_mut().enumerate() {
            let mut binding = self.time(stmt);
            for tensor in stmt.writes() {
                binding = binding.max(self.when[&tensor]);
            }
            if let Stmt::Stage(stage) = stmt
                && !stage.tensors.iter().all(|tensor| is_small(&self.p.tensors[*tensor]))
            {
                binding = binding.max(Binding::Plan);
            }
            // Checks report at run time, also those of constants alone (one is reached only if it may fail).
            if has_check(stmt) {
                binding = binding.max(Binding::Plan);
            }
            // A size lives in one call: what is kept from plans to calls has extents that `plan` knows.
            if !decides(stmt).is_empty() {
                binding = Binding::Call;
            }
            set(stmt, binding);
            for tensor in stmt.writes() {
                changed |= grow(&mut self.when, tensor, binding);
            }
            for var in decides(stmt) {
                changed |= grow(&mut self.decided, var, binding);
            }
            for (tensor, last) in &last_writer {
                if *last > position && super::share::roots(stmt).iter().any(|id| self.p.loads_var(*id).contains(tensor))
                {
                    changed |= grow(&mut self.when, *tensor, binding);
                }
            }
        }
        changed
    }

    /// The earliest time at which all that a statement reads is there.
    fn time(&self, stmt: &Stmt) -> Binding {
        let mut latest = Binding::Build;
        let size = |size: &Size| {
            if size.as_const().is_some() {
                return Binding::Build;
            }
            let decided = self.decided.iter().filter(|(var, _)| size.mentions(**var)).map(|(_, binding)| *binding);
            decided.chain([Binding::Plan]).max().unwrap_or(Binding::Plan)
        };
        let extent = |axis: &AxisId| self.p.axes[*axis].extent.as_ref().map_or(Binding::Build, size);
        if let Stmt::Alias { tensor, of, .. } = stmt {
            let own = self.p.tensors[*tensor].dims.iter().map(size);
            latest = own.fold(self.when[of], Binding::max);
        }
        visit_axes(stmt, &mut |axis| latest = latest.max(extent(&axis)));
        self.p.visit(&super::share::roots(stmt), &mut |_, expr| match expr {
            Expr::Load(tensor, _) => latest = latest.max(self.when[tensor]),
            Expr::Size(own) => latest = latest.max(size(own)),
            Expr::Reduce(reduce) => reduce.axes.iter().for_each(|axis| latest = latest.max(size(&axis.step))),
            Expr::Const(_) | Expr::Axis(_) | Expr::Op(..) | Expr::Cast(_) | Expr::Select(..) => {}
        });
        latest
    }
}

/// Whether a tensor may be computed at build time and stored in the module.
fn is_small(tensor: &Tensor) -> bool {
    let elements =
        tensor.dims.iter().try_fold(1i64, |n, dim| dim.as_const().map(|extent| n.saturating_mul(extent.max(0))));
    elements.is_some_and(|n| n.saturating_mul(i64::from(tensor.elem.bytes())) <= BUILD_BYTES)
}

fn grow<K: Ord + Copy>(times: &mut BTreeMap<K, Binding>, key: K, binding: Binding) -> bool {
    let known = times.entry(key).or_insert(Binding::Build);
    let grows = *known < binding;
    *known = (*known).max(binding);
    grows
}

fn has_check(stmt: &Stmt) -> bool {
    matches!(stmt, Stmt::Check(_)) || stmt.regions().iter().any(|region| region.stmts.iter().any(has_check))
}

fn decides(stmt: &Stmt) -> Vec<SizeVar> {
    match stmt {
        Stmt::Decide { var, .. } => vec![*var],
        _ => stmt.regions().into_iter().flat_map(|region| &region.stmts).flat_map(decides).collect(),
    }
}

/// The axes of stages and stores in a statement.
fn visit_axes(stmt: &Stmt, f: &mut impl FnMut(AxisId)) {
    match stmt {
        Stmt::Stage(stage) => stage.axes.iter().for_each(|axis| f(*axis)),
        Stmt::Store(store) => store.axes.iter().for_each(|axis| f(*axis)),
        Stmt::Alias { .. } | Stmt::Check(_) | Stmt::Group(_) | Stmt::Decide { .. } | Stmt::Control(_) => {}
    }
    stmt.regions().into_iter().flat_map(|region| &region.stmts).for_each(|stmt| visit_axes(stmt, f));
}

/// Gives a statement, and those inside it, a binding time.
pub(super) fn set(stmt: &mut Stmt, when: Binding) {
    match stmt {
        Stmt::Stage(stage) => stage.binding = when,
        Stmt::Alias { binding, .. } | Stmt::Decide { binding, .. } => *binding = when,
        Stmt::Check(check) => check.binding = when,
        Stmt::Store(store) => store.binding = when,
        Stmt::Control(control) => control.binding = when,
        Stmt::Group(_) => unreachable!("groups are made after binding times are set"),
    }
    stmt.regions_mut().into_iter().flat_map(|region| &mut region.stmts).for_each(|stmt| set(stmt, when));
}
