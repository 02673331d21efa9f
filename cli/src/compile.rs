//! From a source file to what the compiler made of it, with diagnostics shown as they come.

use crate::args;
use crate::files::Files;
use crate::progress::Progress;
use crate::report::{self, Fail, Outcome, fault};
use kcc_compiler::diag::{Diagnostic, render};
use kcc_compiler::pipeline::{self, Built, Checked, Lowered, Options, Profile, Rejected};
use kcc_compiler::source::SourceMap;
use std::path::Path;

/// A source file with everything that is needed to compile it.
pub struct Source<'a> {
    path: &'a Path,
    files: Files,
    root: String,
}

impl<'a> Source<'a> {
    /// Finds the file; it is read when it is compiled.
    pub fn open(path: &'a Path, std: Option<&Path>) -> Outcome<Source<'a>> {
        if let Some(folder) = std.filter(|folder| !folder.is_dir()) {
            return Err(Fail::Usage(format!("--std {}: there is no such folder", folder.display())));
        }
        let (files, root) = Files::new(path, std).map_err(|problem| fault(path.display(), problem))?;
        Ok(Source { path, files, root })
    }

    /// Where its files come from.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Front end. Warnings are not shown yet.
    pub fn check(&self) -> Result<Checked, Box<Rejected>> {
        pipeline::check(&self.files, &self.root)
    }

    /// To Tensor IR; shows diagnostics.
    pub fn lower(&self, options: &Options) -> Outcome<Lowered> {
        let _progress = Progress::start(format!("compiling {}", self.path.display()));
        let lowered = self.check().and_then(|checked| pipeline::lower(checked, options));
        let lowered = lowered.map_err(|rejected| self.rejected(&rejected))?;
        self.show(&lowered.warnings, &lowered.sources);
        Ok(lowered)
    }

    /// To a module; shows diagnostics.
    pub fn build(&self, lowered: Lowered, options: &Options) -> Outcome<Built> {
        let _progress = Progress::start(format!("compiling {}", self.path.display()));
        // Its warnings have been shown by `lower`.
        pipeline::build(lowered, options).map_err(|rejected| self.rejected(&rejected))
    }

    /// A level's text form; shows diagnostics.
    pub fn text(&self, options: &Options, form: pipeline::text::Form) -> Outcome<String> {
        let _progress = Progress::start(format!("compiling {}", self.path.display()));
        pipeline::text::print(&self.files, &self.root, options, form).map_err(|rejected| self.rejected(&rejected))
    }

    /// Shows why a program was refused.
    pub fn rejected(&self, rejected: &Rejected) -> Fail {
        self.show(&rejected.diagnostics, &rejected.sources);
        Fail::Said
    }

    /// Renders diagnostics on standard error.
    pub fn show(&self, diagnostics: &[Diagnostic], sources: &SourceMap) {
        if !diagnostics.is_empty() {
            report::stderr(&render::render(diagnostics, &self.relocate(sources), report::color_stderr()));
        }
    }

    /// The sources with names as seen from the working folder, so that a terminal or an editor can open them.
    pub fn relocate(&self, sources: &SourceMap) -> SourceMap {
        let mut out = SourceMap::default();
        for (_, file) in sources.iter() {
            let name = if file.is_std { file.name.clone() } else { self.seen(&file.name) };
            out.add(name, &file.text, file.is_std);
        }
        out
    }

    /// A file of the program as seen from the working folder.
    pub fn seen(&self, name: &str) -> String {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !name.starts_with("std/") => {
                folder.join(name).display().to_string()
            }
            _ => name.to_string(),
        }
    }
}

/// The compiler's options from the command line's.
pub fn options(args: &args::Compile) -> Options {
    Options {
        profile: match args.profile {
            args::Profile::Simd128 => Profile::Simd128,
            args::Profile::Scalar => Profile::Scalar,
        },
        sizes: args.sizes.clone(),
        max_memory: args.max_memory,
        ..Options::default()
    }
}
