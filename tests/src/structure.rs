//! What the optimiser made of a program, as counts that a corpus file can state: of Tensor IR after all its passes, and
//! of the loops of the module.

use kcc_compiler::loops::{LoopKind, Stmt as LoopStmt, build};
use kcc_compiler::pipeline::Built;
use kcc_compiler::tensor::{Failure, Group, Stmt};

/// The count with this name; `None` if there is no such name.
///
/// - `rule NAME`: stages that this rule of `tensor/fuse.rs` decided on, such as `rule View`;
/// - `groups`: runs of stages that share outer loops; `rings`: rings of rows in them;
/// - `checked loads`: checks of an index that look at every element;
/// - `vector loops`: loops with lanes (main and remaining vectors of one loop count by themselves);
/// - `scalar kernels`: kernels with loops and without lanes;
/// - `split loops`, `screened checks`: loops to which this was done.
pub fn count(built: &Built, name: &str) -> Option<usize> {
    let stmts = || built.program.pipelines.iter().flat_map(|pipeline| &pipeline.body.stmts);
    let kernels = || built.loops.iter().flat_map(|program| &program.kernels);
    let marks = |mark: &str| kernels().map(|kernel| kernel.schedule.matches(mark).count()).sum();
    let loops = |body: &[LoopStmt], lanes: bool| {
        let mut count = 0;
        build::visit(body, &mut |stmt| {
            if let LoopStmt::For(nest) = stmt {
                count += usize::from(!lanes || matches!(nest.kind, LoopKind::Vector(_)));
            }
        });
        count
    };
    if let Some(rule) = name.strip_prefix("rule ") {
        return Some(built.decisions.iter().filter(|decision| format!("{:?}", decision.rule) == rule).count());
    }
    Some(match name {
        "rings" => stmts().map(|stmt| if let Stmt::Group(group) = stmt { rings(group) } else { 0 }).sum(),
        "groups" => stmts().filter(|stmt| matches!(stmt, Stmt::Group(_))).count(),
        "checked loads" => stmts()
            .filter(|stmt| match stmt {
                Stmt::Check(check) => {
                    !check.axes.is_empty() && matches!(check.failure, Failure::IndexOutOfRange { .. })
                }
                _ => false,
            })
            .count(),
        "vector loops" => kernels().map(|kernel| loops(&kernel.body, true)).sum(),
        "scalar kernels" => {
            kernels().filter(|kernel| loops(&kernel.body, false) > 0 && loops(&kernel.body, true) == 0).count()
        }
        "split loops" => marks("split"),
        "screened checks" => marks("screened"),
        _ => return None,
    })
}

/// The rings of a group, those of rings too.
fn rings(group: &Group) -> usize {
    group.rings.iter().map(|ring| 1 + rings(&ring.group)).sum()
}
