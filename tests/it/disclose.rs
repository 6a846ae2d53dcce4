//! `disclose`: a person gets what is held of them, nobody else's, and nothing that is never shown; a package is whole or
//! not there.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::sandbox::{Run, Sandbox};
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
use crate::servers;

const JANE: &str = "jane.roe@example.com";
/// Drawn by chance, as are the other numbers; no real one is meant.
const SSN: &str = "536-22-8726";
const NEVER: [&str; 8] = [
    SSN,
    "536228726",
    "4111 1111 1111 1111",
    "4111111111111111",
    "hunter-Two2",
    "Rex the dog",
    "First pet",
    "D1234567",
];
const OTHERS: [&str; 6] =
    ["kim@example.com", "Kim Poe", "202-555-0188", "agent@example.com", "lee@example.com", "Lee Doe"];

/// What stands in the customers' table of every database.
fn schema() -> String {
    let encoded = STANDARD.encode(format!("for the file: SSN {SSN} of the customer"));
    let profile = format!(
        "{{\"ssn\": \"{SSN}\", \"security_question\": \"First pet?\", \"security_answer\": \"Rex the dog\", \"plan\": \"gold\"}}"
    );
    format!(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, first_name TEXT, last_name TEXT, ssn TEXT, password TEXT, \
         drivers_license TEXT, joined_on TEXT, shoe TEXT, profile TEXT);
         INSERT INTO customers VALUES (1, 'kim@example.com', 'Kim', 'Poe', '536-22-8727', 'kim-Pass99', 'D7654321', '2023-01-01', '38', '{{}}'),
         (2, '{JANE}', 'Jane', 'Roe', '{SSN}', 'hunter-Two2', 'D1234567', '2024-03-09', '41', '{profile}'),
         (3, 'lee@example.com', 'Lee', 'Doe', '536-22-8728', 'lee-Pass99', 'D7654322', '2023-01-01', '44', '{{}}');
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id), item TEXT, remark TEXT, placed_on TEXT);
         INSERT INTO orders VALUES (10, 1, 'tent', '', '2024-01-01'), (11, 2, 'rope', '{encoded}', '2024-05-01'),
         (12, 2, 'lamp', '=1+1', '2021-05-01');
         CREATE TABLE notes (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id), note TEXT);
         INSERT INTO notes VALUES (1, 2, 'Paid with card 4111 1111 1111 1111. Her friend Kim Poe, kim@example.com, 202-555-0188, may call.'),
         (2, 1, 'Asked {JANE} for a reference; agent@example.com agreed.');"
    )
}

/// A company in which Jane is a customer: files, and databases as configured.
fn company(sources: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("data/signups.csv", format!("email,name,plan\nlee@example.com,Lee Doe,free\n{JANE},Jane Roe,gold\n"));
    sandbox.file("data/app.log", format!("10:01 login of lee@example.com\n10:02 login of {JANE} with SSN {SSN}\n"));
    sandbox.file(
        "data/people.jsonl",
        format!("{{\"email\": \"{JANE}\", \"ssn\": \"{SSN}\", \"spouse_email\": \"lee@example.com\", \"tier\": \"silver-star\"}}\n"),
    );
    let map = "[[map]]\nsource = \"shop\"\nsources = [\"the consumer directly\"]\npurposes = [\"fulfilling orders\"]\nsold_to = []\n\
               shared_with = []\ndisclosed_to = []\n[[map]]\nsource = \"shop\"\nobject = \"*.orders\"\ncollected_at = \"placed_on\"\n";
    sandbox.file("residuum.toml", format!("{sources}[[source]]\nname = \"files\"\nurl = \"data\"\n{map}"));
    sandbox
}

fn with_sqlite() -> Sandbox {
    let sandbox = company("[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n");
    let made = std::process::Command::new("sqlite3").arg(sandbox.path("shop.sqlite")).arg(schema()).status();
    assert!(made.expect("sqlite3 is installed").success());
    sandbox.run(["scan", "--quiet"]).exits(0);
    sandbox
}

