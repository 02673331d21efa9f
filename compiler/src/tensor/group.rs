//! Fusion by grouping: stages that share outer loops, so that what passes between them is one row, or a ring of rows,
//! instead of a tensor.
//!
//! `softmax` of a batch of rows is four stages over the same rows; grouped, each row is read once and its exponentials
//! stay in cache. A blur's second pass reads a few rows of its first pass: these few are kept in a ring. `group/window.rs`
//! finds out which rows a stage reads, `group/pays.rs` whether taking rows one by one costs nothing, `group/build.rs` makes
//! the groups. This file, those and `fuse.rs` are the only places where stages are merged.

mod build;
mod pays;
#[cfg(test)]
mod tests;
mod window;

use super::fuse::{Decision, Rule};
use super::share::{roots, stage_roots};
use super::*;
use pays::{is_long, shares_loads};
use std::collections::{BTreeMap, BTreeSet};
use window::{Site, Window, rows_kept, window};

/// *Before*: stages (fused, trimmed, bound) and checks in order. *After*: stages that hand tensors on row by row, or by a
/// window of rows that moves, are groups; tensors that only a group reads have lost the shared axes or are rings.
/// Gives what it decided about tensors that are read by one group only.
pub fn group(program: &mut Program) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for pipeline in &mut program.pipelines {
        let stmts = std::mem::take(&mut pipeline.body.stmts);
        let mut grouping =
            Grouping { uses: Uses::of(pipeline, &stmts), p: pipeline, items: Vec::new(), rules: BTreeMap::new() };
        for (number, stmt) in stmts.into_iter().enumerate() {
            match stmt {
                Stmt::Stage(stage) => grouping.stage(number, stage),
                other => grouping.items.push(Item::Other(other)),
            }
        }
        let items = std::mem::take(&mut grouping.items);
        let stmts = items.into_iter().flat_map(|item| grouping.finish(item)).collect();
        let rules = std::mem::take(&mut grouping.rules);
        pipeline.body.stmts = stmts;
        decisions.extend(rules.into_iter().map(|(id, rule)| Decision {
            pipeline: pipeline.name.clone(),
            id,
            tensor: pipeline.tensors[id].name.clone(),
            rule,
            origin: pipeline.tensors.origin(id),
        }));
    }
    decisions
}

/// Who writes and reads each tensor, by number of statement.
struct Uses {
    writers: BTreeMap<TensorId, BTreeSet<usize>>,
    readers: BTreeMap<TensorId, BTreeSet<usize>>,
    results: BTreeSet<TensorId>,
}

impl Uses {
    fn of(p: &Pipeline, stmts: &[Stmt]) -> Uses {
        let results = p.results.iter().map(|(_, tensor)| *tensor).collect();
        let mut uses = Uses { writers: BTreeMap::new(), readers: BTreeMap::new(), results };
        for (number, stmt) in stmts.iter().enumerate() {
            for tensor in loaded(p, &roots(stmt)) {
                uses.readers.entry(tensor).or_default().insert(number);
            }
            match stmt {
                Stmt::Stage(stage) => {
                    for tensor in &stage.tensors {
                        uses.writers.entry(*tensor).or_default().insert(number);
                    }
                }
                Stmt::Alias { of, .. } => {
                    uses.readers.entry(*of).or_default().insert(number);
                }
                Stmt::Check(_) | Stmt::Group(_) => {}
            }
        }
        uses
    }

    /// Whether one statement writes the tensor and only these read it.
    fn only_read_by(&self, tensor: TensorId, stmts: &BTreeSet<usize>) -> bool {
        !self.results.contains(&tensor)
            && self.writers.get(&tensor).is_some_and(|writers| writers.len() == 1)
            && self.readers.get(&tensor).is_none_or(|readers| readers.is_subset(stmts))
    }
}

/// The tensors that expressions load from.
fn loaded(p: &Pipeline, roots: &[ExprId]) -> BTreeSet<TensorId> {
    let mut found = BTreeSet::new();
    p.visit(roots, &mut |_, expr| {
        if let Expr::Load(tensor, _) = expr {
            found.insert(*tensor);
        }
    });
    found
}

