//! A directory of its own for a test, with the program to run in it.
//!
//! Nothing of the machine's gets in: the home directory, the index key and the configuration are the sandbox's.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A temporary directory; the program runs in `work` inside it.
pub struct Sandbox {
    root: tempfile::TempDir,
}

impl Sandbox {
    /// An empty one.
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("residuum-it-").tempdir().expect("a temporary directory");
        for name in ["work", "home"] {
            fs::create_dir(root.path().join(name)).expect("a new directory is empty");
        }
        Self { root }
    }

    /// The path of something in the working directory.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    /// Writes a file, its folders, too.
    pub fn file(&self, name: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it stands in the sandbox")).expect("folders can be made");
        fs::write(&path, contents).expect("a file can be written");
        path
    }

    /// The program, to run in the working directory.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_residuum"));
        command.args(arguments).current_dir(self.path("")).stdin(Stdio::null());
        let ours = |name: &OsStr| {
            let name = name.to_string_lossy();
            ["RESIDUUM_", "XDG_", "PG", "MYSQL_", "AWS_"].iter().any(|start| name.starts_with(start))
        };
        for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.env("HOME", self.root.path().join("home")).env("NO_COLOR", "1").env("TZ", "UTC");
        command
    }

    /// Runs the program.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        Run::of(&mut self.command(arguments))
    }

    /// Runs the program with something on its standard input.
    pub fn run_on<S: AsRef<OsStr>>(&self, input: impl AsRef<[u8]>, arguments: impl IntoIterator<Item = S>) -> Run {
        let mut command = self.command(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let input = input.as_ref().to_owned();
        // From a thread, for the program may write before it has read everything; if it ends early, that is its right.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().expect("the program ends");
        writer.join().expect("the writer does not panic");
        Run::new(&command, output)
    }
}

/// What a run of the program left.
pub struct Run {
    what: String,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Runs a command that was made with [`Sandbox::command`].
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the program starts");
        Self::new(command, output)
    }

    /// What a run of the program left that was started otherwise.
    pub fn new(command: &Command, output: std::process::Output) -> Self {
        let mut what = String::from("residuum");
        for argument in command.get_args() {
            write!(what, " {}", argument.to_string_lossy()).expect("a string takes everything");
        }
        let text = |bytes| String::from_utf8(bytes).expect("outputs are UTF-8");
        Self { what, code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn all(&self) -> String {
        format!("$ {}\nexit code {:?}\n--- stdout\n{}\n--- stderr\n{}", self.what, self.code, self.stdout, self.stderr)
    }

    /// Checks the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.all());
        self
    }

    /// Checks that standard output has this in it.
    #[track_caller]
    pub fn prints(self, part: &str) -> Self {
        assert!(self.stdout.contains(part), "expected `{part}` on stdout\n{}", self.all());
        self
    }

    /// Checks that standard error has this in it.
    #[track_caller]
    pub fn says(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "expected `{part}` on stderr\n{}", self.all());
        self
    }

    /// Checks that standard error does not have this in it.
    #[track_caller]
    pub fn never_says(self, part: &str) -> Self {
        assert!(!self.stderr.contains(part), "`{part}` is said by {}", self.all());
        self
    }

    /// Checks that neither output has this in it.
    #[track_caller]
    pub fn nowhere(self, part: &str) -> Self {
        assert!(!self.stdout.contains(part) && !self.stderr.contains(part), "did not expect `{part}`\n{}", self.all());
        self
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("`{line}`: {e}\n{}", self.all()));
        self.stdout.lines().map(parse).collect()
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}\n{}", self.all()))
    }
}