fn disclose(sandbox: &Sandbox, more: &[&str]) -> Run {
    sandbox.run(["disclose", "--email", JANE].iter().chain(more))
}

/// All files of a directory, by name.
fn files(package: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![package.to_owned()];
    while let Some(dir) = waiting.pop() {
        assert_eq!(fs::metadata(&dir).expect("it is there").permissions().mode() & 0o777, 0o700, "{}", dir.display());
        for entry in fs::read_dir(&dir).expect("it can be read") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            assert_eq!(
                fs::metadata(&path).expect("it is there").permissions().mode() & 0o777,
                0o600,
                "{}",
                path.display()
            );
            let name = path.strip_prefix(package).expect("it lies in it").to_string_lossy().into_owned();
            found.insert(name, fs::read_to_string(&path).expect("it is text"));
        }
    }
    found
}

/// What holds of every package about Jane.
fn check(sandbox: &Sandbox, package: &Path) -> Value {
    let files = files(package);
    for (name, text) in &files {
        for never in NEVER.iter().chain(&OTHERS) {
            assert!(!text.contains(never), "`{never}` stands in {name}");
        }
    }
    let data: Value = serde_json::from_str(&files["data.json"]).expect("it is JSON");
    let completeness: Value = serde_json::from_str(&files["completeness.json"]).expect("it is JSON");
    let places = sandbox.run(["find", "--email", JANE, "--format", "jsonl"]).exits(0).lines().len();
    assert_eq!(completeness["each"].as_array().map(Vec::len), Some(places), "every place is accounted for");
    let sum: u64 = completeness["outcomes"].as_object().expect("counts").values().filter_map(Value::as_u64).sum();
    assert_eq!(sum, places as u64);
    assert!(files["index.html"].contains(JANE) && files["README.txt"].contains("apostrophe"));
    // As anybody's data: what the program itself finds in the package.
    let parent = package.parent().expect("it lies somewhere");
    let config = parent.join("empty.toml");
    fs::write(&config, "").expect("it can be written");
    let (index, package) = (parent.join("check-index"), package.to_str().expect("it is text"));
    let with = ["--config", config.to_str().expect("text"), "--index", index.to_str().expect("text")];
    sandbox.run(["scan", package, "--quiet"].iter().chain(&with)).exits(0);
    for kind in ["US_SSN", "CREDIT_CARD", "US_DRIVER_LICENSE", "US_BANK_ACCOUNT", "IBAN", "MRN", "API_KEY"] {
        let found = sandbox.run(["findings", "--type", kind, "--format", "jsonl"].iter().chain(&with)).lines();
        assert!(found.is_empty(), "{kind}: {found:?}");
    }
    data
}

/// The values of a field, wherever it stands.
fn values<'d>(data: &'d Value, object: &str, field: &str) -> Vec<&'d str> {
    let systems = data["systems"].as_array().expect("systems").iter();
    let of = systems.filter(|system| system["object"].as_str().is_some_and(|name| name.ends_with(object)));
    let records = of.flat_map(|system| system["records"].as_array().expect("records"));
    let values = records.flat_map(|record| record["values"].as_array().expect("values"));
    values.filter(|value| value["field"] == field).filter_map(|value| value["value"].as_str()).collect()
}

