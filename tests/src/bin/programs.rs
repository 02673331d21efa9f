//! Runs random programs on all back ends: `cargo run --release -p kcc-tests --bin programs -- --count 1000 --seed 1`.
//!
//! Prints the counts of what was generated and, for each program on which the back ends disagree, the shrunk program as a
//! file of the corpus. Exits with 1 if there was one.

use clap::Parser;
use kcc_tests::engines::Engine;
use kcc_tests::programs::Program;
use kcc_tests::programs::campaign::Campaign;
use std::process::ExitCode;
use std::time::Instant;

/// Random well-typed programs on all back ends.
#[derive(Parser)]
struct Arguments {
    /// How many programs.
    #[arg(long, default_value_t = 1000)]
    count: u64,
    /// The seed of the first one; the next have the following seeds.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Back ends by name; the others are compared with the first.
    #[arg(long, value_delimiter = ',', value_parser = engine)]
    engines: Vec<Engine>,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// End after so many faults.
    #[arg(long, default_value_t = 5)]
    faults: usize,
    /// Attempts to make a program smaller.
    #[arg(long, default_value_t = 4000)]
    attempts: usize,
    /// Print the programs instead of running them.
    #[arg(long)]
    print: bool,
}

fn engine(name: &str) -> Result<Engine, String> {
    Engine::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Engine::ALL.iter().map(|engine| engine.name()).collect();
        format!("expected one of {}", known.join(", "))
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.print {
        for seed in arguments.seed..arguments.seed + arguments.count {
            println!("// seed {seed}\n{}", Program::generate(seed).text());
        }
        return ExitCode::SUCCESS;
    }
    let Arguments { count, seed, jobs, faults, attempts, .. } = arguments;
    let engines = if arguments.engines.is_empty() { Engine::ALL.to_vec() } else { arguments.engines };
    let start = Instant::now();
    let (stats, faults) = Campaign { seed, count, engines, jobs, faults, attempts }.run(&|fault| println!("{fault}"));
    let seconds = start.elapsed().as_secs_f64();
    print!("{stats}");
    println!("{seconds:.1} s, {:.0} programs/s, {faults} faults", stats.programs as f64 / seconds);
    if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
