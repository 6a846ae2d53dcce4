//! Whose data `find` gives: the person's, all of it that identifiers and declared keys lead to, and nobody else's.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::sandbox::Sandbox;

/// Ada and Alan share an office telephone; two people are called Ada Quill; Grace looks after customers.
const SHOP: &str = "
    CREATE TABLE employees (id INTEGER PRIMARY KEY, name TEXT, email TEXT, reports_to INTEGER REFERENCES employees(id));
    INSERT INTO employees VALUES (1, 'Grace Stone', 'grace@example.com', NULL), (2, 'Linus Marsh', 'linus@example.com', 1);
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT, phone TEXT, born TEXT,
        support_rep_id INTEGER REFERENCES employees(id));
    INSERT INTO customers VALUES
        (10, 'Ada Quill', 'ada@example.com', '202-555-0100', '1980-02-03', 1),
        (11, 'Alan Reed', 'alan@example.com', '202-555-0100', '1975-11-30', 1),
        (12, 'Ada Quill', 'other.ada@example.org', '202-555-0112', '1991-07-19', 2);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id), ship_name TEXT);
    INSERT INTO orders VALUES (100, 10, 'Ada Quill'), (101, 11, 'Alan Reed'), (102, 12, 'Ada Quill'), (103, 10, 'Pat Roe');
    CREATE TABLE calls (at TEXT, agent_id INTEGER REFERENCES employees(id), minutes INTEGER);
    INSERT INTO calls VALUES ('2026-01-01', 1, 5), ('2026-01-02', 2, 7);
";

fn shop() -> Sandbox {
    let sandbox = Sandbox::new();
    let made = std::process::Command::new("sqlite3").arg(sandbox.path("shop.sqlite")).arg(SHOP).status();
    assert!(made.expect("the sqlite3 program is installed").success());
    sandbox.file("residuum.toml", "[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n");
    sandbox.run(["scan", "shop"]).exits(0);
    sandbox
}

