//! Erasing and correcting on a server, and what stands in the way.

use std::io::Write as _;
use std::process::Command;

use residuum_source::conformance::{Edits, check_apply};
use residuum_source::{
    Action, Batch, Change, Editor, ObjectPath, Part, Record, RecordKind, Refusal, RefusalKind, Source,
};
use residuum_sql::MySql;

use super::{Database, MANY};
use crate::editing::{
    All, Becomes, Holding, apply, check_fetch, check_refused, check_told_apart_otherwise, target, with_value,
};

const TYPED: &str = r#"
    CREATE TABLE typed(k varchar(60) PRIMARY KEY, c char(6), v varchar(60) CHARACTER SET latin1, j json, raw blob, e enum('glad', 'sad'), s set('x', 'y'),
        n decimal(8, 2), i inet6, t timestamp(3) NULL, d date, f float, u uuid, b bit(9), g point, txt mediumtext);
    INSERT INTO typed VALUES
        ('o''neill "q" \\', 'ab', 'ann@köln.example', '{"a": 1,  "m": "ann@example.com"}', x'00ff616e6e', 'glad', 'x,y', 1.50, '::1',
         '2024-02-03 04:05:06.789', '2024-02-03', 1.1, '6f1b2c3d-0000-4000-8000-000000000001', b'101', POINT(1, 2), 'ann@example.com'),
        ('köln 列', NULL, 'b@example.com', '[]', NULL, 'sad', '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        ('', 'empty', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE times(at datetime(6), d decimal(9, 3), v text, PRIMARY KEY (at, d));
    INSERT INTO times VALUES ('2024-02-03 04:05:06.7', 1.5, 'one'), ('0000-00-00', -1, 'two');"#;

#[test]
fn edits_are_made_and_nothing_else_changes() {
    let Some(database) = Database::new(&format!("SET sql_mode = ''; {MANY}; {TYPED}")) else { return };
    let source = database.connect();
    let at = |table: &str| Edits::new(&database.at(table));
    let cases = [
        at("people")
            .delete("email", "person7@example.com")
            .set("email", "person8@example.com", "p@x.example")
            .set("note", "back\\slash 9", "tab\t'and' \\N")
            .null("email", "person10@example.com"),
        at("pairs").delete("total", "7").set("region", "r3", "south").set("total", "699", "1000000"),
        at("events").delete("what", "event 7").set("what", "event 99", "something"),
        at("huge").delete("k", "18446744073709551610").set("k", "18446744073709551609", "18446744073709551000"),
        at("chosen").set("b", "b", "changed").null("c", "c"),
        at("times").delete("v", "two").set("d", "1.500", "2.500").set("v", "one", "three"),
        at("typed")
            .set("k", "o'neill", "smith")
            .set("c", "ab", "cd")
            .set("v", "ann@köln", "eve@münchen")
            .set("j", "ann@", "eve@")
            .set("raw", "ann", "eve")
            .set("e", "glad", "sad")
            .set("s", "x,y", "y")
            .set("n", "1.5", "7.2")
            .set("i", "::1", "::2")
            .set("t", "2024-02-03", "1971-01-01")
            .set("f", "1.1", "2.5")
            .null("u", "6f1b2c3d-0000-4000-8000-000000000001")
            .set("b", "5", "7")
            .set("g", "1 2", "3 4")
            .set("txt", "ann@", "eve 列@"),
        at("typed").delete("k", "köln 列").set("c", "empty", "full"),
    ];
    for edits in cases {
        let receipts = check_apply(&source, &edits);
        assert_eq!(receipts.len(), 1);
        assert!(receipts[0].before.is_some() && receipts[0].before != receipts[0].after, "{receipts:?}");
    }
    assert_eq!(database.run("SELECT j FROM typed WHERE j LIKE '%m%'"), r#"{"a": 1,  "m": "eve@example.com"}"#);
}

#[test]
fn records_are_fetched_as_they_are_read() {
    let Some(database) = Database::new(&format!("SET sql_mode = ''; {MANY}; {TYPED}")) else { return };
    let source = database.connect();
    for table in ["people", "pairs", "events", "huge", "chosen", "times", "typed"] {
        check_fetch(&source, &database.at(table));
    }
    let loose = ObjectPath::from_escaped(&database.at("loose")).unwrap();
    let mut fetched = residuum_source::conformance::Collect::default();
    let counted = [Record::Number(RecordKind::Row, 1)];
    source.as_fetch().unwrap().fetch(&loose, &counted, &Default::default(), &mut fetched).unwrap();
    assert!(fetched.closed[0].1.reason.as_ref().unwrap().contains("no key"));
}

const RULES: &str = r#"
    CREATE TABLE customers(id int PRIMARY KEY, email varchar(30) NOT NULL UNIQUE, age int, boss int, shown varchar(40) AS (concat('<', email, '>')) STORED, n decimal(6, 1),
        CONSTRAINT `of age` CHECK (age < 150), CONSTRAINT has_boss FOREIGN KEY (boss) REFERENCES customers(id) ON DELETE CASCADE);
    INSERT INTO customers(id, email, age, boss) VALUES (1, 'ann@example.com', 40, NULL), (2, 'bob@example.com', 41, 1), (3, 'eve@example.com', 42, 2),
        (4, 'joe@example.com', 43, NULL), (5, 'kim@example.com', 44, NULL);
    CREATE TABLE orders(n int PRIMARY KEY, customer int, what text, CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES customers(id) ON DELETE CASCADE);
    INSERT INTO orders VALUES (10, 4, 'a book'), (11, 4, 'a pen'), (12, 5, 'a hat');
    CREATE TABLE tags(name varchar(20) PRIMARY KEY); INSERT INTO tags VALUES ('vip'), ('new');
    CREATE TABLE tagged(id int PRIMARY KEY, tag varchar(20), CONSTRAINT has_tag FOREIGN KEY (tag) REFERENCES tags(name) ON UPDATE CASCADE);
    INSERT INTO tagged VALUES (1, 'vip'), (2, 'vip');
    CREATE TABLE guarded(id int PRIMARY KEY, x text); INSERT INTO guarded VALUES (1, 'kept'), (3, 'free');

DELIMITER //
    CREATE TRIGGER guard BEFORE DELETE ON guarded FOR EACH ROW IF old.x = 'kept' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'kept stays'; END IF//
DELIMITER ;
    CREATE TABLE flat(id int PRIMARY KEY, x text) ENGINE = MyISAM; INSERT INTO flat VALUES (1, 'in MyISAM');
    CREATE TABLE loose(x text); INSERT INTO loose VALUES ('without a key');
    CREATE TABLE past(id int PRIMARY KEY, x text) WITH SYSTEM VERSIONING; INSERT INTO past VALUES (1, 'first'), (2, 'stays'); UPDATE past SET x = 'second' WHERE id = 1;"#;

#[test]
fn what_the_schema_forbids_is_refused_with_the_cure() {
    use Becomes::{Gone, Null, Set};
    use RefusalKind::{Constraint, Unsupported};
    let Some(database) = Database::new(RULES) else { return };
    let source = database.connect();
    let before = dump(&database);
    let cases: &[(&str, &str, Becomes, RefusalKind, &[&str])] = &[
        (
            "customers",
            "joe@example.com",
            Gone,
            Constraint,
            &["2 rows of ", "`orders`", "`of_customer`", "delete or change"],
        ),
        ("customers", "ann@example.com", Gone, Constraint, &["1 rows of ", "`customers`"]),
        ("tags", "vip", Gone, Constraint, &["2 rows of ", "`has_tag`"]),
        ("customers", "ann@example.com", Null("email"), Constraint, &["`email`", "NOT NULL", "give a value"]),
        ("customers", "ann@example.com", Set("email", "bob@example.com"), Constraint, &["key `email`"]),
        (
            "customers",
            "ann@example.com",
            Set("email", "much.too.long.for.thirty@example.com"),
            Constraint,
            &["too long", "`email`"],
        ),
        ("customers", "ann@example.com", Set("age", "200"), Constraint, &["`of age`"]),
        ("customers", "ann@example.com", Set("age", "none"), Constraint, &["type"]),
        ("customers", "ann@example.com", Set("n", "1.25"), Constraint, &["`n`", "as it is"]),
        ("customers", "ann@example.com", Set("shown", "x"), Constraint, &["`shown`", "generated"]),
        ("customers", "ann@example.com", Set("boss", "99"), Constraint, &["foreign key `has_boss`"]),
        ("guarded", "kept", Gone, Constraint, &["trigger", "forbids"]),
        ("flat", "in MyISAM", Gone, Unsupported, &["no transactions", "ENGINE = InnoDB"]),
        ("loose", "without a key", Gone, Unsupported, &["primary key"]),
        ("past", "first", Gone, Unsupported, &["DELETE HISTORY FROM"]),
    ];
    for (table, value, becomes, kind, words) in cases {
        check_refused(&source, &database.at(table), value, *becomes, *kind, words);
    }
    assert_eq!(dump(&database), before, "nothing has changed");
}

/// All rows, as another program writes them.
fn dump(database: &Database) -> String {
    let tables = database.run("SHOW TABLES");
    let rows = |table: &str| format!("{table}\n{}", database.run(&format!("SELECT * FROM {table} ORDER BY 1")));
    tables.lines().map(rows).collect::<Vec<_>>().join("\n")
}

fn numbers(of: &[u64]) -> Vec<Record> {
    of.iter().map(|&n| Record::Number(RecordKind::Pk, n)).collect()
}

#[test]
fn children_first_and_all_that_can_go() {
    let Some(database) = Database::new(RULES) else { return };
    let source = database.connect();
    // 1 is the boss of 2, 2 of 3: all three go together. 4 has an order that stays.
    let targets = [
        target(&database.at("orders"), numbers(&[12])),
        target(&database.at("customers"), numbers(&[1, 2, 3, 4, 5, 99])),
    ];
    let (receipts, editor) = apply(&source, &targets, Becomes::Gone);
    let deleted: Vec<_> = receipts.unwrap().iter().map(|receipt| receipt.deleted).collect();
    assert_eq!(deleted, [1, 4]);
    let refused: Vec<_> = editor.refused.iter().map(|(_, record, _)| record.clone().unwrap()).collect();
    assert_eq!(refused, numbers(&[4]));
    assert_eq!(database.run("SELECT email FROM customers"), "joe@example.com");

    let (receipts, editor) = apply(&source, &[target(&database.at("guarded"), numbers(&[1, 3]))], Becomes::Gone);
    let receipts = receipts.unwrap();
    assert_eq!((receipts[0].deleted, editor.refused.len()), (1, 1));
    assert!(receipts[0].notes[0].contains("1 triggers"), "{:?}", receipts[0].notes);

    // Who refers to a key that is corrected follows it, and the receipt says so.
    let vip = with_value(&source, &database.at("tags"), "vip");
    let (receipts, _) = apply(&source, &[vip], Becomes::Set("name", "gold"));
    let notes = &receipts.unwrap()[0].notes;
    assert!(notes[0].starts_with("2 rows of ") && notes[0].ends_with("followed the new key"), "{notes:?}");
    assert_eq!(database.run("SELECT count(*) FROM tagged WHERE tag = 'gold'"), "2");

    // What is deleted from a table with a history stands there, and the receipt says so.
    let (receipts, _) = apply(&source, &[with_value(&source, &database.at("past"), "stays")], Becomes::Gone);
    let receipts = receipts.unwrap();
    assert_eq!(receipts[0].deleted, 1);
    assert!(receipts[0].notes.iter().any(|note| note.contains("DELETE HISTORY")), "{:?}", receipts[0].notes);
}

/// Another session that has done something and not ended its transaction.
fn holding(database: &Database, sql: &str) -> Holding {
    let rest = database.url.strip_prefix("mysql://").unwrap();
    let (authority, name) = rest.split_once('/').unwrap();
    let (user, place) = authority.split_once('@').unwrap();
    let (host, port) = place.split_once(':').unwrap();
    let sql = format!("START TRANSACTION; {sql}; SELECT SLEEP(60)");
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "-N", "-h", host, "-P", port, "-u", user, "-e", &sql, name]);
    let sleeping =
        "SELECT count(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND INFO = 'SELECT SLEEP(60)'";
    Holding::begin(command, || database.run(sleeping) == "1")
}

