//! What a person says is wrong: the decision is kept with what it rests on, and a field that was not corrected is told to be
//! contested, to the person and to whoever gets it, and never to another person.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::sandbox::{Run, Sandbox};

const JANE: &str = "jane.roe@example.com";

const CONFIG: &str = r#"
[[source]]
name = "shop"
url = "sqlite:shop.sqlite"
[[recipient]]
name = "bureau"
category = "credit bureaus"
kind = "third party"
[[recipient]]
name = "host"
category = "hosting providers"
kind = "service provider"
[[map]]
source = "shop"
object = "main.people"
service_providers = ["host"]
[[map]]
source = "shop"
object = "main.people"
field = "phone"
disclosed_to = ["bureau"]
"#;

fn shop() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut sql = "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, phone TEXT);\n\
                   CREATE TABLE tickets (id INTEGER PRIMARY KEY, requester_email TEXT, agent_email TEXT, note TEXT);\n"
        .to_owned();
    for n in 1..=9 {
        let email = if n == 5 { JANE.to_owned() } else { format!("customer{n}@example.com") };
        sql += &format!("INSERT INTO people VALUES ({n}, '{email}', '(202) 555-01{n:02}');\n");
    }
    sql += &format!("INSERT INTO tickets VALUES (1, '{JANE}', 'customer2@example.com', 'late');\n");
    let made = Command::new("sqlite3").arg(sandbox.path("shop.sqlite")).arg(sql).status();
    assert!(made.expect("sqlite3 is installed").success());
    sandbox.file("residuum.toml", CONFIG);
    sandbox.file("says.txt", "That was never my number; I have had another since 2019.\n");
    sandbox.file("bill.pdf", "a bill");
    sandbox.run(["scan", "--quiet"]).exits(0);
    sandbox
}

fn add(sandbox: &Sandbox, who: &str, object: &str, field: &str, decision: &str) -> Run {
    let place = ["contests", "add", "--source", "shop", "--object", object, "--field", field, "--email", who];
    let decided = ["--decision", decision, "--basis", "the bill of May has it", "--decided-by", "legal"];
    let weighed = ["--factor", "came from the person", "--factor", "a bill was shown", "--document", "bill.pdf"];
    let request = ["--request", "R-9", "--statement", "says.txt", "--received", "2026-11-02", "--manner", "mail"];
    sandbox.run(place.iter().chain(&decided).chain(&weighed).chain(&request))
}

fn data(sandbox: &Sandbox, who: &[&str], output: &str) -> (Value, String, String) {
    let run = sandbox.run(["disclose", "--output", output].iter().chain(who)).exits(0);
    let read = |name: &str| fs::read_to_string(sandbox.path(format!("{output}/{name}"))).expect("it is there");
    (serde_json::from_str(&read("data.json")).expect("it is JSON"), read("index.html"), run.stderr)
}

/// COR-1: factors, documents, outcome and basis are kept; what the person says is sealed.
#[test]
fn a_decision_is_kept_with_what_it_rests_on() {
    let sandbox = shop();
    add(&sandbox, JANE, "main.people", "phone", "denied").exits(0).nowhere("2019").nowhere("jane");
    add(&sandbox, JANE, "main.people", "phone", "denied").exits(0);
    let listed =
        sandbox.run(["contests", "list", "--format", "jsonl"]).exits(0).nowhere("2019").nowhere("jane").lines();
    assert_eq!(listed.len(), 1, "the same is entered once: {listed:?}");
    let of = &listed[0];
    assert_eq!((&of["decision"], &of["basis"]), (&"denied".into(), &"the bill of May has it".into()), "{of}");
    assert_eq!(of["factors"], serde_json::json!(["came from the person", "a bill was shown"]));
    assert_eq!(of["documents"][0].as_str().map(str::len), Some(64), "a digest: {of}");
    assert_eq!(of["statement"], Value::Null);
    sandbox.run(["contests", "list", "--show-values"]).exits(0).prints("since 2019");
    let register = fs::read(sandbox.path(".residuum/requests.sqlite")).expect("it is there");
    assert!(!String::from_utf8_lossy(&register).contains("2019; "), "it is sealed");
    assert!(!String::from_utf8_lossy(&register).contains("never my number"), "it is sealed");
    let log = sandbox.run(["audit", "export"]).exits(0).nowhere("jane").nowhere("never my number");
    log.prints("enter contest").prints("list contests");
    let requests = sandbox.run(["request", "list", "--format", "jsonl"]).exits(0).lines();
    assert_eq!((&requests[0]["nature"], &requests[0]["response"]), (&"correct".into(), &"denied".into()));

    sandbox.file("long.txt", "word ".repeat(251));
    let long = ["contests", "add", "--source", "shop", "--object", "main.people", "--field", "phone", "--email", JANE];
    let rest =
        ["--decision", "denied", "--basis", "x", "--decided-by", "y", "--request", "R-9", "--statement", "long.txt"];
    sandbox.run(long.iter().chain(&rest)).exits(1).says("251 words");
    add(&sandbox, JANE, "main.nothing", "phone", "denied").exits(1).says("is not found in main.nothing");
    let run = add(&sandbox, JANE, "main.people", "phon", "denied").exits(1);
    run.says("main.people has no field `phon`").says("nearest are `phone`");
    // A field in which nothing is found is one, too: see `note` below.
}

