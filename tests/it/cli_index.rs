//! The commands that answer from an index: formats, filters, exit codes and what they refuse to show.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::sandbox::Sandbox;

/// Two small sources, scanned.
fn scanned() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file(
        "crm/people.csv",
        "id,email,phone\n1,jane@example.com,(202) 555-0123\n2,omar@example.org,(202) 555-0145\n",
    );
    sandbox.file("logs/app.log", "started\nmail to jane@example.com bounced\n");
    sandbox.run(["scan", "crm", "logs"]).exits(0).prints("EMAIL").prints("coverage complete");
    sandbox
}

#[test]
fn findings_come_in_every_format_and_filter() {
    let sandbox = scanned();
    let all = sandbox.run(["findings", "--format", "jsonl"]).exits(0).lines();
    let array = sandbox.run(["findings", "--format", "json"]).exits(0).json();
    assert_eq!(array.as_array().expect("an array"), &all);
    let csv = sandbox.run(["findings", "--format", "csv"]).exits(0).stdout;
    assert_eq!(csv.lines().count(), all.len() + 1);
    let emails = sandbox.run(["findings", "--type", "email", "--format", "jsonl"]).exits(0).lines();
    assert_eq!(emails.len(), 3);
    let first = &emails[0];
    assert_eq!(
        (&first["source"], &first["object"], &first["field"]),
        (&"crm".into(), &"people.csv".into(), &"email".into())
    );
    assert_eq!((&first["record"]["kind"], &first["record"]["key"]), (&"row".into(), &1.into()));
    assert_eq!((&first["byte_start"], &first["byte_end"]), (&17.into(), &33.into()));
    for (arguments, count) in [
        (&["--source", "logs"][..], 1),
        (&["--object", "*.csv"], 2),
        (&["--exclude", "email"], 1),
        (&["--include", "*.log"], 1),
    ] {
        let arguments = [&["findings", "--type", "EMAIL", "--format", "jsonl"], arguments].concat();
        assert_eq!(sandbox.run(&arguments).exits(0).lines().len(), count, "{arguments:?}");
    }
    assert_eq!(sandbox.run(["findings", "--object", "nothing/**"]).exits(0).stdout, "");
}

#[test]
fn sources_domains_and_fields_are_asked_for_as_they_are_printed_or_listed() {
    let sandbox = scanned();
    sandbox.file("mail/jane@example.com/inbox.txt", "from omar@example.org\n");
    sandbox.run(["scan", "mail/jane@example.com"]).exits(0);
    let lines = sandbox.run(["findings", "--type", "EMAIL", "--format", "jsonl"]).exits(0).lines();
    let sealed = lines.iter().find_map(|line| line["source"].as_str().filter(|name| name.contains('⟨')));
    let shown = sealed.expect("a personal path is sealed").to_owned();
    for name in [&shown, "mail/jane@example.com", "mail/jane@example.com/"] {
        let found = sandbox.run(["findings", "--source", name, "--format", "jsonl"]).exits(0).lines();
        assert!(!found.is_empty() && found.iter().all(|line| line["source"] == shown.as_str()), "{name}: {found:?}");
        sandbox.run(["report", "--source", name]).exits(0).prints("inbox.txt").nowhere("jane@");
    }
    for command in ["findings", "report"] {
        sandbox
            .run([command, "--source", "cmr"])
            .exits(1)
            .says("no such source `cmr`")
            .says("`crm`, `logs`, `mail/⟨EMAIL");
        let run = sandbox.run([command, "--source", "mail/kim@example.com"]).exits(1);
        assert!(!run.stderr.contains("kim"), "{}", run.stderr);
    }
    sandbox.run(["find", "--id", "crm.people.id=1"]).exits(1).says("no key domain `crm.people.id`").says("[[join]]");
    for (name, field) in [("people.csv.*", "phone"), ("csv.email", "email"), ("PHONE", "phone")] {
        sandbox.run(["report", "--explain", name]).exits(0).prints(field);
    }
    sandbox.run(["report", "--explain", "mail"]).exits(1).says("no ").says("crm.people.csv.email");
    sandbox.run(["report", "--explain", "shoe_size"]).exits(1).says("`residuum report` lists fields");
}

