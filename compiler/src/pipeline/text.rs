//! Every level as text, for `--emit`.

use super::{Built, Options, Rejected, build, check, lower};
use crate::source::Resolver;
use crate::{hir, loops, plan, syntax, tensor};

/// A level, or an artifact, that has a text form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The root file's tree.
    Ast,
    /// What the program means.
    Hir,
    /// Stages, after all passes on them.
    Tensor,
    /// Flat kernels.
    Loops,
    /// Steps, buffers, addresses.
    Plan,
    /// The module.
    Wat,
    /// What the module says of itself, as JSON.
    Manifest,
}

impl Form {
    /// All forms with their names.
    pub const ALL: [(Form, &str); 7] = [
        (Form::Ast, "ast"),
        (Form::Hir, "hir"),
        (Form::Tensor, "tensor"),
        (Form::Loops, "loops"),
        (Form::Plan, "plan"),
        (Form::Wat, "wat"),
        (Form::Manifest, "manifest"),
    ];
}

/// Compiles as far as the form needs and prints it.
///
/// # Errors
/// The diagnostics of the passes on the way.
pub fn print(resolver: &dyn Resolver, root: &str, options: &Options, form: Form) -> Result<String, Box<Rejected>> {
    let checked = check(resolver, root)?;
    match form {
        Form::Ast => {
            let file = checked.sources.iter().next().map(|(id, file)| (id, file.text.clone()));
            let (id, text) = file.expect("a program has a root file");
            Ok(syntax::print::print(&syntax::parse::parse(&text, id).0))
        }
        Form::Hir => Ok(hir::print::print(&checked.program)),
        Form::Tensor => Ok(tensor::print::print(&lower(checked, options)?.program)),
        Form::Loops | Form::Plan | Form::Wat | Form::Manifest => {
            Ok(print_built(&build(lower(checked, options)?, options)?, form))
        }
    }
}

/// Prints a level of a program that was built; for the levels before, the Tensor IR.
fn print_built(built: &Built, form: Form) -> String {
    match form {
        Form::Ast | Form::Hir | Form::Tensor => tensor::print::print(&built.program),
        Form::Loops => print_loops(&built.program, &built.loops),
        Form::Plan => plan::print::print(&built.program, &built.loops, &built.plan),
        Form::Wat => wasmprinter::print_bytes(&built.wasm).expect("a validated module prints"),
        Form::Manifest => {
            let mut text = serde_json::to_string_pretty(&built.manifest).expect("a manifest is plain data");
            text.push('\n');
            text
        }
    }
}

/// The kernels of all pipelines.
pub(super) fn print_loops(program: &tensor::Program, loops: &[loops::Program]) -> String {
    let mut out = String::new();
    for (pipeline, own) in program.pipelines.iter().zip(loops) {
        out.push_str(&format!("pipeline {}\n", pipeline.name));
        out.push_str(&loops::print::print(own, &program.names));
    }
    out
}
