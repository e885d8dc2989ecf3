//! A process that answers questions: started, asked, watched, ended.
//!
//! Asking blocks. A second thread watches the clock, and kills a process that owes an answer for too long;
//! then the question ends like that to any process that died. The clock decides whether there is a result,
//! never which.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Time between two looks of the watcher.
const LOOK: Duration = Duration::from_millis(250);
/// Bytes of an answer beyond which it is none.
const ANSWER_MAX: u64 = 1 << 20;
/// Bytes of what it says on its standard error that are kept.
const STDERR_MAX: usize = 4_000;

/// A process that answers questions, a line each.
pub(super) struct Child {
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    asked: u64,
    patience: Duration,
}

struct Shared {
    process: Mutex<std::process::Child>,
    /// Number of the question that is open; 0 for none.
    open: AtomicU64,
    /// Whether the watcher killed it.
    overdue: AtomicBool,
    over: AtomicBool,
    stderr: Mutex<Vec<u8>>,
}

impl Child {
    /// Starts a command; a question may stay open for about so long.
    pub(super) fn start(command: &mut Command, patience: Duration) -> Result<Self, String> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                format!("cannot start `{}`: {error}", command.get_program().to_string_lossy())
            })?;
        let stdin = process.stdin.take();
        let stdout = process.stdout.take().ok_or("it has no standard output")?;
        let stderr = process.stderr.take();
        let shared = Arc::new(Shared {
            process: Mutex::new(process),
            open: AtomicU64::new(0),
            overdue: AtomicBool::new(false),
            over: AtomicBool::new(false),
            stderr: Mutex::new(Vec::new()),
        });
        let mut threads = vec![spawn({
            let shared = Arc::clone(&shared);
            move || shared.watch(patience)
        })];
        if let Some(stderr) = stderr {
            let shared = Arc::clone(&shared);
            threads.push(spawn(move || shared.listen(stderr)));
        }
        Ok(Self { stdin, stdout: BufReader::new(stdout), shared, threads, asked: 0, patience })
    }

    /// Writes lines of which the last is a question, and reads the line that answers it.
    pub(super) fn ask(&mut self, lines: &str) -> Result<String, String> {
        self.asked += 1;
        self.shared.open.store(self.asked, Ordering::Release);
        let answer = self.exchange(lines);
        self.shared.open.store(0, Ordering::Release);
        match answer {
            Ok(line) if line.ends_with('\n') => Ok(line),
            Ok(line) if line.len() as u64 >= ANSWER_MAX => {
                Err(format!("it answered with more than {ANSWER_MAX} bytes"))
            }
            // Invalid data: the line is no text.
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                Err("it answered with bytes that are not UTF-8".to_owned())
            }
            Ok(_) | Err(_) => Err(self.end()),
        }
    }

    fn exchange(&mut self, lines: &str) -> std::io::Result<String> {
        if let Some(stdin) = &mut self.stdin {
            stdin.write_all(lines.as_bytes())?;
            stdin.flush()?;
        }
        let mut line = String::new();
        (&mut self.stdout).take(ANSWER_MAX).read_line(&mut line)?;
        Ok(line)
    }

    /// Waits a moment for the threads, but not for ever: a process of the process may keep a pipe open.
    fn settle(&mut self) {
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            for _ in 0..40 {
                if thread.is_finished() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    /// Why there was no answer.
    fn end(&mut self) -> String {
        self.stdin = None;
        let overdue = self.shared.overdue.load(Ordering::Acquire);
        let status = self.shared.kill();
        self.settle();
        let said = self.shared.stderr.lock().map(|said| said.clone()).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let last: Vec<&str> = said.lines().rev().take(6).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        let said = match last.is_empty() {
            true => String::new(),
            false => format!("; on its standard error:\n    {}", last.join("\n    ")),
        };
        let asked = self.asked;
        if overdue {
            let patience = self.patience.as_secs_f64();
            return format!("it did not answer question {asked} for {patience} s{said}");
        }
        let how = status.map_or_else(String::new, |status| format!(" ({status})"));
        format!("its process ended before it answered question {asked}{how}{said}")
    }
}

impl Shared {
    /// Kills the process when a question stays open for too long.
    fn watch(&self, patience: Duration) {
        let patience = patience.as_millis().div_ceil(LOOK.as_millis());
        let (mut last, mut looks) = (0, 0);
        while !self.over.load(Ordering::Acquire) {
            std::thread::park_timeout(LOOK);
            let open = self.open.load(Ordering::Acquire);
            looks = if open != 0 && open == last { looks + 1 } else { 0 };
            last = open;
            if looks >= patience {
                self.overdue.store(true, Ordering::Release);
                self.kill();
                return;
            }
        }
    }

    /// Keeps the last of what it says.
    fn listen(&self, mut stderr: impl Read) {
        let mut buffer = [0; 1_024];
        while let Ok(n) = stderr.read(&mut buffer)
            && n > 0
        {
            let Ok(mut said) = self.stderr.lock() else { return };
            said.extend_from_slice(&buffer[..n]);
            let extra = said.len().saturating_sub(STDERR_MAX);
            said.drain(..extra);
        }
    }

    /// Ends the process, if it has not ended by itself, and says how it ended.
    fn kill(&self) -> Option<std::process::ExitStatus> {
        self.over.store(true, Ordering::Release);
        let mut process = self.process.lock().ok()?;
        // A process that is about to end by itself says more by its own status.
        for _ in 0..20 {
            if let Ok(Some(status)) = process.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = process.kill();
        process.wait().ok()
    }
}

impl Drop for Child {
    /// Its input ends, which asks it to end; if it does not, it is ended.
    fn drop(&mut self) {
        self.stdin = None;
        self.shared.kill();
        self.settle();
    }
}

#[expect(clippy::disallowed_methods, reason = "a pipe that blocks needs somebody to watch it")]
fn spawn(work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::spawn(work)
}

#[cfg(test)]
#[path = "child_tests.rs"]
mod tests;