#[test]
fn a_damaged_index_is_named_and_gives_no_answer() {
    let sandbox = scanned();
    sandbox.run(["index", "check"]).exits(0).says("everything is as it was written");
    let segments = fs::read_dir(sandbox.path(".residuum/segments")).expect("it is there");
    let prints =
        segments.map(|entry| entry.expect("listed").path()).find(|path| path.to_string_lossy().contains("prints"));
    let catalog = sandbox.path(".residuum/catalog.sqlite");
    let find = ["find", "--email", "jane@example.com"];
    for (file, at) in [(prints.expect("a file of prints"), 40), (catalog, 5000)] {
        let bytes = fs::read(&file).expect("it can be read");
        let mut flipped = bytes.clone();
        flipped[at] ^= 16;
        fs::write(&file, flipped).expect("it can be written");
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        for command in [&["index", "check"][..], &find] {
            sandbox
                .run(command)
                .exits(1)
                .says(name)
                .says("restore the directory from a backup, or delete it and scan again");
        }
        fs::write(&file, bytes).expect("it can be written");
    }
    sandbox.run(find).exits(0);
}

#[test]
fn somebody_is_found_plain_hashed_and_by_file() {
    let sandbox = scanned();
    let digest = "EMAIL=8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d";
    for arguments in [
        &["--email", "Jane@Example.com "][..],
        &["--sha256", digest],
        &["--phone", "+1 202 555 0123", "--email", "jane@example.com"],
    ] {
        let run = sandbox.run([&["find", "--format", "jsonl"], arguments].concat()).exits(0).says("location");
        let places: Vec<_> = run.lines().iter().map(|line| line["object"].clone()).collect();
        assert!(
            places.contains(&"people.csv".into()) && places.contains(&"app.log".into()),
            "{arguments:?}: {places:?}"
        );
        assert!(
            run.lines().iter().all(|line| line["subject"] == "1" && line["why"].is_array() && line["shared"] == false)
        );
    }
    sandbox.file("people.csv", "subject_id,email\nA,jane@example.com\nB,nobody@example.net\nC,omar@example.org\n");
    let run =
        sandbox.run(["find", "--identifiers", "people.csv", "--format", "jsonl"]).exits(0).says("2 of 3 subjects");
    let subjects: Vec<_> = run.lines().iter().map(|line| line["subject"].clone()).collect();
    assert!(subjects.contains(&"A".into()) && subjects.contains(&"C".into()) && !subjects.contains(&"B".into()));
    sandbox.run(["find", "--email", "nobody@example.net"]).exits(3).nowhere("nobody@");
}

#[test]
fn the_inventory_comes_in_every_format() {
    let sandbox = scanned();
    sandbox.run(["report"]).exits(0).prints("people.csv").prints("EMAIL").prints("coverage complete");
    let json = sandbox.run(["report", "--format", "json"]).exits(0).json();
    let fields = json["fields"].as_array().expect("an array");
    let email = fields.iter().find(|f| f["field"] == "email").expect("it is there");
    assert_eq!(email["types"][0]["type"], "EMAIL");
    assert_eq!((&email["types"][0]["n_values"], &email["types"][0]["n_records"]), (&2.into(), &2.into()));
    assert_eq!(email["categories"][0], "A");
    for state in ["read", "derived", "excluded", "unsupported", "unreadable", "limit"] {
        assert!(json["coverage"][state].is_u64(), "{state}");
    }
    sandbox.run(["report", "--format", "csv"]).exits(0).prints("source,object,field,type");
    sandbox.run(["report", "--format", "html", "--output", "page.html"]).exits(0).says("page.html");
    let page = fs::read_to_string(sandbox.path("page.html")).expect("it was written");
    assert!(page.starts_with("<!doctype html>") && page.contains("<svg") && !page.contains("jane@"));
    sandbox.run(["report", "--explain", "email"]).exits(0).prints("examined:").prints("people.csv");
    sandbox.run(["report", "--explain", "shoe_size"]).exits(1).says("shoe_size");
    sandbox.run(["report", "--source", "elsewhere"]).exits(1).says("`crm`");
}