fn end_others(database: &Database) {
    let others = "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()";
    for id in database.run(others).lines() {
        database.run(&format!("KILL {id}"));
    }
}

#[test]
fn locked_rows_can_be_tried_again() {
    let Some(database) = Database::new(RULES) else { return };
    let mut options = database.options();
    options.lock_timeout = std::time::Duration::from_secs(1);
    let source = MySql::connect("test", options).unwrap();
    let customers = database.at("customers");
    {
        let _other = holding(&database, "UPDATE customers SET age = 1 WHERE id = 3");
        let targets = [target(&database.at("orders"), numbers(&[12])), target(&customers, numbers(&[3, 5, 77]))];
        let (receipts, editor) = apply(&source, &targets, Becomes::Gone);
        assert_eq!(receipts.unwrap().iter().map(|receipt| receipt.deleted).sum::<u64>(), 2);
        let [(_, record, refusal)] = &editor.refused[..] else { panic!("{:?}", editor.refused) };
        assert_eq!((record.as_ref(), refusal.kind), (numbers(&[3]).first(), RefusalKind::Locked));
        end_others(&database);
    }
    {
        let _other = holding(&database, "LOCK TABLES customers WRITE");
        let (receipts, editor) = apply(&source, &[target(&customers, numbers(&[3]))], Becomes::Gone);
        assert_eq!((receipts.unwrap().len(), editor.refused[0].2.kind), (0, RefusalKind::Locked));
        end_others(&database);
    }
    let (receipts, editor) = apply(&source, &[target(&customers, numbers(&[3]))], Becomes::Gone);
    assert_eq!((receipts.unwrap()[0].deleted, editor.refused), (1, Vec::new()));
}

