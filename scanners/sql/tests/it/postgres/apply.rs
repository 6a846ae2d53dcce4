//! Erasing and correcting on a server, and what stands in the way.

use std::process::Command;

use residuum_source::conformance::{Edits, check_apply};
use residuum_source::{
    Action, Batch, Change, Editor, KeyValue, ObjectPath, Part, Record, RecordKind, Refusal, RefusalKind, Source,
    SourceError,
};

use super::{Database, MANY};
use crate::editing::{
    Becomes, Holding, apply, check_fetch, check_refused, check_told_apart_otherwise, target, with_value,
};

const TYPED: &str = r#"
    CREATE SCHEMA kit; CREATE EXTENSION citext SCHEMA kit; CREATE EXTENSION hstore SCHEMA kit;
    CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TYPE place AS (street text, towns text[]);
    CREATE DOMAIN mail AS varchar(40) CHECK (VALUE LIKE '%@%');
    CREATE TABLE typed(k text PRIMARY KEY, c char(6), m mail, j json, b jsonb, x xml, raw bytea, a text[], n numeric(8, 2)[],
        e mood, p place, h kit.hstore, i inet, t timestamptz, d date, f float4, u uuid, r int4range, flag bool, ci kit.citext);
    INSERT INTO typed VALUES
        ('o''neill "q" {x,\}', 'ab', 'ann@example.com', '{"a": 1,  "m": "ann@example.com"}', '{"m": ["ann@example.com", 1.50]}',
         '<p m="ann@example.com">x</p>', '\x00ff616e6e', '{"ann@example.com","b \"c\"",NULL,""}', '{{1.50,2.00},{3.00,NULL}}', 'glad',
         ROW('Main', ARRAY['x','ann@example.com'])::place, '"a"=>"ann@example.com", "b"=>NULL', '10.0.0.1/32', '2024-02-03 04:05:06+02', '2024-02-03', 1.1,
         '6f1b2c3d-0000-4000-8000-000000000001', '[1,5)', true, 'Ann@example.com'),
        ('köln 列', NULL, 'b@example.com', '[]', '{}', NULL, NULL, '{}', NULL, 'sad', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, 'B'),
        ('', 'empty', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'c');
    CREATE TABLE moods(m mood, ci kit.citext, at timestamptz, v text, PRIMARY KEY (m, ci, at));
    INSERT INTO moods VALUES ('glad', 'Ann', '2024-02-03 04:05:06.5+02', 'one'), ('sad', 'Bob', 'infinity', 'two');"#;

