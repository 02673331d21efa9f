//! A spinner for work that takes more than a second, on terminals only.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Shows what is being done, from one second after its start until it is dropped.
pub struct Progress {
    done: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts to wait; `what` is shown.
    pub fn start(what: impl Into<String>) -> Progress {
        let done = Arc::new((Mutex::new(false), Condvar::new()));
        let thread = std::io::stderr().is_terminal().then(|| {
            let (done, what) = (Arc::clone(&done), what.into());
            std::thread::spawn(move || spin(&done, what))
        });
        Progress { done, thread }
    }
}

fn spin((done, wake): &(Mutex<bool>, Condvar), what: String) {
    let Ok(guard) = done.lock() else { return };
    let Ok((guard, timeout)) = wake.wait_timeout_while(guard, Duration::from_secs(1), |done| !*done) else { return };
    if !timeout.timed_out() {
        return;
    }
    let bar = ProgressBar::new_spinner().with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    drop(wake.wait_while(guard, |done| !*done));
    bar.finish_and_clear();
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Ok(mut done) = self.done.0.lock() {
            *done = true;
        }
        self.done.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // The spinner clears its line before anything else is printed.
            let _ = thread.join();
        }
    }
}
