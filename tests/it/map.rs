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
disclosed_to = []
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
    let run = sandbox.run(["map", "check", "--format", "jsonl"]).exits(2).says("`docs/map.md` has an example");
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
        (entry("sources = []"), "`sources` is empty", "leave the setting out"),
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

#[test]
fn the_flows_are_drawn_and_come_in_other_forms() {
    let sandbox = company(
        &WHOLE.replace("sold_to = []\nshared_with = []\ndisclosed_to = []\nservice_providers", "service_providers"),
    );
    let page = sandbox.run(["map", "graph"]).exits(0).stdout;
    assert!(page.starts_with("<!doctype html>") && page.contains("default-src 'none'"), "{page}");
    for outside in ["http://", "https://", "src=", "url(", "@import", "<link", "<script"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for tag in
        ["svg", "g", "title", "desc", "table", "tbody", "tr", "td", "ul", "li", "div", "main", "header", "footer"]
    {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    let json = sandbox.run(["map", "graph", "--format", "json"]).exits(0).json();
    let flow = |purpose: &str, way: &str| -> u64 {
        let flows = json["flows"].as_array().expect("an array");
        let is_it = |flow: &&Value| flow["purpose"] == purpose && flow["way"] == way;
        flows.iter().filter(is_it).filter_map(|flow| flow["findings"].as_u64()).sum()
    };
    let all: u64 = sandbox.run(["map", "export"]).exits(0).json()["fields"]
        .as_array()
        .expect("an array")
        .iter()
        .filter(|field| field["source"] == "crm")
        .filter_map(|field| field["findings"].as_u64())
        .sum();
    assert!(all >= 7, "{all}");
    assert_eq!((flow("fulfilling orders", "processed"), flow("fulfilling orders", "unsaid")), (all, all));
    assert_eq!(flow("security and integrity", "nobody"), flow("debugging", "nobody"));
    let band = format!("<title>fulfilling orders → carrier (processed): {all} findings, 2 sensitive</title>");
    assert!(page.contains(&band), "{band}\n{page}");
    assert!(page.contains("band-unsaid") && page.contains("stays here"));
    let dot =
        sandbox.run(["map", "graph", "--format", "dot"]).exits(0).prints("digraph flows {").prints("style=dashed");
    assert!(dot.stdout.contains("label=\"carrier (processed)\"") && dot.stdout.trim_end().ends_with('}'));
    sandbox
        .run(["map", "graph", "--format", "mermaid"])
        .exits(0)
        .prints("flowchart LR")
        .prints("([\"fulfilling orders\"])");
    sandbox.run(["map", "graph", "--output", "flows.html"]).exits(0).says("flows.html");
    assert_eq!(
        std::fs::read_to_string(sandbox.path("flows.html")).expect("it was written").lines().count(),
        page.lines().count()
    );
}

#[test]
fn the_map_is_exported_for_people_and_programs() {
    let sandbox = company(WHOLE);
    let json = sandbox.run(["map", "export"]).exits(0).json();
    let field = |name: &str| {
        json["fields"].as_array().expect("an array").iter().find(|f| f["field"] == name).expect(name).clone()
    };
    let ssn = field("ssn");
    assert_eq!(
        (&ssn["types"][0]["type"], &ssn["sensitive"], &ssn["gaps"]),
        (&"US_SSN".into(), &2.into(), &Value::Array(vec![]))
    );
    assert_eq!(ssn["sources"], serde_json::json!(["the consumer directly", "data brokers"]));
    assert_eq!((&ssn["retention"]["span"], &ssn["retention"]["from"]["collection"]), (&"P2Y".into(), &true.into()));
    assert_eq!(field("to.email")["retention"]["from"]["field"], "written_on");
    let said = (&ssn["sold_to"], &ssn["business_purposes"]);
    assert_eq!(said, (&serde_json::json!([]), &Value::Null), "nobody is not unsaid");
    assert_eq!(json["recipients"][0]["category"], "parcel carriers");
    let csv = sandbox.run(["map", "export", "--format", "csv"]).exits(0).prints("source,object,field,types");
    assert!(csv.stdout.contains(",-,-,-,carrier,2 years from collection,created_at,"), "{}", csv.stdout);
    sandbox.run(["map", "export", "--format", "html"]).exits(0).prints("<svg").prints("2 years from collection");
    for format in ["json", "csv", "html", "fides", "openmetadata", "datahub"] {
        let run = sandbox.run(["map", "export", "--format", format, "--as", "crm=hive.shop"]).exits(0);
        run.nowhere("jane@").nowhere("omar@").nowhere("555-01").nowhere("778-62");
    }
    sandbox.run(["map", "export", "--as", "cmr=x"]).exits(1).says("`--as` names `cmr`").says("`crm`, `logs`");
    sandbox.run(["map", "export", "--as", "crm"]).exits(1).says("such as `crm=pg_prod.shop`");
}

/// Names that fides writes alike are two datasets still, and a name that is a formula is none in a table.
#[test]
fn names_of_the_data_are_written_so_that_they_are_taken_for_names() {
    let sandbox = Sandbox::new();
    sandbox.file("a/people.csv", "id,email\n1,jane@example.com\n2,omar@example.com\n3,kim@example.com\n");
    sandbox.file("b/people.jsonl", "{\"-email\": \"jane@example.com\", \"phone\": \"202-555-0143\"}\n".repeat(2));
    let source = |name: &str, url: &str| format!("[[source]]\nname = \"{name}\"\nurl = \"{url}\"\n");
    sandbox.file("residuum.toml", source("crm.eu", "a") + &source("crm_eu", "b"));
    sandbox.run(["scan", "--quiet"]).exits(0);
    let yaml = sandbox.run(["map", "export", "--format", "fides"]).exits(0).stdout;
    for part in ["fides_key: crm_eu\n    name: crm_eu\n", "fides_key: crm_eu_2\n    name: crm.eu\n"] {
        assert!(yaml.contains(part), "expected\n{part}\nin\n{yaml}");
    }
    for arguments in [
        &["map", "export", "--format", "csv"][..],
        &["map", "check", "--format", "csv"],
        &["report", "--format", "csv"],
    ] {
        let run = sandbox.run(arguments);
        assert!(run.stdout.contains(",'-email,") && !run.stdout.contains(",-email,"), "{arguments:?}: {}", run.stdout);
    }
}

/// The demonstration's company has a database with keys, nested fields and containers.
#[test]
fn other_catalogues_get_what_they_take() {
    let sandbox = Sandbox::new();
    sandbox.run(["demo", "--quiet"]).exits(0);
    let inside =
        |arguments: &[&str]| Run::of(sandbox.command(arguments).current_dir(sandbox.path("residuum-demo"))).exits(0);
    let yaml = inside(&["map", "export", "--format", "fides"]).stdout;
    for part in [
        "  - fides_key: crm_main\n    name: crm\n    fides_meta:\n      namespace:\n        schema: main\n",
        "          - name: ssn\n            description: \"found: US_SSN 18\"\n            data_categories:\n              - user.government_id.national_identification_number\n",
        "          - name: id\n            fides_meta:\n              primary_key: true\n",
        "          - name: user\n            fides_meta:\n              data_type: object\n            fields:\n              - name: email\n",
        "description: \"for analysis of the web shop; from the consumer directly; to Tally Insights (disclosed); kept 1 year 1 month from collection; owner web team\"",
        "              - essential.service.security\n",
    ] {
        assert!(yaml.contains(part), "expected\n{part}\nin\n{yaml}");
    }

    let proposals = inside(&["map", "export", "--format", "datahub", "--as", "crm=hive:larkspur"]).json();
    let proposals = proposals.as_array().expect("a list");
    let of = |urn: &str| proposals.iter().filter(|p| p["entityUrn"] == urn).collect::<Vec<_>>();
    let tag = of("urn:li:tag:PersonalInformation.US_SSN");
    assert_eq!(
        (tag.len(), &tag[0]["aspectName"], &tag[0]["changeType"]),
        (1, &"tagProperties".into(), &"UPSERT".into())
    );
    let employees = of("urn:li:dataset:(urn:li:dataPlatform:hive,larkspur.main.employees,PROD)");
    let patches: Vec<Value> = employees
        .iter()
        .map(|p| serde_json::from_str(p["aspect"]["value"].as_str().expect("a patch is text")).expect("and JSON"))
        .collect();
    assert!(
        employees
            .iter()
            .all(|p| p["changeType"] == "PATCH" && p["aspect"]["contentType"] == "application/json-patch+json")
    );
    let ssn = serde_json::json!({
        "op": "add",
        "path": "/editableSchemaFieldInfo/ssn/globalTags/tags/urn:li:tag:PersonalInformation.US_SSN",
        "value": { "tag": "urn:li:tag:PersonalInformation.US_SSN" },
    });
    assert!(patches.iter().any(|p| p.as_array().is_some_and(|all| all.contains(&ssn))), "{patches:#?}");
    let archive = of("urn:li:dataset:(urn:li:dataPlatform:file,archive/2025.zip,PROD)");
    assert!(!archive.is_empty() && archive.iter().all(|p| p["aspectName"] == "globalTags"), "{archive:#?}");

    let run =
        inside(&["map", "export", "--format", "openmetadata"]).says("left out: tags in OpenMetadata stand on columns");
    let requests = run.lines();
    let classification = requests.iter().position(|r| r["path"] == "/v1/classifications").expect("it is made");
    let first_tag = requests.iter().position(|r| r["path"] == "/v1/tags").expect("tags are made");
    let column = "/v1/columns/name/crm.default.main.employees.ssn?entityType=table";
    let ssn = requests.iter().position(|r| r["path"] == column).expect("columns are tagged");
    assert!(classification < first_tag && first_tag < ssn, "in the order in which they can be made");
    let labels = requests[ssn]["body"]["tags"].as_array().expect("a list");
    assert!(
        labels.iter().any(|label| label["tagFQN"] == "PersonalInformation.US_SSN" && label["state"] == "Suggested")
    );
    let made: std::collections::BTreeSet<_> = requests
        .iter()
        .filter(|r| r["path"] == "/v1/tags")
        .map(|r| {
            format!(
                "{}.{}",
                r["body"]["classification"].as_str().unwrap_or(""),
                r["body"]["name"].as_str().unwrap_or("")
            )
        })
        .collect();
    let used = requests.iter().flat_map(|r| r["body"]["tags"].as_array().into_iter().flatten());
    assert!(used.into_iter().all(|label| made.contains(label["tagFQN"].as_str().unwrap_or(""))), "{made:?}");
}