#[test]
fn edits_are_made_and_nothing_else_changes() {
    let Some(database) = Database::new(&format!("{MANY} {TYPED}")) else { return };
    let source = database.connect();
    let cases = [
        Edits::new("public.people")
            .delete("email", "person7@example.com")
            .set("email", "person8@example.com", "p@x.example")
            .set("note", "back\\slash 9", "tab\t'and' \\N")
            .null("email", "person10@example.com"),
        Edits::new("public.loose").delete("a", "loose200").set("a", "loose3000", "gone").null("a", "loose3001"),
        Edits::new("public.pairs").delete("total", "7").set("region", "r3", "south").set("total", "699", "1000000"),
        Edits::new("public.events_2024").delete("what", "event 7").set("what", "event 99", "something"),
        Edits::new("public.parent").set("x", "own", "mine"),
        Edits::new("Odd%2E \"Schema\"%21.tä%2Eble %25").set("a \"b\".c", "jane@", "j@").null("列", "列"),
        Edits::new("public.moods").delete("v", "two").set("ci", "Ann", "Eve").set("v", "one", "three"),
        Edits::new("public.typed")
            .set("k", "o'neill", "smith")
            .set("c", "ab", "cd")
            .set("m", "ann@", "eve@")
            .set("j", "ann@", "eve@")
            .set("b", "ann@", "eve@")
            .set("x", "ann@", "eve@")
            .set("raw", "ann", "eve")
            .set("a", "ann@", "eve \\\"x\\\"@")
            .set("n", "1.50", "7.25")
            .set("e", "glad", "sad")
            .set("p", "ann@", "eve@")
            .set("h", "ann@", "eve@")
            .set("i", "10.0.0.1", "10.0.0.2")
            .set("t", "2024-02-03", "1970-01-01")
            .set("f", "1.1", "2.5")
            .null("u", "6f1b2c3d-0000-4000-8000-000000000001")
            .set("r", "[1,5)", "[2,5)")
            .set("flag", "t", "f")
            .set("ci", "Ann@", "Eve@"),
        Edits::new("public.typed").delete("k", "köln 列").null("c", "cd    ").set("c", "empty", "full "),
    ];
    for edits in cases {
        let receipts = check_apply(&source, &edits);
        assert_eq!(receipts.len(), 1);
        assert!(receipts[0].before.is_some() && receipts[0].before != receipts[0].after, "{receipts:?}");
    }
    assert_eq!(database.run("SELECT j::text FROM typed WHERE j IS NOT NULL"), r#"{"a": 1,  "m": "eve@example.com"}"#);
    assert_eq!(database.run("SELECT a[2] || a[1] FROM typed WHERE a[2] IS NOT NULL"), r#"b "c"eve "x"@example.com"#);
}

#[test]
fn records_are_fetched_as_they_are_read() {
    let Some(database) = Database::new(&format!("{MANY} {TYPED}")) else { return };
    let source = database.connect();
    for table in ["people", "loose", "pairs", "events_2024", "moods", "typed", "kept"] {
        check_fetch(&source, &format!("public.{table}"));
    }
}

const RULES: &str = r#"
    CREATE TABLE customers(id int PRIMARY KEY, email varchar(30) NOT NULL UNIQUE, age int CONSTRAINT "of age" CHECK (age < 150),
        boss int REFERENCES customers ON DELETE CASCADE, shown text GENERATED ALWAYS AS ('<' || email || '>') STORED, n numeric(6, 1));
    INSERT INTO customers VALUES (1, 'ann@example.com', 40, NULL), (2, 'bob@example.com', 41, 1), (3, 'eve@example.com', 42, 2),
        (4, 'joe@example.com', 43, NULL), (5, 'kim@example.com', 44, NULL);
    CREATE TABLE orders(n int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE, what text);
    INSERT INTO orders VALUES (10, 4, 'a book'), (11, 4, 'a pen'), (12, 5, 'a hat');
    CREATE TABLE tags(name text PRIMARY KEY); INSERT INTO tags VALUES ('vip'), ('new');
    CREATE TABLE tagged(customer int, tag text CONSTRAINT has_tag REFERENCES tags ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO tagged VALUES (1, 'vip'), (2, 'vip');
    CREATE TABLE guarded(id int PRIMARY KEY, x text); INSERT INTO guarded VALUES (1, 'kept'), (2, 'ignored'), (3, 'free');
    CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF old.x = ''kept'' THEN RAISE EXCEPTION ''% stays'', old.x; END IF; IF old.x = ''ignored'' THEN RETURN NULL; END IF; RETURN old; END';
    CREATE TRIGGER guard BEFORE DELETE ON guarded FOR EACH ROW EXECUTE FUNCTION guard();
    CREATE TABLE bounds(id int PRIMARY KEY, a int[]); INSERT INTO bounds VALUES (1, '[0:1]={7,8}');
    CREATE MATERIALIZED VIEW kept AS SELECT email FROM customers;
    CREATE TABLE years(y int NOT NULL, v text, PRIMARY KEY (y)) PARTITION BY RANGE (y);
    CREATE TABLE y1 PARTITION OF years FOR VALUES FROM (1) TO (10); INSERT INTO years VALUES (3, 'referred'), (4, 'free');
    CREATE TABLE seen(y int REFERENCES years ON DELETE SET NULL); INSERT INTO seen VALUES (3);"#;

#[test]
fn what_the_schema_forbids_is_refused_with_the_cure() {
    use Becomes::{Gone, Null, Set};
    use RefusalKind::{Constraint, Unsupported};
    let Some(database) = Database::new(RULES) else { return };
    let source = database.connect();
    let before = dump(&database);
    let cases: &[(&str, &str, Becomes, RefusalKind, &[&str])] = &[
        (
            "public.customers",
            "joe@example.com",
            Gone,
            Constraint,
            &["2 rows of \"public\".\"orders\"", "delete or change"],
        ),
        ("public.customers", "ann@example.com", Gone, Constraint, &["1 rows of \"public\".\"customers\""]),
        ("public.tags", "vip", Gone, Constraint, &["2 rows of \"public\".\"tagged\"", "\"has_tag\""]),
        ("public.y1", "referred", Gone, Constraint, &["1 rows of \"public\".\"seen\""]),
        ("public.customers", "ann@example.com", Null("email"), Constraint, &["\"email\"", "NOT NULL", "give a value"]),
        ("public.customers", "ann@example.com", Set("email", "bob@example.com"), Constraint, &["customers_email_key"]),
        (
            "public.customers",
            "ann@example.com",
            Set("email", "much.too.long.for.thirty@example.com"),
            Constraint,
            &["too long"],
        ),
        ("public.customers", "ann@example.com", Set("age", "200"), Constraint, &["\"of age\""]),
        ("public.customers", "ann@example.com", Set("age", "none"), Constraint, &["type"]),
        ("public.customers", "ann@example.com", Set("n", "1.25"), Constraint, &["\"n\"", "as it is"]),
        ("public.customers", "ann@example.com", Set("shown", "x"), Constraint, &["\"shown\"", "generated"]),
        ("public.customers", "ann@example.com", Set("boss", "99"), Constraint, &["foreign key", "customers_boss_fkey"]),
        ("public.guarded", "kept", Gone, Constraint, &["trigger", "forbids"]),
        ("public.guarded", "ignored", Gone, Constraint, &["trigger", "keeps"]),
        ("public.bounds", "[7,8]", Set("a", "[7,9]"), Constraint, &["without a loss"]),
        ("public.kept", "ann@example.com", Gone, Unsupported, &["REFRESH MATERIALIZED VIEW"]),
    ];
    for (table, value, becomes, kind, words) in cases {
        check_refused(&source, table, value, *becomes, *kind, words);
    }
    assert_eq!(dump(&database), before, "nothing has changed");
}

/// All rows, as another program writes them.
fn dump(database: &Database) -> String {
    let output = Command::new("pg_dump").args(["--data-only", "--inserts", "-d", &database.url]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines: Vec<_> = text.lines().filter(|line| line.starts_with("INSERT")).collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn numbers(of: &[u64]) -> Vec<Record> {
    of.iter().map(|&n| Record::Number(RecordKind::Pk, n)).collect()
}

#[test]
fn children_first_and_all_that_can_go() {
    let Some(database) = Database::new(RULES) else { return };
    let source = database.connect();
    // 1 is the boss of 2, 2 of 3: all three go together. 4 has an order that stays.
    let targets = [target("public.orders", numbers(&[12])), target("public.customers", numbers(&[1, 2, 3, 4, 5, 99]))];
    let (receipts, editor) = apply(&source, &targets, Becomes::Gone);
    let receipts = receipts.unwrap();
    let deleted: Vec<_> = receipts.iter().map(|receipt| (receipt.object.as_str(), receipt.deleted)).collect();
    assert_eq!(deleted, [("public.orders", 1), ("public.customers", 4)]);
    let refused: Vec<_> = editor.refused.iter().map(|(_, record, _)| record.clone().unwrap()).collect();
    assert_eq!(refused, numbers(&[4]));
    assert_eq!(database.run("SELECT string_agg(email, ' ') FROM customers"), "joe@example.com");

    let (receipts, editor) = apply(&source, &[target("public.guarded", numbers(&[1, 2, 3]))], Becomes::Gone);
    let receipts = receipts.unwrap();
    assert_eq!((receipts[0].deleted, editor.refused.len()), (1, 2));
    assert!(receipts[0].notes[0].contains("1 triggers"), "{:?}", receipts[0].notes);

    // Who refers to a key that is corrected follows it, and the receipt says so.
    let vip = with_value(&source, "public.tags", "vip");
    let (receipts, _) = apply(&source, &[vip], Becomes::Set("name", "gold"));
    assert!(receipts.unwrap()[0].notes[0].contains("2 rows of \"public\".\"tagged\" followed"));
    assert_eq!(database.run("SELECT count(*) FROM tagged WHERE tag = 'gold'"), "2");
}

#[test]
fn many_keys_go_in_pieces_and_all_batches_by_one_session() {
    let setup = "CREATE TABLE long(k text PRIMARY KEY, n int); CREATE TABLE ran(pid int);
        INSERT INTO long SELECT 'schlüssel \"' || i || '\" 列,{}\\' || repeat('ü', i % 7), i FROM generate_series(1, 4000) i;
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO public.ran VALUES (pg_backend_pid()); RETURN NULL; END';
        CREATE TRIGGER note AFTER DELETE ON long FOR EACH STATEMENT EXECUTE FUNCTION note();";
    let Some(database) = Database::new(setup) else { return };
    let source = database.connect();
    let keys = database.run("SELECT k FROM long ORDER BY n LIMIT 3000");
    let records = |keys: &[&str]| -> Vec<Record> {
        let of = |key: &&str| Record::pk(&[KeyValue::Text((*key).to_owned())]);
        let mut records: Vec<Record> = keys.iter().map(of).collect();
        records.sort();
        records
    };
    let keys: Vec<&str> = keys.lines().collect();
    for keys in [&keys[..2000], &keys[2000..]] {
        let (receipts, editor) = apply(&source, &[target("public.long", records(keys))], Becomes::Gone);
        assert_eq!((receipts.unwrap()[0].deleted, editor.refused), (keys.len() as u64, Vec::new()));
    }
    assert_eq!(database.run("SELECT min(n) || ' ' || count(*) FROM long"), "3001 1000");
    assert_eq!(database.run("SELECT count(DISTINCT pid) || ' ' || count(*) FROM ran"), "1 2");
    // A batch in which nothing is done keeps the session and no lock.
    let (receipts, _) = apply(&source, &[target("public.long", records(&keys))], Becomes::Gone);
    assert_eq!(receipts.unwrap(), []);
    database.run("BEGIN; LOCK TABLE long IN ACCESS EXCLUSIVE MODE NOWAIT; COMMIT");
}

/// Another session that has done something and not ended its transaction.
fn holding(database: &Database, sql: &str) -> Holding {
    let mut command = Command::new("psql");
    command.args(["-XAtq", "-d", &database.url, "-c", &format!("BEGIN; {sql}; SELECT pg_sleep(60)")]);
    let sleeping =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    Holding::begin(command, || database.run(sleeping) == "1")
}

fn end_others(database: &Database) {
    database.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
}

#[test]
fn locked_rows_can_be_tried_again() {
    let Some(database) = Database::new(RULES) else { return };
    let mut options = database.options();
    options.lock_timeout = std::time::Duration::from_millis(300);
    let source = residuum_sql::Postgres::connect("test", options).unwrap();
    {
        let _other = holding(&database, "UPDATE customers SET age = 1 WHERE id = 3");
        let targets = [target("public.orders", numbers(&[12])), target("public.customers", numbers(&[3, 5, 77]))];
        let (receipts, editor) = apply(&source, &targets, Becomes::Gone);
        assert_eq!(receipts.unwrap().iter().map(|receipt| receipt.deleted).sum::<u64>(), 2);
        let [(_, record, refusal)] = &editor.refused[..] else { panic!("{:?}", editor.refused) };
        assert_eq!((record.as_ref(), refusal.kind), (numbers(&[3]).first(), RefusalKind::Locked));
        end_others(&database);
    }
    {
        let _other = holding(&database, "LOCK TABLE customers IN ACCESS EXCLUSIVE MODE");
        let (receipts, editor) = apply(&source, &[target("public.customers", numbers(&[3]))], Becomes::Gone);
        assert_eq!((receipts.unwrap().len(), editor.refused[0].2.kind), (0, RefusalKind::Locked));
        end_others(&database);
    }
    let (receipts, editor) = apply(&source, &[target("public.customers", numbers(&[3]))], Becomes::Gone);
    assert_eq!((receipts.unwrap()[0].deleted, editor.refused), (1, Vec::new()));
}

#[test]
fn the_editor_sees_what_stands_there_now() {
    let Some(database) = Database::new(MANY) else { return };
    let source = database.connect();
    let one = with_value(&source, "public.people", "person1@example.com");
    let moved = with_value(&source, "public.loose", "loose200");
    database.run(
        "UPDATE people SET email = 'changed@example.com' WHERE id = 2; UPDATE loose SET b = 1 WHERE a = 'loose200'",
    );
    let (receipts, editor) = apply(&source, &[one, moved], Becomes::Set("email", "corrected@example.com"));
    let receipts = receipts.unwrap();
    assert_eq!((receipts.len(), receipts[0].changed), (1, 1), "a row that has moved is not found by its place");
    let [(table, _, refusal)] = &editor.refused[..] else { panic!("{:?}", editor.refused) };
    assert_eq!((table.as_str(), refusal.kind), ("public.loose", RefusalKind::Changed), "and is not taken for gone");
    assert!(editor.seen.contains(&("email".into(), "changed@example.com".into())), "{:?}", editor.seen);
    assert_eq!(database.run("SELECT email FROM people WHERE id = 2"), "corrected@example.com");
}

#[test]
fn rows_told_apart_otherwise_by_now_are_refused() {
    let Some(database) = Database::new(
        "CREATE TABLE loose(id int, x text); INSERT INTO loose VALUES (1, 'no key');
         CREATE TABLE numbered(id int PRIMARY KEY, part int, x text); INSERT INTO numbered VALUES (1, 2, 'of one');
         CREATE TABLE typed(id int PRIMARY KEY, x text); INSERT INTO typed VALUES (1, 'a number');",
    ) else {
        return;
    };
    let source = database.connect();
    let targets = [("loose", "no key"), ("numbered", "of one"), ("typed", "a number")]
        .map(|(table, value)| with_value(&source, &format!("public.{table}"), value));
    database.run(
        "ALTER TABLE loose ADD PRIMARY KEY (id); ALTER TABLE typed ALTER id TYPE text;
         ALTER TABLE numbered DROP CONSTRAINT numbered_pkey; ALTER TABLE numbered ADD PRIMARY KEY (id, part);",
    );
    for target in targets {
        check_told_apart_otherwise(&source, &target);
    }
}

#[test]
fn missing_rights_are_named_with_the_cure() {
    let Some(database) = Database::new(&format!(
        "{RULES} ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON guarded USING (id = 1);"
    )) else {
        return;
    };
    let role = database.role("");
    database.run(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}; GRANT UPDATE, DELETE ON guarded, tags, customers TO {role}; REVOKE SELECT ON orders, tagged FROM {role}"));
    let source = database.connect_as(&role);
    let refused = |table: &str, record| {
        let (receipts, editor) = apply(&source, &[target(table, vec![record])], Becomes::Gone);
        assert_eq!(receipts.unwrap().len(), 0, "{table}");
        let [(.., refusal)] = &editor.refused[..] else { panic!("{table}: {:?}", editor.refused) };
        (refusal.kind, refusal.reason.clone())
    };
    let (kind, reason) = refused("public.seen", Record::ctid(0, 1));
    assert!(
        kind == RefusalKind::ReadOnly && reason.contains("GRANT SELECT, UPDATE, DELETE ON \"public\".\"seen\""),
        "{reason}"
    );
    let (kind, reason) = refused("public.guarded", numbers(&[1]).remove(0));
    assert!(kind == RefusalKind::ReadOnly && reason.contains("BYPASSRLS"), "{reason}");
    // Rows that would go along cannot be seen; what the server itself forbids need not be.
    let (kind, reason) = refused("public.customers", numbers(&[4]).remove(0));
    assert!(kind == RefusalKind::Constraint && reason.contains("GRANT SELECT ON \"public\".\"orders\""), "{reason}");
    let vip = Record::pk(&[residuum_source::KeyValue::Text("vip".into())]);
    let (kind, reason) = refused("public.tags", vip);
    assert!(kind == RefusalKind::Constraint && reason.contains("\"has_tag\" of \"tagged\""), "{reason}");
}

/// Deletes everything, and ends the server's sessions at a table.
struct Ends<'d>(&'d Database);

impl Editor for Ends<'_> {
    fn open(&mut self, part: &Part) {
        if part.path.as_str() == "public.pairs" {
            end_others(self.0);
        }
    }

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        (0..batch.records.count() as usize).map(|record| Change { record, action: Action::Delete }).collect()
    }

    fn close(&mut self) {}

    fn refused(&mut self, _: &ObjectPath, _: Option<&Record>, _: Refusal) {}
}

#[test]
fn a_connection_that_breaks_leaves_everything_as_it_was() {
    let Some(database) = Database::new(MANY) else { return };
    let source = database.connect();
    let targets =
        [with_value(&source, "public.people", "person1@example.com"), with_value(&source, "public.pairs", "r1")];
    let done = source.as_apply().unwrap().apply(&targets, &Default::default(), &mut Ends(&database));
    assert!(matches!(done, Err(SourceError::Lost { .. })), "{done:?}");
    assert_eq!(database.run("SELECT count(*) FROM people"), "5000");
}
