//! Subject level: of all records in which somebody of the invented company stands, how many does `find` give, and of
//! those that it gives, how many are theirs.
//!
//! What is true is read from the files and the database by other means (`sqlite3`, plain lines, the Parquet crate), never
//! from the index. A record is somebody's if their e-mail address, its SHA-256, their customer number or a telephone number
//! that nobody else has stands in it. Where only a number stands that several have, it is joint: `find` has to give it, and
//! to say so.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::sandbox::{Run, Sandbox};

/// A customer, as the database has them.
struct Customer {
    id: i64,
    email: String,
    phone: String,
    digest: String,
}

/// A record: customer, object, key.
type Place = (i64, String, String);

/// Whose every record is.
#[derive(Default)]
struct Truth {
    own: BTreeSet<Place>,
    joint: BTreeSet<Place>,
}

/// People, and who has which number.
struct People {
    customers: Vec<Customer>,
    with_phone: HashMap<String, Vec<i64>>,
}

impl People {
    fn read(directory: &Path) -> Self {
        let mut with_phone: HashMap<String, Vec<i64>> = HashMap::new();
        let mut customers = Vec::new();
        for row in rows(directory, "SELECT id, email, phone FROM customers ORDER BY id") {
            let text = |field: &str| row[field].as_str().expect("a text").to_owned();
            let (id, email, phone) = (row["id"].as_i64().expect("a number"), text("email"), text("phone"));
            let digest = Sha256::digest(email.to_lowercase()).iter().map(|byte| format!("{byte:02x}")).collect();
            with_phone.entry(phone.clone()).or_default().push(id);
            customers.push(Customer { id, email, phone, digest });
        }
        for row in rows(directory, "SELECT id, phone FROM employees") {
            let phone = row["phone"].as_str().unwrap_or_default().to_owned();
            with_phone.entry(phone).or_default().push(-1);
        }
        Self { customers, with_phone }
    }

    /// Says whose a record is, from its text and the customer number that it has.
    fn judge(&self, truth: &mut Truth, object: &str, key: &str, text: &str, number: Option<i64>) {
        let text = text.replace("%40", "@");
        for Customer { id, email, phone, digest } in &self.customers {
            let place = (*id, object.to_owned(), key.to_owned());
            if number == Some(*id) || text.contains(email.as_str()) || text.contains(digest.as_str()) {
                truth.own.insert(place);
            } else if text.contains(phone.as_str()) {
                let is_alone = self.with_phone[phone].len() == 1;
                if is_alone {
                    truth.own.insert(place)
                } else {
                    truth.joint.insert(place)
                };
            }
        }
    }
}

/// Rows of the database, by SQLite's own program.
fn rows(directory: &Path, query: &str) -> Vec<Value> {
    let ran = Command::new("sqlite3").arg("-json").arg(directory.join("crm.sqlite")).arg(query).output();
    serde_json::from_slice(&ran.expect("sqlite3 is installed").stdout).expect("sqlite3 prints JSON")
}

fn truth(directory: &Path, people: &People) -> Truth {
    let mut truth = Truth::default();
    let tables =
        [("customers", "id"), ("employees", "none"), ("orders", "customer_id"), ("support_notes", "customer_id")];
    for (table, owner) in tables {
        for row in rows(directory, &format!("SELECT * FROM {table}")) {
            let key = row["id"].to_string();
            people.judge(&mut truth, &format!("main.{table}"), &key, &row.to_string(), row[owner].as_i64());
        }
    }
    let files = directory.join("files");
    let export = fs::read(files.join("exports/kunden-2026-09.csv")).expect("it was made");
    let export: String = export.iter().map(|byte| char::from(*byte)).collect();
    for (i, line) in export.split("\r\n").enumerate().skip(1).filter(|(_, line)| !line.is_empty()) {
        let number = line.split(';').next().and_then(|number| number.parse().ok());
        people.judge(&mut truth, "exports/kunden-2026-09.csv", &i.to_string(), line, number);
    }
    for name in ["events/web-2026-09.jsonl", "logs/access.log", "logs/app.log"] {
        let text = fs::read_to_string(files.join(name)).expect("it was made");
        for (i, line) in text.lines().enumerate() {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            people.judge(&mut truth, name, &(i + 1).to_string(), line, event["user"]["id"].as_i64());
        }
    }
    let mail = fs::read_to_string(files.join("mail/please-delete.txt")).expect("it was made");
    people.judge(&mut truth, "mail/please-delete.txt", "\"1\"", &mail, None);
    archive(&files.join("archive/2025.zip"), people, &mut truth);
    for (name, column, is_number) in
        [("warehouse/newsletter.parquet", 0, false), ("warehouse/shipments.parquet", 1, true)]
    {
        let reader = SerializedFileReader::new(File::open(files.join(name)).expect("it was made")).expect("Parquet");
        for group in 0..reader.num_row_groups() {
            let group_reader = reader.get_row_group(group).expect("a row group");
            for (row, values) in group_reader.get_row_iter(None).expect("rows").enumerate() {
                let values = values.expect("a row");
                let number = is_number.then(|| values.get_long(column).expect("a number"));
                let text = if is_number { String::new() } else { values.get_string(column).expect("a text").clone() };
                people.judge(&mut truth, name, &format!("{group}/{row}"), &text, number);
            }
        }
    }
    truth
}