/// A statement, or a group that may still grow.
enum Item {
    Other(Stmt),
    Run(Run),
}

/// Stages that may share loops.
struct Run {
    members: Vec<Member>,
    rings: Vec<Slide>,
    /// How many axes they share. If there are rings, the last of these is the one with which windows move.
    depth: usize,
}

/// A stage of a run.
struct Member {
    /// The number of its statement.
    number: usize,
    stage: Stage,
    /// The positions of its shared axes among its axes, outermost first; at least as many as the run shares.
    shared: Vec<usize>,
}

/// A run whose rows a member of another run reads in windows.
struct Slide {
    run: Run,
    /// The member that reads it, by number of statement; the window's bounds use this member's axes.
    reader: usize,
    window: Window,
    /// How many rows to keep.
    rows: Size,
}

/// How a stage reads what a run writes.
enum Fit {
    /// Row by row: the positions of the stage's axes that are the run's.
    Rows(Vec<usize>),
    /// In windows of rows that move with the last of these axes of the stage.
    Window(Vec<usize>, Window, Size),
    /// Some other way; why there is no window.
    None(Rule),
}

impl Run {
    fn alone(number: usize, stage: Stage) -> Run {
        let shared: Vec<usize> = (0..stage.axes.len()).collect();
        let depth = shared.len();
        Run { members: vec![Member { number, stage, shared }], rings: Vec::new(), depth }
    }

    /// All members, those of rings first.
    fn all(&self) -> Vec<&Member> {
        self.rings.iter().flat_map(|slide| slide.run.all()).chain(&self.members).collect()
    }

    fn written(&self) -> BTreeSet<TensorId> {
        self.all().into_iter().flat_map(|member| member.stage.tensors.iter().copied()).collect()
    }

    fn numbers(&self) -> BTreeSet<usize> {
        self.all().into_iter().map(|member| member.number).collect()
    }

    /// A shared axis, by the name that it has in the first member.
    fn axis(&self, level: usize) -> AxisId {
        let first = &self.members[0];
        first.stage.axes[first.shared[level]]
    }

    /// What each load of a member's tensor has as its index of a shared axis.
    fn indices(&self, sites: &[Site], level: usize) -> Vec<ExprId> {
        let dim = |tensor: TensorId| {
            let member = self.members.iter().find(|member| member.stage.tensors.contains(&tensor));
            member.expect("the run's tensors are its members'").shared[level]
        };
        sites.iter().map(|site| site.index[dim(site.tensor)]).collect()
    }
}

struct Grouping<'a> {
    p: &'a mut Pipeline,
    uses: Uses,
    items: Vec<Item>,
    rules: BTreeMap<TensorId, Rule>,
}

