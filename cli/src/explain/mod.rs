//! What became of each pipeline, as data: gathered once from what the compiler built, shown as text or as JSON.
//!
//! Sizes that are long to write (`dim(…)`, quotients) get the names `d1`, `d2` …, explained once for each pipeline.

pub mod json;
pub mod text;
mod work;

use crate::commands::inspect::signature;
use crate::compile::Source;
use kcc_compiler::loops::{self, LoopKind, Role, Stmt};
use kcc_compiler::origin::OriginId;
use kcc_compiler::pipeline::Built;
use kcc_compiler::plan::{self, Region, StepKind};
use kcc_compiler::size::{Atom, Size};
use kcc_compiler::source::Span;
use kcc_compiler::tensor::Failure;

/// A pipeline.
pub struct Report {
    /// Its name.
    pub name: String,
    /// As it would be declared.
    pub signature: String,
    /// Names for long sizes, and what they stand for.
    pub sizes: Vec<(String, String)>,
    /// What was asked for, and whether it exists.
    pub stages: Vec<Stage>,
    /// What is computed.
    pub work: Vec<Work>,
    /// How it is computed.
    pub kernels: Vec<Kernel>,
    /// What may fail.
    pub checks: Vec<Check>,
    /// Where it lies.
    pub buffers: Vec<Buffer>,
    /// Bytes kept from call to call and bytes needed within one.
    pub memory: [String; 2],
}

/// A named tensor of the program.
pub struct Stage {
    /// Its name.
    pub name: String,
    /// It has no memory: its expression is computed where it is read.
    pub fused: bool,
    /// Why.
    pub why: &'static str,
    /// Where it stands.
    pub place: String,
}

/// What a stage costs, estimated from its expression.
pub struct Work {
    /// Names of its tensors.
    pub name: String,
    /// When it runs.
    pub binding: &'static str,
    /// Operations on floats, and on integers.
    pub operations: [String; 2],
    /// Bytes that loads ask for, and bytes stored.
    pub bytes: [String; 2],
    /// A range in it comes from data: counted as one element.
    pub depends_on_data: bool,
    /// It shares outer loops with the stage before.
    pub shares_loops: bool,
}

/// A function of the module.
pub struct Kernel {
    /// Its name.
    pub name: String,
    /// When it runs.
    pub binding: &'static str,
    /// Number of loops, and the deepest nest.
    pub loops: usize,
    /// See `loops`.
    pub depth: usize,
    /// Lanes of its vector loops; none if it is scalar.
    pub lanes: Vec<u8>,
    /// How it was scheduled, in the compiler's words.
    pub schedule: String,
}

/// A condition that is tested while the module runs.
pub struct Check {
    /// What is not known.
    pub what: String,
    /// The text it is about.
    pub code: String,
    /// When, and how often.
    pub when: String,
    /// Where it stands.
    pub place: String,
}

/// A block of memory.
pub struct Buffer {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: String,
    /// What it is for.
    pub role: &'static str,
    /// How long it is needed.
    pub kept: &'static str,
    /// Its bytes.
    pub bytes: String,
}

/// Gathers the report on the pipeline at this position.
pub fn report(built: &Built, position: usize, source: &Source<'_>) -> Report {
    let program = &built.program;
    let pipeline = &program.pipelines[position];
    let own = &built.loops[position];
    let plan = &built.plan.pipelines[position];
    let mut names = Names { built, long: Vec::new() };
    let stages = built.decisions.iter().filter(|decision| decision.pipeline == pipeline.name).map(|decision| Stage {
        name: decision.tensor.clone(),
        fused: decision.rule.deletes(),
        why: decision.rule.text().split_once(": ").map_or("", |(_, why)| why),
        place: places(built, decision.origin, source),
    });
    let kernels = plan.steps.iter().map(|step| {
        let StepKind::Kernel(number) = step.kind;
        let kernel = &own.kernels[number];
        let mut shape = Shape::default();
        shape.look(&kernel.body, 0);
        Kernel {
            name: kernel.name.clone(),
            binding: plan::print::binding(step.binding),
            loops: shape.loops,
            depth: shape.depth,
            lanes: shape.lanes,
            schedule: kernel.schedule.clone(),
        }
    });
    let checks = own.failures.iter().enumerate().map(|(number, (failure, origin))| Check {
        what: why(failure),
        code: excerpt(built, *origin),
        when: when(own, number),
        place: places(built, *origin, source),
    });
    let buffers = own.buffers.iter().zip(&plan.buffers).map(|(buffer, placed)| Buffer {
        name: buffer.name.clone(),
        ty: names.ty(buffer),
        role: role(buffer),
        kept: match placed.region {
            Region::Constants => "always",
            Region::Persistent => "between calls",
            Region::Scratch => "within a call",
            Region::None => "never used",
        },
        bytes: names.show(&placed.bytes),
    });
    let buffers = buffers.collect();
    let memory = [names.total(&plan.persistent), names.total(&plan.scratch)];
    let work = work::work(pipeline, &mut |size| names.show(size));
    Report {
        name: pipeline.name.clone(),
        signature: signature(&built.manifest.pipelines[position]),
        stages: stages.collect(),
        work,
        kernels: kernels.collect(),
        checks: checks.collect(),
        buffers,
        memory,
        sizes: names.legend(),
    }
}

/// Shows sizes, with short names for long atoms.
struct Names<'a> {
    built: &'a Built,
    /// Texts that have a name, in order of their numbers.
    long: Vec<String>,
}