#[test]
fn receipts_say_what_is_gone_whatever_a_timeout_undoes() {
    // With `innodb_rollback_on_timeout` all of the transaction is undone by it, else one statement.
    let Some(database) = Database::new(RULES) else { return };
    let mut options = database.options();
    options.lock_timeout = std::time::Duration::from_secs(1);
    let source = MySql::connect("test", options).unwrap();
    let _other = holding(&database, "UPDATE customers SET age = 1 WHERE id = 3");
    let targets = [target(&database.at("orders"), numbers(&[12])), target(&database.at("customers"), numbers(&[3, 5]))];
    let (receipts, editor) = apply(&source, &targets, Becomes::Gone);
    let told: u64 = receipts.unwrap().iter().map(|receipt| receipt.deleted).sum();
    let left = database.run("SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM customers)");
    assert_eq!(told, 8 - left.parse::<u64>().unwrap());
    assert!(!editor.refused.is_empty() && editor.refused.iter().all(|(.., of)| of.kind == RefusalKind::Locked));
    end_others(&database);
}

#[test]
fn what_refers_and_cannot_be_looked_at_stops_only_its_own_table() {
    let Some(database) = Database::new(RULES) else { return };
    let targets = [target(&database.at("customers"), numbers(&[4])), target(&database.at("guarded"), numbers(&[3]))];
    let refused = |source: &MySql| {
        let (receipts, editor) = apply(source, &targets, Becomes::Gone);
        let gone: Vec<_> = receipts.unwrap().into_iter().map(|receipt| receipt.object).collect();
        assert_eq!(gone, [database.at("guarded")]);
        database.run("INSERT INTO guarded VALUES (3, 'free')");
        let [(_, record, refusal)] = &editor.refused[..] else { panic!("{:?}", editor.refused) };
        assert_eq!(record.as_ref(), numbers(&[4]).first());
        refusal.clone()
    };
    {
        let _other = holding(&database, "UPDATE orders SET customer = 1 WHERE n = 10");
        let mut options = database.options();
        options.lock_timeout = std::time::Duration::from_secs(1);
        assert_eq!(refused(&MySql::connect("test", options).unwrap()).kind, RefusalKind::Locked);
        end_others(&database);
    }
    let user = database.user();
    let name = &database.name;
    database.run(&format!(
        "GRANT SELECT, UPDATE, DELETE ON {name}.customers TO {user}@'%'; GRANT SELECT, UPDATE, DELETE ON {name}.guarded TO {user}@'%';
         GRANT INSERT ON {name}.orders TO {user}@'%'"
    ));
    let refusal = refused(&database.connect_as(&user));
    assert_eq!(refusal.kind, RefusalKind::ReadOnly);
    assert!(refusal.reason.contains(&format!("GRANT SELECT ON `{name}`.`orders`")), "{}", refusal.reason);
}

