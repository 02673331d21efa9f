//! The whole compiler on one page: every pass, in order, with `verify` after each.
//!
//! Three entry points share one list: [`check`] stops after HIR, [`lower`] after Tensor IR, [`build`] gives the module.
//! A failed `verify` is a bug of ours: it panics with the pass's name, the complaint and the IR's text.

pub mod text;

use crate::diag::{Code, Diagnostic, Severity, codes};
use crate::hir;
use crate::loops::{self, verify::Level};
use crate::plan::{self, Plan};
use crate::source::{FileId, Resolver, SourceMap, Span};
pub use crate::target::Profile;
use crate::target::wasm::module::{Artifact, Input, assemble};
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
    tensor::constants::constants(&mut program);
    tensor::share::share(&mut program);
    tensor::verify::verify(&program, "constants, share");
    Ok(Lowered { sources, program, decisions, warnings })
}

/// A finished module, and what it was made from.
#[derive(Clone, Debug)]
pub struct Built {
    /// All sources, for messages.
    pub sources: SourceMap,
    /// The module, with its manifest inside.
    pub wasm: Vec<u8>,
    /// What the module says of itself.
    pub manifest: kcc_abi::Manifest,
    /// The stages.
    pub program: tensor::Program,
    /// Flat kernels, one program a pipeline.
    pub loops: Vec<loops::Program>,
    /// Steps, buffers, addresses.
    pub plan: Plan,
    /// What became of each stage, for `explain`.
    pub decisions: Vec<Decision>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

/// Tensor IR → Loop IR → plan → module.
///
/// # Errors
/// If the program may need more memory than allowed.
pub fn build(lowered: Lowered, options: &Options) -> Result<Built, Box<Rejected>> {
    let Lowered { sources, mut program, mut decisions, warnings } = lowered;
    if options.fuse {
        // What grouping says of a tensor comes after what deletion said of it.
        for decision in tensor::group::group(&mut program) {
            let same = |other: &&mut Decision| other.pipeline == decision.pipeline && other.id == decision.id;
            match decisions.iter_mut().find(same) {
                Some(before) => before.rule = decision.rule,
                None => decisions.push(decision),
            }
        }
        tensor::verify::verify(&program, "group");
    }
    let loops: Vec<loops::Program> =
        program.pipelines.iter().map(|pipeline| kernels(&program, pipeline, options.profile)).collect();
    let plan = plan::lower::lower(&program, &loops);
    // First: addresses of what cannot be addressed mean nothing.
    if let Some(diagnostic) = plan::limit::check(&program, &sources, &plan, options.max_memory) {
        return Err(Box::new(Rejected { sources, diagnostics: vec![diagnostic] }));
    }
    if let Err(complaint) = plan::verify::verify(&program, &loops, &plan) {
        bug("plan", &complaint, &plan::print::print(&program, &loops, &plan));
    }
    let input = Input { program: &program, loops: &loops, plan: &plan, sources: &sources, profile: options.profile };
    let Artifact { wasm, manifest } = match assemble(input) {
        Ok(artifact) => artifact,
        Err(complaint) => bug("assemble", &complaint, &text::print_loops(&program, &loops)),
    };
    Ok(Built { sources, wasm, manifest, program, loops, plan, decisions, warnings })
}

/// The kernels of a pipeline, through all passes on Loop IR.
fn kernels(program: &tensor::Program, pipeline: &tensor::Pipeline, profile: Profile) -> loops::Program {
    let verify = |own: &loops::Program, level: Level, after: &str| {
        if let Err(complaint) = loops::verify::verify(own, level) {
            bug(after, &complaint, &loops::print::print(own, &program.names));
        }
    };
    let mut own = loops::lower(program, pipeline);
    verify(&own, Level::Naive, "lower to loops");
    if profile == Profile::Simd128 {
        loops::screen::screen(&mut own);
        verify(&own, Level::Naive, "screen");
        loops::split::split(&mut own);
        verify(&own, Level::Naive, "split");
        loops::schedule::schedule(&mut own);
        verify(&own, Level::Scheduled, "schedule");
    }
    loops::flatten::flatten(&mut own);
    verify(&own, Level::Flat, "flatten");
    loops::tidy::tidy(&mut own);
    verify(&own, Level::Flat, "tidy");
    if profile == Profile::Simd128 {
        loops::extremes::extremes(&mut own);
        verify(&own, Level::Flat, "extremes");
    }
    own
}

/// A broken rule after a pass: a bug of kcc.
fn bug(after: &str, complaint: &str, text: &str) -> ! {
    panic!(
        "internal error: the program is invalid after `{after}`: {complaint}\nplease report this with the program\n{text}"
    )
}

/// A refusal that belongs to the program as a whole.
fn reject(sources: SourceMap, code: Code, message: String) -> Rejected {
    let span = Span { file: FileId(0), start: 0, end: 0 };
    Rejected { sources, diagnostics: vec![Diagnostic::error(code, span, message)] }
}
