//! Erasing and correcting in a database file, and what stands in the way.

use residuum_source::conformance::{Edits, check_apply};
use residuum_source::{Flow, KeyValue, Record, RecordKind, RefusalKind, Source};
use rusqlite::Connection;

use super::{PEOPLE, Sandbox, open};
use crate::editing::{Becomes, apply, check_fetch, check_refused, check_told_apart_otherwise, target, with_value};
use crate::reading::objects;

const TABLES: &str = "
    CREATE TABLE pairs(region TEXT, code BLOB, total INT, PRIMARY KEY(code, region)) WITHOUT ROWID;
    WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 700)
        INSERT INTO pairs SELECT 'r' || (i % 7), CAST('c' || i AS BLOB), i FROM s;
    CREATE TABLE addresses(mail TEXT PRIMARY KEY, note TEXT, born DATE, j JSON);
    INSERT INTO addresses VALUES ('o''neill \"q\"@example.com', 'x', '1980-02-03', '{\"a\": [1, \"jane@example.com\"]}'),
        ('köln@example.com', NULL, NULL, '[]'), (NULL, 'nobody', NULL, NULL), (NULL, 'nobody else', NULL, NULL);
    CREATE TABLE loose(a, b TEXT);
    INSERT INTO loose VALUES (1.5, 'one'), (x'00ff41', 'two'), ('jane@example.com', 'three'), (7, 'four');
    CREATE TABLE untyped(k PRIMARY KEY, v); INSERT INTO untyped VALUES (5, 'number'), ('5', 'text'), (x'35', 'blob'), (5.5, 'real');";