#[test]
fn foreign_keys_that_are_not_shown_are_said_to_be() {
    let Some(database) = Database::new(&format!(
        "{RULES}; CREATE TABLE `o``d é`(p int, CONSTRAINT `of p` FOREIGN KEY (p) REFERENCES customers(id) ON DELETE SET NULL)"
    )) else {
        return;
    };
    let (user, name) = (database.user(), &database.name);
    database.run(&format!("GRANT SELECT, UPDATE, DELETE ON {name}.customers TO {user}@'%'"));
    let source = database.connect_as(&user);
    let delete = |record| apply(&source, &[target(&database.at("customers"), numbers(&[record]))], Becomes::Gone);
    let (receipts, editor) = delete(5);
    let notes = receipts.unwrap().remove(0).notes;
    assert_eq!(editor.refused, []);
    for words in [format!("GRANT TRIGGER ON {name}.customers"), "GRANT PROCESS".to_owned()] {
        assert!(notes.iter().any(|note| note.contains(&words)), "{words}: {notes:?}");
    }
    // Who may ask InnoDB knows of them beforehand.
    database.run(&format!("GRANT PROCESS ON *.* TO {user}@'%'"));
    let (receipts, editor) = delete(3);
    let [(.., refusal)] = &editor.refused[..] else { panic!("{:?}", editor.refused) };
    assert_eq!((receipts.unwrap().len(), refusal.kind), (0, RefusalKind::Constraint));
    assert!(refusal.reason.starts_with("2 foreign keys of tables that are not shown"), "{}", refusal.reason);
    database.run(&format!("GRANT SELECT, TRIGGER ON {name}.* TO {user}@'%'"));
    let (receipts, editor) = delete(3);
    let receipt = receipts.unwrap().remove(0);
    assert_eq!((receipt.deleted, editor.refused), (1, Vec::new()));
    assert!(!receipt.notes.iter().any(|note| note.contains("GRANT")), "{:?}", receipt.notes);
}

