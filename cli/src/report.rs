//! How the command ends and speaks: exit codes, output that survives a closed pipe, colour, the message for our bugs.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Fail {
    /// The command line is wrong: exit code 2.
    Usage(String),
    /// The program or its data is at fault, or a file cannot be read or written: exit code 1.
    Fault(String),
    /// As `Fault`, and all has been said: exit code 1.
    Said,
}

/// What a command gives.
pub type Outcome<T = ()> = Result<T, Fail>;

impl Fail {
    /// Says what is to be said on standard error, and gives the exit code.
    pub fn report(&self) -> ExitCode {
        match self {
            Fail::Usage(message) => {
                error(message);
                note("`kcc help` shows the commands and their options");
                ExitCode::from(2)
            }
            Fail::Fault(message) => {
                error(message);
                ExitCode::FAILURE
            }
            Fail::Said => ExitCode::FAILURE,
        }
    }
}

/// A fault with a file in front.
pub fn fault(file: impl std::fmt::Display, problem: impl std::fmt::Display) -> Fail {
    Fail::Fault(format!("{file}: {problem}"))
}

/// `error: …` on standard error.
pub fn error(message: &str) {
    say("error", "1;31", message);
}

/// `note: …` on standard error.
pub fn note(message: &str) {
    say("note", "1;36", message);
}

fn say(kind: &str, style: &str, message: &str) {
    // Messages may hold text from files: no control characters reach the terminal.
    let message: String = message.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect();
    let text = if color_stderr() {
        format!("\u{1b}[{style}m{kind}\u{1b}[0m: {message}\n")
    } else {
        format!("{kind}: {message}\n")
    };
    stderr(&text);
}

/// Writes to standard error; a closed one is ignored.
pub fn stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Writes to standard output. A reader that went away ends the process quietly, as for other tools in a pipe.
pub fn stdout(text: &str) -> Outcome {
    bytes_to_stdout(text.as_bytes())
}

/// See [`stdout`].
pub fn bytes_to_stdout(bytes: &[u8]) -> Outcome {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(fault("standard output", error)),
        Ok(()) => Ok(()),
    }
}

/// Whether diagnostics are coloured: only on a terminal, and not if `NO_COLOR` is set.
pub fn color_stderr() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Makes a panic say that it is our bug. Panics in decoders of media files are expected and silent, see [`guarded`].
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        if GUARDED.get() {
            return;
        }
        let place = info.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
        let payload = info.payload();
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_string())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        stderr(&format!(
            "kcc {} stopped because of a bug in kcc, not in your program{place}:\n{text}\n\
             Please report it with the program that shows it: {}/issues\n",
            env!("CARGO_PKG_VERSION"),
            env!("CARGO_PKG_REPOSITORY"),
        ));
    }));
}

thread_local! {
    static GUARDED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Runs a decoder from elsewhere on data that nobody vouches for: if it panics, the data is at fault.
pub fn guarded<T>(decode: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    GUARDED.set(true);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode));
    GUARDED.set(false);
    result.unwrap_or_else(|_| Err("the file is damaged (its decoder gave up)".to_string()))
}
