//! The walk from a person to a record that is gone, over a source in memory.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use residuum_detect::{Detector, IndexKey, RuleSet, Type};
use residuum_source::{KeyKind, Limits, Memory, ObjectPath, RefusalKind, Source, TableKey};

mod begun;
mod edited;
mod held;
mod planned;

use super::*;
use crate::config::{Config, Day};
use crate::identity::{self, FindOptions, Identifier, Subject};
use crate::index::{Index, Keyring, Reader};
use crate::map::Map;
use crate::scan::{Scan, ScanOptions, Silent};

struct World {
    sources: Vec<Box<dyn Source>>,
    detector: Detector,
    index: Index,
    policy: Policy,
    map: Map,
    directory: tempfile::TempDir,
}

fn key(object: &str, column: &str, kind: KeyKind) -> TableKey {
    TableKey { object: ObjectPath::from_parts([object]), columns: vec![column.to_owned()], kind }
}

fn refers(to: &str) -> KeyKind {
    KeyKind::Foreign { object: ObjectPath::from_parts([to]), columns: vec!["id".to_owned()] }
}

const JANE: &str = "jane.roe@example.com";

/// Customers with their orders, and tickets in which they stand.
fn shop() -> Memory {
    Memory::new("shop")
        .table(
            "customers",
            &["id", "email", "first_name", "last_name", "profile"],
            &[
                &["1", "kim@example.com", "Kim", "Poe", r#"{"contact": {"email": "kim@example.com"}, "n": 1}"#],
                &["2", JANE, "Jane", "Roe", r#"{"contact": {"email": "jane.roe@example.com"}, "n": 2}"#],
                &["3", "lee@example.com", "Lee", "Doe", r#"{"contact": {"email": "lee@example.com"}, "n": 3}"#],
            ],
        )
        .table(
            "orders",
            &["id", "customer_id", "total"],
            &[&["10", "1", "9.50"], &["11", "2", "19.50"], &["12", "3", "5.00"], &["13", "2", "7.25"]],
        )
        .table(
            "tickets",
            &["id", "requester_email", "agent_email", "note"],
            &[
                &["20", "kim@example.com", "agent@example.com", "spoke with jane.roe@example.com about it"],
                &["21", JANE, "agent@example.com", "call back"],
            ],
        )
        .key(key("customers", "id", KeyKind::Primary))
        .key(key("orders", "id", KeyKind::Primary))
        .key(key("orders", "customer_id", refers("customers")))
}

impl World {
    fn new(policy: &str) -> Self {
        Self::of(shop(), policy)
    }

    fn of(source: impl Source + 'static, policy: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("residuum.toml");
        std::fs::write(&file, policy).expect("it can be written");
        let config = Config::load(Some(&file)).expect("a valid policy");
        let map = Map::new(&config).expect("a valid map");
        let keys = Keyring::new(IndexKey::new([5; 32]), Vec::new());
        let world = Self {
            sources: vec![Box::new(source)],
            detector: Detector::new(&RuleSet::builtin()).expect("the rules are valid"),
            index: Index::create_or_open(&directory.path().join("index"), keys).expect("an index"),
            policy: Policy::new(&config),
            map,
            directory,
        };
        world.scan();
        world
    }

    /// The same index under a new key, with the old one at hand.
    fn rotated(mut self) -> Self {
        let keys = Keyring::new(IndexKey::new([6; 32]), vec![IndexKey::new([5; 32])]);
        self.index = Index::create_or_open(&self.directory.path().join("index"), keys).expect("an index");
        self
    }

    fn with_policy(mut self, policy: &str) -> Self {
        let file = self.directory.path().join("residuum.toml");
        std::fs::write(&file, policy).expect("it can be written");
        self.policy = Policy::new(&Config::load(Some(&file)).expect("a valid policy"));
        self
    }

    fn scan(&self) {
        let options = ScanOptions { full: true, ..ScanOptions::default() };
        let summary = Scan::new(&self.sources, &self.detector, &self.index, options).run(&Silent).expect("it scans");
        assert!(summary.is_complete());
    }

    fn plan(&self) -> Plan {
        self.plan_for(&jane())
    }

    fn plan_for(&self, subjects: &[Subject]) -> Plan {
        let reader = self.index.reader().expect("the index can be read");
        self.planner(&reader).erasure(subjects, &FindOptions::default()).expect("a plan")
    }

    fn planner<'p>(&'p self, reader: &'p Reader) -> Planner<'p> {
        let (keys, detector, sources, policy) = (self.index.keys(), &self.detector, &self.sources, &self.policy);
        Planner { reader, keys, detector, sources, policy }
    }

    fn act<T>(&self, with: impl FnOnce(&CarryOut<'_>, &Store) -> T) -> T {
        let store = Store::new(self.directory.path(), self.index.keys(), &jane());
        let carry_out = CarryOut {
            index: &self.index,
            detector: &self.detector,
            sources: &self.sources,
            policy: &self.policy,
            corrections: &Corrections::new(Vec::new(), self.index.keys()),
            literals: None,
            limits: &Limits::default(),
            stop: &AtomicBool::new(false),
            progress: &|_, _| {},
        };
        with(&carry_out, &store)
    }

    fn carry_out(&self, plan: &Plan) -> CarriedOut {
        self.act(|with, store| carry_out(with, &plan.objects, Some(store), None)).expect("it is carried out")
    }

    /// All values of a table, row by row.
    fn rows(&self, table: &str) -> Vec<Vec<String>> {
        use residuum_source::conformance::{Collect, whole};
        let source = self.sources[0].as_ref();
        let read = Collect::unit(source, &whole(source, table), &Limits::default()).expect("it can be read");
        let mut rows: std::collections::BTreeMap<_, Vec<String>> = Default::default();
        for (record, _, value) in &read.values[table] {
            rows.entry(record.clone()).or_default().push(String::from_utf8_lossy(value).into_owned());
        }
        rows.into_values().collect()
    }

    fn places(&self) -> usize {
        let mut places = 0;
        let reader = self.index.reader().expect("the index can be read");
        identity::find(&reader, self.index.keys(), &jane(), &FindOptions::default(), &mut |_| {
            places += 1;
            ControlFlow::Continue(())
        })
        .expect("a look-up");
        places
    }
}

/// An exception for objects, or for some of their values.
fn retain(object: &str, of_values: &str) -> String {
    format!(
        "[[retain]]\nobject = \"{object}\"\n{of_values}\nexception = \"hold\"\nreason = \"a suit\"\napproved_by = \"legal\"\n"
    )
}

fn jane() -> Vec<Subject> {
    let email = Identifier::value(Type::Email, "email", JANE).expect("an address");
    vec![Subject { id: "1".to_owned(), identifiers: vec![email] }]
}

/// Object, action and number of records of a plan.
fn actions(plan: &Plan) -> Vec<(&str, &'static str, usize)> {
    let mut all = Vec::new();
    for object in &plan.objects {
        let mut by_action: std::collections::BTreeMap<_, usize> = Default::default();
        object.records.iter().for_each(|record| *by_action.entry(record.action).or_default() += 1);
        all.extend(by_action.into_iter().map(|(action, n)| (object.part.as_str(), action.name(), n)));
    }
    all
}

#[test]
fn a_person_is_erased_and_nobody_else() {
    let world = World::new("");
    let plan = world.plan();
    assert_eq!(
        actions(&plan),
        [("customers", "delete record", 1), ("orders", "delete record", 2), ("tickets", "replace what was found", 2),],
        "tickets are also the agent's, or others'"
    );
    let done = world.carry_out(&plan);
    assert_eq!((done.deleted, done.edited, done.gone), (3, 2, 0));
    assert!(done.refused.is_empty(), "{:?}", done.refused);
    assert_eq!(world.rows("customers").iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(world.rows("orders").iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["10", "12"]);
    assert_eq!(
        world.rows("tickets"),
        [
            ["20", "kim@example.com", "agent@example.com", "spoke with [erased] about it"],
            ["21", "", "agent@example.com", "call back"],
        ]
    );
    world.scan();
    assert_eq!(world.places(), 0);
    assert!(world.plan().is_empty());
}

#[test]
fn doing_it_twice_is_harmless() {
    let world = World::new("");
    let plan = world.plan();
    world.carry_out(&plan);
    let (customers, tickets) = (world.rows("customers"), world.rows("tickets"));
    let again = world.carry_out(&plan);
    assert_eq!((again.deleted, again.edited), (0, 0));
    assert_eq!((world.rows("customers"), world.rows("tickets")), (customers, tickets));
    let refused: Vec<_> = again.refused.iter().map(|of| (of.object.as_str(), of.refusal.kind)).collect();
    // Rows are told apart by their number here: where one went another stands, and none of it is touched.
    let expected = ["orders", "orders", "customers", "tickets", "tickets"].map(|object| (object, RefusalKind::Changed));
    assert_eq!((refused, again.gone), (expected.to_vec(), 0), "nor does a customer lead to the orders any more");
}

#[test]
fn policies_decide() {
    let policy = r#"
        [[erase]]
        object = "customers"
        strategy = "mask"
        [[erase]]
        object = "tickets"
        field = "note"
        strategy = "constant"
        value = "(removed)"
        [[erase]]
        object = "tickets"
        type = "EMAIL"
        strategy = "pseudonym"
        [[retain]]
        object = "orders"
        exception = "105d8_legal"
        reason = "tax law"
        approved_by = "legal"
    "#;
    let world = World::new(policy);
    let plan = world.plan();
    let kept: Vec<_> = plan.left.iter().map(|left| (&*left.location.finding.object, left.state.name())).collect();
    assert_eq!(kept, [("orders", "retained"), ("orders", "retained")]);
    let done = world.carry_out(&plan);
    assert_eq!((done.deleted, done.edited), (0, 3), "{done:?}");
    assert_eq!(
        world.rows("customers")[1],
        ["2", "xxxx.xxx@xxxxxxx.xxx", "xxxx", "xxx", r#"{"contact": {"email": "xxxx.xxx@xxxxxxx.xxx"}, "n": 2}"#]
    );
    assert_eq!(world.rows("customers")[0][1], "kim@example.com");
    let tickets = world.rows("tickets");
    assert_eq!(tickets[0][3], "spoke with (removed) about it");
    assert!(tickets[1][1].starts_with("p-") && tickets[1][1].ends_with("@pseudonym.invalid"), "{}", tickets[1][1]);
    assert_eq!(world.rows("orders").len(), 4);
}

#[test]
fn a_record_that_has_changed_is_left_alone_and_named() {
    let world = World::new("");
    let mut plan = world.plan();
    for object in plan.objects.iter_mut().filter(|object| object.part == "customers") {
        for evidence in object.records.iter_mut().flat_map(|record| &mut record.evidence) {
            evidence.fp.0[0] ^= 1; // as if another address had stood there when it was planned
        }
    }
    let done = world.carry_out(&plan);
    assert_eq!(world.rows("customers").len(), 3);
    let refused: Vec<_> = done.refused.iter().map(|of| (of.object.as_str(), of.refusal.kind)).collect();
    assert_eq!(refused, [("customers", RefusalKind::Changed)]);
}

#[test]
fn a_value_is_corrected_wherever_it_stands() {
    let world = World::new("");
    let (reader, keys) = (world.index.reader().expect("the index can be read"), world.index.keys());
    let planner =
        |reader| Planner { reader, keys, detector: &world.detector, sources: &world.sources, policy: &world.policy };
    let email = Correction::new(Type::Email, JANE, "jane.poe@example.com").expect("addresses");
    let name = Correction::new(Type::PersonName, "Jane Roe", "Jane Poe").expect("names");
    let corrections = Corrections::new(vec![email, name], keys);
    let plan = planner(&reader).correction(&jane(), &corrections).expect("a plan");
    assert_eq!(actions(&plan), [("customers", "correct", 1), ("tickets", "correct", 2)]);
    world.act(|with, _| {
        let with = CarryOut { corrections: &corrections, ..*with };
        let done = carry_out(&with, &plan.objects, None, None).expect("it is carried out");
        assert_eq!((done.deleted, done.edited, done.refused.len()), (0, 3, 0));
    });
    let corrected = r#"{"contact": {"email": "jane.poe@example.com"}, "n": 2}"#;
    assert_eq!(world.rows("customers")[1], ["2", "jane.poe@example.com", "Jane", "Poe", corrected]);
    assert_eq!(world.rows("customers")[0][3], "Poe", "another's name");
    assert_eq!(world.rows("tickets")[0][3], "spoke with jane.poe@example.com about it");
    world.scan();
    let reader = world.index.reader().expect("the index can be read");
    assert!(planner(&reader).correction(&jane(), &corrections).expect("a plan").is_empty(), "nothing old is left");
    assert!(planner(&reader).corrected(&jane(), &corrections).expect("a look-up") >= 4);
}

#[test]
fn records_past_their_time_go_and_no_other() {
    let carts = Memory::new("shop")
        .table(
            "carts",
            &["id", "email", "created_at"],
            &[
                &["1", "kim@example.com", "2019-03-01 10:00:00"],
                &["2", "jane@example.com", "2026-01-10T08:00:00Z"],
                &["3", "lee@example.com", "1546300800"],
                &["4", "ann@example.com", "no date"],
            ],
        )
        .table("leads", &["id", "email"], &[&["1", "old@example.com"]])
        .table("kept", &["id", "email", "created_at"], &[&["1", "law@example.com", "2001-01-01"]]);
    let world = World::of(
        carts,
        r#"
        [[map]]
        source = "shop"
        retention = "2y"
        collected_at = "created_at"
        [[map]]
        source = "shop"
        object = "leads"
        purposes = []
        [[retain]]
        object = "kept"
        exception = "105d8_legal"
        reason = "tax law"
        approved_by = "legal"
        "#,
    );
    let reader = world.index.reader().expect("the index can be read");
    let planner = Planner {
        reader: &reader,
        keys: world.index.keys(),
        detector: &world.detector,
        sources: &world.sources,
        policy: &world.policy,
    };
    let today: Day = "2026-06-01".parse().expect("a day");
    let never = AtomicBool::new(false);
    let overdue = || planner.minimisation(&world.map, today, &Limits::default(), &never).expect("a plan");
    let found = overdue();
    assert_eq!(actions(&found.plan), [("carts", "delete record", 2), ("leads", "delete record", 1)]);
    let kept: Vec<_> = found.kept.iter().map(|kept| (kept.object.as_str(), kept.records)).collect();
    assert_eq!(kept, [("carts", None), ("kept", Some(1))], "one cart has no date");
    let done = world.carry_out(&found.plan);
    assert_eq!((done.deleted, done.refused.len()), (3, 0), "{:?}", done.refused);
    let left: Vec<_> = world.rows("carts").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(left, ["2", "4"], "what has no date stays");
    assert!(world.rows("leads").is_empty());
    assert!(overdue().plan.is_empty());
}

#[test]
fn what_is_others_too_loses_only_what_was_found_and_encodings_stay_whole() {
    use base64::Engine as _;
    use std::io::Write as _;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let inner = format!(r#"{{"email": "{JANE}", "with": "kim@example.com", "n": 1}}"#);
    let payload = base64(inner.as_bytes());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(inner.as_bytes()).expect("memory takes everything");
    let compressed = base64(&gzip.finish().expect("memory takes everything"));
    let hex = crate::keyfile::hex(inner.as_bytes());
    let both = format!("{JANE};kim@example.com");
    let trips = Memory::new("shop")
        .table("trips", &["id", "emails"], &[&["1", both.as_str()], &["2", "lee@example.com"]])
        .table(
            "jobs",
            &["id", "payload"],
            &[&["7", payload.as_str()], &["8", compressed.as_str()], &["9", hex.as_str()]],
        );
    let world = World::of(trips, "");
    let plan = world.plan();
    assert_eq!(actions(&plan), [("jobs", "replace what was found", 3), ("trips", "replace what was found", 1)]);
    let done = world.carry_out(&plan);
    assert_eq!(world.rows("trips")[0], ["1", "[erased];kim@example.com"]);
    let jobs: Vec<_> = world.rows("jobs").into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(jobs, [payload, compressed, hex], "half of an encoding is nobody's data any more");
    let refused: Vec<_> = done.refused.iter().map(|of| (of.object.as_str(), of.refusal.kind)).collect();
    assert_eq!(refused, [("jobs", RefusalKind::Unsupported); 3]);
}
