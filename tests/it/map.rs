//! `residuum map`: what the owner says of the data, beside what is in it.

use serde_json::Value;

use crate::sandbox::{Run, Sandbox};

/// A small company: exports and logs, with an address in a path; scanned. Its Social Security numbers are drawn by
/// chance, nobody is meant.
fn company(map: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file(
        "crm/customers.csv",
        "id,email,phone,ssn,created_at\n1,jane@example.com,(202) 555-0123,778-62-8144,2026-01-05\n\
         2,omar@example.org,(202) 555-0145,781-52-6417,2026-02-07\n",
    );
    sandbox.file("crm/notes.jsonl", "{\"to\":{\"email\":\"jane@example.com\"},\"written_on\":\"2026-03-01\"}\n");
    sandbox.file("logs/app.log", "started\nmail to jane@example.com bounced\n");
    sandbox.file("logs/jane@example.com/inbox.txt", "call (202) 555-0123\n");
    let sources = "[[source]]\nname = \"crm\"\nurl = \"crm\"\n[[source]]\nname = \"logs\"\nurl = \"logs\"\n";
    sandbox.file("residuum.toml", format!("{sources}{map}"));
    sandbox.run(["scan"]).exits(0);
    sandbox
}

/// A map of it without a gap.
const WHOLE: &str = r#"
[[recipient]]
name = "carrier"
category = "parcel carriers"
kind = "service provider"
contract = "DPA"
notify = "privacy@carrier.example.com"
[[map]]
source = "crm"
sources = ["consumer", "Data Brokers"]
purposes = ["fulfilling orders"]
sold_to = []
shared_with = []
service_providers = ["carrier"]
retention = "2y"
collected_at = "created_at"
owner = "sales"
[[map]]
source = "crm"
object = "notes.jsonl"
retention = { keep = "90d", from = "written_on" }
[[map]]
source = "logs"
sources = ["the consumer directly"]
business_purposes = ["security", "debugging"]
sold_to = []
shared_with = []
disclosed_to = []
retention = { keep = "30d", after = "the line is written" }
owner = "operations"
"#;

fn gaps(run: &Run) -> Vec<(String, String, String, String)> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    run.lines().iter().map(|l| (text(l, "object"), text(l, "field"), text(l, "gap"), text(l, "state"))).collect()
}

#[test]
fn without_a_map_everything_is_a_gap_and_with_one_nothing() {
    let sandbox = company("");
    let run = sandbox.run(["map", "check", "--format", "jsonl"]).exits(2).says("the README has an example");
    let found = gaps(&run);
    assert_eq!(&found[0], &("customers.csv".into(), "ssn".into(), "purposes".into(), "open".into()), "sensitive first");
    let of = |field: &str| found.iter().filter(|gap| gap.1 == field).map(|gap| gap.2.as_str()).collect::<Vec<_>>();
    assert_eq!(of("phone"), ["purposes", "sources", "recipients", "retention", "owner"]);
    assert_eq!(of("id"), Vec::<&str>::new(), "nothing personal is in it");
    sandbox.run(["map", "check"]).exits(2).prints("crm: customers.csv ssn").prints("open").nowhere("jane@");

    let sandbox = company(WHOLE);
    let run = sandbox.run(["map", "check"]).exits(0).prints("0 gaps");
    assert!(run.stderr.is_empty(), "{}", run.stderr);
    assert_eq!(sandbox.run(["map", "check", "--format", "json"]).exits(0).json(), Value::Array(Vec::new()));
}