#[test]
fn edits_are_made_and_nothing_else_changes() {
    for journal in ["DELETE", "WAL"] {
        let sandbox = Sandbox::new();
        let path = sandbox.database(&format!("PRAGMA journal_mode = {journal}; {PEOPLE} {TABLES}"));
        let source = open(&path);
        let cases = [
            Edits::new("main.people")
                .delete("email", "person7@example.com")
                .delete("note", "3000")
                .set("email", "person8@example.com", "p@x.example")
                .set("note", "2001", "77")
                .null("note", "30"),
            Edits::new("main.pairs").delete("total", "7").set("region", "r3", "south").set("total", "699", "1000000"),
            Edits::new("main.addresses")
                .delete("mail", "o'neill \"q\"@example.com")
                .set("mail", "köln@", "aachen@")
                .set("note", "nobody else", "somebody"),
            Edits::new("main.loose").delete("b", "two").set("a", "jane@example.com", "gone").null("a", "1.5"),
            Edits::new("main.untyped").delete("v", "real").set("v", "blob", "bytes"),
        ];
        for edits in cases {
            let receipts = check_apply(&source, &edits);
            assert_eq!(receipts.len(), 1);
            assert!(receipts[0].before.is_some() && receipts[0].before != receipts[0].after, "{receipts:?}");
        }
        assert_eq!(sandbox.files(), ["test.db"], "{journal}: nothing is left beside the database");
        let count =
            |sql: &str| Connection::open(&path).unwrap().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM people WHERE typeof(note) = 'blob'"), 999, "types stay");
        assert_eq!(count("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
    }
}

#[test]
fn records_are_fetched_as_they_are_read() {
    let sandbox = Sandbox::new();
    let long = "CREATE TABLE long(k TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO long VALUES ('a', 'short'), ('b', printf('%.*c', 300000, 'x')), ('c', 'short')";
    let source = open(&sandbox.database(&format!("{PEOPLE} {TABLES} {long}"))).long_value(100_000);
    for table in ["main.people", "main.pairs", "main.addresses", "main.loose", "main.long"] {
        check_fetch(&source, table);
    }
    let gone = [Record::Number(RecordKind::Pk, 1), Record::Number(RecordKind::Pk, 3)];
    let mut fetched = residuum_source::conformance::Collect::default();
    let people = residuum_source::ObjectPath::from_escaped("main.people").unwrap();
    source.as_fetch().unwrap().fetch(&people, &gone, &Default::default(), &mut fetched).unwrap();
    assert_eq!(fetched.records("main.people"), 1, "what does not exist is left out");
}

const RULES: &str = "
    CREATE TABLE customers(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, age INT CHECK (age < 150), boss REFERENCES customers(id) ON DELETE CASCADE,
        shown TEXT GENERATED ALWAYS AS ('<' || email || '>') VIRTUAL);
    INSERT INTO customers VALUES (1, 'ann@example.com', 40, NULL), (2, 'bob@example.com', 41, 1), (3, 'eve@example.com', 42, 2), (4, 'joe@example.com', 43, NULL), (5, 'kim@example.com', 44, NULL);
    CREATE TABLE orders(n INTEGER PRIMARY KEY, customer INT REFERENCES customers ON DELETE CASCADE, what TEXT);
    INSERT INTO orders VALUES (10, 4, 'a book'), (11, 4, 'a pen'), (12, 5, 'a hat');
    CREATE TABLE tags(name TEXT PRIMARY KEY, v); INSERT INTO tags VALUES ('vip', 1), ('new', 2);
    CREATE TABLE tagged(customer INT, tag TEXT REFERENCES tags ON UPDATE CASCADE); INSERT INTO tagged VALUES (1, 'vip'), (2, 'vip');
    CREATE TABLE guarded(id INTEGER PRIMARY KEY, x TEXT); INSERT INTO guarded VALUES (1, 'kept'), (2, 'ignored'), (3, 'free');
    CREATE TRIGGER guard BEFORE DELETE ON guarded WHEN old.x = 'kept' BEGIN SELECT RAISE(ABORT, 'kept stays'); END;
    CREATE TRIGGER ignore BEFORE DELETE ON guarded WHEN old.x = 'ignored' BEGIN SELECT RAISE(IGNORE); END;
    CREATE VIRTUAL TABLE search USING fts5(body); INSERT INTO search VALUES ('reach jane@example.com');
    CREATE TABLE hidden(rowid, oid, _rowid_, v); INSERT INTO hidden VALUES (1, 2, 3, 'lost');
    CREATE TABLE long(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO long VALUES (1, printf('%.*c', 300000, 'x'));";

#[test]
fn what_the_schema_forbids_is_refused_with_the_cure() {
    use Becomes::{Gone, Null, Set};
    use RefusalKind::{Constraint, Unsupported};
    let sandbox = Sandbox::new();
    let source = open(&sandbox.database(RULES));
    let cases: &[(&str, &str, Becomes, RefusalKind, &[&str])] = &[
        ("main.customers", "joe@example.com", Gone, Constraint, &["2 rows of \"orders\"", "\"customer\"", "delete"]),
        ("main.customers", "ann@example.com", Gone, Constraint, &["1 rows of \"customers\"", "\"boss\""]),
        ("main.customers", "ann@example.com", Null("email"), Constraint, &["\"email\"", "NOT NULL", "give a value"]),
        (
            "main.customers",
            "ann@example.com",
            Set("email", "bob@example.com"),
            Constraint,
            &["UNIQUE", "customers.email"],
        ),
        ("main.customers", "ann@example.com", Set("age", "200"), Constraint, &["CHECK"]),
        ("main.customers", "ann@example.com", Set("age", "none"), Constraint, &["\"age\"", "whole number"]),
        ("main.customers", "ann@example.com", Set("shown", "x"), Constraint, &["\"shown\"", "generated"]),
        ("main.customers", "ann@example.com", Set("boss", "99"), Constraint, &["foreign key"]),
        ("main.guarded", "kept", Gone, Constraint, &["trigger", "forbids"]),
        ("main.guarded", "ignored", Gone, Constraint, &["trigger", "keeps"]),
        ("main.search_content", "reach jane@example.com", Gone, Unsupported, &["virtual table `search`"]),
        ("main.hidden", "lost", Gone, Unsupported, &["told apart"]),
    ];
    for (table, value, becomes, kind, words) in cases {
        check_refused(&source, table, value, *becomes, *kind, words);
    }
    let source = source.long_value(100_000);
    let first = target("main.long", vec![Record::Number(RecordKind::Pk, 1)]);
    let (receipts, editor) = apply(&source, std::slice::from_ref(&first), Set("v", "short"));
    assert_eq!(receipts.unwrap().len(), 0);
    assert_eq!(editor.refused[0].2.kind, RefusalKind::Limit);
    let (receipts, editor) = apply(&source, &[first], Gone);
    assert_eq!(
        (receipts.unwrap()[0].deleted, editor.refused),
        (1, Vec::new()),
        "a long value does not keep its record"
    );
}

#[test]
fn children_first_and_all_that_can_go() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(RULES);
    let source = open(&path);
    let records = |numbers: &[u64]| numbers.iter().map(|&n| Record::Number(RecordKind::Pk, n)).collect::<Vec<_>>();
    // 1 is the boss of 2, 2 of 3: all three go together. 4 has an order that stays.
    let targets = [target("main.orders", records(&[12])), target("main.customers", records(&[1, 2, 3, 4, 5, 99]))];
    let (receipts, editor) = apply(&source, &targets, Becomes::Gone);
    let receipts = receipts.unwrap();
    let deleted: Vec<_> = receipts.iter().map(|receipt| (receipt.object.as_str(), receipt.deleted)).collect();
    assert_eq!(deleted, [("main.orders", 1), ("main.customers", 4)]);
    let refused: Vec<_> = editor.refused.iter().map(|(_, record, _)| record.clone().unwrap()).collect();
    assert_eq!(refused, records(&[4]));

    let (receipts, editor) = apply(&source, &[target("main.guarded", records(&[1, 2, 3]))], Becomes::Gone);
    let receipts = receipts.unwrap();
    assert_eq!((receipts[0].deleted, editor.refused.len()), (1, 2));
    assert!(receipts[0].notes[0].contains("2 triggers"), "{:?}", receipts[0].notes);

    // Who refers to a key that is corrected follows it, and the receipt says so.
    let vip = with_value(&source, "main.tags", "vip");
    let (receipts, _) = apply(&source, &[vip], Becomes::Set("name", "gold"));
    assert!(receipts.unwrap()[0].notes[0].contains("2 rows of \"tagged\" followed"));
    let tags = "SELECT count(*) FROM tagged WHERE tag = 'gold'";
    assert_eq!(Connection::open(&path).unwrap().query_row(tags, [], |row| row.get::<_, i64>(0)).unwrap(), 2);
}

#[test]
fn the_editor_sees_what_stands_there_now() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(PEOPLE);
    let source = open(&path);
    let mut target = with_value(&source, "main.people", "person1@example.com");
    let version = objects(&source)[0].version.clone();
    Connection::open(&path)
        .unwrap()
        .execute_batch("UPDATE people SET email = 'changed@example.com' WHERE id = 3")
        .unwrap();
    let (receipts, editor) =
        apply(&source, std::slice::from_ref(&target), Becomes::Set("email", "corrected@example.com"));
    assert_eq!(receipts.unwrap()[0].changed, 1);
    assert!(editor.seen.contains(&("email".into(), "changed@example.com".into())), "{:?}", editor.seen);
    // A version that proves what was read is no longer the database's.
    target.version = Some(version);
    let (receipts, editor) = apply(&source, std::slice::from_ref(&target), Becomes::Gone);
    assert_eq!((receipts.unwrap().len(), editor.refused[0].2.kind), (0, RefusalKind::Changed));
    target.version = Some(objects(&source)[0].version.clone());
    assert_eq!(apply(&source, &[target], Becomes::Gone).0.unwrap()[0].deleted, 1);
}

#[test]
fn rows_told_apart_otherwise_by_now_are_refused() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(
        "CREATE TABLE loose(id INT, x TEXT); INSERT INTO loose VALUES (1, 'no key');
         CREATE TABLE numbered(id INT PRIMARY KEY, part INT, x TEXT); INSERT INTO numbered VALUES (1, 2, 'of one');",
    );
    let source = open(&path);
    let targets =
        [("main.loose", "no key"), ("main.numbered", "of one")].map(|(table, value)| with_value(&source, table, value));
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "CREATE TABLE a(id INT PRIMARY KEY, x TEXT) WITHOUT ROWID; INSERT INTO a SELECT * FROM loose;
             CREATE TABLE b(id INT, part INT, x TEXT, PRIMARY KEY (id, part)); INSERT INTO b SELECT * FROM numbered;
             DROP TABLE loose; ALTER TABLE a RENAME TO loose; DROP TABLE numbered; ALTER TABLE b RENAME TO numbered;",
        )
        .unwrap();
    for target in targets {
        check_told_apart_otherwise(&source, &target);
    }
}