/// 11 CCR § 7023(f): whoever gets a contested field is told so, and so is the person when it is disclosed; nobody else learns
/// what they say.
#[test]
fn a_denied_correction_marks_the_field_for_whoever_gets_it() {
    let sandbox = shop();
    add(&sandbox, JANE, "main.people", "phone", "denied").exits(0).says("not told yet: `bureau`").says("`host`");
    let (package, page, _) = data(&sandbox, &["--email", JANE], "hers");
    assert_eq!(package["contested"][0]["field"], "phone", "{package}");
    assert!(package["contested"][0]["statement"].as_str().is_some_and(|says| says.contains("since 2019")), "{package}");
    let marked: Vec<&Value> = package["systems"]
        .as_array()
        .expect("systems")
        .iter()
        .flat_map(|of| of["records"].as_array().expect("records"))
        .flat_map(|of| of["values"].as_array().expect("values"))
        .filter(|of| of["contested"] == true)
        .collect();
    assert!(marked.len() == 1 && marked[0]["field"] == "phone", "{marked:?}");
    assert!(page.contains("(contested by you)") && page.contains("What you contest"));

    let notices = sandbox.run(["notices", "list", "--format", "jsonl"]).exits(0).lines();
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(notices.iter().all(|of| of["instruction"] == "note as contested"), "{notices:?}");
    let bureau = notices.iter().find(|of| of["recipient"] == "bureau").expect("it gets the telephone");
    let write = ["notices", "write", bureau["id"].as_str().expect("an id"), "--email", JANE, "--output", "bureau"];
    sandbox.run(write).exits(0);
    let letter = fs::read_to_string(sandbox.path("bureau/notice.txt")).expect("it is there");
    assert!(letter.contains("contests the accuracy") && letter.contains("never my number"), "{letter}");

    // By a key alone it cannot be said that it is she, and another who stands in a record of hers learns nothing.
    add(&sandbox, JANE, "main.tickets", "note", "denied").exits(0);
    let (_, page, said) = data(&sandbox, &["--id", "shop.people.id=5"], "by-key");
    assert!(!page.contains("2019") && said.contains("it cannot be said by whom"), "{said}");
    let (package, page, said) = data(&sandbox, &["--email", "customer2@example.com"], "another");
    assert!(package["contested"].as_array().is_some_and(Vec::is_empty) && !page.contains("2019"), "{said}");

    // What ends the mark: it was corrected since.
    let listed = sandbox.run(["contests", "list", "--format", "jsonl"]).exits(0).lines();
    for of in &listed {
        sandbox.run(["contests", "withdraw", of["id"].as_str().expect("an id")]).exits(0);
    }
    let (package, ..) = data(&sandbox, &["--email", JANE], "after");
    assert!(package["contested"].as_array().is_some_and(Vec::is_empty), "{package}");
    add(&sandbox, JANE, "main.people", "phone", "granted").exits(0).says("`residuum correct` carries it out");
    let (package, ..) = data(&sandbox, &["--email", JANE], "granted");
    assert!(package["contested"].as_array().is_some_and(Vec::is_empty), "what was corrected is not contested");
}

