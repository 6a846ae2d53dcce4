//! What the person at the terminal gets wrong, and what the commands around the pipeline give.

use std::io::Read as _;
use std::process::Stdio;

use crate::sandbox::{Run, Sandbox};

#[test]
fn mistakes_are_named_with_their_cure() {
    let sandbox = Sandbox::new();
    sandbox.file("notes/a.txt", "nothing here\n");
    sandbox.file("bad.toml", "indx = 1\n");
    sandbox.file("people.csv", "e-mail\nx@example.com\n");
    let cases: &[(&[&str], &str, &str)] = &[
        (&["scan"], "there is no source to scan", "hint: name one"),
        (&["scan", "no/such/place"], "no/such/place", "error: "),
        (&["scan", "gopher://example.com"], "`gopher` is no kind of source", "sqlite:PATH"),
        (&["scan", "notes", "notes"], "given twice", "error: "),
        (&["scan", "notes", "--include", "a{b"], "a{b", "is not a glob"),
        (&["scan", "notes", "--sample", "0"], "--sample", "error: "),
        (&["scan", "notes", "--jobs", "0"], "--jobs", "from 1 on"),
        (&["scan", "notes", "--config", "bad.toml"], "docs/configuration.md", "every setting"),
        (&["scan", "notes", "--config", "bad.toml"], "bad.toml", "indx"),
        (&["scan", "notes", "--config", "missing.toml"], "missing.toml", "cannot be read"),
        (&["findings", "--type", "SHOE_SIZE"], "there is no such type", "EMAIL"),
        (&["findings", "--index", "none"], "there is no index", "residuum scan"),
        (&["find"], "nobody to look for", "--email"),
        (&["find", "--email", "not an address"], "--email", "such as"),
        (&["find", "--id", "7"], "--id", "DOMAIN=VALUE"),
        (&["find", "--sha256", "EMAIL=abc"], "--sha256", "64 hexadecimal"),
        (&["find", "--identifiers", "people.csv"], "people.csv", "`e-mail`"),
        (&["find", "--identifiers", "missing.csv"], "missing.csv", "error: "),
        (&["detect", "missing.txt"], "missing.txt", "hint: "),
        (&["detect", "--input", "jsonl", "--format", "csv"], "always answered", "jsonl"),
        (&["man", "frobnicate"], "there is no command `frobnicate`", "`scan`"),
        (&["keys", "backup", "copy.key", "--index", "none"], "there is no index", "residuum scan"),
    ];
    for (arguments, named, cure) in cases {
        let run = sandbox.run(*arguments).exits(1).says(named).says(cure).says("error: ");
        assert!(run.stdout.is_empty(), "{arguments:?}: {}", run.stdout);
        assert!(!run.stderr.contains("not an address"), "a value given is not repeated: {}", run.stderr);
    }
}

#[test]
fn threads_from_the_environment_are_a_number_from_one_on() {
    let sandbox = Sandbox::new();
    for text in ["0", "-1", "many", ""] {
        let mut command = sandbox.command(["rules", "check"]);
        Run::of(command.env("RESIDUUM_JOBS", text)).exits(1).says("RESIDUUM_JOBS").says("from 1 on");
    }
}

#[test]
fn what_has_no_effect_is_said() {
    let sandbox = Sandbox::new();
    sandbox.file("notes/a.txt", "write to jane@example.com\n");
    sandbox.file(
        "residuum.toml",
        r#"
        [[source]]
        name = "notes"
        url = "notes"
        [[join]]
        from = { source = "note", object = "orders.csv", field = "customer" }
        to = { source = "crm", object = "customers", field = "id" }
        [[exclude]]
        source = "notes"
        object = "*.txt"
        approved_by = "privacy office"
        reason = "synthetic"
        until = "2020-01-31"
        [[exclude]]
        source = "old"
        object = "**"
        approved_by = "privacy office"
        reason = "synthetic"
        "#,
    );
    sandbox
        .run(["scan", "--include", "*.txt", "--include", "*.csv", "--exclude", "nothing"])
        .exits(0)
        .says("`from` of the `[[join]]` with `orders.csv.customer` names source `note`, which there is not; sources are `notes`")
        .says("names source `crm`")
        .says("the `[[exclude]]` of `*.txt` in `notes` held until 2020-01-31")
        .says("the `[[exclude]]` of `**` names source `old`")
        .says("`--include *.csv` matches nothing")
        .says("`--exclude nothing` matches nothing")
        .never_says("`--include *.txt`");
    for command in [&["findings"][..], &["report"], &["find", "--email", "jane@example.com"]] {
        let arguments = [command, &["--exclude", "nowhere", "--include", "a.txt"]].concat();
        sandbox.run(arguments).exits(0).says("`--exclude nowhere` matches no object").never_says("`--include a.txt`");
    }
}

