//! Build time: what depends on constants alone is computed now and becomes a constant.

use super::*;

/// *Before*: statements with binding `Build`. *After*: their tensors are constants and the statements are gone.
///
/// # Errors
/// The evaluator's complaint, with the pipeline's name; only the step budget can be it, as stages cannot fail.
pub fn constants(program: &mut Program) -> Result<(), String> {
    for number in 0..program.pipelines.len() {
        let pipeline = &program.pipelines[number];
        let is_build = |stmt: &Stmt| stmt.binding() == Binding::Build;
        if !pipeline.body.stmts.iter().any(is_build) {
            continue;
        }
        let name = pipeline.name.clone();
        let values = eval::run_build(pipeline, &program.consts, &program.names, lower::CONST_BUDGET);
        let values = values.map_err(|error| format!("pipeline `{name}`: {error}"))?;
        let pipeline = &mut program.pipelines[number];
        pipeline.body.stmts.retain(|stmt| !is_build(stmt));
        for (tensor, value) in values {
            let name = pipeline.tensors[tensor].name.clone();
            program.consts.push(ConstData { name, elem: value.elem, dims: value.dims, bytes: value.bytes });
            pipeline.tensors[tensor].kind = TensorKind::Const(DataId(program.consts.len() as u32 - 1));
        }
    }
    Ok(())
}