#[test]
fn what_cannot_be_read_is_named_and_decides_the_exit() {
    let sandbox = Sandbox::new();
    sandbox.file("data/good.txt", "jane@example.com\n");
    sandbox.file("data/bad.zip", b"PK\x03\x04 and then nothing that a zip would have");
    sandbox.run(["scan", "data"]).exits(2).says("bad.zip").prints("coverage incomplete");
    sandbox.run(["find", "--email", "jane@example.com"]).exits(2).says("coverage is incomplete");
    sandbox.run(["find", "--email", "nobody@example.com"]).exits(3).says("coverage is incomplete");
    sandbox.run(["report"]).exits(2).prints("bad.zip");
}

#[test]
fn one_source_that_fails_does_not_stop_the_others() {
    let sandbox = Sandbox::new();
    sandbox.file("data/good.txt", "jane@example.com\n");
    sandbox.run(["scan", "data", "sqlite:missing.sqlite"]).exits(2).says("missing.sqlite").prints("EMAIL");
    sandbox.run(["find", "--email", "jane@example.com"]).prints("good.txt");
}

#[test]
fn a_plan_reads_nothing() {
    let sandbox = Sandbox::new();
    sandbox.file("data/good.txt", "jane@example.com\n");
    sandbox.run(["scan", "data", "--plan"]).exits(0).prints("to read: 1 object, 17 B");
    sandbox.run(["scan", "data"]).exits(0);
    sandbox.run(["scan", "data", "--plan"]).exits(0).prints("unchanged: 1 object");
    let plan = sandbox.run(["scan", "data", "--plan", "--full", "--format", "json"]).exits(0).json();
    assert_eq!(plan["sources"][0]["objects"], 1);
}

#[test]
fn the_index_inside_of_a_source_is_not_scanned() {
    let sandbox = Sandbox::new();
    sandbox.file("a.txt", "jane@example.com\n");
    sandbox.run(["scan", "."]).exits(0);
    sandbox.run(["scan", "."]).exits(0);
    let objects: Vec<_> = sandbox.run(["findings", "--format", "jsonl"]).exits(0).lines();
    assert!(objects.iter().all(|line| line["object"] == "a.txt"), "{objects:?}");
}

#[test]
fn keys_are_checked_copied_and_replaced() {
    let sandbox = scanned();
    sandbox.run(["keys", "check"]).exits(0).prints("current");
    sandbox.run(["keys", "backup", "copy.key"]).exits(0);
    assert_eq!(fs::metadata(sandbox.path("copy.key")).expect("it was made").permissions().mode() & 0o777, 0o600);
    sandbox.run(["keys", "backup", "copy.key"]).exits(1).says("copy.key").says("hint: ");
    sandbox.run(["keys", "rotate"]).exits(0).says("--full");
    sandbox.run(["keys", "check"]).exits(0).prints("older");
    sandbox.run(["find", "--email", "jane@example.com"]).exits(0);
    let mut command = sandbox.command(["find", "--email", "omar@example.org"]);
    command.env("RESIDUUM_INDEX_KEY", "ff".repeat(32));
    let run = crate::sandbox::Run::of(&mut command);
    run.exits(1).says("RESIDUUM_INDEX_KEY").nowhere("ffffffff");
}

#[test]
fn showing_values_is_noted_and_only_then_done() {
    let sandbox = Sandbox::new();
    sandbox.file("mail/jane@example.com.txt", "called (202) 555-0123\n");
    sandbox.run(["scan", "mail"]).exits(0).nowhere("jane@");
    sandbox.run(["findings", "--format", "jsonl"]).exits(0).nowhere("jane@").prints("⟨EMAIL:").prints("…⟩");
    sandbox.run(["report"]).exits(0).nowhere("jane@").prints("⟨EMAIL:");
    assert!(!sandbox.path(".residuum/audit.sqlite").exists());
    sandbox.run(["findings", "--format", "jsonl", "--show-values"]).exits(0).prints("jane@example.com.txt");
    let log = sandbox.run(["audit", "export"]).exits(0).nowhere("jane").stdout;
    assert!(log.contains("\"action\":\"findings\"") && log.contains("show_values"), "{log}");
    // What cannot be noted is not done.
    let mut command = sandbox.command(["findings", "--show-values"]);
    command.env("RESIDUUM_AUDIT", sandbox.path("nowhere/audit.sqlite"));
    crate::sandbox::Run::of(&mut command).exits(1).says("nothing was done").says("RESIDUUM_AUDIT").nowhere("jane@");
}

