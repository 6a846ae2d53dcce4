//! From a person to their package, over a source in memory.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use residuum_detect::{Detector, IndexKey, RuleSet, Type};
use residuum_source::{KeyKind, Limits, Memory, ObjectPath, Source, TableKey};

use super::*;
use crate::config::Config;
use crate::identity::{Identifier, Subject};
use crate::index::{Index, Keyring};
use crate::map::Map;
use crate::scan::{Scan, ScanOptions, Silent};

const JANE: &str = "jane.roe@example.com";
const SSN: &str = "536-22-8726";
const CARD: &str = "4111 1111 1111 1111";

struct World {
    sources: Vec<Box<dyn Source>>,
    detector: Detector,
    index: Index,
    map: Map,
    _directory: tempfile::TempDir,
}

fn key(object: &str, column: &str, kind: KeyKind) -> TableKey {
    TableKey { object: ObjectPath::from_parts([object]), columns: vec![column.to_owned()], kind }
}

fn shop() -> Memory {
    let refers = KeyKind::Foreign { object: ObjectPath::from_parts(["customers"]), columns: vec!["id".to_owned()] };
    let profile = format!(
        r#"{{"contact": {{"email": "{JANE}"}}, "ssn": "{SSN}", "security_question": "First pet?", "security_answer": "Rex the dog", "plan": "gold"}}"#
    );
    let encoded = STANDARD.encode(format!("ssn of the customer: {SSN}, thanks"));
    let note = format!("spoke with {JANE} and kim@example.com about SSN {SSN}");
    Memory::new("shop")
        .table(
            "customers",
            &[
                "id",
                "email",
                "first_name",
                "last_name",
                "ssn",
                "password",
                "manager_email",
                "joined_on",
                "shoe",
                "profile",
            ],
            &[
                &["1", "kim@example.com", "Kim", "Poe", "536-22-8727", "kims-Secret7", "", "2020-01-05", "38", "{}"],
                &["2", JANE, "Jane", "Roe", SSN, "janes-Secret8", "boss@example.com", "2024-03-09", "41", &profile],
                &["3", "lee@example.com", "Lee", "Doe", "536-22-8728", "lees-Secret9", "", "2024-01-05", "44", "{}"],
            ],
        )
        .table(
            "orders",
            &["id", "customer_id", "total", "placed_on", "remark"],
            &[
                &["10", "1", "9.50", "2024-01-01", ""],
                &["11", "2", "19.50", "2024-05-01", "=cmd|' /C calc'!A0"],
                &["12", "2", "7.25", "2021-12-31", "paid with 536228726 as reference"],
                &["13", "2", "7.25", "", &encoded],
            ],
        )
        .table(
            "tickets",
            &["id", "requester_email", "agent_email", "note"],
            &[
                &["20", "kim@example.com", "agent@example.com", &note],
                &["21", JANE, "agent@example.com", "card 4111 1111 1111 1111 declined, told Kim Poe"],
                &["22", "kim@example.com", JANE, "kim wants a refund"],
                &["23", "kim@example.com", "agent@example.com", "call back"],
            ],
        )
        .table("visits", &["id", "email", "page"], &[&["1", JANE, "/tents"], &["2", "lee@example.com", "/boots"]])
        .key(key("customers", "id", KeyKind::Primary))
        .key(key("orders", "id", KeyKind::Primary))
        .key(key("orders", "customer_id", refers))
}

const MAP: &str = r#"
    [[recipient]]
    name = "adnet"
    category = "advertising networks"
    kind = "third party"
    [[recipient]]
    name = "mailer"
    category = "mail delivery companies"
    kind = "service provider"
    [[map]]
    source = "shop"
    object = "customers"
    sources = ["the consumer directly"]
    purposes = ["to fulfil orders"]
    sold_to = []
    shared_with = ["adnet"]
    disclosed_to = []
    service_providers = ["mailer"]
    collected_at = "joined_on"
    [[map]]
    source = "shop"
    object = "orders"
    collected_at = "placed_on"
"#;

impl World {
    fn new(config: &str) -> Self {
        Self::of(config, shop())
    }

