//! What every command has in common.

use crate::sandbox::Sandbox;

#[test]
fn help_and_version_are_data() {
    let sandbox = Sandbox::new();
    sandbox.run(["--version"]).exits(0).prints("residuum 0.1.0");
    let help = sandbox.run(["--help"]).exits(0);
    assert!(help.stderr.is_empty(), "{}", help.stderr);
    for command in ["scan", "findings", "find", "report", "detect", "rules", "sources", "keys", "demo"] {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "`{command}` is not in\n{}", help.stdout);
    }
}

#[test]
fn what_is_not_a_command_could_not_run() {
    let sandbox = Sandbox::new();
    for wrong in [&["frobnicate"][..], &["scan", "--no-such-flag"], &[]] {
        let run = sandbox.run(wrong).exits(1);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{wrong:?}: {}", run.stdout);
    }
}

#[test]
fn detection_reads_standard_input() {
    let sandbox = Sandbox::new();
    let run =
        sandbox.run_on("{\"id\":7,\"text\":\"¡hola jane@example.com!\"}\n", ["detect", "--input", "jsonl"]).exits(0);
    let line = &run.lines()[0];
    assert_eq!(line["id"], 7);
    let finding = &line["findings"][0];
    assert_eq!((&finding["type"], &finding["start"], &finding["start_byte"]), (&"EMAIL".into(), &6.into(), &7.into()));
}

#[test]
fn a_value_is_in_no_output() {
    let sandbox = Sandbox::new();
    sandbox.file("notes/a.txt", "write to jane@example.com\n");
    sandbox.run(["scan", "notes"]).exits(0).nowhere("jane@example.com");
    let findings = sandbox.run(["findings", "--format", "jsonl"]).exits(0).nowhere("jane@example.com").prints("EMAIL");
    assert_eq!(findings.lines()[0]["object"], "a.txt");
    sandbox.run(["find", "--email", "nobody@example.org"]).exits(3);
    let json = sandbox.run(["report", "--format", "json"]).exits(0).json();
    assert_eq!(json["coverage"]["read"], 1);
    assert!(sandbox.path(".residuum").is_dir());
    sandbox.run(["find", "--index", "elsewhere", "--email", "jane@example.com"]).exits(1).says("elsewhere");
}