#[test]
fn keys_that_lead_nowhere_keep_only_the_rows_they_lead_to() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(
        "PRAGMA foreign_keys = OFF; CREATE TABLE parent(a); INSERT INTO parent VALUES ('no key');
         CREATE TABLE child(p REFERENCES parent, x); INSERT INTO child VALUES (NULL, 'of parent');
         CREATE TABLE named(a PRIMARY KEY, x); INSERT INTO named VALUES (1, 'no such column');
         CREATE TABLE naming(p REFERENCES named(nope), x);
         CREATE TABLE free(x); INSERT INTO free VALUES ('free');",
    );
    let source = open(&path);
    for (table, value, child) in [("main.parent", "no key", "child"), ("main.named", "no such column", "naming")] {
        let words = [&*format!("\"{child}\""), "correct the schema"];
        check_refused(&source, table, value, Becomes::Gone, RefusalKind::Unsupported, &words);
    }
    let targets =
        [("main.parent", "no key"), ("main.free", "free")].map(|(table, value)| with_value(&source, table, value));
    let (receipts, editor) = apply(&source, &targets, Becomes::Gone);
    let receipts = receipts.unwrap();
    assert_eq!((receipts.len(), &*receipts[0].object, editor.refused.len()), (1, "main.free", 1));
}

