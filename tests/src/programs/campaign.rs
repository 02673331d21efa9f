//! Many programs on several threads: the counts of all, and each fault as it is found.

use super::Program;
use super::run::{Examined, Verdict, examine};
use super::shrink::shrink;
use super::stats::Stats;
use super::text::corpus_file;
use crate::engines::Engine;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bytes of a thread's stack: deep programs need deep ones.
const STACK: usize = 64 << 20;

/// What to run.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The seed of the first program; the next have the following seeds.
    pub seed: u64,
    /// How many programs.
    pub count: u64,
    /// The back ends; the others are compared with the first.
    pub engines: Vec<Engine>,
    /// Threads.
    pub jobs: usize,
    /// End after so many faults.
    pub faults: usize,
    /// Attempts to make a program smaller.
    pub attempts: usize,
}

impl Campaign {
    /// Runs the programs; gives the counts and the number of faults. `report` gets a text for each fault.
    pub fn run(&self, report: &(dyn Fn(String) + Sync)) -> (Stats, usize) {
        let next = AtomicU64::new(self.seed);
        let faults = AtomicUsize::new(0);
        let total = Mutex::new(Stats::default());
        let work = || {
            let mut stats = Stats::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= self.seed + self.count || faults.load(Ordering::Relaxed) >= self.faults {
                    break;
                }
                let program = Program::generate(seed);
                let examined = examine(&program, &self.engines);
                stats.add(&program, &examined);
                let is_fault = !matches!(examined.verdict, Verdict::Agreed);
                if is_fault && faults.fetch_add(1, Ordering::Relaxed) < self.faults {
                    report(self.describe(seed, &program, &examined));
                }
            }
            total.lock().expect("no thread panics while it holds this").merge(stats);
        };
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                let thread = std::thread::Builder::new().stack_size(STACK);
                thread.spawn_scoped(scope, work).expect("a thread starts");
            }
        });
        (total.into_inner().expect("all threads have ended"), faults.into_inner())
    }

    /// A fault in words, with the smallest program that shows it as a file of the corpus.
    fn describe(&self, seed: u64, program: &Program, examined: &Examined) -> String {
        let number = seed - self.seed + 1;
        let head = format!("==== seed {seed}, program {number}:");
        if let Verdict::Refused(said) = &examined.verdict {
            return format!("{head} refused: {said}");
        }
        // Two back ends are enough to see a difference.
        let engines = match &examined.verdict {
            Verdict::Differs { engine, .. } => vec![self.engines[0], *engine],
            _ => self.engines.clone(),
        };
        let fault = examined.verdict.fault();
        let small =
            shrink(program, self.attempts, &mut |candidate| examine(candidate, &engines).verdict.fault() == fault);
        let again = examine(&small, &engines);
        let said = match &again.verdict {
            Verdict::Agreed => "the smaller program shows nothing".to_string(),
            Verdict::Refused(text) => format!("refused: {text}"),
            Verdict::Panicked(text) => format!("panicked: {}", text.lines().take(3).collect::<Vec<_>>().join("\n")),
            Verdict::Differs { call, engine, what } => format!("call {call} on {}: {what}", engine.name()),
        };
        format!("{head} {said}\n{}", corpus_file(&small, &format!("Random program {seed}."), &again.outcomes))
    }
}
