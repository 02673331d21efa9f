//! `kcc explain`: what became of each pipeline. Decisions of fusion with their reasons, kernels by binding time,
//! checks that stay, memory by buffer.

use super::build::{memory, size};
use super::inspect::signature;
use crate::args::Explain;
use crate::compile::{Source, options};
use crate::report::{Fail, Outcome, stdout};
use kcc_compiler::loops::{self, LoopKind, Stmt};
use kcc_compiler::origin::OriginId;
use kcc_compiler::pipeline::Built;
use kcc_compiler::plan::{self, StepKind};
use kcc_compiler::source::Span;
use std::fmt::Write;
use std::path::Path;

/// Runs the command.
pub fn run(args: &Explain, std: Option<&Path>) -> Outcome {
    let source = Source::open(&args.file, std)?;
    let options = options(&args.compile);
    let lowered = source.lower(&options)?;
    let built = source.build(lowered, &options)?;
    let mut out = format!("{}, {}\n", size(built.wasm.len() as u64), memory(&built.manifest.memory));
    let mut shown = 0;
    for (position, pipeline) in built.manifest.pipelines.iter().enumerate() {
        if args.pipeline.as_ref().is_none_or(|wanted| *wanted == pipeline.name) {
            let _ = writeln!(out, "\n{}", signature(pipeline));
            describe(&built, position, &source, &mut out);
            shown += 1;
        }
    }
    if let (0, Some(wanted)) = (shown, &args.pipeline) {
        return Err(Fail::Usage(format!("there is no pipeline `{wanted}`")));
    }
    stdout(&out)
}

fn describe(built: &Built, position: usize, source: &Source<'_>, out: &mut String) {
    let program = &built.program;
    let pipeline = &program.pipelines[position];
    let _ = writeln!(out, "  stages");
    for decision in built.decisions.iter().filter(|decision| decision.pipeline == pipeline.name) {
        let places = places(built, decision.origin, source);
        let _ = writeln!(out, "    {:<20} {} ({places})", decision.tensor, decision.rule.text());
    }
    let _ = writeln!(out, "  kernels");
    let own = &built.loops[position];
    for step in &built.plan.pipelines[position].steps {
        let StepKind::Kernel(number) = step.kind;
        let kernel = &own.kernels[number];
        let mut facts = Facts::default();
        facts.look(&kernel.body, 0);
        let binding = plan::print::binding(step.binding);
        let _ = writeln!(out, "    {:<28} {binding:<5} {}", kernel.name, facts.text());
    }
    let checks = own.failures.len();
    let _ = writeln!(out, "  {checks} check{} may fail a call", if checks == 1 { "" } else { "s" });
    for (failure, origin) in &own.failures {
        let _ = writeln!(out, "    {} ({})", why(failure), places(built, *origin, source));
    }
    let _ = writeln!(out, "  memory");
    for (buffer, plan) in own.buffers.iter().zip(&built.plan.pipelines[position].buffers) {
        let _ = writeln!(out, "    {:<20} {} bytes", buffer.name, program.names.show(&plan.bytes));
    }
}

/// Where something comes from: its own line, and the user's line that led there.
fn places(built: &Built, origin: OriginId, source: &Source<'_>) -> String {
    let origins = &built.program.origins;
    let line = |span: Span| {
        let (line, _) = built.sources.line_column(span);
        format!("{}:{line}", source.seen(&built.sources.file(span.file).name))
    };
    let (own, user) = (line(origins.chain(origin)[0]), line(origins.user_span(origin, &built.sources)));
    if own == user { own } else { format!("{own}, from {user}") }
}

/// What a failure means, without its values.
fn why(failure: &kcc_compiler::tensor::Failure) -> String {
    use kcc_compiler::tensor::Failure;
    match failure {
        Failure::IndexOutOfRange { tensor, axis } => {
            format!("index of axis {axis} of `{tensor}` is not proved to be in range")
        }
        Failure::DivisionByZero => "a divisor is not proved to be other than zero".to_string(),
        Failure::EmptyArg => "`argmax` or `argmin` of what may be empty".to_string(),
        Failure::ListFull(list) => format!("the list `{list}` is not proved to have room"),
        Failure::ListEmpty(list) => format!("the list `{list}` is not proved to have an element"),
        Failure::ListLength(list) => format!("the list `{list}` is not proved to be that long"),
        Failure::Fact(text) => format!("`{text}` is not proved"),
        Failure::Assert(pieces) => format!("assert: {}", pieces.join("{…}")),
    }
}

/// What the loops of a kernel are.
#[derive(Default)]
struct Facts {
    loops: usize,
    depth: usize,
    vector: Vec<u8>,
}

impl Facts {
    fn look(&mut self, stmts: &[Stmt], depth: usize) {
        for stmt in stmts {
            match stmt {
                Stmt::For(l) => {
                    self.loops += 1;
                    self.depth = self.depth.max(depth + 1);
                    if let Some(lanes) = lanes(l) {
                        self.vector.push(lanes);
                    }
                    self.look(&l.body, depth + 1);
                }
                Stmt::Repeat(body) => {
                    self.loops += 1;
                    self.depth = self.depth.max(depth + 1);
                    self.look(body, depth + 1);
                }
                other => other.blocks().into_iter().for_each(|block| self.look(block, depth)),
            }
        }
    }

    fn text(&self) -> String {
        let plural = if self.loops == 1 { "" } else { "s" };
        let mut text = format!("{} loop{plural}, {} deep", self.loops, self.depth);
        if self.vector.is_empty() {
            text.push_str(", scalar");
        } else {
            let lanes: Vec<String> = self.vector.iter().map(u8::to_string).collect();
            text.push_str(&format!(", vector of {} lanes", lanes.join(", ")));
        }
        text
    }
}

fn lanes(l: &loops::Loop) -> Option<u8> {
    match l.kind {
        LoopKind::Vector(lanes) => Some(lanes),
        _ => None,
    }
}