#[test]
fn gaps_have_risk_owner_due_date_and_state() {
    let map = r#"
        [[recipient]]
        name = "adnet"
        category = "advertising networks"
        kind = "third party"
        owner = "marketing"
        due = "2026-02-28"
        [[map]]
        source = "crm"
        sources = ["the consumer directly"]
        purposes = ["campaigns"]
        sold_to = ["adnet"]
        shared_with = []
        disclosed_to = []
        owner = "sales"
        due = "2099-12-31"
        [[map]]
        source = "logs"
        sources = ["the consumer directly"]
        purposes = ["security"]
        sold_to = []
        shared_with = []
        disclosed_to = []
        retention = "30d"
        owner = "operations"
        due = "2026-01-31"
        [[accepted_gap]]
        gap = "retention"
        source = "crm"
        object = "notes.*"
        approved_by = "privacy office"
        reason = "a schedule is being agreed"
        until = "2099-12-31"
        [[accepted_gap]]
        gap = "contract"
        recipient = "adnet"
        approved_by = "privacy office"
        reason = "being signed"
        until = "2026-02-01"
    "#;
    let sandbox = company(map);
    let run = sandbox.run(["map", "check", "--format", "jsonl"]).exits(2);
    let run = run.says("the `[[accepted_gap]]` of `contract`, recipient `adnet` held until 2026-02-01");
    let lines = run.lines();
    let risks: Vec<_> = lines.iter().map(|line| line["risk"].as_f64().expect("a number")).collect();
    assert!(risks.is_sorted_by(|a, b| a >= b), "{risks:?}");
    let find = |object: &str, field: &str, gap: &str| {
        let is_it = |line: &&Value| {
            line["object"].as_str().unwrap_or("") == object
                && line["field"].as_str().unwrap_or("") == field
                && line["gap"] == gap
        };
        lines.iter().find(is_it).unwrap_or_else(|| panic!("{object} {field} {gap}: {lines:#?}"))
    };
    let ssn = find("customers.csv", "ssn", "retention");
    assert_eq!((&ssn["state"], &ssn["owner"], &ssn["due"]), (&"open".into(), &"sales".into(), &"2099-12-31".into()));
    assert_eq!((&ssn["findings"], &ssn["sensitive"]), (&2.into(), &2.into()));
    let log = find("app.log", "", "collected_at");
    assert_eq!((&log["state"], &log["owner"]), (&"overdue".into(), &"operations".into()));
    let note = find("notes.jsonl", "to.email", "retention");
    assert_eq!((&note["state"], &note["accepted"]["by"]), (&"accepted".into(), &"privacy office".into()));
    let contract = find("", "", "contract");
    assert_eq!((&contract["recipient"], &contract["state"]), (&"adnet".into(), &"overdue".into()));
    for (arguments, objects) in [
        (&["--source", "logs"][..], &["app.log"][..]),
        (&["--gap", "retention", "--include", "*.jsonl"], &["notes.jsonl"]),
        (&["--gap", "notify"], &[""]),
    ] {
        let run = sandbox.run([&["map", "check", "--format", "jsonl"], arguments].concat());
        let found = gaps(&run);
        assert!(!found.is_empty(), "{arguments:?}");
        assert!(
            found.iter().all(|gap| objects.contains(&gap.0.as_str()) || gap.0.contains('⟨')),
            "{arguments:?}: {found:?}"
        );
    }
    sandbox
        .run(["map", "check", "--gap", "retention", "--include", "*.jsonl"])
        .exits(0)
        .prints("accepted by privacy office");
    let csv =
        sandbox.run(["map", "check", "--format", "csv"]).exits(2).prints("risk,source,object,field,recipient,gap");
    assert_eq!(csv.stdout.lines().count(), lines.len() + 1);
    sandbox.run(["map", "check", "--source", "cmr"]).exits(1).says("`crm`, `logs`");
}

#[test]
fn what_has_no_effect_or_contradicts_itself_is_told() {
    let map = r#"
        [[recipient]]
        name = "nobody's friend"
        category = "data brokers"
        kind = "third party"
        [[recipient]]
        name = "buyer"
        category = "data brokers"
        kind = "third party"
        [[map]]
        source = "cmr"
        owner = "sales"
        [[map]]
        source = "crm"
        object = "customer.csv"
        owner = "sales"
        [[map]]
        source = "crm"
        object = "customers.csv"
        collected_at = "createdat"
        retention = { keep = "1y", from = "id" }
        no_search = { not_searchable = "tapes", kept_only_for = "tax law", not_sold_or_used = "locked away", described_as = "invoices" }
        [[map]]
        source = "crm"
        field = "phone"
        sold_to = ["buyer"]
        [[map]]
        source = "crm"
        field = "fax"
        owner = "sales"
    "#;
    company(map)
        .run(["map", "check"])
        .exits(2)
        .says("`[[map]]` of source `cmr` names source `cmr`, which there is not; sources are `crm`, `logs`")
        .says("`[[map]]` of source `crm`, object `customer.csv` is about nothing that the index has")
        .says("`collected_at` of the `[[map]]` of source `crm`, object `customers.csv` names the field `createdat`")
        .never_says("names the field `id`")
        .never_says("field `phone` is about nothing")
        .says("field `fax` is about nothing")
        .says("nothing goes to the recipient `nobody's friend`")
        .never_says("nothing goes to the recipient `buyer`")
        .says("crm: customers.csv phone need not be searched because it is not sold");
}

