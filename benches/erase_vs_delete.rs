//! Claim: a planned erasure of 100,000 people from a PostgreSQL table of a million rows is written in at most twice the
//! time of a plain `DELETE … USING` of the same rows.
//!
//! What is compared is what carries the plan out: each row locked, read, looked at and decided upon again, what refers
//! to it counted, its digest taken, then deleted. Beside it the whole of `erase` is timed, from the look-up to the scan
//! of what was written to, for the same people in the table and in files: comma-separated values, JSON Lines and logs.
//!
//! Two databases are made on the server that `RESIDUUM_TEST_POSTGRES` names, and dropped at the end.
//!
//!     RESIDUUM_TEST_POSTGRES=postgres://… cargo bench --bench erase_vs_delete
//!
//! `RESIDUUM_BENCH_MB` (1024) is the size of all files; with 0 only what is compared is done.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod measure;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use measure::{Claims, Cost, Outcome, Workspace};
use residuum::config::Config;
use residuum::identity::{FindOptions, Identifier, Subject};
use residuum::index::{Index, Keyring};
use residuum::request::{self, CarryOut, Corrections, Planner, Policy, Store};
use residuum_detect::{Detector, IndexKey, RuleSet, Type};
use residuum_source::Limits;

const GOAL: f64 = 2.0;

/// People in the table; every tenth goes.
const PEOPLE: u64 = 1_000_000;
const STEP: u64 = 10;

/// The databases.
const OURS: &str = "residuum_bench_erase";
const THEIRS: &str = "residuum_bench_delete";

/// Files of each form.
const FILES: u64 = 4;

fn main() -> ExitCode {
    measure::bench("erase_vs_delete", || {
        let Ok(url) = std::env::var("RESIDUUM_TEST_POSTGRES") else {
            return Err("no server: set RESIDUUM_TEST_POSTGRES to the URL of one on which databases may be made".into());
        };
        let server = Server { url };
        let megabytes = measure::setting("RESIDUUM_BENCH_MB", 1024);
        let whole = if megabytes > 0 { everything(&server, megabytes) } else { Ok(()) };
        let outcome = whole.and_then(|()| compare(&server));
        server.drop_all()?;
        outcome
    })
}

/// The whole of `erase`, as a user runs it.
fn everything(server: &Server, megabytes: u64) -> Outcome<()> {
    let workspace = Workspace::new()?;
    let bytes = write_files(&workspace.path("data"), megabytes << 20)?;
    server.make(OURS)?;
    write_people(&workspace.path("people.csv"))?;
    let config = format!(
        "[[source]]\nname = \"crm\"\nurl = \"{}\"\n[[source]]\nname = \"exports\"\nurl = \"data\"\n",
        server.of(OURS)
    );
    std::fs::write(workspace.path("residuum.toml"), config).map_err(|error| error.to_string())?;
    let residuum = |arguments: &[&str]| -> Outcome<Cost> {
        measure::run(workspace.residuum("index").args(arguments).arg("--quiet"), &[0])
    };
    let scan = residuum(&["scan"])?;
    let plan = residuum(&["erase", "--identifiers", "people.csv", "--format", "json"])?;
    let erase = residuum(&["erase", "--identifiers", "people.csv", "--format", "json", "--apply"])?;
    server.check(OURS)?;
    let lines = check_files(&workspace.path("data"), megabytes << 20)?;
    let records = PEOPLE / STEP + lines;
    println!("  {} people in {records} records: a table of {PEOPLE} rows and {bytes} bytes of files", PEOPLE / STEP);
    let line = |name: &str, cost: Cost, records: u64| {
        let seconds = cost.wall.as_secs_f64();
        println!(
            "  {name:<22} {seconds:>8.1} s  {:>9.0} records/s  {:>6.0} MB/s  peak {} MiB",
            records as f64 / seconds,
            bytes as f64 / 1e6 / seconds,
            cost.peak >> 20
        );
    };
    line("scan", scan, PEOPLE + lines * STEP);
    line("plan", plan, records);
    line("erase, scanned again", erase, records);
    Ok(())
}