/// Decides as another editor does, and does something when a table is begun with.
struct Then<'d> {
    all: All,
    table: String,
    then: &'d mut dyn FnMut(),
}

impl Editor for Then<'_> {
    fn open(&mut self, part: &Part) {
        if part.path.as_str() == self.table {
            (self.then)();
        }
    }

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        self.all.edit(batch)
    }

    fn close(&mut self) {}

    fn refused(&mut self, part: &ObjectPath, record: Option<&Record>, refusal: Refusal) {
        self.all.refused(part, record, refusal);
    }
}

#[test]
fn what_an_attempt_refused_that_a_deadlock_undid_is_forgotten() {
    let Some(database) = Database::new(&format!(
        "{RULES}; CREATE TABLE busy(id int PRIMARY KEY, x int); INSERT INTO busy SELECT seq, 0 FROM seq_1_to_3000"
    )) else {
        return;
    };
    let rest = database.url.strip_prefix("mysql://").unwrap();
    let (authority, name) = rest.split_once('/').unwrap();
    let (user, (host, port)) = authority.split_once('@').map(|(u, place)| (u, place.split_once(':').unwrap())).unwrap();
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "-h", host, "-P", port, "-u", user, name]).stdin(std::process::Stdio::piped());
    let mut other = command.spawn().unwrap();
    let mut says = other.stdin.take().unwrap();
    says.write_all(b"START TRANSACTION; UPDATE busy SET x = 1;\n").unwrap();
    let changed = "SELECT count(*) FROM information_schema.INNODB_TRX JOIN information_schema.PROCESSLIST ON ID = trx_mysql_thread_id \
         WHERE DB = DATABASE() AND trx_rows_modified >= 3000";
    for _ in 0..400 {
        if database.run(changed) == "1" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    // Customer 4 has orders, which are locked when they have been looked at. The other session deletes them: it waits
    // for this one, and this one for the rows that the other has changed; of the two, the server undoes the smaller.
    let mut then = || says.write_all(b"DELETE FROM orders WHERE customer = 4; COMMIT;\n").unwrap();
    let mut editor = Then { all: All::new(Becomes::Gone), table: database.at("busy"), then: &mut then };
    let targets = [target(&database.at("customers"), numbers(&[4])), target(&database.at("busy"), numbers(&[7]))];
    let source = database.connect();
    let receipts = source.as_apply().unwrap().apply(&targets, &Default::default(), &mut editor).unwrap();
    let deleted: Vec<_> = receipts.iter().map(|receipt| receipt.deleted).collect();
    assert_eq!((deleted, editor.all.refused), (vec![1, 1], Vec::new()));
    drop(says);
    other.wait().unwrap();
}