#[test]
fn mistakes_are_named_with_their_cure() {
    const RECIPIENTS: &str = "[[recipient]]\nname = \"carrier\"\ncategory = \"parcel carriers\"\nkind = \"service provider\"\n\
        [[recipient]]\nname = \"broker\"\ncategory = \"data brokers\"\nkind = \"third party\"\n";
    let entry = |rest: &str| format!("{RECIPIENTS}[[map]]\nsource = \"crm\"\n{rest}\n");
    let gap = |rest: &str| {
        format!("{RECIPIENTS}[[accepted_gap]]\napproved_by = \"a\"\nreason = \"b\"\nuntil = \"2027-01-31\"\n{rest}\n")
    };
    let four = "not_searchable = \"a\", kept_only_for = \"b\", not_sold_or_used = \"c\"";
    let cases = [
        (entry("purpose = [\"x\"]"), "unknown field `purpose`", "purposes"),
        (entry("purposes = [\"other\"]"), "the purpose `other`", "such as `fulfilling orders`"),
        (entry("purposes = []"), "`purposes` is empty", "leave the setting out"),
        (entry("sources = [\"partners\"]"), "`partners` is not particular enough", "`the consumer directly`"),
        (entry("sources = [\"data broker\"]"), "`data broker` is no category", "`data brokers` is"),
        (entry("business_purposes = [\"fun\"]"), "unknown variant `fun`", "debugging"),
        (entry("sold_to = [\"brooker\"]"), "`sold_to` names `brooker`", "declared are `carrier`, `broker`"),
        (entry("sold_to = [\"carrier\"]"), "a service provider", "name it in `disclosed_to`"),
        (entry("service_providers = [\"broker\"]"), "a third party", "change the recipient's `kind`"),
        (entry("retention = \"2 years\""), "no span of the calendar", "`90d`"),
        (entry("retention = \"3m\""), "no span of the calendar", "months `18mo`"),
        (entry("retention = { keep = \"2y\", until = \"x\" }"), "a retention is a span", "{ until = "),
        (entry("retention = { keep = \"2y\", from = \"a\", after = \"b\" }"), "at most one of", "`after`"),
        (entry("environment = \"prod\""), "unknown variant `prod`", "production"),
        (entry("due = \"2027-02-29\""), "`2027-02-29` is no day", "like `2027-06-30`"),
        (entry("object = \"a{b\""), "object `a{b`", "neither a name nor a glob"),
        (entry(&format!("no_search = {{ {four} }}")), "missing field `described_as`", "not valid"),
        (entry(&format!("no_search = {{ {four}, described_as = \" \" }}")), "`described_as`", "all four conditions"),
        (
            entry(&format!("field = \"x\"\nno_search = {{ {four}, described_as = \"d\" }}")),
            "`no_search` is about records",
            "not of a `field`",
        ),
        (
            entry(&format!("sold_to = [\"broker\"]\nno_search = {{ {four}, described_as = \"d\" }}")),
            "`sold_to` that it is",
            "one of them goes",
        ),
        (
            "[[recipient]]\nname = \"a\"\ncategory = \"vendors\"\nkind = \"third party\"".into(),
            "`vendors` is not particular",
            "`social networks`",
        ),
        (
            "[[recipient]]\nname = \"a\"\ncategory = \"data brokers\"\nkind = \"friend\"".into(),
            "unknown variant `friend`",
            "third party",
        ),
        (format!("{RECIPIENTS}{RECIPIENTS}"), "recipient `carrier`", "given twice"),
        (gap("gap = \"retention\""), "`retention` is missing of fields", "give their `source`"),
        (gap("gap = \"contract\"\nsource = \"crm\""), "`contract` is missing of a recipient", "as `recipient` alone"),
        (gap("gap = \"contract\"\nrecipient = \"x\""), "no `[[recipient]]` named `x`", "accepted_gap"),
        (gap("gap = \"purpose\"\nsource = \"crm\""), "unknown variant `purpose`", "purposes"),
    ];
    let sandbox = Sandbox::new();
    for (map, named, cure) in cases {
        sandbox.file("residuum.toml", &map);
        let run = sandbox.run(["map", "check"]).exits(1).says("error: ");
        let said = &run.stderr;
        assert!(said.contains(named) && said.contains(cure), "{map}\nexpected `{named}` and `{cure}`:\n{said}");
    }
}

#[test]
fn names_that_are_personal_stay_sealed() {
    let sandbox = company(WHOLE.replace("owner = \"operations\"", "").as_str());
    for format in ["table", "json", "jsonl", "csv"] {
        let run = sandbox.run(["map", "check", "--format", format]).exits(2).prints("⟨EMAIL:");
        run.nowhere("jane@").nowhere("omar@").nowhere("555-01").nowhere("778-62");
    }
    // A sealed name is named as it is shown.
    let lines = sandbox.run(["map", "check", "--format", "jsonl"]).exits(2).lines();
    let sealed = lines.iter().find_map(|line| line["object"].as_str().filter(|name| name.contains('⟨')));
    let entry =
        format!("[[map]]\nsource = \"logs\"\nobject = \"{}\"\nowner = \"hosting\"\n", sealed.expect("one is sealed"));
    let text = std::fs::read_to_string(sandbox.path("residuum.toml")).expect("it is there");
    sandbox.file("residuum.toml", format!("{text}{entry}"));
    let left = gaps(&sandbox.run(["map", "check", "--format", "jsonl"]).exits(2).never_says("is about nothing"));
    assert!(left.iter().all(|gap| !gap.0.contains('⟨')) && !left.is_empty(), "{left:?}");
}
