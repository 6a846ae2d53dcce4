//! Who is told of an erasure or a correction: recipients by notices, the person by a reply, and what is kept of a request.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::sandbox::{Run, Sandbox};

const JANE: &str = "jane.roe@example.com";

/// Who gets what of the shop: Jane's customer record goes, her orders are kept for the tax office.
const MAP: &str = r#"
[[source]]
name = "shop"
url = "sqlite:shop.sqlite"

[[recipient]]
name = "carrier"
category = "parcel carriers"
kind = "service provider"
contract = "DPA"
notify = "privacy@carrier.example.com"
[[recipient]]
name = "books"
category = "accountants"
kind = "contractor"
[[recipient]]
name = "buyer"
category = "data brokers"
kind = "third party"
[[recipient]]
name = "partner"
category = "data analytics providers"
kind = "third party"
[[recipient]]
name = "caller"
category = "call centres"
kind = "service provider"

[[map]]
source = "shop"
object = "main.customers"
service_providers = ["carrier"]
[[map]]
source = "shop"
object = "main.customers"
field = "email"
sold_to = ["buyer"]
disclosed_to = ["partner"]
[[map]]
source = "shop"
object = "main.customers"
field = "phone"
service_providers = ["caller"]
[[map]]
source = "shop"
object = "main.orders"
service_providers = ["books"]

[[retain]]
source = "shop"
object = "main.orders"
exception = "105d8_legal"
reason = "tax law asks for seven years"
approved_by = "legal"
"#;

fn sql(sandbox: &Sandbox, sql: &str) -> String {
    let run = Command::new("sqlite3").arg(sandbox.path("shop.sqlite")).arg(sql).output().expect("sqlite3 is installed");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8_lossy(&run.stdout).trim().to_owned()
}

fn shop(more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let mut made = "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, phone TEXT);\n\
                    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, email TEXT);\n"
        .to_owned();
    for customer in 1..=20 {
        let email = if customer == 7 { JANE.to_owned() } else { format!("customer{customer}@example.com") };
        made += &format!("INSERT INTO customers VALUES ({customer}, '{email}', '(202) 555-01{customer:02}');\n");
        made += &format!("INSERT INTO orders VALUES ({customer}0, {customer}, '{email}');\n");
    }
    sql(&sandbox, &made);
    sandbox.file("residuum.toml", format!("{MAP}{more}"));
    sandbox.run(["scan", "--quiet"]).exits(0);
    sandbox
}

fn erase(sandbox: &Sandbox, more: &[&str]) -> Run {
    sandbox.run(["erase", "--email", JANE, "--apply", "--request", "R-7"].iter().chain(more))
}

fn notices(sandbox: &Sandbox) -> Vec<Value> {
    sandbox.run(["notices", "list", "--format", "jsonl"]).exits(0).nowhere("jane").lines()
}

/// The notice to a recipient.
fn to<'n>(notices: &'n [Value], recipient: &str) -> &'n Value {
    notices.iter().find(|of| of["recipient"] == recipient).unwrap_or_else(|| panic!("{recipient}: {notices:?}"))
}

fn id(notices: &[Value], recipient: &str) -> String {
    to(notices, recipient)["id"].as_str().expect("an id").to_owned()
}

