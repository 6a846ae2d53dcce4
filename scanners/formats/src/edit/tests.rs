//! Edits of every format, plain and in containers: exactly what was asked for, and nothing else.

mod bytes;
mod matrix;
mod packed;
mod property;
mod refused;
mod rewritten;
mod store;
mod texts;
mod told;
mod values;
mod workbooks;

use residuum_source::conformance::{Edits, check_apply};

use store::Store;

/// A file, and edits of it by the value of a field.
pub(super) struct Case {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub edits: fn(Edits) -> Edits,
}

impl Case {
    fn new(name: &'static str, text: impl Into<Vec<u8>>, edits: fn(Edits) -> Edits) -> Self {
        Self { name, bytes: text.into(), edits }
    }
}

/// A case for each format that is spliced.
pub(super) fn cases() -> Vec<Case> {
    let people = "id,name,email,note\n1,Ann,ann@example.com,plain\n2,Bob,bob@example.com,\"says \"\"hi\"\",\nand more\"\n\
                  3,Cy,cy@example.com,x\n4,Di,di@example.com,y\n";
    let of_rows: fn(Edits) -> Edits = |edits| {
        edits
            .delete("email", "bob@example.com")
            .delete("email", "di@example.com")
            .set("email", "cy@example.com", "a, \"b\"\nc")
            .set("name", "Ann", "")
    };
    let mut cases = texts::cases();
    cases.extend(rewritten::cases());
    cases.extend(vec![
        Case::new("people.csv", people, of_rows),
        Case::new("people.tsv", people.replace(',', "\t"), of_rows),
        Case::new("crlf.csv", people.replace('\n', "\r\n"), of_rows),
        Case::new("no-end.csv", people.trim_end(), of_rows),
        Case::new("utf16.csv", utf16(people), of_rows),
        Case::new(
            "latin1.csv",
            b"id;name;email\n1;Jos\xe9 N\xfa\xf1ez;jose@example.com\n2;Zo\xeb;zoe@example.com\n".to_vec(),
            |edits| edits.delete("email", "zoe@example.com").set("name", "Núñez", "Müller"),
        ),
        Case::new(
            "list.json",
            "[\n  {\"id\": 1, \"name\": \"Ann\", \"mail\": [\"ann@example.com\", \"a@x.example\"]},\n  {\"id\": 2, \"name\": \"Bob \\\"B\\\" \
             \\u00e9\"},\n  {\"id\": 3, \"name\": \"Cy\", \"age\": 41}\n]\n",
            |edits| {
                edits
                    .delete("name", "Ann")
                    .set("name", "\"B\" é", "x\\y\n\"z\"")
                    .set("age", "41", "forty-two")
                    .null("name", "Cy")
            },
        ),
        Case::new(
            "envelope.json",
            r#"{"total": 3, "users": [{"mail":"a@example.com"},{"mail":"b@example.com"},{"mail":"c@example.com"}], "next": null}"#,
            |edits| edits.delete("users[].mail", "b@example.com").delete("users[].mail", "c@example.com"),
        ),
        Case::new(
            "document.json",
            r#"{"name":"Ann","emails":["ann@example.com","x@example.com"],"zip":12345}"#,
            |edits| edits.set("emails[]", "ann", "removed").set("zip", "12345", "0").set("name", "Ann", ""),
        ),
        Case::new(
            "people.jsonl",
            "{\"id\":1,\"mail\":\"a@example.com\"}\n{\"id\":2,\"mail\":\"b@example.com\"}\n\n{\"id\":3,\"mail\":\"c@example.com\"}",
            |edits| edits.delete("mail", "a@example.com").delete("mail", "c@example.com").set("mail", "b@", "\"é\"@"),
        ),
        Case::new("app.log", "one ann@example.com\ntwo\nthree bob@example.com and ann@example.com\nfour", |edits| {
            edits.delete("", "four").delete("", "one").set("", "ann@example.com", "[removed]")
        }),
        Case::new("utf16.txt", utf16("one ann@example.com\r\ntwo\r\nthree ann@example.com\r\n"), |edits| {
            edits.delete("", "one").set("", "ann@example.com", "[r\u{e9}moved]")
        }),
        Case::new(
            "mysql.sql",
            "-- MySQL dump 10.13\nINSERT INTO `people` VALUES (1,'Ann','ann@example.com',NULL),(2,'O\\'Bob','b@example.com',41),\
             (3,'Cy','c@example.com',0x4142);\nINSERT INTO `people` VALUES (4,'Di','d@example.com',1);\n-- done ann@example.com\n",
            |edits| {
                edits
                    .delete("people.column_2", "Ann")
                    .delete("people.column_2", "Di")
                    .set("people.column_2", "O'Bob", "a'b\\c\nd")
                    .set("people.column_4", "41", "forty")
                    .null("people.column_2", "Cy")
            },
        ),
        Case::new(
            "lines.sql",
            "-- MySQL dump\nINSERT INTO `t` VALUES (1,'x'),\n(2,'Bob'),(3,'Acme');\nINSERT INTO `t` VALUES\n(4,'y'),\n(5,'z');\n",
            |edits| edits.delete("t.column_2", "Acme").delete("t.column_2", "z"),
        ),
        Case::new(
            "postgres.sql",
            "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.people (\n    id integer,\n    name text,\n    note text\n);\n\n\
             COPY public.people (id, name, note) FROM stdin;\n1\tAnn\t\\N\n2\tBob\ta\\tb\n3\tCy\tx\n\\.\n\nINSERT INTO public.people VALUES (4, 'D''i', E'a\\'b');\n\
             INSERT INTO public.people VALUES (5, 'Ed', 'x');\n",
            |edits| {
                edits
                    .delete("people.name", "Ann")
                    .delete("people.name", "Ed")
                    .set("people.note", "a\tb", "c\\d\te")
                    .set("people.name", "D'i", "x'y\\z")
                    .set("people.note", "a'b", "x'y\\z")
                    .null("people.note", "x")
            },
        ),
    ]);
    cases
}

/// Text as UTF-16, low byte first, with a mark.
fn utf16(text: &str) -> Vec<u8> {
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Runs a check for each case, and names all that fail.
fn each(check: impl Fn(Case)) {
    let mut failed = Vec::new();
    for case in cases() {
        let name = case.name;
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(case))).is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn every_format_is_edited_plain() {
    each(|case| {
        let store = Store::with(case.name, case.bytes);
        check_apply(&store, &(case.edits)(Edits::new(case.name)));
    });
}

#[test]
fn every_format_is_edited_in_containers() {
    each(|case| {
        for (around, name, bytes, part) in packed::all(case.name, &case.bytes) {
            let store = Store::with(&name, bytes);
            let told = check_apply(&store, &(case.edits)(Edits::new(&part)));
            assert!(!told.is_empty(), "`{}` in {around}", case.name);
        }
    });
}
