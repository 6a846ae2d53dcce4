//! Claim: scanning a MariaDB table takes at most 1.5 times as long as `mariadb-dump --quick >/dev/null`.
//!
//! A table of a million customers (or of `RESIDUUM_BENCH_ROWS`, or of as many as make `RESIDUUM_BENCH_MB` megabytes of CSV)
//! is made in the database `residuum_bench` on the server that `RESIDUUM_TEST_MARIADB` names, and dropped at the end. Each
//! step says how long it took, so that one sees what a bench waits for that does not end: with 22 MB of CSV making the
//! table takes about as long as two scans, and a scan about as long as one of the same rows as CSV.
//!
//!     RESIDUUM_TEST_MARIADB=mysql://… RESIDUUM_BENCH_MB=32 cargo bench --bench mariadb_vs_dump
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod measure;

use measure::{Claims, Costs, Outcome, Workspace};
use residuum_corpus::{Corpus, Family, Mix};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

const GOAL: f64 = 1.5;

/// A customer takes a little less in CSV.
const BYTES_PER_ROW: u64 = 240;

fn main() -> ExitCode {
    measure::bench("mariadb_vs_dump", || {
        let Ok(url) = std::env::var("RESIDUUM_TEST_MARIADB") else {
            return Err("no server: set RESIDUUM_TEST_MARIADB to the URL of one that may be written to".to_owned());
        };
        let server = Server::of(&url)?;
        let rows = match measure::setting("RESIDUUM_BENCH_MB", 0) {
            0 => 1_000_000,
            megabytes => (megabytes << 20) / BYTES_PER_ROW,
        };
        let rows = measure::setting("RESIDUUM_BENCH_ROWS", rows);
        let dir = measure::corpora().join(format!("customers-{rows}"));
        let make = || Corpus::reuse_or_generate(&dir, 1, rows * BYTES_PER_ROW, &Mix::only(Family::Crm));
        let corpus = measure::step("the rows were made", make).map_err(|error| error.to_string())?;
        measure::step("the table was made", || server.load(&corpus))?;
        let outcome = compare(&server, &corpus);
        server.run("DROP DATABASE residuum_bench")?;
        outcome
    })
}

fn compare(server: &Server, corpus: &Corpus) -> Outcome<()> {
    let rows: u64 = corpus.files.iter().map(|file| file.records).sum();
    let workspace = Workspace::new()?;
    let url = format!("mysql://{}@{}:{}/residuum_bench", server.user, server.host, server.port);
    let scan = || {
        let mut command = workspace.residuum("index");
        command.args(["scan", "--quiet", &url]);
        command
    };
    let dump = || {
        let mut command = server.client("mariadb-dump");
        command.args(["--quick", "--single-transaction", "residuum_bench", "customers"]);
        command
    };

    measure::step("the first scan ended", || measure::run(&mut scan(), &[0]))?;
    measure::step("its findings were counted", || measure::counts::verify(&workspace, corpus))?;

    let (mut ours, mut theirs) = (Costs::default(), Costs::default());
    for _ in 0..measure::runs() {
        theirs.push(measure::run(&mut dump(), &[0])?);
        workspace.remove("index")?;
        ours.push(measure::run(&mut scan(), &[0])?);
    }
    println!("  {rows} rows, {} bytes as CSV", corpus.bytes());
    println!("{}", ours.line("residuum", corpus.bytes()));
    println!("{}", theirs.line("mariadb-dump", corpus.bytes()));
    let ratio = ours.wall().as_secs_f64() / theirs.wall().as_secs_f64();
    let mut claims = Claims::default();
    claims.state(format!("{ratio:.2} times the time of mariadb-dump, at most {GOAL}"), ratio <= GOAL);
    claims.end()
}

/// A server that may be written to, by a user without a password.
struct Server {
    user: String,
    host: String,
    port: String,
}

impl Server {
    fn of(url: &str) -> Outcome<Self> {
        let parts = || {
            let (user, rest) = url.strip_prefix("mysql://")?.split_once('@')?;
            let (host, port) = rest.split('/').next()?.split_once(':')?;
            Some(Self { user: user.to_owned(), host: host.to_owned(), port: port.to_owned() })
        };
        parts().ok_or_else(|| "RESIDUUM_TEST_MARIADB is not `mysql://user@host:port/database`".to_owned())
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["--no-defaults", "--default-character-set=utf8mb4"]);
        command.args(["-h", &self.host, "-P", &self.port, "-u", &self.user]);
        command
    }

    /// Makes the table from the corpus, every column text, with a number for each row.
    fn load(&self, corpus: &Corpus) -> Outcome<()> {
        let first = corpus.data().join(&corpus.files[0].file);
        let mut head = String::new();
        std::fs::File::open(&first)
            .and_then(|file| BufReader::new(file).read_line(&mut head))
            .map_err(|error| format!("`{}`: {error}", first.display()))?;
        let names: Vec<_> = head.trim_end().split(',').map(|name| format!("`{name}`")).collect();
        let mut script = String::from("DROP DATABASE IF EXISTS residuum_bench;\nCREATE DATABASE residuum_bench;\n");
        writeln!(
            script,
            "CREATE TABLE residuum_bench.customers (row_no int AUTO_INCREMENT PRIMARY KEY, {} text) CHARACTER SET utf8mb4;",
            names.join(" text, ")
        )
        .expect("a string takes everything");
        for file in &corpus.files {
            let path = corpus.data().join(&file.file);
            writeln!(
                script,
                "LOAD DATA LOCAL INFILE '{}' INTO TABLE residuum_bench.customers CHARACTER SET utf8mb4 \
                 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' \
                 IGNORE 1 LINES ({});",
                path.display(),
                names.join(", ")
            )
            .expect("a string takes everything");
        }
        script.push_str("ANALYZE TABLE residuum_bench.customers;\n");
        self.run(&script)
    }

    fn run(&self, script: &str) -> Outcome<()> {
        let output = self
            .client("mariadb")
            .args(["--local-infile=1", "-e", script])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("`mariadb` does not start: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("the table could not be made: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}
