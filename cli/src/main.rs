//! `kcc`: compile, run, check, test, format, document, explain and inspect pipeline kernels.
//!
//! All I/O of the project's command line is here; the compiler is a pure library. Exit codes: 0 fine, 1 the program or
//! its data is at fault, 2 wrong usage, 101 a bug of ours (and nothing else).

mod args;
mod commands;
mod compile;
mod doc;
mod explain;
mod files;
mod input;
mod output;
mod param;
mod progress;
mod report;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use std::process::ExitCode;

/// Stack of the thread that works: passes recurse over trees, whose depth the parser bounds.
const STACK: usize = 256 << 20;

fn main() -> ExitCode {
    report::install_panic_hook();
    let cli = Cli::parse();
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || dispatch(cli));
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(fail))) => fail.report(),
        // The panic hook has spoken.
        Ok(Err(_)) => ExitCode::from(101),
        Err(error) => report::Fail::Fault(format!("no thread to work on: {error}")).report(),
    }
}

fn dispatch(cli: Cli) -> report::Outcome {
    let std = cli.std.as_deref();
    match &cli.command {
        Command::Build(build) => commands::build::run(build, std),
        Command::Run(run) => commands::run::run(run, std),
        Command::Check(check) => commands::check::run(check, std),
        Command::Test(test) => commands::test::run(test, std),
        Command::Fmt(fmt) => commands::fmt::run(fmt),
        Command::Doc(doc) => commands::doc::run(doc, std),
        Command::Explain(explain) => commands::explain::run(explain, std),
        Command::Inspect(inspect) => commands::inspect::run(inspect),
        Command::New(new) => commands::new::run(new),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "kcc", &mut script);
            report::bytes_to_stdout(&script)
        }
    }
}