/// Carrying out a plan, and the one statement that does it without looking.
fn compare(server: &Server) -> Outcome<()> {
    let (mut ours, mut planning, mut theirs, mut cpu) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..measure::runs() {
        server.make(THEIRS)?;
        let begun = Instant::now();
        server.run(THEIRS, "DELETE FROM people USING going.people AS gone WHERE people.id = gone.id")?;
        theirs.push(begun.elapsed());
        server.check(THEIRS)?;
        server.make(OURS)?;
        let workspace = Workspace::new()?;
        measure::run(workspace.residuum("index").args(["scan", "--quiet", &server.of(OURS)]), &[0])?;
        let (plan, apply) = carry_out(server, &workspace)?;
        planning.push(plan.0);
        ours.push(apply.0);
        cpu.push((plan.1, apply.1));
        server.check(OURS)?;
    }
    let line = |name: &str, times: &mut Vec<Duration>| {
        times.sort();
        let median = measure::median(times).as_secs_f64();
        println!(
            "  {name:<22} {median:>8.3} s  ({:.3} to {:.3}, n = {})  {:>9.0} rows/s",
            times[0].as_secs_f64(),
            times[times.len() - 1].as_secs_f64(),
            times.len(),
            (PEOPLE / STEP) as f64 / median
        );
        median
    };
    line("planned", &mut planning);
    let (ours, theirs) = (line("carried out", &mut ours), line("DELETE … USING", &mut theirs));
    cpu.sort();
    let (plan, apply) = cpu[cpu.len() / 2];
    println!("  of the processor, without the server: {plan:.2?} to plan, {apply:.2?} to carry out");
    let ratio = ours / theirs;
    let mut claims = Claims::default();
    claims.state(format!("{ratio:.2} times the time of DELETE … USING, at most {GOAL}"), ratio <= GOAL);
    claims.end()
}

/// By the clock on the wall, and of the processor.
type Times = (Duration, Duration);

/// Plans and carries out in this process; the times of both.
fn carry_out(server: &Server, workspace: &Workspace) -> Outcome<(Times, Times)> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let config = Config::load(None).map_err(|error| text(&error))?;
    let sources = [residuum::connect::connect(&config.source(&server.of(OURS))).map_err(|error| text(&error))?];
    let index = Index::open(&workspace.path("index"), Keyring::new(IndexKey::new([0x5a; 32]), Vec::new()))
        .map_err(|error| text(&error))?;
    let detector = Detector::new(&RuleSet::builtin()).map_err(|error| text(&error))?;
    let (policy, corrections) = (Policy::new(&config), Corrections::default());
    let subjects: Vec<Subject> = going().map(subject).collect::<Outcome<_>>()?;
    let reader = index.reader().map_err(|error| text(&error))?;
    let planner =
        Planner { reader: &reader, keys: index.keys(), detector: &detector, sources: &sources, policy: &policy };
    let begun = (Instant::now(), measure::cpu()?);
    let plan = planner.erasure(&subjects, &FindOptions::default()).map_err(|error| text(&error))?;
    let planned = (begun.0.elapsed(), measure::cpu()? - begun.1);
    let with = CarryOut {
        index: &index,
        detector: &detector,
        sources: &sources,
        policy: &policy,
        corrections: &corrections,
        literals: None,
        limits: &Limits::default(),
        stop: &AtomicBool::new(false),
        progress: &|_, _| {},
    };
    let store = Store::new(&workspace.path("index"), index.keys(), &subjects);
    let begun = (Instant::now(), measure::cpu()?);
    let done = request::carry_out(&with, &plan.objects, Some(&store), None).map_err(|error| text(&error))?;
    let carried_out = (begun.0.elapsed(), measure::cpu()? - begun.1);
    let expected = (PEOPLE / STEP, 0, 0);
    match (done.deleted, done.edited, done.refused.len()) {
        now if now == expected => Ok((planned, carried_out)),
        now => Err(format!("deleted, edited and refused are {now:?} and not {expected:?}")),
    }
}