/// KNO-1 to KNO-4: nothing prohibited leaves, every place is accounted for, the window holds, all six groups are there.
#[test]
fn a_person_gets_what_is_held_of_them_and_nothing_else() {
    let sandbox = with_sqlite();
    let run = disclose(&sandbox, &["--request", "R-7", "--output", "package"]).exits(0).says("the package is package");
    let run = run.says("`[[map]]` says nothing of").prints("Social Security number");
    for value in NEVER.iter().chain(&OTHERS).chain(&[JANE, "rope", "silver-star"]) {
        assert!(!run.stdout.contains(value) && !run.stderr.contains(value), "{value}\n{}\n{}", run.stdout, run.stderr);
    }
    let data = check(&sandbox, &sandbox.path("package"));
    assert_eq!(data["request"], "R-7");
    assert_eq!(values(&data, "customers", "shoe"), ["41"]);
    assert_eq!(values(&data, "orders", "item"), ["rope"], "the other order is older than the window");
    assert_eq!(values(&data, "signups.csv", "plan"), ["gold"]);
    assert_eq!(values(&data, "people.jsonl", "tier"), ["silver-star"]);
    assert_eq!(values(&data, "customers", "ssn"), ["[withheld: Social Security number]"]);
    assert_eq!(values(&data, "customers", "drivers_license"), ["[withheld: driver's license number]"]);
    let notes = values(&data, "notes", "note");
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("[withheld: payment card number]") && note.contains("may call")));
    let log = values(&data, "app.log", "");
    assert_eq!(log, [format!("10:02 login of {JANE} with SSN [withheld: Social Security number]")]);
    let sold = &data["answer"]["sold_or_shared"]["D"];
    assert_eq!((&sold["names"], &sold["recorded"]), (&Value::Array(Vec::new()), &Value::Bool(true)), "{sold}");
    let acts: Vec<Value> = sandbox.run(["audit", "export"]).exits(0).nowhere(JANE).lines();
    let actions: Vec<&str> = acts.iter().filter_map(|act| act["action"].as_str()).collect();
    assert_eq!(actions.iter().filter(|action| ["disclose", "disclosed"].contains(action)).count(), 2, "{actions:?}");
    sandbox.run(["audit", "verify"]).exits(0);
}

/// What a caller finds of a value in a field of this name, beside an e-mail.
fn shown(name: &str, value: &str) -> (String, Run) {
    let sandbox = Sandbox::new();
    sandbox.file("data/x.csv", format!("email,{name}\n{JANE},{value}\nlee@example.com,\n"));
    sandbox.run(["scan", "data", "--quiet"]).exits(0);
    let run = sandbox.run(["disclose", "data", "--email", JANE, "--output", "package"]);
    let text = files(&sandbox.path("package")).into_values().collect();
    (text, run)
}

/// The name of a field says what it holds: what is no well-formed number may be one with a slip, or a part of one.
#[test]
fn what_a_field_is_named_after_is_not_shown_in_whatever_form() {
    for (name, value, what) in [
        ("ssn", "917-27-1119", "Social Security number"),
        ("ssn", "000-12-3456", "Social Security number"),
        ("ssn", "123-45-678", "Social Security number"),
        ("social_security_number", "917-27-1119", "Social Security number"),
        ("ssn_last4", "8726", "Social Security number"),
        ("passport_no", "12", "passport number"),
        ("dl_number", "zz", "driver's license number"),
        ("cvv", "123", "payment card verification code"),
        ("pin", "90817", "account password"),
        ("respuesta_secreta", "Firulais", "security question or answer"),
    ] {
        let (package, run) = shown(name, value);
        run.exits(0);
        assert!(package.contains(JANE), "{name}: {package}");
        assert!(!package.contains(&format!("{value}<")) && !package.contains(&format!(",{value}\n")), "{name}");
        assert!(!package.contains(&format!("\"{value}\"")), "{name}: {package}");
        assert!(package.contains(&format!("[withheld: {what}]")), "{name}: {package}");
    }
    for (value, what) in [
        ("OTE3LTI3LTExMTk=", "Social Security number"),
        ("3931372d32372d31313139", "Social Security number"),
        ("NDExMTExMTExMTExMTExMQ==", "payment card number"),
    ] {
        let (package, run) = shown("note", value);
        run.exits(0);
        assert!(!package.contains(value) && package.contains(&format!("[withheld: {what}]")), "{value}: {package}");
    }
    let (package, run) = shown("passport_country", "Peru");
    run.exits(0);
    assert!(package.contains("Peru"), "what is told about a passport is no number of one");
}

