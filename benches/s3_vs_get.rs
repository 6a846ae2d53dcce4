//! Claim: scanning a bucket takes at most 1.3 times as long as a plain parallel GET of the same objects.
//!
//! Once with few large objects and once with 2,500 small ones, fewer if `RESIDUUM_BENCH_MB` is less than they hold. The server (`fixtures/servers/s3s.sh`, without
//! credentials) has the first core, the scan and `curl --parallel` take turns on the second: on one machine that is as
//! near as one comes to a server elsewhere. What was found is compared with a scan of the same files.
//!
//!     cargo bench --bench s3_vs_get
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod measure;

use measure::{Claims, Costs, Outcome, Workspace};
use residuum_corpus::{Corpus, Family, Mix};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};

const GOAL: f64 = 1.3;

/// Small objects, and the bytes of each.
const SMALL: (usize, usize) = (2_500, 16 << 10);

/// Requests that `curl` has under way, and threads of the scan.
const PARALLEL: &str = "16";
const JOBS: &str = "2";

fn main() -> ExitCode {
    measure::bench("s3_vs_get", || {
        let workspace = Workspace::new()?;
        let server = measure::step("the server was started", || Server::start(&workspace))?;
        let corpus = measure::step("the corpus was made", || measure::corpus("app", &Mix::only(Family::App)))?;
        let mut claims = Claims::default();
        for (name, files) in [("large", large(&corpus)?), ("small", small(&corpus)?)] {
            measure::step(&format!("the bucket `{name}` was filled"), || server.fill(name, &files))?;
            compare(&workspace, &server, name, &files, &mut claims)?;
        }
        claims.end()
    })
}

/// Names and contents' paths of the corpus's files as they are.
fn large(corpus: &Corpus) -> Outcome<Vec<PathBuf>> {
    Ok(corpus.files.iter().map(|file| corpus.data().join(&file.file)).collect())
}

/// The beginning of the corpus in small pieces, made once.
fn small(corpus: &Corpus) -> Outcome<Vec<PathBuf>> {
    let ((most, bytes), megabytes) = (SMALL, measure::setting("RESIDUUM_BENCH_MB", 256));
    // The first file of the corpus has to be enough for them.
    let first = fs::metadata(corpus.data().join(&corpus.files[0].file)).map_err(text)?.len();
    let count = most.min(first as usize / bytes);
    let directory = measure::corpora().join(format!("pieces-{megabytes}-{count}-{bytes}"));
    let paths: Vec<_> = (0..count).map(|i| directory.join(format!("{i:05}.log"))).collect();
    if paths.last().is_some_and(|path| path.exists()) {
        return Ok(paths);
    }
    fs::create_dir_all(&directory).map_err(text)?;
    let first = corpus.data().join(&corpus.files[0].file);
    let mut lines = BufReader::new(fs::File::open(first).map_err(text)?).split(b'\n').peekable();
    for path in &paths {
        let mut piece = Vec::new();
        while piece.len() < bytes && lines.peek().is_some() {
            piece.extend(lines.next().ok_or("a line was there")?.map_err(text)?);
            piece.push(b'\n');
        }
        fs::write(path, piece).map_err(text)?;
    }
    Ok(paths)
}