impl Grouping<'_> {
    /// Adds a stage: to the last run whose rows it reads one by one, with a ring for each run whose rows it reads in
    /// windows. What it joins moves down to it.
    fn stage(&mut self, number: usize, stage: Stage) {
        let read = loaded(self.p, &stage_roots(&stage));
        let mut host: Option<(usize, Vec<usize>)> = None;
        let mut slides: Vec<(usize, Vec<usize>, Window, Size)> = Vec::new();
        for at in (0..self.items.len()).rev() {
            let Item::Run(run) = &self.items[at] else { continue };
            let written = run.written();
            let first = &run.members[0].stage;
            if read.is_disjoint(&written) || first.binding != stage.binding {
                continue;
            }
            if first.guard != stage.guard || !self.can_move(at) {
                self.note(at, Rule::Elsewhere);
                continue;
            }
            match self.fit(at, number, &stage) {
                Fit::Rows(positions) if host.is_none() => host = Some((at, positions)),
                Fit::Window(positions, window, rows) => slides.push((at, positions, window, rows)),
                Fit::Rows(_) => self.note(at, Rule::Elsewhere),
                Fit::None(rule) => self.note(at, rule),
            }
        }
        // All windows move with one axis, the last that is shared. What a window's bounds are read from comes before.
        if let Some((at, positions)) = &host
            && let Item::Run(run) = &self.items[*at]
        {
            let depth = if run.rings.is_empty() { None } else { Some(run.depth) };
            let written = run.written();
            slides.retain(|(_, own, window, _)| {
                positions.starts_with(own)
                    && depth.is_none_or(|depth| depth == own.len())
                    && loaded(self.p, &[window.first, window.end]).is_disjoint(&written)
            });
        }
        let axes = slides.last().map(|(_, positions, ..)| positions.clone());
        slides.retain(|(_, positions, ..)| Some(positions) == axes.as_ref());
        let host_pays = match (&host, &axes) {
            (Some((at, _)), Some(axes)) => match &self.items[*at] {
                Item::Run(run) => run.members.iter().all(|member| member.pays(self.p, axes.len())),
                Item::Other(_) => false,
            },
            _ => true,
        };
        if !host_pays {
            slides.clear();
        }

        let mut moved: BTreeMap<usize, Run> = BTreeMap::new();
        let taken: BTreeSet<usize> = host.iter().map(|(at, _)| *at).chain(slides.iter().map(|(at, ..)| *at)).collect();
        for at in taken.into_iter().rev() {
            if let Item::Run(run) = self.items.remove(at) {
                moved.insert(at, run);
            }
        }
        let mut take = |at: &usize| moved.remove(at).expect("it was just taken out");
        let mut run = match &host {
            Some((at, positions)) => {
                let mut run = take(at);
                run.depth = run.depth.min(positions.len());
                run.members.push(Member { number, stage, shared: positions.clone() });
                run
            }
            None => {
                let mut run = Run::alone(number, stage);
                if let Some(axes) = &axes {
                    run.members[0].shared = axes.clone();
                }
                run
            }
        };
        // Found from the last item to the first: back into the order of the statements.
        for (at, positions, window, rows) in slides.into_iter().rev() {
            run.depth = positions.len();
            let mut inner = take(&at);
            inner.depth = positions.len();
            run.rings.push(Slide { run: inner, reader: number, window, rows });
        }
        self.items.push(Item::Run(run));
    }

    /// Records why a run's last tensors are not handed on in rows.
    fn note(&mut self, at: usize, rule: Rule) {
        if let Item::Run(run) = &self.items[at] {
            for tensor in run.members.last().into_iter().flat_map(|member| &member.stage.tensors) {
                if !self.uses.results.contains(tensor) {
                    self.rules.insert(*tensor, rule);
                }
            }
        }
    }

    /// Whether an item may run after those that follow it: none reads what it writes.
    fn can_move(&self, at: usize) -> bool {
        let Item::Run(run) = &self.items[at] else { return false };
        let written = run.written();
        self.items[at + 1..].iter().all(|item| {
            let read = match item {
                Item::Other(Stmt::Alias { of, .. }) => BTreeSet::from([*of]),
                Item::Other(stmt) => loaded(self.p, &roots(stmt)),
                Item::Run(run) => {
                    let stages: Vec<ExprId> = run.all().iter().flat_map(|member| stage_roots(&member.stage)).collect();
                    loaded(self.p, &stages)
                }
            };
            read.is_disjoint(&written)
        })
    }

    /// How a stage reads a run's tensors.
    fn fit(&mut self, at: usize, number: usize, stage: &Stage) -> Fit {
        let Item::Run(run) = &self.items[at] else { return Fit::None(Rule::Elsewhere) };
        let in_rings: BTreeSet<TensorId> = run.rings.iter().flat_map(|slide| slide.run.written()).collect();
        let sites = window::sites(self.p, stage, &run.written());
        if sites.iter().any(|site| in_rings.contains(&site.tensor)) {
            return Fit::None(Rule::Elsewhere);
        }
        let positions = self.rows(run, stage, &sites);
        let mut why = Rule::NoWindow;
        if positions.len() < run.depth {
            match self.slide(at, number, stage, &sites, &positions) {
                Ok(fit) => return fit,
                Err(rule) => why = rule,
            }
        }
        let Item::Run(run) = &self.items[at] else { return Fit::None(why) };
        let depth = if run.rings.is_empty() { 1 } else { run.depth };
        if positions.len() < depth {
            return Fit::None(why);
        }
        let of_run = run.members.iter().map(|member| (&member.stage, &member.shared[..depth]));
        for (stage, shared) in of_run.chain([(stage, &positions[..depth])]) {
            if !is_long(self.p, stage, shared) {
                return Fit::None(Rule::ShortRows);
            }
            if shares_loads(self.p, stage, shared) {
                return Fit::None(Rule::SideBySide);
            }
        }
        Fit::Rows(positions)
    }

    /// The positions of the stage's axes that every load has as its indices of the run's shared axes, as far as there are
    /// such.
    fn rows(&self, run: &Run, stage: &Stage, sites: &[Site]) -> Vec<usize> {
        let scanned = matches!(stage.body, StageBody::Scan { .. }).then(|| stage.axes.len() - 1);
        let extent = |axis: AxisId| &self.p.axes[axis].extent;
        let mut positions: Vec<usize> = Vec::new();
        for level in 0..run.depth {
            let all = run.indices(sites, level);
            let Expr::Axis(axis) = self.p.exprs[all[0]] else { break };
            let same =
                all.iter().all(|id| self.p.exprs[*id] == Expr::Axis(axis)) && extent(axis) == extent(run.axis(level));
            match stage.axes.iter().position(|other| *other == axis) {
                Some(position) if same && !positions.contains(&position) && scanned != Some(position) => {
                    positions.push(position);
                }
                _ => break,
            }
        }
        positions
    }

    /// The window in which a stage reads the rows of the first axis that it does not just share.
    fn slide(
        &mut self,
        at: usize,
        number: usize,
        stage: &Stage,
        sites: &[Site],
        positions: &[usize],
    ) -> Result<Fit, Rule> {
        let Item::Run(run) = &self.items[at] else { return Err(Rule::Elsewhere) };
        let level = positions.len();
        let (own, written) = (run.numbers(), run.written());
        // What leaves the run goes to this stage, and what stays in it does not leave.
        let alone = written.iter().all(|tensor| {
            self.uses.only_read_by(*tensor, &own) || self.uses.only_read_by(*tensor, &BTreeSet::from([number]))
        });
        if !alone || !(run.rings.is_empty() || run.depth == level + 1) {
            return Err(Rule::Elsewhere);
        }
        // Rows of a single stage are made several at a time, so that they may share what they load.
        let single = run.members.len() == 1 && run.rings.is_empty();
        for Member { stage, shared, .. } in &run.members {
            if !is_long(self.p, stage, &shared[..=level]) {
                return Err(Rule::ShortRows);
            }
            if !single && shares_loads(self.p, stage, &shared[..=level]) {
                return Err(Rule::SideBySide);
            }
        }
        let height = self.p.axes[run.axis(level)].extent.as_ref().and_then(|extent| extent.as_const());
        let lead: Vec<AxisId> = positions.iter().map(|position| stage.axes[*position]).collect();
        let index = run.indices(sites, level);
        let window = window(self.p, stage, &lead, sites, &index)?;
        let rows = rows_kept(&window.length);
        if height.zip(rows.as_const()).is_some_and(|(height, rows)| height <= rows) {
            return Err(Rule::FewRows);
        }
        let position = stage.axes.iter().position(|axis| *axis == window.axis).ok_or(Rule::NoWindow)?;
        let all: Vec<usize> = positions.iter().copied().chain([position]).collect();
        let scanned = matches!(stage.body, StageBody::Scan { .. }) && position + 1 == stage.axes.len();
        if scanned || !loaded(self.p, &[window.first, window.end]).is_disjoint(&written) {
            return Err(Rule::NoWindow);
        }
        if !is_long(self.p, stage, &all) {
            return Err(Rule::ShortRows);
        }
        if shares_loads(self.p, stage, &all) {
            return Err(Rule::SideBySide);
        }
        Ok(Fit::Window(all, window, rows))
    }
}