/// DEL-6 and DEL-7: each processor and each buyer has a notice, with when it was sent, reminders and the answer.
#[test]
fn everybody_who_has_what_is_erased_is_told_once() {
    let sandbox = shop("");
    sandbox.run(["erase", "--email", JANE]).exits(0);
    assert!(notices(&sandbox).is_empty(), "a plan tells nobody");
    let run = erase(&sandbox, &["--received", "2026-01-05", "--manner", "web form"]).exits(0).nowhere("jane.roe");
    run.says("overdue: `").says("`buyer` (request R-7, due 2026-02-19)").prints("told to delete");
    let made = notices(&sandbox);
    let mut who: Vec<&str> = made.iter().filter_map(|of| of["recipient"].as_str()).collect();
    who.sort_unstable();
    assert_eq!(who, ["books", "buyer", "caller", "carrier"], "a partner to whom nothing is sold need not be told");
    for (recipient, kind, instruction) in [
        ("carrier", "service provider", "delete"),
        ("caller", "service provider", "delete"),
        ("buyer", "third party", "delete"),
        ("books", "contractor", "freeze"),
    ] {
        let of = to(&made, recipient);
        assert_eq!((of["kind"].as_str(), of["instruction"].as_str()), (Some(kind), Some(instruction)), "{of}");
        assert_eq!((of["due"].as_str(), of["people"].as_u64()), (Some("2026-02-19"), Some(1)), "45 days: {of}");
        assert_eq!((of["state"].as_str(), of["overdue"].as_bool()), (Some("to send"), Some(true)), "{of}");
    }
    assert!(to(&made, "caller")["categories"].as_array().expect("letters").contains(&"A".into()), "{made:?}");

    // Neither a second run nor a new key makes a second notice.
    erase(&sandbox, &[]).exits(0);
    sandbox.run(["keys", "rotate"]).exits(0);
    erase(&sandbox, &[]).exits(0);
    assert_eq!(notices(&sandbox), made);

    sandbox.run(["map", "check"]).exits(2).says("overdue: ").says("`carrier` (request R-7");
    let carrier = id(&made, "carrier");
    let buyer = id(&made, "buyer");
    let step = |arguments: &[&str]| sandbox.run(["notices"].iter().chain(arguments));
    step(&["acknowledged", &carrier]).exits(1).says("was not sent");
    step(&["sent", &carrier, "--on", "2026-01-07"]).exits(0);
    step(&["sent", &carrier, "--on", "2026-02-09"]).exits(0);
    step(&["sent", &carrier, "--on", "2999-02-09"]).exits(1).says("still to come");
    step(&["acknowledged", &carrier, "--on", "2026-02-11"]).exits(0);
    let carried = notices(&sandbox);
    let of = to(&carried, "carrier");
    assert_eq!((of["sent"].as_str(), of["acknowledged"].as_str()), (Some("2026-01-07"), Some("2026-02-11")), "{of}");
    assert_eq!((of["reminders"][0].as_str(), of["overdue"].as_bool()), (Some("2026-02-09"), Some(false)), "{of}");
    step(&["excuse", &id(&made, "caller"), "--because", "x", "--approved-by", "legal"]).exits(1).says("has to be told");
    step(&["excuse", &buyer, "--because", "the buyer was dissolved in 2024", "--approved-by", "legal"]).exits(0);
    step(&["sent", "0000"]).exits(1).says("there is no notice `0000`");
    let open = step(&["list", "--open", "--format", "jsonl"]).exits(0).lines();
    assert_eq!(open.len(), 2, "{open:?}");
    // A third party that was not told is explained to the person.
    erase(&sandbox, &[]).exits(0).prints("We have not told buyer").prints("the buyer was dissolved in 2024");

    let log = sandbox.run(["audit", "export"]).exits(0).nowhere("jane");
    for action in ["make notices", "send notice", "remind of notice", "acknowledge notice", "excuse notice"] {
        assert!(log.stdout.contains(&format!("\"action\":\"{action}\"")), "{action}\n{}", log.stdout);
    }
    assert_eq!(log.stdout.matches("\"action\":\"make notices\"").count(), 1, "what is there is not made again");
    sandbox.run(["audit", "verify"]).exits(0);
    let register = fs::read(sandbox.path(".residuum/requests.sqlite")).expect("it is there");
    assert!(!String::from_utf8_lossy(&register).contains("jane"), "nothing of her stands in the register");
}

