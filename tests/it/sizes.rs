//! Things of any size are scanned in bounded memory, and what is beyond a limit is named.
//!
//! The usual run makes them small; `./test --full` makes them as large as the claims are. What is counted is memory
//! of the process's own (`RssAnon`): pages of files that the system keeps are the system's to give back.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::sandbox::{Run, Sandbox};

/// The size of things: as claimed, or for the usual run.
fn size(claimed: u64, usual: u64) -> u64 {
    if std::env::var_os("RESIDUUM_TEST_FULL").is_some() { claimed } else { usual }
}

/// Most memory a scan may take, in bytes.
fn most_memory() -> u64 {
    size(512 << 20, 128 << 20)
}

/// Runs a scan and gives the most memory it was seen to take, too.
fn scan(sandbox: &Sandbox) -> (Run, u64) {
    let mut command = sandbox.command(["scan", "data", "--quiet", "--jobs", "2"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().expect("it is our child").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let anonymous = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = anonymous.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
        most = most.max(kib.unwrap_or(0) << 10);
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("it has ended");
    (Run::new(&command, output), most)
}

/// Scans what is in `data` and checks memory, exit code and how many addresses were found.
#[track_caller]
fn holds(name: &str, sandbox: &Sandbox, code: i32, addresses: u64) -> Run {
    let (run, most) = scan(sandbox);
    eprint_line(&format!("{name}: {} MiB at most", most >> 20));
    let run = run.exits(code);
    assert!(most > 0 && most <= most_memory(), "{name} took {} MiB", most >> 20);
    let found = sandbox.run(["find", "--email", "last@example.com", "--format", "jsonl"]);
    assert_eq!(found.lines().len() as u64, addresses, "{name}");
    run
}

/// Says something to whoever runs the tests with `--nocapture`.
fn eprint_line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn create(path: &Path) -> BufWriter<File> {
    std::fs::create_dir_all(path.parent().expect("it stands in the sandbox")).expect("folders can be made");
    BufWriter::with_capacity(1 << 20, File::create(path).expect("a file can be made"))
}

/// Lines of a log, about so many bytes; some name somebody.
fn log(out: &mut impl Write, bytes: u64) {
    let (mut written, mut i) = (0, 0u64);
    while written < bytes {
        let who = if i % 50 == 0 { format!("person{}@example.com", i % 1_000) } else { format!("host{}", i % 97) };
        let line = format!("2026-01-31T08:15:42Z {who} request {i} took {} ms status={}\n", i % 311, 200 + i % 5);
        out.write_all(line.as_bytes()).expect("there is room");
        written += line.len() as u64;
        i += 1;
    }
}

const LAST: &[u8] = b" write to last@example.com now\n";

#[test]
fn one_large_file() {
    let sandbox = Sandbox::new();
    let mut out = create(&sandbox.path("data/app.log"));
    log(&mut out, size(5_000_000_000, 60_000_000));
    out.write_all(LAST).expect("there is room");
    drop(out);
    holds("one large file", &sandbox, 0, 1);
}

#[test]
fn one_long_line() {
    let sandbox = Sandbox::new();
    let mut out = create(&sandbox.path("data/line.txt"));
    for i in 0..size(1_000_000_000, 30_000_000) / 10 {
        write!(out, "word{:05} ", i % 99_991).expect("there is room");
    }
    out.write_all(LAST).expect("there is room");
    drop(out);
    holds("one long line", &sandbox, 0, 1);
}

#[test]
fn one_long_json_value() {
    let sandbox = Sandbox::new();
    let mut out = create(&sandbox.path("data/string.json"));
    out.write_all(b"{\"id\": 7, \"note\": \"").expect("there is room");
    for i in 0..size(1_000_000_000, 30_000_000) / 10 {
        write!(out, "word{:05} ", i % 99_991).expect("there is room");
    }
    out.write_all(b" write to last@example.com now\", \"more\": true}\n").expect("there is room");
    drop(out);
    holds("one long JSON string", &sandbox, 0, 1);
}

#[test]
fn one_long_json_array() {
    let sandbox = Sandbox::new();
    let mut out = create(&sandbox.path("data/array.json"));
    out.write_all(b"{\"all\": [").expect("there is room");
    for i in 0..size(1_000_000_000, 30_000_000) / 40 {
        writeln!(out, "{{\"id\": {i}, \"note\": \"word{:05}\"}},", i % 99_991).expect("there is room");
    }
    out.write_all(b"{\"id\": 0, \"note\": \"last@example.com\"}]}\n").expect("there is room");
    drop(out);
    holds("one long JSON array", &sandbox, 0, 1);
}

#[test]
fn many_small_files() {
    let sandbox = Sandbox::new();
    let many = size(1_000_000, 4_000);
    for i in 0..many {
        let path = sandbox.path(format!("data/{:03}/{}.txt", i / 1_000, i % 1_000));
        if i % 1_000 == 0 {
            std::fs::create_dir_all(path.parent().expect("it has one")).expect("folders can be made");
        }
        let text =
            if i + 1 == many { "last@example.com".to_owned() } else { format!("note {i} of person{i}@example.com\n") };
        std::fs::write(path, text).expect("there is room");
    }
    holds("many small files", &sandbox, 0, 1);
    let (again, most) = scan(&sandbox);
    eprint_line(&format!("many small files, again: {} MiB at most", most >> 20));
    again.exits(0).prints("had not changed");
    assert!(most <= most_memory(), "again it took {} MiB", most >> 20);
}

#[test]
fn many_members_of_a_tar() {
    let sandbox = Sandbox::new();
    let mut out = tar::Builder::new(create(&sandbox.path("data/all.tar")));
    let many = size(1_000_000, 4_000);
    for i in 0..many {
        let text =
            if i + 1 == many { "last@example.com".to_owned() } else { format!("note {i} of person{i}@example.com\n") };
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        out.append_data(&mut header, format!("{:03}/{}.txt", i / 1_000, i % 1_000), text.as_bytes())
            .expect("there is room");
    }
    drop(out.into_inner().expect("there is room").flush());
    holds("many members of a tar", &sandbox, 0, 1);
}

#[test]
fn what_expands_a_lot() {
    let sandbox = Sandbox::new();
    let expanded = size(4_000_000_000, 100_000_000);
    let best = flate2::Compression::best;
    let mut out = flate2::write::GzEncoder::new(create(&sandbox.path("data/hundredfold.log.gz")), best());
    let line =
        format!("{}\n", "INFO nothing of note happened on this host today, as on every other day before ".repeat(8));
    for i in 0..expanded / line.len() as u64 {
        // A number now and then keeps it from packing better still.
        if i % 5 == 0 {
            write!(out, "{:x}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).expect("there is room");
        }
        out.write_all(line.as_bytes()).expect("there is room");
    }
    out.write_all(LAST).expect("there is room");
    drop(out.finish().expect("there is room").flush());
    let packed = std::fs::metadata(sandbox.path("data/hundredfold.log.gz")).expect("it was made").len();
    assert!(expanded / packed >= 90, "{}:1", expanded / packed);
    holds("a hundredfold gzip", &sandbox, 0, 1);

    let mut inner = flate2::write::GzEncoder::new(Vec::new(), best());
    for _ in 0..expanded >> 16 {
        inner.write_all(&[b' '; 1 << 16]).expect("there is room");
    }
    let mut out = flate2::write::GzEncoder::new(create(&sandbox.path("data/bomb.gz")), best());
    out.write_all(&inner.finish().expect("there is room")).expect("there is room");
    drop(out.finish().expect("there is room").flush());
    let packed = std::fs::metadata(sandbox.path("data/bomb.gz")).expect("it was made").len();
    assert!(expanded / packed >= 10_000, "{}:1", expanded / packed);
    holds("a bomb", &sandbox, 2, 1).prints("bomb.gz!bomb!bomb").prints("raise the limit `ratio`");
}

/// What a format would have to hold in memory whole is refused by name.
#[test]
fn what_would_not_fit_in_memory() {
    let sandbox = Sandbox::new();
    sandbox.file("data/note.txt", "last@example.com");
    let made = Command::new("zstd")
        .args(["-q", "--ultra", "--long=30", "-o", "far.zst", "-"])
        .current_dir(sandbox.path("data"))
        .stdin(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            let mut stdin = child.stdin.take().expect("it is piped");
            log(&mut stdin, 40_000_000);
            drop(stdin);
            child.wait()
        });
    assert!(made.expect("the zstd program is installed").success());
    holds("a far-reaching zstd", &sandbox, 2, 1).prints("far.zst!far").prints("`whole_bytes`");
}