fn compare(
    workspace: &Workspace,
    server: &Server,
    bucket: &str,
    files: &[PathBuf],
    claims: &mut Claims,
) -> Outcome<()> {
    let bytes: u64 = files.iter().filter_map(|path| fs::metadata(path).ok()).map(|about| about.len()).sum();
    println!("\n{bucket}: {} objects, {bytes} bytes", files.len());
    let settings = format!(
        "[[source]]\nname = \"bench\"\nurl = \"s3://{bucket}\"\nendpoint = \"{}\"\nanonymous = true\n",
        server.url
    );
    fs::write(workspace.path("residuum.toml"), settings).map_err(text)?;
    let scan = || on_core(1, workspace.residuum("index").args(["scan", "--quiet", "--jobs", JOBS, "bench"]));
    let list = workspace.path("urls");
    let mut urls = String::new();
    for path in files {
        writeln!(urls, "url = \"{}/{bucket}/{}\"\noutput = \"/dev/null\"", server.url, name(path)).map_err(text)?;
    }
    fs::write(&list, urls).map_err(text)?;
    let get = || {
        let arguments = ["--silent", "--fail", "--noproxy", "*", "--parallel", "--parallel-max", PARALLEL, "--config"];
        on_core(1, Command::new("curl").args(arguments).arg(&list))
    };

    workspace.remove("index")?;
    measure::step("the first scan ended", || measure::run(&mut scan(), &[0]))?;
    measure::step("it was compared with a scan of the files", || verify(workspace, files))?;
    let (mut ours, mut theirs) = (Costs::default(), Costs::default());
    for _ in 0..measure::runs() {
        theirs.push(measure::run(&mut get(), &[0])?);
        workspace.remove("index")?;
        ours.push(measure::run(&mut scan(), &[0])?);
    }
    println!("{}", ours.line("residuum", bytes));
    println!("{}", theirs.line("curl", bytes));
    let ratio = ours.wall().as_secs_f64() / theirs.wall().as_secs_f64();
    claims.state(format!("{bucket}: {ratio:.2} times the time of a plain GET, at most {GOAL}"), ratio <= GOAL);
    Ok(())
}

/// Compares finding by finding with a scan of the same files.
fn verify(workspace: &Workspace, files: &[PathBuf]) -> Outcome<()> {
    let directory = files.first().and_then(|path| path.parent()).ok_or("there are files")?;
    workspace.remove("files")?;
    measure::run(workspace.residuum("files").args(["scan", "--quiet"]).arg(directory), &[0])?;
    let (mut bucket, mut beside) = (findings(workspace, "index")?, findings(workspace, "files")?);
    let mut count = 0;
    loop {
        match (next(&mut bucket.1)?, next(&mut beside.1)?) {
            (None, None) => break,
            (ours, theirs) if ours == theirs => count += 1,
            _ => return Err(format!("finding {count} of the bucket is not that of the files")),
        }
    }
    for child in [&mut bucket.0, &mut beside.0] {
        child.wait().map_err(text)?;
    }
    println!("  {count} findings, as in a scan of the files");
    if count == 0 { Err("nothing was found, so the times mean nothing".to_owned()) } else { Ok(()) }
}

type Findings = (Child, Lines<BufReader<ChildStdout>>);

fn findings(workspace: &Workspace, index: &str) -> Outcome<Findings> {
    let mut child = workspace
        .residuum(index)
        .args(["findings", "--format", "jsonl"])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(text)?;
    let lines = BufReader::with_capacity(1 << 20, child.stdout.take().ok_or("it is piped")?).lines();
    Ok((child, lines))
}

fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Outcome<Option<serde_json::Value>> {
    let Some(line) = lines.next() else { return Ok(None) };
    let mut finding: serde_json::Value = serde_json::from_str(&line.map_err(text)?).map_err(text)?;
    finding["source"] = serde_json::Value::Null;
    Ok(Some(finding))
}

/// A server on the first core; it ends with the value.
struct Server {
    directory: PathBuf,
    url: String,
}

impl Server {
    fn start(workspace: &Workspace) -> Outcome<Self> {
        let directory = workspace.path("server");
        let mut start = Command::new(script());
        start.arg("start").arg(&directory).env("S3S_ANONYMOUS", "1");
        let output = on_core(0, &start).stderr(Stdio::inherit()).output().map_err(text)?;
        if !output.status.success() {
            return Err("the server did not start".to_owned());
        }
        Ok(Self { directory, url: String::from_utf8_lossy(&output.stdout).trim().to_owned() })
    }

    /// Makes a bucket of these files.
    fn fill(&self, bucket: &str, files: &[PathBuf]) -> Outcome<()> {
        let directory = self.directory.join("data").join(bucket);
        fs::create_dir_all(&directory).map_err(text)?;
        files.iter().try_for_each(|path| fs::hard_link(path, directory.join(name(path))).map_err(text))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new(script()).arg("stop").arg(&self.directory).status();
    }
}

fn script() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/servers/s3s.sh"))
}

/// The same command on one core only.
fn on_core(core: u32, command: &Command) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", &core.to_string()]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => pinned.env(name, value),
            None => pinned.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        pinned.current_dir(directory);
    }
    pinned
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