    fn of(config: &str, memory: Memory) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("residuum.toml");
        std::fs::write(&file, config).expect("it can be written");
        let config = Config::load(Some(&file)).expect("a valid configuration");
        let keys = Keyring::new(IndexKey::new([5; 32]), Vec::new());
        let world = Self {
            sources: vec![Box::new(memory)],
            detector: Detector::new(&RuleSet::builtin()).expect("the rules are valid"),
            index: Index::create_or_open(&directory.path().join("index"), keys).expect("an index"),
            map: Map::new(&config).expect("a valid map"),
            _directory: directory,
        };
        let options = ScanOptions { full: true, ..ScanOptions::default() };
        Scan::new(&world.sources, &world.detector, &world.index, options).run(&Silent).expect("it scans");
        world
    }

    fn disclose(&self, scope: &Scope) -> Disclosure {
        self.disclose_to(&[(Type::Email, JANE)], scope)
    }

    fn disclose_to(&self, identifiers: &[(Type, &str)], scope: &Scope) -> Disclosure {
        let reader = self.index.reader().expect("the index can be read");
        let discloser = Discloser {
            reader: &reader,
            keys: self.index.keys(),
            detector: &self.detector,
            sources: &self.sources,
            map: &self.map,
            literals: None,
            index_is_complete: true,
            limits: &Limits::default(),
            stop: &AtomicBool::new(false),
            progress: &|_, _| {},
        };
        let given = |(kind, text): &(Type, &str)| Identifier::value(*kind, "it", text).expect("it is one");
        let jane = Subject { id: "1".to_owned(), identifiers: identifiers.iter().map(given).collect() };
        discloser.disclose(&jane, scope).expect("it can be disclosed")
    }
}

fn all() -> Scope {
    Scope { since: EARLIEST.to_owned(), categories_only: false, request: None }
}

/// The values of a field of an object, in order of records.
fn values<'d>(disclosure: &'d Disclosure, object: &str, field: &str) -> Vec<&'d str> {
    let Some(of) = disclosure.objects.iter().find(|of| of.object == object) else { return Vec::new() };
    let is_it = |value: &&DisclosedValue| of.fields[value.field] == field;
    let values = of.records.iter().flat_map(|record| &record.values).filter(is_it);
    values.map(|value| value.text.expose().as_str()).collect()
}

fn everything(disclosure: &Disclosure) -> String {
    files(disclosure).iter().map(|file| String::from_utf8_lossy(&file.bytes).into_owned()).collect()
}

#[test]
fn a_person_gets_their_own_data_and_nobody_elses() {
    let disclosed = World::new(MAP).disclose(&all());
    assert_eq!(values(&disclosed, "customers", "email"), [JANE]);
    assert_eq!(values(&disclosed, "customers", "shoe"), ["41"], "what no rule knows is theirs as well");
    assert_eq!(values(&disclosed, "customers", "manager_email"), ["[another person's EMAIL]"]);
    assert_eq!(values(&disclosed, "orders", "total"), ["19.50", "7.25"]);
    assert_eq!(values(&disclosed, "visits", "page"), ["/tents"]);
    assert_eq!(values(&disclosed, "tickets", "agent_email"), ["[another person's EMAIL]", JANE]);
    let notes = values(&disclosed, "tickets", "note");
    assert_eq!(
        notes.len(),
        2,
        "of kim's ticket in which jane is the agent, and of agents' tickets, nothing: {notes:?}"
    );
    assert!(notes[0].starts_with(&format!("spoke with {JANE} and [another person's EMAIL] about")), "{notes:?}");
    let all = everything(&disclosed);
    for others in ["kim@example.com", "lee@example.com", "boss@example.com", "agent@example.com", "Kim Poe", "Secret"] {
        assert!(!all.contains(others), "{others}");
    }
}