fn lines(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Value> {
    let arguments = ["find", "--format", "jsonl"].into_iter().chain(arguments.iter().copied());
    sandbox.run(arguments).exits(0).lines()
}

/// The records of a table among the lines, by key.
fn records(lines: &[Value], table: &str) -> BTreeSet<i64> {
    let of = lines.iter().filter(|line| line["object"] == format!("main.{table}"));
    of.filter_map(|line| line["record"]["key"].get("id")?.as_i64()).collect()
}

#[test]
fn an_address_leads_to_the_person_and_their_orders_only() {
    let found = lines(&shop(), &["--email", "ada@example.com"]);
    assert_eq!(records(&found, "customers"), BTreeSet::from([10]));
    assert_eq!(records(&found, "orders"), BTreeSet::from([100, 103]));
    assert_eq!(records(&found, "employees"), BTreeSet::new(), "whom the support agent is stays with the agent");
}

#[test]
fn a_shared_telephone_links_nobody() {
    let found = lines(&shop(), &["--phone", "+1 (202) 555-0100"]);
    assert_eq!(records(&found, "customers"), BTreeSet::from([10, 11]), "it stands in both records, and says so");
    assert!(found.iter().all(|line| line["shared"] == true), "{found:?}");
    assert_eq!(records(&found, "orders"), BTreeSet::new(), "and leads to nothing else");
    let both = lines(&shop(), &["--phone", "202-555-0100", "--email", "alan@example.com"]);
    assert_eq!(records(&both, "orders"), BTreeSet::from([101]), "the address still leads to its own");
}

/// One system has a middle initial that the other has not: the address is one person's still. A telephone is a household's
/// as soon as people of different names have it.
#[test]
fn what_stands_with_several_is_told_by_what_one_person_has() {
    let sandbox = Sandbox::new();
    let person = |email: &str, phone: &str, name: &str| format!("{email},{phone},{name}\n");
    let of = |rows: [String; 3]| format!("email,phone,name\n{}", rows.concat());
    sandbox.file(
        "data/crm.csv",
        of([
            person("jane@example.com", "202-555-0143", "Jane Roe"),
            person("kim@example.com", "202-555-0144", "Kim Poe"),
            person("office@example.com", "202-555-0145", "Lee Doe"),
        ]),
    );
    sandbox.file(
        "data/newsletter.csv",
        of([
            person("jane@example.com", "202-555-0146", "Jane M. Roe"),
            person("ann@example.com", "202-555-0144", "Ann Moe"),
            person("max@example.com", "202-555-0147", "Max Lowe"),
        ]),
    );
    sandbox.file(
        "data/desk.csv",
        of([
            person("office@example.com", "202-555-0145", "Lee Doe"),
            person("office@example.com", "202-555-0149", "Max Lowe"),
            person("ann@example.com", "202-555-0148", "Ann Moe"),
        ]),
    );
    sandbox.run(["scan", "data", "--quiet"]).exits(0);
    for (option, value, shared, places) in [
        ("--email", "jane@example.com", false, 2),
        ("--phone", "202-555-0144", true, 2),
        ("--phone", "202-555-0145", false, 2),
        ("--email", "office@example.com", true, 3),
    ] {
        let found = sandbox.run(["find", option, value, "--format", "jsonl"]).exits(0).lines();
        assert_eq!(found.len(), places, "{value}: {found:?}");
        assert!(found.iter().all(|line| line["shared"] == shared), "{value}: {found:?}");
    }
}

#[test]
fn a_name_beside_an_address_brings_no_namesake() {
    let found = lines(&shop(), &["--email", "ada@example.com", "--name", "Ada Quill", "--dob", "1980-02-03"]);
    assert_eq!(records(&found, "customers"), BTreeSet::from([10]));
    assert_eq!(records(&found, "orders"), BTreeSet::from([100, 103]));
    let types: BTreeSet<&str> = found.iter().filter_map(|line| line["type"].as_str()).collect();
    assert!(types.contains("PERSON_NAME") && types.contains("DATE_OF_BIRTH"), "{types:?}");
}

#[test]
fn weak_identifiers_alone_must_meet_in_one_record() {
    let sandbox = shop();
    let named = lines(&sandbox, &["--name", "ada quill"]);
    assert_eq!(records(&named, "customers"), BTreeSet::from([10, 12]), "two people have the name");
    assert!(named.iter().all(|line| line["possible"] == true), "{named:?}");
    let born = lines(&sandbox, &["--name", "Quill, Ada", "--dob", "1991-07-19"]);
    assert_eq!(records(&born, "customers"), BTreeSet::from([12]));
    sandbox.run(["find", "--name", "Ada Quill", "--dob", "1975-11-30"]).exits(3);
}

#[test]
fn an_employee_is_not_the_people_they_look_after() {
    let found = lines(&shop(), &["--email", "grace@example.com"]);
    assert_eq!(records(&found, "employees"), BTreeSet::from([1]), "nor is who reports to them");
    assert_eq!(records(&found, "customers"), BTreeSet::new());
    assert_eq!(found.iter().filter(|line| line["object"] == "main.calls").count(), 1, "a call they made is about them");
}

#[test]
fn hashed_and_keyed_identifiers_lead_to_the_same_records() {
    let sandbox = shop();
    let digest: [u8; 32] = Sha256::digest(b"ada@example.com").into();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let hashed = lines(&sandbox, &["--sha256", &format!("EMAIL={hex}")]);
    assert_eq!(records(&hashed, "orders"), BTreeSet::from([100, 103]));
    let keyed = lines(&sandbox, &["--id", "shop.customers.id=10"]);
    assert_eq!(records(&keyed, "customers"), BTreeSet::from([10]));
    assert_eq!(records(&keyed, "orders"), BTreeSet::from([100, 103]));
    sandbox.run(["find", "--id", "shop.customers.id=99"]).exits(3);
}

#[test]
fn a_file_of_people_keeps_them_apart() {
    let sandbox = shop();
    sandbox.file("people.csv", "subject_id,email,user_id\nA,ada@example.com,\nB,,11\nC,nobody@example.com,\n");
    let found = lines(&sandbox, &["--identifiers", "people.csv", "--id-domain", "shop.customers.id"]);
    let orders_of = |subject: &str| {
        let of: Vec<Value> = found.iter().filter(|line| line["subject"] == subject).cloned().collect();
        records(&of, "orders")
    };
    assert_eq!((orders_of("A"), orders_of("B"), orders_of("C")), ([100, 103].into(), [101].into(), [].into()));
    assert!(found.iter().all(|line| line["why"].as_array().is_some_and(|why| !why.is_empty())));
    assert_eq!(found[0]["shared"], json!(false));
}

#[test]
fn a_number_of_people_who_share_neither_name_nor_address_is_several_peoples() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "data/customers.csv",
        "first_name,last_name,email,phone\nAnn,Poe,ann@example.com,(202) 555-0150\nEve,Roe,eve@example.com,(202) 555-0151\n",
    );
    sandbox.file("data/staff.csv", "full_name,email,phone\nBob Marsh,bob@example.com,(202) 555-0150\n");
    sandbox.file("data/callers.csv", "phone,minutes\n(202) 555-0151,4\n");
    sandbox.file("data/old.csv", "email,phone,shop\neve@example.com,(202) 555-0151,north\n");
    sandbox.file("residuum.toml", "[[source]]\nname = \"files\"\nurl = \"data\"\n");
    sandbox.run(["scan", "--quiet"]).exits(0);
    let objects = |arguments: &[&str], shared: bool| {
        let found = lines(&sandbox, arguments);
        let objects = found.iter().filter(|line| line["shared"] == shared).map(|line| line["object"].to_string());
        objects.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
    };
    let ann = ["--email", "ann@example.com", "--phone", "(202) 555-0150"];
    assert_eq!((objects(&ann, false).as_str(), objects(&ann, true).contains("staff")), ("\"customers.csv\"", true));
    let eve = ["--phone", "(202) 555-0151"];
    assert_eq!(objects(&eve, false), "\"callers.csv\" \"customers.csv\" \"old.csv\"");
    assert_eq!(objects(&eve, true), "");
}