fn archive(path: &Path, people: &People, truth: &mut Truth) {
    let mut archive = zip::ZipArchive::new(File::open(path).expect("it was made")).expect("a zip archive");
    let mut returns = String::new();
    archive.by_name("2025/returns.csv").expect("a member").read_to_string(&mut returns).expect("text");
    for (i, line) in returns.lines().enumerate().skip(1) {
        people.judge(truth, "archive/2025.zip!2025/returns.csv", &i.to_string(), line, None);
    }
    let letters = archive.by_name("2025/letters.tar.gz").expect("a member");
    let mut letters = tar::Archive::new(flate2::read::GzDecoder::new(letters));
    for letter in letters.entries().expect("an archive") {
        let mut letter = letter.expect("a member");
        let name = letter.path().expect("a name").display().to_string();
        let mut text = String::new();
        letter.read_to_string(&mut text).expect("text");
        let object = format!("archive/2025.zip!2025/letters.tar.gz!letters.tar!{name}");
        for (i, line) in text.lines().enumerate() {
            people.judge(truth, &object, &(i + 1).to_string(), line, None);
        }
    }
}

/// What `find` gives of everybody: as theirs, and as several people's.
fn found(directory: &Path, sandbox: &Sandbox, people: &People) -> Truth {
    let list: String = people.customers.iter().map(|c| format!("{},{},{}\n", c.id, c.email, c.phone)).collect();
    let file = sandbox.file("people.csv", format!("subject_id,email,phone\n{list}"));
    let arguments = ["find", "--identifiers", file.to_str().expect("UTF-8"), "--format", "jsonl"];
    let mut found = Truth::default();
    for line in Run::of(sandbox.command(arguments).current_dir(directory)).exits(0).lines() {
        let key = match &line["record"]["key"] {
            Value::Object(key) if key.contains_key("row_group") => format!("{}/{}", key["row_group"], key["row"]),
            Value::Object(key) => key.values().next().expect("a key").to_string(),
            key => key.to_string(),
        };
        let subject = line["subject"].as_str().and_then(|id| id.parse().ok()).expect("a number");
        let place = (subject, line["object"].as_str().expect("a name").to_owned(), key);
        assert_eq!(line["possible"], false, "an e-mail or a number says more than perhaps: {line}");
        if line["shared"] == true {
            found.joint.insert(place)
        } else {
            found.own.insert(place)
        };
    }
    // A record that is somebody's by one identifier is theirs, also if another one in it is several people's.
    found.joint.retain(|place| !found.own.contains(place));
    found
}

/// Asked for is a recall of .99 and a precision of .999. Here both are 1, and `docs/accuracy.md` says so.
#[test]
#[allow(clippy::print_stdout, reason = "`benches/accuracy.sh` prints the figures")]
fn everybody_is_found_where_they_are_and_nowhere_else() {
    let sandbox = Sandbox::new();
    sandbox.run(["demo"]).exits(0);
    let directory = sandbox.path("residuum-demo");
    let people = People::read(&directory);
    let truth = truth(&directory, &people);
    let found = found(&directory, &sandbox, &people);
    assert_eq!((people.customers.len(), truth.own.len(), truth.joint.len()), (240, 2_202, 43));

    let missed: Vec<_> = truth.own.difference(&found.own).collect();
    let wrong: Vec<_> = found.own.difference(&truth.own).collect();
    let unmarked: Vec<_> = truth.joint.difference(&found.joint).collect();
    let by_object = |places: &[&Place]| {
        let mut counts = BTreeMap::<String, usize>::new();
        places.iter().for_each(|(_, object, _)| *counts.entry(object.clone()).or_default() += 1);
        counts
    };
    let share = |part: usize, whole: usize| part as f64 / whole as f64;
    let right = truth.own.len() - missed.len();
    println!("subjects recall    {:.4}  {right} of {}", share(right, truth.own.len()), truth.own.len());
    println!("subjects precision {:.4}  {right} of {}", share(right, found.own.len()), found.own.len());
    let marked = truth.joint.len() - unmarked.len();
    println!("subjects joint     {:.4}  {marked} of {}", share(marked, truth.joint.len()), truth.joint.len());
    assert!(missed.is_empty(), "missed, by object: {:?}, such as {:?}", by_object(&missed), missed.first());
    assert!(wrong.is_empty(), "wrong, by object: {:?}, such as {:?}", by_object(&wrong), wrong.first());
    assert!(unmarked.is_empty(), "joint and not marked so: {unmarked:?}");
}