/// Of a record that is also, or only, somebody else's a person gets what mentions them: not what happens to equal something
/// of theirs, and not what belongs to nobody in particular.
#[test]
fn of_records_in_which_another_stands_only_what_mentions_the_person_is_shown() {
    let shop = Memory::new("shop")
        .table(
            "customers",
            &["id", "email", "first_name", "last_name", "city", "gender"],
            &[
                &["1", JANE, "Jane", "Roe", "Oakland", "female"],
                &["2", "lee@example.com", "Lee", "Doe", "Reno", "male"],
            ],
        )
        .table(
            "tickets",
            &["id", "requester_email", "agent_email", "city", "gender", "note"],
            &[
                &["20", "kim@example.com", JANE, "Oakland", "female", "lives in Oakland, asked for a place in rehab"],
                &["21", "lee@example.com", "agent@example.com", "Reno", "male", "call back"],
            ],
        )
        .table(
            "visits",
            &["id", "customer_name", "customer_email", "dob", "diagnosis", "employee_email"],
            &[
                &["30", "Kim Poe", "kim@example.com", "1990-03-04", "eczema", JANE],
                &["31", "Lee Doe", "lee@example.com", "1985-07-14", "asthma", "agent@example.com"],
                &["32", "", JANE, "", "sprain", "agent@example.com"],
            ],
        )
        .table(
            "bookings",
            &["id", "guest_name", "member_email", "room"],
            &[&["40", "Jane Roe", JANE, "blue"], &["41", "Lee Doe", "lee@example.com", "green"]],
        );
    let disclosed = World::of("", shop).disclose(&all());
    assert_eq!(values(&disclosed, "customers", "city"), ["Oakland"]);
    for (object, field, expected) in [
        ("tickets", "agent_email", &[JANE][..]),
        ("tickets", "city", &[]),
        ("tickets", "gender", &[]),
        ("tickets", "note", &[]),
        ("visits", "employee_email", &[JANE, "[another person's EMAIL]"]),
        ("visits", "dob", &[]),
        ("visits", "diagnosis", &["sprain"]),
        // Who is both is known by the name in a record of her own.
        ("bookings", "room", &["blue"]),
    ] {
        assert_eq!(values(&disclosed, object, field), expected, "{object} {field}");
    }
    for others in ["Kim", "1990-03-04", "eczema", "rehab"] {
        assert!(!everything(&disclosed).contains(others), "{others}");
    }
}

