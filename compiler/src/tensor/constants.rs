//! Build time: what depends on constants alone is computed now and becomes a constant.

use super::*;

/// *Before*: statements with binding `Build`. *After*: their tensors are constants and the statements are gone.
///
/// # Errors
/// The evaluator's complaint, with the pipeline's name; only the step budget can be it, as stages cannot fail.
pub fn constants(program: &mut Program) -> Result<(), String> {
    for number in 0..program.pipelines.len() {
        let pipeline = &program.pipelines[number];
        let is_build = |stmt: &Stmt| match stmt {
            Stmt::Stage(stage) => stage.binding == Binding::Build,
            Stmt::Alias { binding, .. } => *binding == Binding::Build,
            Stmt::Check(_) => false,
        };
        let mut alone = pipeline.clone();
        alone.body.stmts.retain(is_build);
        if alone.body.stmts.is_empty() {
            continue;
        }
        let written: Vec<TensorId> = alone
            .body
            .stmts
            .iter()
            .flat_map(|stmt| match stmt {
                Stmt::Stage(stage) => stage.tensors.clone(),
                Stmt::Alias { tensor, .. } => vec![*tensor],
                Stmt::Check(_) => Vec::new(),
            })
            .collect();
        let name = alone.name.clone();
        alone.results = written.iter().map(|tensor| (String::new(), *tensor)).collect();
        alone.params.clear();
        alone.sizes.clear();
        alone.plan_scalars.clear();
        alone.facts.clear();
        let scratch = Program {
            pipelines: vec![alone],
            consts: std::mem::take(&mut program.consts),
            origins: Origins::default(),
            names: program.names.clone(),
        };
        let values = eval::run(&scratch, 0, &[], lower::CONST_BUDGET);
        program.consts = scratch.consts;
        let values = values.map_err(|error| format!("pipeline `{name}`: {error}"))?;
        let pipeline = &mut program.pipelines[number];
        pipeline.body.stmts.retain(|stmt| !is_build(stmt));
        for (tensor, value) in written.into_iter().zip(values) {
            let name = pipeline.tensors[tensor].name.clone();
            program.consts.push(ConstData { name, elem: value.elem, dims: value.dims, bytes: value.bytes });
            pipeline.tensors[tensor].kind = TensorKind::Const(DataId(program.consts.len() as u32 - 1));
        }
    }
    Ok(())
}