/// A person's record comes with all its fields: as an element of a list, and along every key that leads to it.
#[test]
fn a_record_comes_whole_from_a_list_and_along_keys() {
    let sandbox = Sandbox::new();
    let customer = |n: u32, city: &str| {
        format!(
            "{{\"cid\":{n},\"email\":\"u{n}@example.com\",\"city\":\"{city}\",\"zip\":\"1000{n}\",\"card\":\"4539000000000176\"}}"
        )
    };
    sandbox.file("data/one.json", format!("{{\"customers\":[{}]}}", customer(1, "Paris")));
    sandbox
        .file("data/two.json", format!("{{\"crew\":[{},{}],\"total\":2}}", customer(2, "Rome"), customer(1, "Paris")));
    let tables = "create table customer(id integer primary key, email text);
        create table orders(id integer primary key, customer_id integer references customer(id), placed text);
        create table item(id integer primary key, order_id integer references orders(id), sku text, amount text, card text);
        create table comments(id integer primary key, item_id integer references item(id), said text);
        insert into customer values(1,'u1@example.com'),(2,'u2@example.com');
        insert into orders values(10,1,'2024-01-02'),(20,2,'2024-01-03');
        insert into item values(100,10,'T-9','19.50','4539000000000176'),(200,20,'T-8','7.25','');
        insert into comments values(1,100,'arrived wet'),(2,200,'arrived dry');";
    let made = std::process::Command::new("sqlite3").arg(sandbox.path("s.db")).arg(tables).status();
    assert!(made.expect("sqlite3 is installed").success());
    sandbox.run(["scan", "data", "sqlite:s.db", "--quiet"]).exits(0);
    let run = sandbox.run(["disclose", "data", "sqlite:s.db", "--email", "u1@example.com", "--output", "package"]);
    run.exits(0);
    let package = files(&sandbox.path("package"));
    let data: Value = serde_json::from_str(&package["data.json"]).expect("it is JSON");
    for (object, list) in [("one.json", "customers"), ("two.json", "crew")] {
        for (field, expected) in [
            ("email", "u1@example.com"),
            ("city", "Paris"),
            ("zip", "10001"),
            ("card", "[withheld: payment card number]"),
        ] {
            assert_eq!(values(&data, object, &format!("{list}[].{field}")), [expected], "{object} {field}");
        }
    }
    for (object, field, expected) in [
        ("orders", "placed", "2024-01-02"),
        ("item", "sku", "T-9"),
        ("item", "amount", "19.50"),
        ("item", "card", "[withheld: payment card number]"),
        ("comments", "said", "arrived wet"),
    ] {
        assert_eq!(values(&data, object, field), [expected], "{object} {field}");
    }
    for (name, text) in &package {
        for others in ["u2@example.com", "Rome", "10002", "T-8", "dry"] {
            assert!(!text.contains(others), "{others} in {name}");
        }
    }
}

/// Of a document that nothing parts into records, what stands beside the person cannot be told from what is others'.
#[test]
fn what_stands_beside_the_person_in_a_document_of_several_is_named() {
    let sandbox = Sandbox::new();
    let of = |email: &str, city: &str| format!("{{\"email\":\"{email}\",\"city\":\"{city}\"}}");
    let list = [of("u1@example.com", "Paris"), of("u2@example.com", "Rome")].join(",");
    sandbox.file("data/x.json", format!("{{\"company\":\"Acme\",\"clients\":[{list}]}}"));
    sandbox.run(["scan", "data", "--quiet"]).exits(0);
    let run = sandbox.run(["disclose", "data", "--email", "u1@example.com", "--output", "package"]);
    run.exits(2).says("not everything");
    let package = files(&sandbox.path("package"));
    let completeness: Value = serde_json::from_str(&package["completeness.json"]).expect("it is JSON");
    assert_eq!((&completeness["complete"], &completeness["each"][0]["outcome"]), (&false.into(), &"in part".into()));
    assert!(package["index.html"].contains("u1@example.com") && !package["index.html"].contains("Rome"));
}

