//! Which entry wins, for whom, and what is missing of whom.

use residuum_detect::{Category, Type};

use super::*;
use crate::config::{Config, CountsFrom};

const TOML: &str = r#"
[[recipient]]
name = "adnet"
category = "advertising networks"
kind = "third party"
notify = "https://adnet.example.com/opt-out"
[[recipient]]
name = "carrier"
category = "parcel carriers"
kind = "service provider"
contract = "DPA of 2025-03-01"
notify = "privacy@carrier.example.com"

[[map]]
source = "crm"
sources = ["the consumer directly"]
purposes = ["fulfilling orders"]
sold_to = []
shared_with = []
disclosed_to = []
service_providers = ["carrier"]
retention = "3y"
environment = "production"
owner = "sales"
due = "2026-10-31"
[[map]]
source = "crm"
object = "main.notes*"
retention = { keep = "90d", from = "written_on" }
owner = "support"
[[map]]
source = "crm"
object = "main.notes_archive"
retention = { until = "the case is closed" }
[[map]]
source = "crm"
field = "email"
shared_with = ["adnet"]
[[map]]
source = "crm"
field = "e*"
shared_with = []
purposes = ["campaigns"]
[[map]]
source = "files"
object = "2025.zip"
owner = "archive"
[[map]]
source = "files"
field = "items[].to"
owner = "shop"

[[retain]]
source = "crm"
category = "L"
exception = "hold"
reason = "Roe v. Larkspur"
approved_by = "legal"
until = "2026-12-31"

[[accepted_gap]]
gap = "collected_at"
source = "crm"
object = "main.customers"
approved_by = "privacy office"
reason = "a column is being added"
until = "2027-01-31"
[[accepted_gap]]
gap = "contract"
recipient = "adnet"
approved_by = "privacy office"
reason = "being signed"
until = "2026-11-01"
"#;

fn map() -> Map {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("residuum.toml");
    std::fs::write(&file, TOML).unwrap();
    Map::new(&Config::load(Some(&file)).unwrap()).unwrap()
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn holding(source: &str, object: &str, field: &str, kind: Type, findings: u64) -> Holding {
    let (source, object, field) = (source.to_owned(), object.to_owned(), field.to_owned());
    let sensitive = if kind.is_sensitive() { findings } else { 0 };
    let categories: Vec<Category> = kind.categories().to_vec();
    Holding { source, object, field, types: vec![(kind, findings)], findings, categories, sensitive }
}

#[test]
fn the_most_specific_entry_wins_setting_by_setting() {
    let map = map();
    let phone = map.of("crm", "main.customers", "phone");
    assert_eq!(phone.owner, Some("sales"));
    assert!(matches!(phone.retention, Some(RetentionPeriod::For { from: CountsFrom::Collection, .. })));
    assert_eq!((phone.sold_to, phone.business_purposes), (Some(&[][..]), None), "said to be nobody, and not said");
    assert_eq!(phone.environment, Some(Environment::Production));
    let note = map.of("crm", "main.notes", "note");
    assert_eq!(
        (note.owner, note.retention.unwrap().to_string().as_str()),
        (Some("support"), "90 days from `written_on`")
    );
    let old = map.of("crm", "main.notes_archive", "note");
    assert_eq!(old.retention.unwrap().to_string(), "until the case is closed", "a name goes before a glob");
    let email = map.of("crm", "main.customers", "email");
    assert_eq!(email.shared_with, Some(&["adnet".to_owned()][..]), "a name goes before a glob, wherever it stands");
    assert_eq!(email.purposes.unwrap()[0].name(), "campaigns");
    assert_eq!(email.owner, Some("sales"));
    assert_eq!(map.of("elsewhere", "main.customers", "email"), Statement::default());
    let members = ["2025.zip", "2025.zip!2025/returns.csv", "2025.zip!letters.tar.gz!a.txt"];
    assert!(members.iter().all(|object| map.of("files", object, "x").owner == Some("archive")));
    assert_eq!(map.of("files", "2025.zipped", "x").owner, None);
    assert_eq!(
        map.of("files", "orders.jsonl", "items[].to").owner,
        Some("shop"),
        "a list's name is no class of characters"
    );
}

#[test]
fn holds_are_those_that_erasure_obeys() {
    let map = map();
    let held = |kind: Type, on: &str| map.retained(&holding("crm", "main.customers", "x", kind, 1), day(on)).count();
    assert_eq!((held(Type::UsSsn, "2026-12-31"), held(Type::UsSsn, "2027-01-01")), (1, 0));
    assert_eq!(held(Type::Email, "2026-12-31"), 0);
}

#[test]
fn gaps_are_ranked_with_owner_due_date_and_state() {
    let holdings = [
        holding("crm", "main.customers", "phone", Type::Phone, 1_000_000),
        holding("crm", "main.customers", "ssn", Type::UsSsn, 1),
        holding("crm", "main.notes", "email", Type::Email, 100),
        holding("web", "access.log", "", Type::IpAddress, 7),
    ];
    let map = map();
    let shown = |today: &str| -> Vec<String> {
        let gaps = gaps(&map, &holdings, &[], day(today));
        let show = |gap: &Gap| {
            let place = match &gap.place {
                Place::Field { object, field, .. } => format!("{object} {field}"),
                Place::Recipient(name) => name.clone(),
                Place::Hold(title) => title.clone(),
            };
            let owner = gap.owner.as_deref().unwrap_or("-");
            format!("{:.1} {place} {} {owner} {}", gap.risk, gap.kind.name(), gap.state.name())
        };
        gaps.iter().map(show).collect()
    };
    assert_eq!(
        shown("2026-10-31"),
        [
            "10.0 main.customers ssn collected_at sales accepted",
            "7.0 main.customers phone collected_at sales accepted",
            "3.0 adnet contract - accepted",
            "1.8 access.log  purposes - open",
            "1.8 access.log  sources - open",
            "1.8 access.log  recipients - open",
            "1.8 access.log  retention - open",
            "1.8 access.log  owner - open",
        ]
    );
    let later = shown("2027-02-01");
    assert_eq!(later[0], "10.0 main.customers ssn collected_at sales overdue");
    assert_eq!(later[2], "3.0 adnet contract - open", "{later:?}");
}

#[test]
fn everything_takes_every_way_that_is_said_for_it() {
    let holdings = [
        holding("crm", "main.customers", "email", Type::Email, 10),
        holding("crm", "main.customers", "ssn", Type::UsSsn, 2),
        holding("web", "access.log", "", Type::IpAddress, 7),
    ];
    let flows = flows(&map(), &holdings);
    let shown: Vec<_> = flows
        .iter()
        .map(|f| (f.purpose.as_deref(), f.way.name(), f.recipient.as_deref(), f.findings, f.sensitive))
        .collect();
    assert_eq!(
        shown,
        [
            (Some("campaigns"), "shared", Some("adnet"), 10, 0),
            (Some("campaigns"), "processed", Some("carrier"), 10, 0),
            (Some("fulfilling orders"), "processed", Some("carrier"), 2, 2),
            (None, "unsaid", None, 7, 0),
        ]
    );
}