#[test]
fn names_and_keys_of_any_make_are_written_to() {
    let columns = (1..=20).map(|i| format!("c{i}")).collect::<Vec<_>>().join(", ");
    let values = |of: &str| (1..=20).map(|i| format!("{of}{i}")).collect::<Vec<_>>().join(", ");
    let sandbox = Sandbox::new();
    let path = sandbox.database(&format!(
        "CREATE TABLE tree(\"org.id\" TEXT PRIMARY KEY, parent REFERENCES tree) WITHOUT ROWID;
         INSERT INTO tree VALUES ('root', NULL), ('leaf', 'root'), ('other', NULL);
         CREATE TABLE wide({columns}, x TEXT, PRIMARY KEY ({columns}));
         INSERT INTO wide VALUES ({}, 'numbers'), ({}, 'others'), ({}, 'nulls');",
        values(""),
        values("1"),
        vec!["NULL"; 20].join(", ")
    ));
    let source = open(&path);
    let tree = target("main.tree", ["root", "leaf"].map(|key| Record::pk(&[KeyValue::Text(key.into())])).to_vec());
    let (receipts, editor) = apply(&source, &[tree], Becomes::Gone);
    assert_eq!((receipts.unwrap()[0].deleted, editor.refused), (2, Vec::new()));
    // Each of the twenty values may be a number or a text: what is looked for must not be every mixture of them.
    check_apply(&source, &Edits::new("main.wide").delete("x", "numbers").set("x", "others", "same"));
    check_apply(&source, &Edits::new("main.wide").delete("x", "nulls"));
}