/// 11 CCR § 7101(e): what is kept of requests names nobody, whatever is typed.
#[test]
fn a_text_that_names_somebody_is_not_kept() {
    let sandbox = shop();
    let cases: [(&str, &[&str], &str); 9] = [
        (
            "an address as id",
            &["request", "note", JANE, "--nature", "know"],
            "`ID` is kept, and holds what looks like a value of type EMAIL",
        ),
        ("a number as id", &["erase", "--email", JANE, "--request", "202-555-0147"], "`--request` is kept"),
        (
            "an address as basis",
            &[
                "request",
                "note",
                "R-1",
                "--nature",
                "know",
                "--response",
                "denied",
                "--basis",
                "jane.roe@example.com is not verified",
            ],
            "`--basis` is kept",
        ),
        (
            "a number as manner",
            &["request", "note", "R-1", "--nature", "know", "--manner", "call from (202) 555-0147"],
            "type PHONE",
        ),
        (
            "an address of who approved",
            &["notices", "excuse", "77ab01", "--because", "it is impossible", "--approved-by", "ann@example.com"],
            "`--approved-by` is kept",
        ),
        (
            "an address as excuse",
            &["notices", "excuse", "77ab01", "--because", "jane.roe@example.com moved", "--approved-by", "legal"],
            "`--because` is kept",
        ),
        ("an address as entry", &["suppression", "lift", JANE], "`ID` is kept"),
        (
            "an address as backup",
            &["backups", "add", JANE, "--source", "shop", "--taken", "2026-11-01"],
            "`BACKUP` is kept",
        ),
        ("a disclosure", &["disclose", "--email", JANE, "--dry-run", "--request", JANE], "`--request` is kept"),
    ];
    for (name, args, says) in cases {
        let run = sandbox.run(args).exits(1).says("hint: ").nowhere("jane.roe").nowhere("0147").nowhere("ann@");
        assert!(run.stderr.contains(says), "{name}: {}", run.stderr);
    }
    let place = ["contests", "add", "--source", "shop", "--object", "main.people", "--field", "phone", "--email", JANE];
    let rest =
        ["--decision", "denied", "--decided-by", "legal", "--request", "R-9", "--statement", "says.txt", "--basis"];
    let args: Vec<&str> = place.iter().chain(&rest).copied().collect();
    sandbox
        .run(args.iter().chain(&["her bill names jane.roe@example.com"]))
        .exits(1)
        .says("`--basis` is kept")
        .nowhere("jane.roe");
    sandbox.run(args.iter().chain(&["x", "--factor", "202-555-0105 answers"])).exits(1).says("`--factor` is kept");
    for name in ["requests.sqlite", "suppression.sqlite", "audit.sqlite"] {
        let kept = fs::read(sandbox.path(format!(".residuum/{name}"))).unwrap_or_default();
        let kept = String::from_utf8_lossy(&kept);
        assert!(!kept.contains("jane.roe") && !kept.contains("555-01"), "{name}");
    }
    sandbox.run(args.iter().chain(&["the bill of May has it"])).exits(0);
}

/// An answer to one person never stands in the place of another's.
#[test]
fn an_id_is_of_one_person() {
    let sandbox = shop();
    let disclose = |who: &[&str], request: &str, output: &str| {
        sandbox.run(["disclose", "--request", request, "--output", output, "--quiet"].iter().chain(who))
    };
    disclose(&["--email", "nobody@example.com"], "R-1", "none").exits(3);
    disclose(&["--email", JANE], "R-1", "hers").exits(0);
    disclose(&["--email", "customer2@example.com"], "R-1", "his")
        .exits(1)
        .says("request `R-1` is about somebody else")
        .says("an id of its own");
    let erase = |who: &[&str], request: &str| sandbox.run(["erase", "--request", request].iter().chain(who));
    erase(&["--email", "customer2@example.com", "--apply"], "R-1").exits(1).says("is about somebody else");
    erase(&["--email", "customer2@example.com"], "R-1").exits(1).says("is about somebody else");
    sandbox
        .run(["verify", "--email", "customer2@example.com", "--request", "R-1"])
        .exits(1)
        .says("is about somebody else");
    // The same person again, by another identifier and by the key of their record, for something else as well.
    disclose(&["--phone", "(202) 555-0105"], "R-1", "by-phone").exits(0);
    erase(&["--id", "shop.people.id=5", "--apply"], "R-1").exits(0);
    erase(&["--email", JANE, "--apply"], "R-1").exits(0);
    sandbox.file("two.csv", "subject_id,email\na,jane.roe@example.com\nb,customer2@example.com\n");
    erase(&["--identifiers", "two.csv"], "R-1").exits(1).says("is not about 1 of the 2 people");
    erase(&["--identifiers", "two.csv"], "R-2").exits(0);
    let kept = fs::read(sandbox.path(".residuum/requests.sqlite")).expect("it is there");
    assert!(!String::from_utf8_lossy(&kept).contains("jane"), "nobody's name is kept");
    let all = sandbox.run(["request", "list", "--format", "jsonl"]).lines();
    assert!(all.iter().all(|of| of["request"] == "R-1") && all.len() == 2, "{all:?}");
}