/// Numbers of those who go.
fn going() -> impl Iterator<Item = u64> {
    (1..=PEOPLE / STEP).map(|n| n * STEP)
}

fn email(person: u64) -> String {
    format!("person{person}@example.com")
}

fn subject(person: u64) -> Outcome<Subject> {
    let identifier = Identifier::value(Type::Email, "email", &email(person)).map_err(|error| error.to_string())?;
    Ok(Subject { id: person.to_string(), identifiers: vec![identifier] })
}

fn write_people(to: &Path) -> Outcome<()> {
    let mut text = String::from("subject_id,email\n");
    for person in going() {
        let _ = writeln!(text, "{person},{}", email(person));
    }
    std::fs::write(to, text).map_err(|error| error.to_string())
}

/// The forms that files have: what a line is, and what becomes of it when its person goes.
struct Form {
    name: &'static str,
    head: &'static str,
    line: fn(u64) -> String,
    /// `None` for a line that goes as a whole.
    after: Option<fn(u64) -> String>,
}

/// Whose a line is; people come in another order than in the table.
fn whose(line: u64) -> u64 {
    line.wrapping_mul(7_368_787) % PEOPLE + 1
}

const FORMS: [Form; 3] = [
    Form {
        name: "csv",
        head: "order,email,item,note\n",
        line: |n| format!("{n},{},tent,left at the front door of the house {}\n", email(whose(n)), n % 997),
        after: None,
    },
    Form {
        name: "jsonl",
        head: "",
        line: |n| {
            format!(
                "{{\"event\":\"open\",\"n\":{n},\"user\":{{\"email\":\"{}\"}},\"page\":\"/tents\"}}\n",
                email(whose(n))
            )
        },
        after: None,
    },
    Form {
        name: "log",
        head: "",
        line: |n| format!("{} INFO session {n} opened for {} from web\n", moment(n), email(whose(n))),
        after: Some(|n| format!("{} INFO session {n} opened for [erased] from web\n", moment(n))),
    },
];

fn moment(n: u64) -> String {
    format!("2026-01-{:02}T{:02}:{:02}:{:02}Z", n / 86_400 % 28 + 1, n / 3600 % 24, n / 60 % 60, n % 60)
}

/// Writes files of so many bytes together, as near as whole lines come; says how many they are.
fn write_files(dir: &Path, bytes: u64) -> Outcome<u64> {
    let failed = |error: std::io::Error| error.to_string();
    std::fs::create_dir_all(dir).map_err(failed)?;
    let mut all = 0;
    for form in &FORMS {
        for number in 0..FILES {
            let file = File::create(dir.join(format!("{number}.{}", form.name))).map_err(failed)?;
            let mut out = BufWriter::with_capacity(1 << 20, file);
            out.write_all(form.head.as_bytes()).map_err(failed)?;
            let (mut line, mut written) = (number << 32, form.head.len() as u64);
            while written < bytes / FORMS.len() as u64 / FILES {
                let text = (form.line)(line);
                out.write_all(text.as_bytes()).map_err(failed)?;
                written += text.len() as u64;
                line += 1;
            }
            out.flush().map_err(failed)?;
            all += written;
        }
    }
    Ok(all)
}