/// Only the letter says who is meant, it is for its owner's eyes, and it cannot be about somebody else.
#[test]
fn the_letter_of_a_notice_says_what_is_to_be_done_and_about_whom() {
    let sandbox = shop("");
    erase(&sandbox, &[]).exits(0).says("not told yet");
    let made = notices(&sandbox);
    let write = |recipient: &str, who: &str, output: &str| {
        sandbox.run(["notices", "write", &id(&made, recipient), "--email", who, "--output", output])
    };
    write("carrier", "lee@example.com", "wrong").exits(1).says("not about what is named here").nowhere("lee@");
    assert!(!sandbox.path("wrong").exists());
    write("carrier", "Jane.Roe@Example.com", "carrier")
        .exits(0)
        .says("privacy@carrier.example.com")
        .nowhere("jane.roe");
    let letter = |name: &str| fs::read_to_string(sandbox.path(name)).expect("it is text");
    let text = letter("carrier/notice.txt");
    for part in [
        "Delete the personal information",
        "Tell your own service providers",
        "EMAIL: jane.roe@example.com",
        "A Identifiers",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("kept under"), "nothing that it has is kept\n{text}");
    let mode = fs::metadata(sandbox.path("carrier/notice.json")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    write("books", JANE, "books").exits(0);
    let data: Value = serde_json::from_str(&letter("books/notice.json")).expect("it is JSON");
    assert_eq!((&data["instruction"], &data["people"][0]["identifiers"][0]["value"]), (&"freeze".into(), &JANE.into()));
    assert_eq!(data["fields"][0]["kept"], "105d8_legal", "{data}");
    assert!(letter("books/notice.txt").contains("neither use nor disclose it for any other"));
    write("books", JANE, "books").exits(1).says("is there already");
    assert!(to(&notices(&sandbox), "books")["written"].is_string());
}

/// COR-4: processors are told what is wrong and what is right; whoever bought it is not theirs to correct.
#[test]
fn processors_are_told_of_a_correction() {
    let sandbox = shop("");
    sandbox.file("changes.csv", "type,old,new\nPHONE,202-555-0107,202-555-0177\n");
    let correct = ["correct", "--email", JANE, "--changes", "changes.csv", "--apply", "--request", "R-8"];
    sandbox.run(correct).exits(0).says("not told yet: `caller` (request R-8").nowhere("555-01");
    sandbox.run(correct).exits(0);
    let made = notices(&sandbox);
    let who: Vec<&str> = made.iter().filter_map(|of| of["recipient"].as_str()).collect();
    assert_eq!(who, ["caller"], "the telephone is what was corrected");
    assert_eq!(made[0]["instruction"], "correct");
    let write = ["notices", "write", &id(&made, "caller"), "--email", JANE, "--output", "caller"];
    sandbox.run(write).exits(1).says("not about what is named here");
    sandbox.run(write.iter().chain(&["--old", "PHONE=2025550107", "--new", "202 555 0177"])).exits(0);
    let text = fs::read_to_string(sandbox.path("caller/notice.txt")).expect("it is text");
    assert!(text.contains("PHONE: 2025550107 becomes 202 555 0177"), "{text}");
}

/// An erasure that was killed has told nobody less, and nobody twice.
#[test]
fn an_interrupted_erasure_loses_no_notice() {
    let whole = shop("");
    erase(&whole, &[]).exits(0);
    let expected: Vec<Value> = notices(&whole).iter().map(|of| of["recipient"].clone()).collect();
    let sandbox = shop("");
    for round in 0..3 {
        let mut command = sandbox.command(["erase", "--email", JANE, "--apply", "--request", "R-7", "--quiet"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        let is_begun = || sandbox.path(".residuum/requests.sqlite").exists();
        while !is_begun() && child.try_wait().expect("it can be asked").is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(15 * round));
        let _ = child.kill();
        child.wait().expect("it has ended");
    }
    erase(&sandbox, &[]).exits(0);
    let made = notices(&sandbox);
    let recipients: Vec<Value> = made.iter().map(|of| of["recipient"].clone()).collect();
    assert_eq!(recipients, expected);
    assert_eq!(sql(&sandbox, "SELECT count(*) FROM customers"), "19");
}

/// Without the id of a request nobody can be told which it was.
#[test]
fn without_a_request_it_is_said_who_is_not_told() {
    let sandbox = shop("");
    let run = sandbox.run(["erase", "--email", JANE, "--apply"]).exits(0);
    run.says("4 recipients to be told of it, and no notice is made without `--request`: `books`");
    assert!(notices(&sandbox).is_empty());
}

/// DEL-10: the person is told whether it was done, what is kept on which basis, that a record is kept, and that they may
/// opt out.
#[test]
fn the_reply_says_what_was_done_and_what_was_not() {
    let reply = |run: Run| run.json()["outcome"]["reply"].clone();
    let sandbox = shop("");
    let part = reply(erase(&sandbox, &["--format", "json", "--quiet"]).exits(0));
    assert_eq!((&part["response"], &part["offers_opt_out"]), (&"complied in part".into(), &true.into()), "{part}");
    assert_eq!(part["denied"][0]["exception"], "105d8_legal", "{part}");
    let text =
        part["text"].as_array().expect("sentences").iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n");
    for sentence in ["in part", "a legal obligation", "tax law asks for seven years", "§ 7101", "opt out of the sale"]
    {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
    let again = reply(erase(&sandbox, &["--format", "json", "--quiet"]).exits(0));
    assert_eq!(again["response"], "complied in part", "what was done before counts");

    let everything =
        "\n[[retain]]\nsource = \"shop\"\nexception = \"hold\"\nreason = \"a suit\"\napproved_by = \"legal\"\n";
    let sandbox = shop(everything);
    let none = reply(erase(&sandbox, &["--format", "json", "--quiet"]).exits(0));
    assert_eq!((&none["response"], &none["offers_opt_out"]), (&"denied".into(), &true.into()), "{none}");

    let sandbox = shop("");
    let without = MAP.split("[[retain]]").next().expect("a beginning");
    sandbox.file("residuum.toml", without);
    let all = reply(erase(&sandbox, &["--format", "json", "--quiet"]).exits(0));
    assert_eq!((&all["response"], &all["offers_opt_out"]), (&"complied".into(), &false.into()), "{all}");
    erase(&sandbox, &["--format", "html", "--quiet"]).exits(0).prints("What the person is told").prints("Who is told");
}

/// REC-1 and REC-3: of every request the six things are kept, what is missing is said, and who read them is in the log.
#[test]
fn of_every_request_the_six_things_are_kept() {
    let sandbox = shop("");
    erase(&sandbox, &["--received", "2026-11-02", "--manner", "web form"]).exits(0);
    sandbox.run(["disclose", "--email", "customer3@example.com", "--request", "R-9", "--output", "package"]).exits(0);
    let list = ["request", "list", "--purpose", "yearly review", "--format", "jsonl"];
    let run = sandbox.run(list).exits(2).says("not all is kept").nowhere("@example.com");
    let all = run.lines();
    let of = |request: &str| all.iter().find(|of| of["request"] == request).expect("it is kept");
    assert_eq!((&of("R-7")["response"], &of("R-7")["received"]), (&"complied in part".into(), &"2026-11-02".into()));
    assert_eq!((&of("R-7")["manner"], &of("R-7")["nature"]), (&"web form".into(), &"delete".into()));
    assert!(of("R-7")["basis"][0].as_str().expect("a basis").contains("105d8_legal"));
    assert_eq!(of("R-7")["missing"], Value::Array(Vec::new()));
    assert_eq!(of("R-9")["missing"], serde_json::json!(["date of request", "manner made"]));
    let note = ["request", "note", "R-9", "--nature", "know", "--received", "2026-11-03", "--manner", "mail"];
    sandbox.run(note.iter().chain(&["--response", "denied"])).exits(1).says("denied on a basis");
    sandbox.run(note.iter().chain(&["--response", "complied"])).exits(0);
    sandbox.run(list).exits(0);
    sandbox.run(["request", "list"]).exits(0).prints("web form").prints("105d8_legal");
    sandbox.run(["request", "purge"]).exits(0).says("0 requests forgotten");
    let mode = fs::metadata(sandbox.path(".residuum/requests.sqlite")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else reads them");
    let log = sandbox.run(["audit", "export"]).exits(0);
    assert_eq!(log.stdout.matches("\"action\":\"read requests\"").count(), 3, "{}", log.stdout);
    log.prints("yearly review");
}

/// Of people whom a restored backup brought back recipients are told like of others; of records past their time it is said
/// who has them as well, for a notice names people.
#[test]
fn those_who_came_back_are_told_of_as_well() {
    let sandbox = shop("");
    erase(&sandbox, &[]).exits(0);
    sandbox.run(["erase", "--email", "customer3@example.com", "--apply", "--request", "R-8", "--quiet"]).exits(0);
    let before = notices(&sandbox).len();
    sql(&sandbox, &format!("INSERT INTO customers (id, email) VALUES (99, '{JANE}')"));
    sandbox.run(["scan", "--quiet"]).exits(0);
    let back = ["erase", "--resurrected", "--apply", "--request", "R-10"];
    sandbox.run(back).exits(0).says("1 record deleted").says("request R-10");
    let made = notices(&sandbox);
    assert!(made.len() > before, "{made:?}");
    let of_back = made.iter().find(|of| of["request"] == "R-10").expect("a notice");
    assert_eq!(of_back["people"], 1, "not everybody who was ever erased");
    let id = of_back["id"].as_str().expect("an id").to_owned();
    sandbox.run(["notices", "write", &id, "--email", JANE, "--output", "back"]).exits(0);
}

/// Who is nowhere is not told that something was done.
#[test]
fn of_somebody_who_is_nowhere_it_is_said_that_nothing_was_found() {
    let sandbox = shop("");
    let nobody = ["erase", "--email", "nobody@example.com", "--apply", "--request", "R-11", "--format", "json"];
    let reply = sandbox.run(nobody).exits(0).json()["outcome"]["reply"].clone();
    assert_eq!(reply["response"], "nothing found", "{reply}");
    let text = reply["text"].to_string();
    assert!(text.contains("found no personal information") && !text.contains("complied"), "{text}");
    let list = sandbox.run(["request", "list", "--purpose", "review", "--format", "jsonl"]).exits(2).lines();
    assert_eq!(list[0]["response"], "nothing found", "{list:?}");
}

/// Records past their time name nobody, and a notice does: it is said who has them as well.
#[test]
fn of_records_past_their_time_it_is_said_who_has_them_too() {
    let sandbox = shop("");
    sql(&sandbox, "CREATE TABLE carts (id INTEGER PRIMARY KEY, email TEXT, made TEXT)");
    sql(
        &sandbox,
        "INSERT INTO carts VALUES (1, 'customer1@example.com', '2020-01-31'), (2, 'customer2@example.com', '2020-02-01')",
    );
    let more = "[[map]]\nsource = \"shop\"\nobject = \"main.carts\"\nretention = \"90d\"\ncollected_at = \"made\"\n\
                service_providers = [\"carrier\"]\n";
    sandbox.file("residuum.toml", format!("{MAP}{more}"));
    sandbox.run(["scan", "--quiet"]).exits(0);
    sandbox.run(["minimise"]).exits(0).never_says("recipient");
    let run = sandbox.run(["minimise", "--apply"]).exits(0).says("2 records deleted");
    run.says("1 recipient may hold the same records, and no notice is made").says("`carrier`");
    assert!(notices(&sandbox).is_empty());
}