/// A household's record shows the person's own values and what is nobody's; one person's two addresses are both theirs.
#[test]
fn of_a_record_of_several_holders_the_others_values_are_taken_out() {
    let tom = "tom.roe@example.com";
    let people: &[&[&str]] = &[&["1", "Jane Roe", JANE], &["2", "Tom Roe", tom], &["3", "Lee Doe", "lee@example.com"]];
    type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a [&'a str]);
    let cases: [Case<'_>; 9] = [
        ("numbers", &["holder1_email", "holder2_email", "balance"], &[JANE, tom, "100"], &[JANE, "100"]),
        ("the second", &["holder1_email", "holder2_email", "balance"], &[tom, JANE, "100"], &[JANE, "100"]),
        (
            "names beside them",
            &["email1", "name1", "email2", "name2", "ssn2"],
            &[JANE, "Jane Roe", tom, "Tom Roe", "536-22-8727"],
            &[JANE, "Jane Roe"],
        ),
        ("one role", &["account_email", "holder_email"], &[JANE, tom], &[JANE]),
        ("a second address", &["email", "user_email", "phone"], &[JANE, tom, "+1 202-555-0188"], &[JANE]),
        ("text", &["email", "note", "shoe"], &[JANE, "call tom.roe@example.com", "41"], &[JANE, "call ", "41"]),
        ("a list", &["holders", "balance"], &[r#"["jane.roe@example.com", "tom.roe@example.com"]"#, "100"], &[JANE]),
        ("her other address", &["email", "work_email"], &[JANE, "jr@example.com"], &[JANE, "jr@example.com"]),
        // It has a name of its own elsewhere, in a record of somebody else.
        ("known as another's", &["email", "work_email"], &[JANE, tom], &[JANE]),
    ];
    for (name, fields, row, expected) in cases {
        let filler: Vec<&str> = fields.iter().map(|_| "").collect();
        let shop = Memory::new("shop").table("people", &["id", "name", "email"], people).table(
            "households",
            &[&["no"], fields].concat(),
            &[&[&["1"], row].concat(), &[&["2"], &filler[..]].concat()],
        );
        let disclosed = World::of("", shop).disclose(&all());
        let everything = everything(&disclosed);
        for others in ["tom.roe", "Tom Roe", "202-555-0188", "8727"] {
            assert!(!everything.contains(others), "{name}: {others}");
        }
        let shown: Vec<&str> = fields.iter().flat_map(|field| values(&disclosed, "households", field)).collect();
        for value in expected {
            assert!(shown.iter().any(|of| of.contains(value)), "{name}: {value} in {shown:?}");
        }
    }
}

/// The same where keys say who is who: the record of a treatment is the patient's, not the employee's.
#[test]
fn a_record_in_which_an_employee_serves_somebody_is_not_the_employees() {
    let refers = |column: &str, to: &str| {
        let object = ObjectPath::from_parts([to]);
        key("treatments", column, KeyKind::Foreign { object, columns: vec!["id".to_owned()] })
    };
    let shop = || {
        Memory::new("shop")
            .table("employees", &["id", "email", "desk"], &[&["1", JANE, "4b"], &["2", "lee@example.com", "4c"]])
            .table("patients", &["id", "email"], &[&["7", "kim@example.com"], &["8", "max@example.com"]])
            .table(
                "treatments",
                &["id", "employee_id", "patient_id", "diagnosis"],
                &[&["30", "1", "7", "eczema"], &["31", "2", "8", "asthma"]],
            )
            .key(key("employees", "id", KeyKind::Primary))
            .key(key("patients", "id", KeyKind::Primary))
            .key(refers("employee_id", "employees"))
    };
    let patients = refers("patient_id", "patients");
    let disclosed = World::of("", shop().key(patients)).disclose(&all());
    assert_eq!(values(&disclosed, "employees", "desk"), ["4b"]);
    assert_eq!(values(&disclosed, "treatments", "employee_id"), ["1"]);
    assert!(!everything(&disclosed).contains("eczema"));
    let without = World::of("", shop()).disclose(&all());
    assert_eq!(values(&without, "treatments", "diagnosis"), ["eczema"], "nothing says that anybody else stands in it");
}

#[test]
fn what_is_never_shown_is_named() {
    let disclosed = World::new(MAP).disclose(&Scope { since: "2000-01-01".to_owned(), ..all() });
    let all = everything(&disclosed);
    let encoded = STANDARD.encode(format!("ssn of the customer: {SSN}, thanks"));
    for never in [SSN, "536228726", CARD, "janes-Secret8", "Rex the dog", "First pet?", encoded.as_str()] {
        assert!(!all.contains(never), "{never}");
    }
    let named: BTreeSet<_> = disclosed
        .withheld()
        .into_keys()
        .map(|(what, _, object, field)| (what, object.to_owned(), field.to_owned()))
        .collect();
    let at = |what, object: &str, field: &str| {
        assert!(named.contains(&(what, object.to_owned(), field.to_owned())), "{what:?} {object} {field}: {named:?}")
    };
    at(Withheld::SocialSecurity, "customers", "ssn");
    at(Withheld::SocialSecurity, "customers", "profile");
    at(Withheld::SecurityQuestion, "customers", "profile");
    at(Withheld::Password, "customers", "password");
    let password = disclosed.values().find(|value| value.withheld.contains(&Withheld::Password)).expect("it is named");
    assert!(password.categories.contains(&residuum_detect::Category::L), "that it is held is told: {password:?}");
    at(Withheld::SocialSecurity, "orders", "remark");
    at(Withheld::SocialSecurity, "tickets", "note");
    at(Withheld::Card, "tickets", "note");
    let profile = values(&disclosed, "customers", "profile")[0];
    let profile: serde_json::Value = serde_json::from_str(profile).expect("it is JSON still");
    assert_eq!((&profile["plan"], &profile["contact"]["email"]), (&"gold".into(), &JANE.into()));
    assert!(profile["security_answer"].as_str().is_some_and(|text| text.starts_with("[withheld")), "{profile}");
    let (leaks, files) = leaks(files(&disclosed), &World::new("").detector).expect("it can be checked");
    assert_eq!(leaks, []);
    assert_eq!(files.last().map(|file| file.name.as_str()), Some("index.html"));
}

/// What begins like a mark, or looks like one, hides nothing that stands behind it; and JSON stays JSON.
#[test]
fn what_looks_like_a_mark_hides_nothing() {
    let note = format!("[withheld: no, it is {SSN}");
    let nested = r#"{"ref": 536228726, "said": "it is 536228726 again"}"#;
    let shop = Memory::new("shop").table(
        "customers",
        &["email", "ssn", "note", "extra"],
        &[&[JANE, SSN, &note, nested], &["lee@example.com", "536-22-8728", "", "{}"]],
    );
    let disclosed = World::of("", shop).disclose(&all());
    let all = everything(&disclosed);
    assert!(!all.contains(SSN) && !all.contains("536228726"));
    let extra = values(&disclosed, "customers", "extra")[0];
    let extra: serde_json::Value = serde_json::from_str(extra).expect("it is JSON still");
    assert_eq!(extra["said"], format!("it is {} again", Withheld::SocialSecurity.mark()));
}

#[test]
fn a_package_with_something_in_it_that_is_never_shown_is_not_released() {
    let world = World::new(MAP);
    let mut package = files(&world.disclose(&all()));
    let csv = package.iter_mut().find(|file| file.name.contains("orders")).expect("orders have a table");
    csv.bytes.extend_from_slice(format!("99,,11,2,1.0,2024-01-01,SSN {SSN}\n").as_bytes());
    let (leaks, _) = leaks(package, &world.detector).expect("it can be checked");
    assert_eq!(leaks.len(), 1, "{leaks:?}");
    assert_eq!((leaks[0].what, leaks[0].object.as_deref()), (Withheld::SocialSecurity, Some("orders")));
    assert!(!format!("{leaks:?}").contains("536"));
}

/// The final look undoes encodings as discovery does, and knows a number by its form where nothing beside it says more.
#[test]
fn a_package_with_something_encoded_in_it_is_not_released() {
    let world = World::new(MAP);
    for (note, what) in [
        (STANDARD.encode("917-27-1119"), Withheld::SocialSecurity),
        ("3931372d32372d31313139".to_owned(), Withheld::SocialSecurity),
        (STANDARD.encode(STANDARD.encode("917-27-1119")), Withheld::SocialSecurity),
        (STANDARD.encode(CARD), Withheld::Card),
    ] {
        let mut package = files(&world.disclose(&all()));
        let csv = package.iter_mut().find(|file| file.name.contains("orders")).expect("orders have a table");
        csv.bytes.extend_from_slice(format!("99,,11,2,1.0,2024-01-01,{note}\n").as_bytes());
        let (leaks, _) = leaks(package, &world.detector).expect("it can be checked");
        assert!(leaks.iter().any(|leak| leak.what == what), "{note}: {leaks:?}");
    }
}

#[test]
fn every_place_of_the_index_is_accounted_for() {
    let world = World::new(MAP);
    let disclosed = world.disclose(&all());
    let reader = world.index.reader().expect("the index can be read");
    let email = Identifier::value(Type::Email, "email", JANE).expect("an address");
    let jane = [Subject { id: "1".to_owned(), identifiers: vec![email] }];
    let mut places = 0;
    let count = &mut |_: &crate::identity::Location| {
        places += 1;
        std::ops::ControlFlow::Continue(())
    };
    crate::identity::find(&reader, world.index.keys(), &jane, &Default::default(), count).expect("a look-up");
    assert_eq!(disclosed.places.len(), places);
    assert_eq!(disclosed.by_fate().values().sum::<u64>(), places as u64);
    assert!(disclosed.is_complete(), "{:?}", disclosed.places);
    for place in disclosed.places.iter().filter(|place| place.fate == Fate::Disclosed) {
        let of = disclosed.objects.iter().find(|of| of.object == place.object).expect("its object is in the package");
        assert!(of.records.iter().any(|record| record.key == place.record), "{place:?}");
    }
}

#[test]
fn a_day_that_can_be_read_in_two_ways_leaves_nothing_out() {
    let rows = ["2025-12-05", "20251205", "05/12/2025", "7/14/2023", "2025-05-12"];
    let cells: Vec<[&str; 2]> = rows.iter().map(|day| [JANE, *day]).collect();
    let cells: Vec<&[&str]> = cells.iter().map(|row| row.as_slice()).collect();
    let map = "[[map]]\nsource = \"shop\"\nobject = \"visits\"\ncollected_at = \"on\"\n";
    let world = World::of(map, Memory::new("shop").table("visits", &["email", "on"], &cells));
    let disclosed = world.disclose(&Scope { since: "2025-11-22".to_owned(), ..all() });
    let records = disclosed.objects.iter().flat_map(|of| &of.records);
    let collected: Vec<_> = records.map(|record| record.collected.as_deref()).collect();
    assert_eq!(collected, [Some("2025-12-05"), Some("2025-12-05"), None, None], "the last is older");
    let warning = disclosed.warnings.iter().find(|text| text.starts_with("2 records have no recorded day"));
    assert!(warning.expect("it is said").contains("included: 2 of `visits` in `shop`;"), "{warning:?}");
}

/// What is told of a place is told of that place, not of the value or the field that it stands in.
#[test]
fn what_became_of_a_place_is_told_of_the_place() {
    let phone = "+1 202-555-0147";
    let note = format!("rang from {phone}, SSN {SSN}, wrote from {JANE}");
    let shop = Memory::new("shop")
        .table(
            "customers",
            &["id", "email", "first_name", "phone"],
            &[
                &["1", "kim@example.com", "Kim", phone],
                &["2", JANE, "Jane", ""],
                &["3", "ann@example.com", "Ann", phone],
            ],
        )
        .table(
            "tickets",
            &["id", "requester_email", "requester_phone", "agent_email", "note"],
            &[
                &["20", "kim@example.com", phone, JANE, "call back"],
                &["21", JANE, "", "agent@example.com", &note],
                &["22", "lee@example.com", "", "agent@example.com", "call back"],
            ],
        );
    let world = World::of("", shop);
    let disclosed = world.disclose_to(&[(Type::Email, JANE), (Type::Phone, phone), (Type::UsSsn, SSN)], &all());
    let fates = |object: &str, row: u64, field: &str, kind: Type| -> BTreeSet<&str> {
        let is_it = |place: &&Placed| {
            (place.object.as_str(), place.field.as_str(), place.kind, &place.record)
                == (object, field, kind, &row.into())
        };
        disclosed.places.iter().filter(is_it).map(|place| place.fate.code()).collect()
    };
    for (object, row, field, kind, expected) in [
        ("customers", 2, "email", Type::Email, "disclosed"),
        ("customers", 1, "phone", Type::Phone, "joint"),
        ("tickets", 1, "agent_email", Type::Email, "disclosed"),
        ("tickets", 1, "requester_phone", Type::Phone, "left out"),
        ("tickets", 2, "note", Type::Email, "disclosed"),
        ("tickets", 2, "note", Type::Phone, "left out"),
        ("tickets", 2, "note", Type::UsSsn, "withheld"),
    ] {
        assert_eq!(fates(object, row, field, kind), [expected].into(), "{object} {row} {field} {kind:?}");
    }
}

#[test]
fn the_window_leaves_out_what_was_collected_before() {
    let world = World::new(MAP);
    let disclosed = world.disclose(&all());
    assert_eq!(disclosed.by_fate().get("before window"), Some(&1), "{:?}", disclosed.by_fate());
    let orders = disclosed.objects.iter().find(|of| of.object == "orders").expect("orders");
    let collected: Vec<_> =
        orders.records.iter().map(|record| (record.collected.as_deref(), record.is_dated)).collect();
    assert_eq!(collected, [(Some("2024-05-01"), true), (None, true)], "without a date it is included, and marked");
    let later = world.disclose(&Scope { since: "2024-04-01".to_owned(), ..all() });
    assert!(values(&later, "customers", "email").is_empty());
    assert_eq!(values(&later, "orders", "total"), ["19.50", "7.25"]);
}

#[test]
fn the_six_groups_say_what_the_map_says() {
    let disclosed = World::new(MAP).disclose(&all());
    let of = |letter: &str| {
        disclosed
            .answer
            .categories
            .iter()
            .find(|of| of.category.letter() == letter)
            .unwrap_or_else(|| panic!("{letter}"))
    };
    assert_eq!(of("L").sources.text("nobody"), "the consumer directly; not recorded for a part of it");
    assert_eq!(of("D").sources.text("nobody"), "not recorded", "orders are in the map for their date alone");
    assert!(of("A").sold_or_shared.names.contains("advertising networks"));
    assert!(of("A").disclosed.names.contains("mail delivery companies"));
    assert!(of("A").third_parties.names.contains("advertising networks"));
    assert!(disclosed.answer.gaps.iter().any(|gap| gap.contains("`orders`") && gap.contains("`purposes`")));
    assert!(!disclosed.answer.gaps.iter().any(|gap| gap.contains("`customers`")), "{:?}", disclosed.answer.gaps);
}

#[test]
fn what_the_map_says_of_a_nested_value_is_told() {
    let nested =
        "[[map]]\nsource = \"shop\"\nobject = \"customers\"\nfield = \"profile.ssn\"\nsources = [\"data brokers\"]\n";
    let disclosed = World::new(&format!("{MAP}{nested}")).disclose(&all());
    let sensitive = disclosed.answer.categories.iter().find(|of| of.category == residuum_detect::Category::L);
    assert!(sensitive.expect("it is held").sources.names.contains("data brokers"), "{:?}", disclosed.answer);
}

/// What is left out is not said to be nobody, and what is for nothing is not for nobody.
#[test]
fn what_the_map_does_not_say_is_not_told() {
    let of = |settings: &str| -> (String, String, String) {
        let map = format!(
            "[[recipient]]\nname = \"mailer\"\ncategory = \"mail delivery companies\"\nkind = \"service provider\"\n\
             [[map]]\nsource = \"shop\"\nsources = [\"the consumer directly\"]\nsold_to = []\nshared_with = []\n{settings}"
        );
        let visits = Memory::new("shop").table("visits", &["email"], &[&[JANE]]);
        let disclosed = World::of(&map, visits).disclose(&all());
        let [email] = &disclosed.answer.categories[..] else { panic!("{:?}", disclosed.answer) };
        let page = everything(&disclosed);
        let told = |heading: &str| -> String {
            let of = page.split(&format!("<h3>{heading}")).nth(1).and_then(|text| text.split("<td>").nth(1));
            of.and_then(|text| text.split("</td>").next()).expect("the page has the group").to_owned()
        };
        assert_eq!(email.third_parties.is_open, !settings.contains("disclosed_to"));
        (told("3. Purposes"), told("4. Categories of third"), told("6. Disclosed for"))
    };
    let cases = [
        ("purposes = []\ndisclosed_to = []", ("nothing", "nobody", "nobody")),
        ("service_providers = [\"mailer\"]", ("not recorded", "not recorded", "mail delivery companies")),
        ("purposes = [\"support\"]\nservice_providers = []", ("support", "not recorded", "nobody")),
    ];
    for (settings, (purposes, third, disclosed)) in cases {
        assert_eq!(of(settings), (purposes.to_owned(), third.to_owned(), disclosed.to_owned()), "{settings}");
    }
}

#[test]
fn of_categories_no_value_is_told() {
    let disclosed = World::new(MAP).disclose(&Scope { categories_only: true, ..all() });
    assert!(disclosed.objects.is_empty() && !disclosed.answer.categories.is_empty());
    let all = everything(&disclosed);
    for value in [JANE, "Jane", "19.50", SSN] {
        assert!(!all.contains(value), "{value}");
    }
    assert_eq!(disclosed.by_fate().keys().copied().collect::<Vec<_>>(), ["categories only"]);
    assert!(
        all.contains("whatever the day")
            && !everything(&World::new(MAP).disclose(&self::all())).contains("whatever the day")
    );
}

#[test]
fn the_categories_told_are_those_of_the_person() {
    let shop = Memory::new("shop").table(
        "tickets",
        &["id", "requester_email", "requester_ssn", "gender", "agent_email"],
        &[
            &["20", "kim@example.com", "536-22-8727", "female", JANE],
            &["21", "lee@example.com", "536-22-8728", "male", "agent@example.com"],
        ],
    );
    let told = |world: &World, scope: &Scope| -> Vec<&str> {
        world.disclose(scope).answer.categories.iter().map(|of| of.category.letter()).collect()
    };
    let mut world = World::of("", shop);
    let in_full = told(&world, &all());
    assert_eq!((in_full.as_slice(), told(&world, &Scope { categories_only: true, ..all() })), (&["A"][..], vec!["A"]));
    world.sources.clear();
    assert_eq!(told(&world, &all()), ["A"], "the same from the index alone");
}

#[test]
fn what_need_not_be_searched_is_described() {
    let map = r#"
        [[map]]
        source = "shop"
        object = "visits"
        no_search = { not_searchable = "tapes", kept_only_for = "tax law", not_sold_or_used = "locked", described_as = "old web logs" }
    "#;
    let disclosed = World::new(map).disclose(&all());
    assert!(values(&disclosed, "visits", "page").is_empty());
    assert_eq!(disclosed.by_fate().get("not searched"), Some(&1));
    assert!(everything(&disclosed).contains("old web logs"));
}

#[test]
fn a_source_that_is_not_there_is_named() {
    let mut world = World::new(MAP);
    world.sources.clear();
    let disclosed = world.disclose(&all());
    assert!(!disclosed.is_complete() && disclosed.objects.is_empty());
    assert_eq!(disclosed.by_fate().keys().copied().collect::<Vec<_>>(), ["not fetched"]);
    assert!(!disclosed.answer.categories.is_empty(), "which categories are held the index knows");
    assert!(everything(&disclosed).contains("NOT COMPLETE"));
}

#[test]
fn a_record_that_holds_the_person_no_longer_is_not_disclosed() {
    let mut world = World::new(MAP);
    let changed =
        Memory::new("shop").table("visits", &["id", "email", "page"], &[&["1", "kim@example.com", "/secret-page"]]);
    world.sources = vec![Box::new(changed)];
    let disclosed = world.disclose(&all());
    assert!(!everything(&disclosed).contains("/secret-page"));
    let visits = disclosed.places.iter().find(|place| place.object == "visits").expect("the index has it");
    assert_eq!(visits.fate, Fate::Gone);
    let orders = disclosed.places.iter().find(|place| place.object == "orders").expect("the index has it");
    assert!(matches!(orders.fate, Fate::NotFetched(_)), "{orders:?}");
}

#[test]
fn an_object_that_cannot_be_read_is_not_named_by_whose_it_is() {
    let name = "kim@example.com";
    let mut world =
        World::of("", Memory::new("mail").table(name, &["id", "email", "subject"], &[&["1", JANE, "hello"]]));
    world.sources = vec![Box::new(Memory::new("mail"))];
    let disclosed = world.disclose(&all());
    let place = disclosed.places.first().expect("the index has it");
    assert_eq!(place.fate, Fate::NotFetched("there is no such table".to_owned()));
    assert!(!everything(&disclosed).contains(name), "{:?}", disclosed.places);
}

#[test]
fn what_was_found_under_an_older_key_is_disclosed() {
    let mut world = World::new(MAP);
    let before = world.disclose(&all());
    let keys = Keyring::new(IndexKey::new([6; 32]), vec![IndexKey::new([5; 32])]);
    world.index = Index::create_or_open(&world._directory.path().join("index"), keys).expect("an index");
    let after = world.disclose(&all());
    assert_eq!(after.by_fate(), before.by_fate());
    assert_eq!(everything(&after).len(), everything(&before).len());
    assert!(!everything(&after).contains(SSN) && !everything(&after).contains("kim@example.com"));
}

#[test]
fn the_page_is_whole_and_loads_nothing() {
    let disclosed = World::new(MAP).disclose(&all());
    let page = files(&disclosed).pop().expect("the page is last");
    let page = String::from_utf8(page.bytes).expect("it is text");
    for tag in [
        "table", "thead", "tbody", "tr", "td", "th", "div", "section", "main", "header", "footer", "ul", "li", "nav",
        "caption", "h2", "h3",
    ] {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    for outside in ["http://", "https://", "src=", "url(", "@import", "<link", "<script"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("<html lang=\"en\">") && page.contains("scope=\"row\"") && page.contains("scope=\"col\""));
    let csv = files(&disclosed).into_iter().find(|file| file.name.contains("orders")).expect("a table");
    assert!(String::from_utf8_lossy(&csv.bytes).contains("'=cmd"), "a formula is disarmed");
}

#[test]
fn a_package_is_there_complete_or_not_at_all() {
    let files = files(&World::new(MAP).disclose(&all()));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let left = || -> Vec<_> {
        let names = std::fs::read_dir(directory.path()).expect("it can be read");
        names.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect()
    };
    for name in ["package", "package.zip"] {
        let target = directory.path().join(name);
        let stopped = write(&files, &target, None, &AtomicBool::new(true));
        assert!(matches!(stopped, Err(WriteError::Stopped)) && left().is_empty(), "{:?}", left());
        // What a run that was killed left is cleared away, what a running one is writing is not.
        std::fs::write(directory.path().join(format!(".{name}.999999999.partial")), "x").expect("it can be written");
        let digest = write(&files, &target, None, &AtomicBool::new(false)).expect("it can be written");
        assert_eq!((digest.len(), left()), (64, vec![name.to_owned()]));
        assert!(matches!(write(&files, &target, None, &AtomicBool::new(false)), Err(WriteError::Exists(_))));
        let remove = if target.is_dir() { std::fs::remove_dir_all } else { |path| std::fs::remove_file(path) };
        remove(&target).expect("it was made");
    }
}