/// Characters from which an atom gets a name.
const LONG: usize = 16;

impl Names<'_> {
    fn show(&mut self, size: &Size) -> String {
        let mut atoms: Vec<Atom> = size.terms().flat_map(|(product, _)| product.to_vec()).collect();
        atoms.dedup();
        let names = &self.built.program.names;
        for atom in atoms {
            let text = names.show(&Size::atom(atom));
            if text.len() >= LONG && !self.long.contains(&text) {
                self.long.push(text);
            }
        }
        self.shorten(&names.show(size), self.long.len())
    }

    /// Replaces the texts of the first `count` names, longer ones first, since they may hold others.
    fn shorten(&self, text: &str, count: usize) -> String {
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|number| std::cmp::Reverse(self.long[*number].len()));
        order
            .iter()
            .fold(text.to_string(), |text, number| text.replace(&self.long[*number], &format!("d{}", number + 1)))
    }

    /// A sum that is not worth names of its own.
    fn total(&self, size: &Size) -> String {
        const MOST: usize = 48;
        let text = self.shorten(&self.built.program.names.show(size), self.long.len());
        if text.len() <= MOST { text } else { "as below, with padding".to_string() }
    }

    fn legend(&self) -> Vec<(String, String)> {
        let shown = |(number, text): (usize, &String)| (format!("d{}", number + 1), self.shorten_others(text, number));
        self.long.iter().enumerate().map(shown).collect()
    }

    /// A long text with the names of the others in it.
    fn shorten_others(&self, text: &str, own: usize) -> String {
        let mut order: Vec<usize> = (0..self.long.len()).filter(|number| *number != own).collect();
        order.retain(|number| self.long[*number].len() < text.len());
        order.sort_by_key(|number| std::cmp::Reverse(self.long[*number].len()));
        order
            .iter()
            .fold(text.to_string(), |text, number| text.replace(&self.long[*number], &format!("d{}", number + 1)))
    }

    fn ty(&mut self, buffer: &loops::Buffer) -> String {
        if buffer.dims.is_empty() {
            return buffer.elem.name().to_string();
        }
        let dims: Vec<String> = buffer.dims.iter().map(|dim| self.show(dim)).collect();
        format!("{}[{}]", buffer.elem.name(), dims.join(", "))
    }
}

fn role(buffer: &loops::Buffer) -> &'static str {
    match buffer.role {
        _ if buffer.alias_of.is_some() => "second shape",
        Role::Input(_) => "parameter",
        Role::Output(_) => "result",
        Role::Const(_) => "constant",
        Role::Local(_) => "stage",
        Role::Scratch => "scratch of a kernel",
        Role::Extent => "an extent that the data decides",
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

/// The text that something comes from, shortened.
fn excerpt(built: &Built, origin: OriginId) -> String {
    const MOST: usize = 60;
    let text = built.sources.text(built.program.origins.chain(origin)[0]);
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST - 1).chain(['…']).collect() }
}

/// What a failure means, without its values: the fact that was not found.
fn why(failure: &Failure) -> String {
    match failure {
        Failure::IndexOutOfRange { tensor, axis } => {
            format!("that the index of axis {axis} of `{tensor}` lies inside")
        }
        Failure::DivisionByZero => "that the divisor is not zero".to_string(),
        Failure::EmptyArg => "that `argmax` or `argmin` has an element".to_string(),
        Failure::ListFull(list) => format!("that the list `{list}` has room"),
        Failure::ListEmpty(list) => format!("that the list `{list}` has an element"),
        Failure::ListLength(list) => format!("that the list `{list}` is that long"),
        Failure::Fact(text) => format!("`{text}`"),
        Failure::Assert(pieces) => format!("the program asserts: {}", pieces.join("{…}")),
    }
}

/// When a failure is looked for, and around what.
fn when(program: &loops::Program, failure: usize) -> String {
    fn depth(stmts: &[Stmt], failure: usize, loops: usize) -> Option<usize> {
        stmts.iter().find_map(|stmt| match stmt {
            Stmt::Fail(id, _) => (id.0 as usize == failure).then_some(loops),
            Stmt::For(nest) => depth(&nest.body, failure, loops + 1),
            Stmt::Repeat(body) => depth(body, failure, loops + 1),
            other => other.blocks().into_iter().find_map(|block| depth(block, failure, loops)),
        })
    }
    let found = program.kernels.iter().find_map(|kernel| Some((kernel, depth(&kernel.body, failure, 0)?)));
    let Some((kernel, loops)) = found else { return "when sizes are planned".to_string() };
    let when = match plan::print::binding(kernel.binding) {
        "plan" => "when sizes are planned",
        _ => "at each call",
    };
    match loops {
        0 => format!("{when}, once"),
        1 => format!("{when}, in a loop"),
        _ => format!("{when}, in {loops} nested loops"),
    }
}

/// What the loops of a kernel are.
#[derive(Default)]
struct Shape {
    loops: usize,
    depth: usize,
    lanes: Vec<u8>,
}

impl Shape {
    fn look(&mut self, stmts: &[Stmt], depth: usize) {
        for stmt in stmts {
            match stmt {
                Stmt::For(nest) => {
                    self.loops += 1;
                    self.depth = self.depth.max(depth + 1);
                    if let LoopKind::Vector(lanes) = nest.kind {
                        self.lanes.push(lanes);
                    }
                    self.look(&nest.body, depth + 1);
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
}
