//! The whole compiler on one page: every pass, in order, with `verify` after each.
//!
//! Three entry points share one list: [`check`] stops after HIR, [`lower`] after Tensor IR, [`build`] gives the module.
//! A failed `verify` is a bug of ours: it panics with the pass's name, the complaint and the IR's text.

use crate::diag::Diagnostic;
use crate::hir;
use crate::source::{Resolver, SourceMap};

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

/// Which instructions a module may use. Both give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// 128-bit vectors.
    Simd128,
    /// None beyond the scalar ones.
    Scalar,
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

/// Front end: text → AST → HIR.
///
/// # Errors
/// All diagnostics of the front end, if one is an error.
pub fn check(resolver: &dyn Resolver, root: &str, options: &Options) -> Result<Checked, Box<Rejected>> {
    let _ = (resolver, root, options);
    unreachable!("joined when the front end lands")
}