/// Digests of the old value are corrected in fields of any name, and those of an unknown form are named.
#[test]
fn a_correction_changes_digests_in_fields_of_any_name() {
    use sha1::Digest as _;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let sha256 = |text: &str| hex(&sha2::Sha256::digest(text));
    let sha1 = |text: &str| hex(&sha1::Sha1::digest(text));
    let md5 = |text: &str| hex(&md5::Md5::digest(text)).to_uppercase();
    let (old, new, other) = ("mari@example.com", "maria@example.com", "lee@example.com");
    let row = |email: &str| format!("{email},{},{},{}\n", sha256(email), sha1(email), md5(email));
    let campaign = |email: &str| format!("c{},{}\n", email.len(), sha256(email));
    let sandbox = Sandbox::new();
    let people = |email: &str| format!("email,h,x,y\n{}{}", row(email), row(other));
    sandbox.file("data/people.csv", people(old));
    sandbox.file("data/campaign.csv", format!("c,z\n{}{}", campaign(old), campaign(other)));
    sandbox.run(["scan", "data", "--quiet"]).exits(0);
    let change = format!("EMAIL={old}");
    let correct = ["correct", "data", "--email", old, "--old", &change, "--new", new, "--apply"];
    sandbox.run(correct).exits(0).says("the old value stands in 0 records");
    let text = |name: &str| fs::read_to_string(sandbox.path(name)).expect("it is there");
    assert_eq!(text("data/people.csv"), people(new));
    assert!(text("data/campaign.csv").contains(&sha256(new)) && text("data/campaign.csv").contains(&sha256(other)));
    sandbox.run(["verify", "data", "--email", old, "--quiet"]).exits(0);
    sandbox.run(["verify", "data", "--email", other, "--quiet"]).exits(3);
    // The old address has a form of its own, which the new one has not.
    let (old, new) = ("mari.q+news@gmail.com", "maria@example.com");
    sandbox.file("data/people.csv", format!("email,h\n{old},{}\n{other},\n", sha256("mariq@gmail.com")));
    sandbox.run(["scan", "data", "--quiet"]).exits(0);
    let change = format!("EMAIL={old}");
    let correct = ["correct", "data", "--email", old, "--old", &change, "--new", new, "--apply"];
    sandbox.run(correct).exits(2).prints("people.csv").says("the old value stands in 1 record");
    assert!(!text("data/people.csv").contains(old) && text("data/people.csv").contains(new));
}

/// Of a household's record the person gets their own values and what is nobody's.
#[test]
fn another_holder_of_a_record_is_not_disclosed() {
    let sandbox = Sandbox::new();
    let (theirs, others) = ("marisol.quintero@example.com", "tomas.quintero@example.com");
    sandbox.file("data/people.csv", format!("id,name,email\n1,Marisol Quintero,{theirs}\n2,Tomas Quintero,{others}\n"));
    let rows = format!("1,Household,{theirs},{others},100\n2,Other,ann@example.com,lee@example.com,200\n");
    sandbox.file("data/joint.csv", format!("id,name,holder1_email,holder2_email,balance\n{rows}"));
    sandbox.run(["scan", "data", "--quiet"]).exits(0);
    sandbox.run(["disclose", "data", "--email", theirs, "--output", "package"]).exits(0);
    let package = files(&sandbox.path("package"));
    for (name, text) in &package {
        assert!(!text.contains(others) && !text.contains("Tomas"), "{name}: {text}");
    }
    let data: Value = serde_json::from_str(&package["data.json"]).expect("it is JSON");
    assert_eq!(values(&data, "joint.csv", "holder1_email"), [theirs]);
    assert_eq!(values(&data, "joint.csv", "holder2_email"), ["[another person's EMAIL]"]);
    assert_eq!(values(&data, "joint.csv", "balance"), ["100"]);
}