#[test]
fn what_was_undone_is_not_noted() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(
        "CREATE TABLE tags(name TEXT PRIMARY KEY, v); INSERT INTO tags VALUES ('vip', 1), ('new', 2), ('gold', 3);
         CREATE TABLE tagged(customer INT, tag TEXT REFERENCES tags ON UPDATE CASCADE);
         INSERT INTO tagged VALUES (1, 'vip'), (2, 'vip');",
    );
    let source = open(&path);
    let tags = target("main.tags", ["vip", "new"].map(|key| Record::pk(&[KeyValue::Text(key.into())])).to_vec());
    // The first of them becomes `best` and is followed; the second cannot, since names stand once.
    let (receipts, editor) = apply(&source, &[tags], Becomes::Set("name", "best"));
    let receipts = receipts.unwrap();
    assert_eq!((receipts[0].changed, editor.refused.len()), (1, 1));
    assert_eq!(receipts[0].notes, ["2 rows of \"tagged\" followed the new key"]);
}

#[test]
fn a_database_that_cannot_be_written_to_is_said_so() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(PEOPLE);
    let source = open(&path);
    let one = with_value(&source, "main.people", "person1@example.com");
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (receipts, editor) = apply(&source, std::slice::from_ref(&one), Becomes::Gone);
    assert_eq!((receipts.unwrap().len(), editor.refused[0].2.kind), (0, RefusalKind::Locked));
    drop(writer);
    // A reader that does not end keeps a commit from being made, and what was begun is undone.
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM people LIMIT 1").unwrap();
    let (receipts, editor) = apply(&source, std::slice::from_ref(&one), Becomes::Gone);
    assert_eq!((receipts.unwrap().len(), editor.refused[0].2.kind), (0, RefusalKind::Locked));
    drop(reader);
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    let (receipts, editor) = apply(&source, &[one], Becomes::Gone);
    assert_eq!((receipts.unwrap().len(), editor.refused[0].2.kind), (0, RefusalKind::ReadOnly));
    assert_eq!(crate::reading::column(&super::read(&source, "main.people"), "main.people", "email").len(), 3000);
}

#[test]
fn what_was_erased_stands_nowhere_in_the_file() {
    // What the application freed itself, before, is not looked at here: pages that it split keep what was on them.
    for journal in ["DELETE", "PERSIST", "WAL"] {
        let sandbox = Sandbox::new();
        let path = sandbox.database(&format!("PRAGMA secure_delete = ON; PRAGMA journal_mode = {journal}; {PEOPLE}"));
        let held = Connection::open(&path).unwrap();
        held.execute_batch("UPDATE people SET note = 'x' WHERE id = 3").unwrap();
        let source = open(&path);
        let records: Vec<_> =
            (1..=3000).map(|n| Record::Number(RecordKind::Pk, n * 3)).filter(|r| r.number() != 30).collect();
        let (receipts, editor) = apply(&source, &[target("main.people", records)], Becomes::Gone);
        assert_eq!((receipts.unwrap()[0].deleted, editor.refused), (2999, Vec::new()), "{journal}");
        let mut left = 0;
        source
            .leftovers(&mut |leftover| {
                left += leftover.bytes.windows(12).filter(|w| w.starts_with(b"person") && w.contains(&b'@')).count();
                Flow::Continue(())
            })
            .unwrap();
        assert_eq!(left, 0, "{journal}");
        let bytes = std::fs::read(&path).unwrap();
        let stands = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
        assert!(stands(b"person10@example.com") && !stands(b"person2999@example.com"), "{journal}");
    }
}

#[test]
fn a_log_that_is_read_is_not_emptied_and_said_so() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(&format!("PRAGMA journal_mode = WAL; {PEOPLE}"));
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM people LIMIT 1").unwrap();
    let source = open(&path);
    let one = with_value(&source, "main.people", "person1@example.com");
    let receipts = apply(&source, &[one], Becomes::Gone).0.unwrap();
    assert!(receipts[0].notes.iter().any(|note| note.contains("wal_checkpoint")), "{:?}", receipts[0].notes);
}
