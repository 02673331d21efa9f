//! Build time: what depends on constants alone is computed now and becomes a constant.

use super::*;

/// *Before*: statements with binding `Build`. *After*: their tensors are constants and the statements are gone; or, where
/// one relies on a check that does not hold, they have binding `Plan`, so that the check fails at run time as any other.
///
/// # Errors
/// The evaluator's complaint, with the pipeline's name.
pub fn constants(program: &mut Program) -> Result<(), String> {
    for number in 0..program.pipelines.len() {
        let pipeline = &program.pipelines[number];
        let is_build = |stmt: &Stmt| stmt.binding() == Binding::Build;
        if !pipeline.body.stmts.iter().any(is_build) {
            continue;
        }
        let name = pipeline.name.clone();
        let values = eval::run_build(pipeline, &program.consts, &program.names, lower::CONST_BUDGET);
        let pipeline = &mut program.pipelines[number];
        let has_checks = pipeline.body.stmts.iter().any(|stmt| matches!(stmt, Stmt::Check(_)));
        let values = match values {
            Ok(values) => values,
            Err(eval::EvalError::Invalid(_)) if has_checks => {
                pipeline.body.stmts.iter_mut().for_each(postpone);
                continue;
            }
            Err(error) => return Err(format!("pipeline `{name}`: {error}")),
        };
        pipeline.body.stmts.retain(|stmt| !is_build(stmt));
        for (tensor, value) in values {
            let name = pipeline.tensors[tensor].name.clone();
            program.consts.push(ConstData { name, elem: value.elem, dims: value.dims, bytes: value.bytes });
            pipeline.tensors[tensor].kind = TensorKind::Const(DataId(program.consts.len() as u32 - 1));
        }
    }
    Ok(())
}

/// What was to be computed at build time is computed by the plan.
fn postpone(stmt: &mut Stmt) {
    if stmt.binding() == Binding::Build {
        bind::set(stmt, Binding::Plan);
    }
}
