//! The Wasmtime side of the benchmarks.
//!
//! `kcc-bench assemble IN.wat OUT.wasm` makes a module of a hand-written one. `kcc-bench serve JOBS.json FOLDER` answers
//! one JSON request a line: it runs jobs whose modules and inputs lie in the folder. The first line that it prints says
//! who it is. Times are processor time, which other load on the machine changes least; what a call includes is in
//! `bench/README.md`. See `bench/compare.py` for the other end.

mod job;

use job::{Job, Spec};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What the coordinator asks.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Request {
    /// Call a job this often and give the milliseconds that a call took on average.
    Time { job: String, repeat: usize },
    /// Write the job's result to a file.
    Result { job: String, file: String },
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["assemble", text, module] => Ok(std::fs::write(module, wat::parse_file(text)?)?),
        ["serve", jobs, folder] => serve(Path::new(jobs), Path::new(folder)),
        _ => Err("usage: kcc-bench assemble IN.wat OUT.wasm | kcc-bench serve JOBS.json FOLDER".into()),
    }
}

fn serve(jobs: &Path, folder: &Path) -> Result<()> {
    let specs: Vec<Spec> = serde_json::from_str(&std::fs::read_to_string(jobs)?)?;
    let mut open = BTreeMap::new();
    say(&json!({ "versions": { "Wasmtime": wasmtime_version() } }))?;
    for line in std::io::stdin().lock().lines() {
        let answer = answer(&line?, &specs, folder, &mut open);
        say(&answer.unwrap_or_else(|error| json!({ "error": error.to_string() })))?;
    }
    Ok(())
}

/// Prints one line at once.
fn say(value: &serde_json::Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    Ok(out.flush()?)
}

fn answer(line: &str, specs: &[Spec], folder: &Path, open: &mut BTreeMap<String, Job>) -> Result<serde_json::Value> {
    match serde_json::from_str(line)? {
        Request::Time { job, repeat } => {
            let job = find(&job, specs, folder, open)?;
            let start = processor_time()?;
            for _ in 0..repeat {
                job.call()?;
            }
            let spent = processor_time()? - start;
            Ok(json!({ "ms": spent.as_secs_f64() * 1e3 / repeat as f64 }))
        }
        Request::Result { job, file } => {
            let job = find(&job, specs, folder, open)?;
            job.call()?;
            std::fs::write(file, job.result()?)?;
            Ok(json!({}))
        }
    }
}

/// A job, opened when it is needed first.
fn find<'a>(name: &str, specs: &[Spec], folder: &Path, open: &'a mut BTreeMap<String, Job>) -> Result<&'a mut Job> {
    if !open.contains_key(name) {
        let spec = specs.iter().find(|spec| spec.name == name).ok_or_else(|| format!("there is no job `{name}`"))?;
        open.insert(name.to_string(), Job::open(spec, folder)?);
    }
    Ok(open.get_mut(name).expect("just opened"))
}

/// Processor time of this process so far.
fn processor_time() -> Result<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writes during the call.
    if unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) } != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

/// The version of Wasmtime that this program was built with.
fn wasmtime_version() -> String {
    let lock = include_str!("../../Cargo.lock");
    let entry = lock.split("name = \"wasmtime\"\nversion = \"").nth(1).unwrap_or("?");
    entry.split('"').next().unwrap_or("?").to_string()
}