#[test]
fn long_values_are_shown_as_they_are_now() {
    let Some(database) = Database::new(
        "CREATE TABLE first(id int PRIMARY KEY, x text); INSERT INTO first VALUES (1, 'a');
         CREATE TABLE notes(id int PRIMARY KEY, v mediumtext); INSERT INTO notes VALUES (1, repeat('then ', 100000));
         CREATE TABLE past(id int PRIMARY KEY, v mediumtext) WITH SYSTEM VERSIONING; INSERT INTO past VALUES (1, repeat('then ', 100000));
         UPDATE past SET v = repeat('nows ', 100000);",
    ) else {
        return;
    };
    let mut options = database.options();
    options.long_value = 100_000;
    let source = MySql::connect("test", options).unwrap();
    let mut change = || drop(database.run("UPDATE notes SET v = repeat('nows ', 100000)"));
    let targets = ["first", "notes", "past"].map(|table| target(&database.at(table), numbers(&[1])));
    let mut editor = Then { all: All::new(Becomes::Set("x", "b")), table: database.at("notes"), then: &mut change };
    source.as_apply().unwrap().apply(&targets, &Default::default(), &mut editor).unwrap();
    let long: Vec<_> = editor.all.seen.iter().filter(|(field, value)| field == "v" && !value.is_empty()).collect();
    assert!(!long.is_empty() && !long.iter().any(|(_, value)| value.contains("then")), "the value of now is shown");
}

#[test]
fn the_editor_sees_what_stands_there_now() {
    let Some(database) = Database::new(MANY) else { return };
    let source = database.connect();
    let one = with_value(&source, &database.at("people"), "person1@example.com");
    database.run("UPDATE people SET email = 'changed@example.com' WHERE id = 2");
    let (receipts, editor) = apply(&source, &[one], Becomes::Set("email", "corrected@example.com"));
    assert_eq!(receipts.unwrap()[0].changed, 1);
    assert!(editor.seen.contains(&("email".into(), "changed@example.com".into())), "{:?}", editor.seen);
    assert_eq!(database.run("SELECT email FROM people WHERE id = 2"), "corrected@example.com");
}

#[test]
fn rows_told_apart_otherwise_by_now_are_refused() {
    let Some(database) = Database::new(
        "CREATE TABLE numbered(id int PRIMARY KEY, part int, x text); INSERT INTO numbered VALUES (1, 2, 'of one');
         CREATE TABLE typed(id int PRIMARY KEY, x text); INSERT INTO typed VALUES (1, 'a number');",
    ) else {
        return;
    };
    let source = database.connect();
    let targets =
        [("numbered", "of one"), ("typed", "a number")].map(|(t, value)| with_value(&source, &database.at(t), value));
    database.run(
        "ALTER TABLE numbered DROP PRIMARY KEY, ADD PRIMARY KEY (id, part); ALTER TABLE typed MODIFY id varchar(9)",
    );
    for target in targets {
        check_told_apart_otherwise(&source, &target);
    }
}

#[test]
fn missing_rights_are_named_with_the_cure() {
    let Some(database) = Database::new(RULES) else { return };
    let user = database.user();
    database.run(&format!("GRANT SELECT ON {}.* TO {user}@'%'", database.name));
    let source = database.connect_as(&user);
    let refused = || {
        let (receipts, editor) = apply(&source, &[target(&database.at("tagged"), numbers(&[1]))], Becomes::Gone);
        (receipts.unwrap().len(), editor.refused)
    };
    let (written, refusals) = refused();
    let refusal = &refusals[0].2;
    assert_eq!((written, refusal.kind), (0, RefusalKind::ReadOnly));
    let cure = format!("GRANT SELECT, UPDATE, DELETE ON {}.tagged TO '{user}'@'%'", database.name);
    assert!(refusal.reason.contains(&cure), "{}", refusal.reason);
    database.run(&format!("GRANT UPDATE, DELETE ON {}.tagged TO {user}@'%'", database.name));
    assert_eq!(refused(), (1, Vec::new()));
}

/// Deletes everything, and ends the server's sessions at a table.
struct Ends<'d>(&'d Database);

impl Editor for Ends<'_> {
    fn open(&mut self, part: &Part) {
        if part.path.as_str() == self.0.at("pairs") {
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
    let targets = [
        with_value(&source, &database.at("people"), "person1@example.com"),
        with_value(&source, &database.at("pairs"), "r1"),
    ];
    let done = source.as_apply().unwrap().apply(&targets, &Default::default(), &mut Ends(&database));
    assert!(matches!(done, Err(residuum_source::SourceError::Lost { .. })), "{done:?}");
    assert_eq!(database.run("SELECT count(*) FROM people"), "5000");
}
