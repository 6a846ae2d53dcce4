//! What dumps of the usual programs give.

use residuum_source::{Coverage, Limits, Record, RecordKind};

use crate::testing::{Seen, read_bytes, read_with};

const MYSQL: &str = "-- MySQL dump 10.13\n/*!40101 SET NAMES utf8 */;\nCREATE TABLE `people` (\n  `id` int NOT NULL,\n  \
    `name` varchar(99) DEFAULT 'a,b',\n  `email` text,\n  PRIMARY KEY (`id`),\n  KEY `k` (`name`)\n) ENGINE=InnoDB;\n\
    INSERT INTO `people` VALUES (1,'O\\'Hara \\\\ x','a@example.com'),(2,'tab\\there',NULL),(3,_binary 'x''y',0x616263);\n\
    -- done by admin@example.com\n";

fn records(seen: &Seen, field: &str) -> Vec<(Record, String)> {
    let values = seen.values.iter().filter(|v| v.field == field && !v.bytes.is_empty());
    values.map(|v| (v.record.clone(), String::from_utf8_lossy(&v.bytes).into_owned())).collect()
}

fn at(kind: RecordKind, number: u64, value: &str) -> (Record, String) {
    (Record::Number(kind, number), value.to_owned())
}

#[test]
fn mysqldump_with_several_rows_on_a_line() {
    let seen = read_bytes("dump.sql", MYSQL.as_bytes());
    assert_eq!(seen.names(), [("dump.sql", "sql", "read")]);
    let row = RecordKind::Row;
    assert_eq!(records(&seen, "people.id"), [at(row, 1, "1"), at(row, 2, "2"), at(row, 3, "3")]);
    let names = [at(row, 1, "O'Hara \\ x"), at(row, 2, "tab\there"), at(row, 3, "x'y")];
    assert_eq!(records(&seen, "people.name"), names);
    assert_eq!(records(&seen, "people.email"), [at(row, 1, "a@example.com"), at(row, 3, "abc")]);
    assert_eq!(seen.outcome("dump.sql").records, 3 + 10, "rows, and lines of text");
    let text = String::from_utf8(seen.text()).unwrap();
    assert!(text.contains("CREATE TABLE") && text.contains("admin@example.com") && !text.contains("a@example.com"));
}

#[test]
fn places_are_those_of_the_dump() {
    let seen = read_bytes("dump.sql", MYSQL.as_bytes());
    let raw: Vec<_> = seen.values.iter().filter(|v| v.field == "people.name").map(|v| v.raw.unwrap()).collect();
    let raw: Vec<_> = raw.into_iter().map(|(start, end)| &MYSQL[start as usize..end as usize]).collect();
    assert_eq!(raw, ["O\\'Hara \\\\ x", "tab\\there", "x''y"]);
}

#[test]
fn pg_dump() {
    let dump = "--\n-- PostgreSQL database dump\n--\nCREATE TABLE public.users (\n    id integer,\n    email text\n);\n\
        COPY public.users (id, email) FROM stdin;\n1\ta@example.com\n2\t\\N\n3\ttwo\\nlines \\\\ \\x41\\102\n\\.\n\n\
        INSERT INTO public.users VALUES (4, E'it\\'s'), \n  (5, 'C:\\dir'::text);\nSELECT 1;\n";
    let seen = read_bytes("dump", dump.as_bytes());
    let line = RecordKind::Line;
    let emails =
        [at(line, 9, "a@example.com"), at(line, 11, "two\nlines \\ AB"), at(line, 14, "it's"), at(line, 15, "C:\\dir")];
    assert_eq!(records(&seen, "users.email"), emails);
    let ids: Vec<_> = records(&seen, "users.id").into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5"]);
    assert!(String::from_utf8(seen.text()).unwrap().contains("SELECT 1;"));
}

#[test]
fn sqlite_dump() {
    let dump = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(id INTEGER PRIMARY KEY, note TEXT, \"full name\" TEXT);\n\
        INSERT INTO t VALUES(1,replace('a\\nb','\\n',char(10)),'Ann');\nINSERT INTO t VALUES(2,X'414243','it''s; (ok), C:\\');\n\
        INSERT INTO \"odd table\" VALUES(-1.5e3,NULL);\nCOMMIT;\n";
    let seen = read_bytes("d.sql", dump.as_bytes());
    let line = RecordKind::Line;
    assert_eq!(records(&seen, "t.full name"), [at(line, 4, "Ann"), at(line, 5, "it's; (ok), C:\\")]);
    assert_eq!(records(&seen, "t.note"), [at(line, 4, "replace('a\\nb','\\n',char(10))"), at(line, 5, "ABC")]);
    assert_eq!(records(&seen, "odd table.column_1"), [at(line, 6, "-1.5e3")]);
    assert_eq!(seen.outcome("d.sql").coverage, Coverage::Read);
}

#[test]
fn what_does_not_parse_is_text() {
    let dump = "CREATE TABLE a (\n x int);\nINSERT INTO b SELECT 'q@example.com' FROM c;\nINSERT INTO a VALUES (1) ON CONFLICT DO \
        NOTHING; -- r@example.com\nCOPY a FROM stdin WITH (FORMAT csv);\ns@example.com\n\\.\nINSERT INTO a VALUES (2, 'never closed\nt@example.com\n";
    let seen = read_bytes("d.sql", dump.as_bytes());
    let text = String::from_utf8(seen.text()).unwrap();
    for address in ["q@example.com", "r@example.com", "s@example.com", "t@example.com"] {
        assert!(text.contains(address), "{address}");
    }
    assert_eq!(records(&seen, "a.x"), [at(RecordKind::Line, 4, "1")]);
}

#[test]
fn batches_do_not_change_what_is_read() {
    let mut dump = "-- MySQL dump\nCREATE TABLE `p` (`id` int, `email` text);\n".to_owned();
    for i in 0..400 {
        let rows: Vec<_> = (0..50).map(|j| format!("({i},'e{i}_{j}@example.com')")).collect();
        dump.push_str(&format!("INSERT INTO `p` VALUES {};\n", rows.join(",")));
    }
    let small = read_with("d.sql", dump.as_bytes(), &Limits { batch_bytes: 3_000, ..Limits::default() });
    let large = read_bytes("d.sql", dump.as_bytes());
    assert_eq!(records(&small, "p.email").len(), 20_000);
    assert_eq!(records(&small, "p.email"), records(&large, "p.email"));
    assert!(small.largest < 64 << 10);
    for value in small.values.iter().filter(|v| v.field == "p.email") {
        let (start, end) = value.raw.unwrap();
        assert_eq!(&dump.as_bytes()[start as usize..end as usize], value.bytes);
    }
}