/// A full disk is not the fault of the file that is read.
#[test]
#[cfg(target_os = "linux")]
fn an_output_that_cannot_be_written_is_named_as_such() {
    let sandbox = Sandbox::new();
    sandbox.file("a.txt", "write to jane@example.com\n");
    sandbox.file("a.jsonl", "{\"id\":1,\"text\":\"write to jane@example.com\"}\n");
    for arguments in [&["detect", "a.txt"][..], &["detect", "a.jsonl", "--input", "jsonl"], &["rules", "list"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has one");
        let ran = Run::of(sandbox.command(arguments).stdout(full));
        ran.exits(1).says("standard output cannot be written").never_says("cannot be read");
    }
}

/// Whom a field that was left out names is not found: it is said. Nobody is acted upon in part unnoticed.
#[test]
fn fields_that_were_left_out_are_told_by_whoever_looks() {
    let sandbox = Sandbox::new();
    sandbox.file("data/a.csv", "id,email,phone\n1,a@example.com,202-555-0101\n2,b@example.com,202-555-0102\n");
    sandbox.run(["scan", "data", "--exclude", "email"]).exits(0);
    let warning = "in 1 object the scan left out fields by `--exclude`";
    sandbox.run(["find", "--phone", "202-555-0101"]).exits(0).says(warning);
    sandbox.run(["erase", "data", "--phone", "202-555-0101"]).says(warning);
    sandbox
        .run(["verify", "data", "--phone", "202-555-0101", "--exclude", "nothing"])
        .says("`--exclude nothing` matches");
    for command in [&["erase"][..], &["disclose", "--output", "package"]] {
        let ran = sandbox.run([command, &["data", "--phone", "202-555-0101", "--exclude", "email"]].concat());
        ran.exits(1).says("takes neither `--include` nor `--exclude`").says("[[retain]]");
    }
    sandbox.run(["scan", "data"]).exits(0);
    sandbox.run(["find", "--phone", "202-555-0101"]).exits(0).never_says("left out");
}

#[test]
fn completions_and_manual_come_for_every_command() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        sandbox.run(["completions", shell]).exits(0).prints("findings");
    }
    sandbox.run(["man"]).exits(0).prints(".TH residuum 1");
    sandbox.run(["man", "keys", "rotate"]).exits(0).prints("rotate");
    sandbox.run(["man", "--dir", "pages"]).exits(0);
    for page in ["residuum.1", "residuum-scan.1", "residuum-keys-backup.1"] {
        assert!(sandbox.path("pages").join(page).is_file(), "{page}");
    }
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let sandbox = Sandbox::new();
    let text = "write to jane@example.com\n".repeat(50_000);
    sandbox.file("long.txt", text);
    let mut command = sandbox.command(["detect", "long.txt", "--format", "jsonl"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut first = [0; 10];
    child.stdout.take().expect("it is piped").read_exact(&mut first).expect("there is a first line");
    // The reading end is closed here, long before the program has written everything.
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(0), "".into()));
}

#[test]
fn quiet_is_quiet_and_colour_stays_off() {
    let sandbox = Sandbox::new();
    sandbox.file("notes/a.txt", "write to jane@example.com\n");
    let run = sandbox.run(["scan", "notes", "--quiet"]).exits(0).prints("EMAIL");
    assert_eq!(run.stderr, "");
    let coloured = |run: Run| run.stdout.contains('\x1b') || run.stderr.contains('\x1b');
    assert!(!coloured(sandbox.run(["report"])) && !coloured(sandbox.run(["find"])));
}