/// Sees to it that every line stands there that should, as it should, and no other; says how many were acted on.
fn check_files(dir: &Path, bytes: u64) -> Outcome<u64> {
    let mut acted_on = 0;
    for form in &FORMS {
        for number in 0..FILES {
            let path = dir.join(format!("{number}.{}", form.name));
            let mut file = BufReader::with_capacity(1 << 20, File::open(&path).map_err(|error| error.to_string())?);
            let mut expect = |text: &str| -> Outcome<()> {
                let mut line = String::new();
                file.read_line(&mut line).map_err(|error| error.to_string())?;
                match line == text {
                    true => Ok(()),
                    false => Err(format!("`{}` has `{}` and not `{}`", path.display(), line.trim(), text.trim())),
                }
            };
            if !form.head.is_empty() {
                expect(form.head)?;
            }
            let (mut line, mut written) = (number << 32, form.head.len() as u64);
            while written < bytes / FORMS.len() as u64 / FILES {
                let text = (form.line)(line);
                written += text.len() as u64;
                match (whose(line).is_multiple_of(STEP), form.after) {
                    (false, _) => expect(&text)?,
                    (true, Some(after)) => expect(&after(line))?,
                    (true, None) => {}
                }
                acted_on += u64::from(whose(line).is_multiple_of(STEP));
                line += 1;
            }
            expect("")?;
        }
    }
    Ok(acted_on)
}

/// The server, and databases on it.
struct Server {
    url: String,
}

impl Server {
    /// The URL of a database.
    fn of(&self, database: &str) -> String {
        let (base, options) = self.url.split_once('?').map_or((&*self.url, ""), |(base, options)| (base, options));
        let at = base.rfind('/').unwrap_or(base.len());
        format!("{}/{database}{}{options}", &base[..at], if options.is_empty() { "" } else { "?" })
    }

    /// Makes a database of people, of whom every tenth goes. Who goes stands where no scan may look.
    fn make(&self, database: &str) -> Outcome<()> {
        self.psql(
            &self.url,
            &[&format!("DROP DATABASE IF EXISTS {database}"), &format!("CREATE DATABASE {database}")],
        )?;
        let going = match database {
            THEIRS => format!(
                "CREATE SCHEMA going; CREATE TABLE going.people(id int PRIMARY KEY); \
                 INSERT INTO going.people SELECT i * {STEP} FROM generate_series(1, {}) i; ANALYZE going.people",
                PEOPLE / STEP
            ),
            _ => "SELECT 1".to_owned(),
        };
        let people = format!(
            "CREATE TABLE people(id int PRIMARY KEY, email text, city text, note text); \
             INSERT INTO people SELECT i, 'person' || i || '@example.com', 'Springfield', repeat('x', 80) \
             FROM generate_series(1, {PEOPLE}) i"
        );
        self.psql(&self.of(database), &[&people, "VACUUM ANALYZE people", &going, "CHECKPOINT"])
    }

    /// Sees to it that all who should are gone, and nobody else.
    fn check(&self, database: &str) -> Outcome<()> {
        let broken = format!(
            "DO $$ BEGIN IF (SELECT count(*) <> {} OR count(*) FILTER (WHERE id % {STEP} = 0) > 0 FROM people) THEN \
             RAISE EXCEPTION 'not every tenth of the people is gone, or somebody else is'; END IF; END $$",
            PEOPLE - PEOPLE / STEP
        );
        self.run(database, &broken)
    }

    fn run(&self, database: &str, command: &str) -> Outcome<()> {
        self.psql(&self.of(database), &[command])
    }

    fn drop_all(&self) -> Outcome<()> {
        let drop = [OURS, THEIRS].map(|database| format!("DROP DATABASE IF EXISTS {database}"));
        self.psql(&self.url, &drop.each_ref().map(String::as_str))
    }

    fn psql(&self, url: &str, commands: &[&str]) -> Outcome<()> {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-d", url]);
        psql.env("PGOPTIONS", "-c client_min_messages=warning");
        for command in commands {
            psql.args(["-c", command]);
        }
        match psql.status() {
            Ok(status) if status.success() => Ok(()),
            _ => Err(format!("`psql` could not do `{}`", commands.join("; "))),
        }
    }
}