/// A part of the person's own address is no other's, and a record that is in the package is not told as kept back.
#[test]
fn of_a_line_of_their_own_nothing_is_anothers() {
    let sandbox = Sandbox::new();
    let own = "2026-01-02 INFO login ok user=mari.q@example.com ip=203.0.113.17";
    let lines = [
        "2026-01-02 INFO login ok user=lee.d@example.com ip=203.0.113.9",
        own,
        "2026-01-02 INFO kim@example.com wrote to mari.q@example.com",
    ];
    sandbox.file("data/app.log", lines.join("\n") + "\n");
    sandbox.run(["scan", "data", "--quiet"]).exits(0);
    sandbox.run(["disclose", "data", "--email", "mari.q@example.com", "--output", "package"]).exits(0);
    let package = files(&sandbox.path("package"));
    let data: Value = serde_json::from_str(&package["data.json"]).expect("it is JSON");
    let mixed = "2026-01-02 INFO [another person's EMAIL] wrote to mari.q@example.com";
    assert_eq!(values(&data, "app.log", ""), [own, mixed]);
    assert_eq!(data["not_disclosed"], Value::Array(Vec::new()), "{data}");
}

#[test]
fn windows_archives_and_categories() {
    let sandbox = with_sqlite();
    disclose(&sandbox, &["--output", "all", "--since", "2000-01-01", "--quiet"]).exits(0);
    let data = check(&sandbox, &sandbox.path("all"));
    assert_eq!(values(&data, "orders", "item"), ["rope", "lamp"]);
    let csv = files(&sandbox.path("all")).into_iter().find(|(name, _)| name.contains("orders")).expect("a table").1;
    assert!(csv.contains("'=1+1"), "{csv}");
    disclose(&sandbox, &["--output", "late", "--window", "12m", "--quiet"]).exits(0);
    let data: Value = serde_json::from_str(&files(&sandbox.path("late"))["data.json"]).expect("it is JSON");
    assert!(values(&data, "orders", "item").is_empty());
    disclose(&sandbox, &["--output", "kinds", "--categories-only", "--quiet"]).exits(0);
    for (name, text) in files(&sandbox.path("kinds")) {
        assert!(!text.contains(JANE) && !text.contains("rope"), "{name}");
    }
    disclose(&sandbox, &["--output", "p.zip", "--quiet"]).exits(0);
    let archive = fs::File::open(sandbox.path("p.zip")).expect("it was made");
    assert_eq!(archive.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
    let mut archive = zip::ZipArchive::new(archive).expect("it is an archive");
    assert!(archive.by_name("index.html").is_ok() && archive.by_name("data.json").is_ok());
    disclose(&sandbox, &["--output", "p.b64", "--encrypt-with", "base64 -w 0", "--quiet"]).exits(0);
    let coded = fs::read(sandbox.path("p.b64")).expect("it was made");
    let bare = STANDARD.decode(&coded).expect("what the command printed is the package");
    assert!(zip::ZipArchive::new(std::io::Cursor::new(bare)).is_ok());
    let failed = disclose(&sandbox, &["--output", "q.age", "--encrypt-with", "cat; exit 7"]);
    failed.exits(1).says("`--encrypt-with` failed");
    assert!(!sandbox.path("q.age").exists());
    let counts = disclose(&sandbox, &["--dry-run", "--format", "json"]).exits(0).nowhere(JANE).json();
    assert_eq!((&counts["sha256"], &counts["complete"]), (&Value::Null, &Value::Bool(true)));
    assert!(counts["withheld"]["Social Security number"].as_u64().is_some_and(|n| n >= 4), "{counts}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let sandbox = with_sqlite();
    disclose(&sandbox, &["--output", "package", "--quiet"]).exits(0);
    disclose(&sandbox, &["--output", "package"]).exits(1).says("is there already").says("nothing is overwritten");
    disclose(&sandbox, &["--output", "nowhere/package"]).exits(1).says("cannot be written");
    disclose(&sandbox, &[]).exits(1).says("--output");
    let nobody = ["disclose", "--email", "nobody@example.com", "--output", "none"];
    sandbox.run(nobody).exits(3).says("no location");
    assert!(!sandbox.path("none").exists());
    sandbox.file("people.csv", format!("email\n{JANE}\nkim@example.com\n"));
    sandbox.run(["disclose", "--identifiers", "people.csv", "--output", "two"]).exits(1).says("more than one");
    let only = ["disclose", "--email", JANE, "files", "--output", "half"];
    sandbox.run(only).exits(2).says("not everything could be read");
    let half = files(&sandbox.path("half"));
    assert!(half["README.txt"].contains("NOT COMPLETE") && half["index.html"].contains("could not be read"));
}

/// The signal meets a package that is being written: the command that encrypts it has not answered yet.
#[test]
fn a_run_that_is_killed_leaves_no_package() {
    let sandbox = with_sqlite();
    let drafts = || -> Vec<String> {
        let names = fs::read_dir(sandbox.path("")).expect("it can be read");
        let names = names.map(|of| of.expect("it can be read").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.ends_with(".partial")).collect()
    };
    for signal in ["-TERM", "-KILL"] {
        let before = drafts();
        let slow = "sleep 1; cat";
        let arguments = ["disclose", "--email", JANE, "--output", "killed", "--encrypt-with", slow, "--quiet"];
        let mut child = sandbox.command(arguments).spawn().expect("the program starts");
        while drafts() == before && child.try_wait().expect("it can be asked").is_none() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let kill = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.is_ok_and(|killed| killed.success()), "{signal} met it");
        assert!(!child.wait().expect("it ends").success(), "{signal}");
        assert!(!sandbox.path("killed").exists(), "{signal}");
    }
    assert_eq!(drafts().len(), 1, "the one that was killed could not remove its own");
    disclose(&sandbox, &["--output", "killed", "--quiet"]).exits(0);
    assert!(sandbox.path("killed/index.html").exists() && drafts().is_empty(), "{:?}", drafts());
}

#[test]
fn the_customer_of_the_demonstration_gets_theirs_alone() {
    let sandbox = Sandbox::new();
    sandbox.run(["demo"]).exits(0);
    let inside = |arguments: &[&str]| Run::of(sandbox.command(arguments).current_dir(sandbox.path("residuum-demo")));
    let email = "amelia.okafor@example.com";
    let run = inside(&["disclose", "--email", email, "--output", "package"]);
    assert!(matches!(run.code, Some(0 | 2)), "{}", run.stderr);
    let run = run.nowhere(email).nowhere("Okafor").nowhere("daniel");
    assert!(run.stderr.contains("the package is package"), "{}", run.stderr);
    let files = files(&sandbox.path("residuum-demo/package"));
    for (name, text) in &files {
        assert!(!text.contains("daniel.okafor@example.com") && !text.contains("Daniel"), "{name}");
    }
    let data: Value = serde_json::from_str(&files["data.json"]).expect("it is JSON");
    assert_eq!(values(&data, "customers", "email"), [email]);
    assert_eq!(values(&data, "orders", "item").len(), 3);
}

#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
#[test]
fn records_of_postgresql_are_disclosed() {
    let Some(database) = servers::Postgres::new("disclose", &schema()) else { return };
    let sandbox = company(&database.source("shop", ""));
    servers::secrets(&sandbox);
    sandbox.run(["scan", "--quiet"]).exits(0);
    disclose(&sandbox, &["--output", "package", "--quiet"]).exits(0);
    let data = check(&sandbox, &sandbox.path("package"));
    assert_eq!(values(&data, "customers", "shoe"), ["41"]);
    assert_eq!(values(&data, "orders", "item"), ["rope"]);
}
