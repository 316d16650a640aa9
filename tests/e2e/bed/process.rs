//! A program under test: logs to files, stopped by its own process id.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    errors: PathBuf,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Signal {
    Kill,
    Terminate,
    Freeze,
    Thaw,
    HangUp,
}

impl Process {
    /// Starts a program whose output goes to `NAME.out` and `NAME.err`.
    pub(crate) fn start(
        name: &'static str,
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        dir: &Path,
    ) -> Self {
        let log = |end: &str| {
            let path = dir.join(format!("{name}.{end}"));
            File::options().create(true).append(true).open(path).expect("a log file")
        };
        let child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log("out"))
            .stderr(log("err"))
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        Self { name, child, errors: dir.join(format!("{name}.err")) }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let flag = match signal {
            Signal::Kill => "-KILL",
            Signal::Terminate => "-TERM",
            Signal::Freeze => "-STOP",
            Signal::Thaw => "-CONT",
            Signal::HangUp => "-HUP",
        };
        let sent = Command::new("kill").args([flag, &self.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{} is already gone", self.name);
    }

    /// Waits for the end of a program that was told to stop.
    pub(crate) async fn ended(&mut self, within: Duration) -> Option<i32> {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status.code();
            }
            assert!(Instant::now() < until, "{} does not stop", self.name);
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Fails with the end of its log when the program has ended by itself.
    pub(crate) fn check_alive(&self) {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        let state = stat.rsplit(')').next().unwrap_or_default().trim_start().chars().next();
        assert!(
            !matches!(state, None | Some('Z' | 'X')),
            "{} has ended:\n{}",
            self.name,
            self.tail()
        );
    }

    pub(crate) fn tail(&self) -> String {
        let log = std::fs::read_to_string(&self.errors).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(15)).copied().collect::<Vec<_>>().join("\n")
    }

    pub(crate) async fn until_listening(&self, port: u16, within: Duration) {
        let until = Instant::now() + within;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            self.check_alive();
            assert!(Instant::now() < until, "{} does not listen:\n{}", self.name, self.tail());
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A frozen program dies of this as well. Both fail only when it is gone.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- end of {}'s log\n{}", self.name, self.tail());
        }
    }
}
