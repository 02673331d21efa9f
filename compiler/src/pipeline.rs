//! The whole compiler on one page: every pass, in order, with `verify` after each.
//!
//! Three entry points share one list: [`check`] stops after HIR, [`lower`] after Tensor IR, [`build`] gives the module.
//! A failed `verify` is a bug of ours: it panics with the pass's name, the complaint and the IR's text.

use crate::diag::{Code, Diagnostic, Severity, codes};
use crate::hir;
use crate::source::{FileId, Resolver, SourceMap, Span};
pub use crate::target::Profile;
use crate::tensor::{self, fuse::Decision};

/// What the caller decides.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which instructions the module may use.
    pub profile: Profile,
    /// Size variables fixed at build time, by name.
    pub sizes: Vec<(String, i64)>,
    /// Greatest memory that the module may ever need, in bytes; the build fails if its certificate exceeds it.
    pub max_memory: Option<u64>,
    /// Whether stages are fused (always, except in tests that compare).
    pub fuse: bool,
    /// Whether the root file's tests are compiled as pipelines (for `kcc test`).
    pub tests: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { profile: Profile::Simd128, sizes: Vec::new(), max_memory: None, fuse: true, tests: false }
    }
}

/// A program that passed the front end.
#[derive(Clone, Debug)]
pub struct Checked {
    /// All sources, for messages.
    pub sources: SourceMap,
    /// What it means.
    pub program: hir::Program,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

/// A program that was refused: why, and the sources to show it in.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// All sources, for messages.
    pub sources: SourceMap,
    /// At least one error.
    pub diagnostics: Vec<Diagnostic>,
}

/// Front end: text → AST → HIR. The resolver is asked for `root` with an empty `from`.
///
/// # Errors
/// All diagnostics of the front end, if one is an error.
pub fn check(resolver: &dyn Resolver, root: &str) -> Result<Checked, Box<Rejected>> {
    let mut sources = SourceMap::default();
    let mut diagnostics = Vec::new();
    let program = hir::lower::lower(resolver, root, &mut sources, &mut diagnostics);
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(Box::new(Rejected { sources, diagnostics }));
    }
    hir::verify::verify(&program, "lower to HIR");
    Ok(Checked { sources, program, warnings: diagnostics })
}

/// A program as Tensor IR, ready for loops or for the evaluator.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// All sources, for messages.
    pub sources: SourceMap,
    /// The stages.
    pub program: tensor::Program,
    /// What became of each stage, for `explain`.
    pub decisions: Vec<Decision>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

/// HIR → Tensor IR, and all passes on it.
///
/// # Errors
/// Diagnostics that only show when everything is inlined, constants that fail, sizes that do not exist.
pub fn lower(checked: Checked, options: &Options) -> Result<Lowered, Box<Rejected>> {
    let Checked { sources, program: hir, warnings } = checked;
    let mut program = match tensor::lower::lower(&hir, options.tests) {
        Ok(program) => program,
        Err(diagnostics) => return Err(Box::new(Rejected { sources, diagnostics })),
    };
    tensor::verify::verify(&program, "lower");
    if let Err(message) = tensor::specialise::specialise(&mut program, &options.sizes) {
        return Err(Box::new(reject(sources, codes::BAD_SIZE_OPTION, message)));
    }
    tensor::share::share(&mut program);
    tensor::bind::bind(&mut program);
    tensor::verify::verify(&program, "share, bind");
    let mut decisions = Vec::new();
    if options.fuse {
        decisions = tensor::fuse::fuse(&mut program);
        tensor::verify::verify(&program, "fuse");
        tensor::trim::trim(&mut program);
        tensor::share::share(&mut program);
        tensor::unswitch::unswitch(&mut program);
        tensor::bind::bind(&mut program);
        tensor::verify::verify(&program, "trim, share, unswitch, bind");
    }
    if let Err(message) = tensor::constants::constants(&mut program) {
        return Err(Box::new(reject(sources, codes::BUILD_VALUE_FAILED, message)));
    }
    tensor::share::share(&mut program);
    tensor::verify::verify(&program, "constants, share");
    Ok(Lowered { sources, program, decisions, warnings })
}

/// A refusal that belongs to the program as a whole.
fn reject(sources: SourceMap, code: Code, message: String) -> Rejected {
    let span = Span { file: FileId(0), start: 0, end: 0 };
    Rejected { sources, diagnostics: vec![Diagnostic::error(code, span, message)] }
}
