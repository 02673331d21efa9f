//! Build time: what depends on constants alone is computed now and becomes a constant.

use super::*;

/// Steps that the evaluator may take for the build values of one pipeline: about a second.
const BUDGET: u64 = 50_000_000;

/// *Before*: statements with binding `Build`. *After*: their tensors are constants and the statements are gone; or, where
/// one relies on a check that does not hold, or takes too long, they have binding `Plan`: the module computes them, and the check
/// fails at run time as any other.
pub fn constants(program: &mut Program) {
    for number in 0..program.pipelines.len() {
        let pipeline = &program.pipelines[number];
        let is_build = |stmt: &Stmt| stmt.binding() == Binding::Build;
        if !pipeline.body.stmts.iter().any(is_build) {
            continue;
        }
        let values = eval::run_build(pipeline, &program.consts, &program.names, BUDGET);
        let pipeline = &mut program.pipelines[number];
        let Ok(values) = values else {
            pipeline
                .body
                .stmts
                .iter_mut()
                .filter(|stmt| is_build(stmt))
                .for_each(|stmt| bind::set(stmt, Binding::Plan));
            continue;
        };
        pipeline.body.stmts.retain(|stmt| !is_build(stmt));
        for (tensor, value) in values {
            let name = pipeline.tensors[tensor].name.clone();
            program.consts.push(ConstData { name, elem: value.elem, dims: value.dims, bytes: value.bytes });
            pipeline.tensors[tensor].kind = TensorKind::Const(DataId(program.consts.len() as u32 - 1));
        }
    }
}