#[test]
fn sources_are_checked_by_name() {
    let sandbox = Sandbox::new();
    sandbox.file("data/a.txt", "x\n");
    sandbox.file(
        "residuum.toml",
        "[[source]]\nname = \"files\"\nurl = \"data\"\n[[source]]\nname = \"db\"\nurl = \"sqlite:none.sqlite\"\n",
    );
    sandbox.run(["sources", "check", "files"]).exits(0).prints("files  ok");
    sandbox.run(["sources", "check"]).exits(1).prints("db  not reached").prints("files  ok");
    let lines = sandbox.run(["sources", "check", "--format", "jsonl"]).exits(1).lines();
    assert_eq!((&lines[0]["reached"], &lines[1]["reached"]), (&true.into(), &false.into()));
}

#[test]
fn rules_are_listed_and_hold() {
    let sandbox = Sandbox::new();
    sandbox.run(["rules", "check"]).exits(0);
    let rules = sandbox.run(["rules", "list", "--format", "jsonl"]).exits(0).lines();
    let types: std::collections::BTreeSet<_> = rules.iter().map(|rule| rule["type"].to_string()).collect();
    assert!(types.len() >= 25, "{types:?}");
    sandbox.file("ours/broken.toml", "[[rule]]\nid = 7\n");
    sandbox.file("residuum.toml", "rules = [\"ours\"]\n");
    sandbox.run(["rules", "check"]).exits(1).says("broken.toml");
}

/// Whoever is second is told so, and the index is whole.
#[test]
fn two_first_scans_at_once_leave_one_index() {
    let sandbox = scanned();
    for round in 0..6 {
        let index = format!("both-{round}");
        let scan = || sandbox.command(["--index", &index, "scan", "crm"]).output().expect("it runs");
        let (first, second) = std::thread::scope(|scope| {
            let first = scope.spawn(scan);
            (first.join().expect("no panic"), scan())
        });
        let together = std::thread::scope(|scope| {
            let index = format!("{index}-at-once");
            let sandbox = &sandbox;
            let scan = move || sandbox.command(["--index", &index, "scan", "crm"]).output().expect("it runs");
            let other = scope.spawn(scan.clone());
            [scan(), other.join().expect("no panic")]
        });
        assert!(first.status.success() && second.status.success(), "one after the other");
        for output in together.iter().filter(|output| !output.status.success()) {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("is being written by process"), "{said}");
        }
        let index = format!("{index}-at-once");
        sandbox.run(["--index", &index, "find", "--email", "jane@example.com"]).exits(0).prints("people.csv");
        sandbox.run(["--index", &index, "index", "check"]).exits(0);
    }
}

#[test]
fn without_a_list_of_sources_those_of_the_index_are_meant() {
    let sandbox = scanned();
    sandbox.run(["erase", "--email", "omar@example.org"]).exits(0).prints("people.csv");
    sandbox.file("crm/people.csv", "id,email,phone\n1,jane@example.com,(202) 555-0123\n");
    sandbox.run(["scan"]).exits(0);
    sandbox.run(["find", "--email", "omar@example.org"]).exits(3);
    // A slash behind it makes no other source.
    sandbox.run(["scan", "crm/"]).exits(0);
    assert_eq!(sandbox.run(["findings", "--type", "EMAIL", "--format", "jsonl"]).exits(0).lines().len(), 2);
}

#[test]
fn names_of_directories_are_sealed_and_those_of_servers_are_not() {
    let sandbox = Sandbox::new();
    let secrets = ["528-82-2033", "4111111111111111", "cust 415-555-0132", "Jane Smith"];
    for secret in secrets {
        sandbox.file(format!("lk/{secret}/a.csv"), "id,email\n1,jane@example.com\n");
    }
    sandbox.run(["scan", "lk"]).exits(0);
    let printed = sandbox.run(["find", "--email", "jane@example.com"]).exits(0).stdout;
    let catalog =
        String::from_utf8_lossy(&fs::read(sandbox.path(".residuum/catalog.sqlite")).expect("it is there")).into_owned();
    for secret in ["528-82-2033", "4111111111111111", "415-555-0132", "Jane Smith"] {
        assert!(!printed.contains(secret) && !catalog.contains(secret), "{secret}: {printed}");
    }
    let server = "postgres://reader@127.0.0.1:1/shop";
    sandbox.run(["scan", "lk", server]).exits(2).says(server);
    sandbox.run(["report"]).prints(server);
}