/// DEL-1: once one of those who share a telephone is gone, the number is the others', and no trace of the one.
#[test]
fn what_several_people_had_stays_the_others_when_one_is_erased() {
    let sandbox = Sandbox::new();
    let others = "2,Omar,Diaz,omar@example.org,(202) 555-0123\n3,Kim,Poe,kim@example.org,(202) 555-0199\n";
    let header = "id,first_name,last_name,email,phone\n";
    sandbox.file("data/crm.csv", format!("{header}1,Jane,Roe,jane.roe@example.com,(202) 555-0123\n{others}"));
    let calls = "who,phone\nreception,202-555-0123\n";
    sandbox.file("data/calls.csv", calls);
    sandbox.run(["scan", "data", "--quiet"]).exits(0);
    let jane = ["--email", "jane.roe@example.com", "--phone", "202-555-0123"];
    let erase = |more: &[&str]| sandbox.run(["erase", "data"].iter().chain(more));
    let stays = || {
        let read = |name: &str| std::fs::read_to_string(sandbox.path(format!("data/{name}"))).expect("it is text");
        assert_eq!((read("crm.csv"), read("calls.csv")), (format!("{header}{others}"), calls.to_owned()));
    };
    // In the rounds of one run, in a later run, and for those who are back.
    let apply = [&jane[..], &["--apply"]].concat();
    erase(&apply).exits(2).says("1 record deleted, 0 records edited").prints("joint");
    stays();
    erase(&apply).exits(2).says("0 records deleted, 0 records edited").prints("joint");
    erase(&["--resurrected", "--apply"]).says("0 records deleted, 0 records edited");
    stays();
    sandbox.run(["verify", "data"].iter().chain(&jane)).exits(3).says("nothing residual: 2 joint");
    // Where all who had it are erased it is nobody else's.
    let everybody = "subject_id,email,phone\n1,jane.roe@example.com,202-555-0177\n2,jr@example.com,202-555-0177\n";
    sandbox.file("everybody.csv", everybody);
    let rows = "1,Jane,Roe,jane.roe@example.com,(202) 555-0177\n2,Jo,Roe,jr@example.com,(202) 555-0177\n";
    sandbox.file("more/crm.csv", format!("{header}{rows}"));
    sandbox.file("more/calls.csv", "who,phone\nreception,202-555-0177\n");
    sandbox.run(["scan", "more", "--quiet"]).exits(0);
    sandbox.run(["erase", "more", "--identifiers", "everybody.csv", "--apply"]).says("3 records deleted");
    // Until somebody says that it was hers alone.
    let listed = sandbox.run(["suppression", "list", "--format", "jsonl"]).exits(0).nowhere("0123").lines();
    let shared: Vec<_> = listed.iter().filter(|entry| entry["reason"] == "shared").collect();
    assert_eq!((shared.len(), &shared[0]["types"][0]), (1, &"PHONE".into()), "{listed:?}");
    let whole = sandbox.run(["suppression", "list", "--format", "json"]).exits(0).json();
    assert_eq!(whole, Value::Array(listed.clone()), "as one document it is the same");
    sandbox.run(["suppression", "lift", shared[0]["id"].as_str().expect("an id")]).exits(0);
    erase(&jane).exits(0).prints("crm.csv").prints("calls.csv").says("2 records to act on");
}
