//! Which bytes are there afterwards, where that is all that counts.

use residuum_source::conformance::{Edits, check_apply};

use super::packed::{tar, zip};
use super::store::Store;

/// Edits a file and compares its bytes.
fn check(name: &str, before: impl Into<Vec<u8>>, edits: impl Fn(Edits) -> Edits, after: impl AsRef<[u8]>) {
    let store = Store::with(name, before);
    check_apply(&store, &edits(Edits::new(name)));
    let bytes = store.bytes(name).expect("it is there");
    assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(after.as_ref()), "{name}");
}

#[test]
fn every_other_byte_stays() {
    check(
        "a.csv",
        "id,name\r\n1,Ann\r\n 2 , Bob \r\n3,\"C\"\"y\"\r\n",
        |e| e.delete("name", "Ann"),
        "id,name\r\n 2 , Bob \r\n3,\"C\"\"y\"\r\n",
    );
    check("a.csv", "id,name\n1,Ann\n2,Bob", |e| e.delete("name", "Bob"), "id,name\n1,Ann");
    check(
        "a.csv",
        "id,name\n1,Ann\n2,Bob",
        |e| e.set("name", "nn", " \"A\", n"),
        "id,name\n1,\"A \"\"A\"\", n\"\n2,Bob",
    );
    check(
        "a.csv",
        "id,name\n1,\"Ann, A\"\n2,Bob",
        |e| e.set("name", "Ann", "\"x\""),
        "id,name\n1,\"\"\"x\"\", A\"\n2,Bob",
    );
    check(
        "a.json",
        "[ {\"a\":\"x\"} ,\n {\"a\":\"y\"} ,\n {\"a\":\"z\"} ]",
        |e| e.delete("a", "y"),
        "[ {\"a\":\"x\"} ,\n {\"a\":\"z\"} ]",
    );
    check(
        "a.json",
        "[ {\"a\":\"x\"} ,\n {\"a\":\"y\"} ,\n {\"a\":\"z\"} ]",
        |e| e.delete("a", "x").delete("a", "y"),
        "[ {\"a\":\"z\"} ]",
    );
    check("a.json", "[ {\"a\":\"x\"} ,\n {\"a\":\"y\"} ]", |e| e.delete("a", "x").delete("a", "y"), "[  ]");
    check("a.json", "[{\"a\":1},2,{\"a\":3}]", |e| e.delete("a", "3"), "[{\"a\":1},2]");
    let map = "{ \"c1\" : {\"a\":\"x\"} ,\n \"total\": 3,\n \"c2\":{\"a\":\"y\"},\n \"c3\" :\t{\"a\":\"z\"} }";
    for (values, after) in [
        (&[("c1.a", "x")][..], "{ \"total\": 3,\n \"c2\":{\"a\":\"y\"},\n \"c3\" :\t{\"a\":\"z\"} }"),
        (&[("c2.a", "y")], "{ \"c1\" : {\"a\":\"x\"} ,\n \"total\": 3,\n \"c3\" :\t{\"a\":\"z\"} }"),
        (&[("c3.a", "z")], "{ \"c1\" : {\"a\":\"x\"} ,\n \"total\": 3,\n \"c2\":{\"a\":\"y\"} }"),
        (&[("c2.a", "y"), ("c3.a", "z")], "{ \"c1\" : {\"a\":\"x\"} ,\n \"total\": 3 }"),
        (&[("c1.a", "x"), ("c2.a", "y"), ("c3.a", "z")], "{ \"total\": 3 }"),
    ] {
        check("a.json", map, |e| values.iter().fold(e, |e, (field, value)| e.delete(field, value)), after);
    }
    check("a.json", map, |e| e.set("c2.a", "y", "\"q"), map.replace("\"y\"", "\"\\\"q\""));
    check(
        "a.json",
        "{\"d\":{\"u1\":{\"a\":\"x\"}, \"u2\":{\"a\":\"y\"}},\"total\":2}",
        |e| e.delete("d.u1.a", "x"),
        "{\"d\":{\"u2\":{\"a\":\"y\"}},\"total\":2}",
    );
    check(
        "a.json",
        "[[{\"a\":\"x\"}, {\"a\":\"y\"}], [ {\"a\":\"z\"} ]]",
        |e| e.delete("[].a", "x").delete("[].a", "z"),
        "[[{\"a\":\"y\"}], [  ]]",
    );
    check("a.jsonl", "{\"a\":\"x\"}\r\n{\"a\":\"y\"}\r\n", |e| e.delete("a", "x"), "{\"a\":\"y\"}\r\n");
    check(
        "a.yaml",
        "[{n: Ann}, &x {n: Bob}, *x, null, {n: Cy}, {n: Di}]\n",
        |e| e.delete("n", "Cy").delete("n", "Di"),
        "[{n: Ann}, &x {n: Bob}, *x, null]\n",
    );
    check(
        "a.yaml",
        "a: [{n: Ann}, {n: Bob}]\nb: [{n: Cy}]\n",
        |e| e.delete("b[].n", "Cy"),
        "a: [{n: Ann}, {n: Bob}]\nb: []\n",
    );
    check(
        "a.sql",
        "-- MySQL dump\nINSERT INTO `t` VALUES\n(1,'a'),\n(2,'b');\nINSERT INTO `t` VALUES (3,'c');\nUNLOCK TABLES;\n",
        |e| e.delete("t.column_2", "b").delete("t.column_2", "c"),
        "-- MySQL dump\nINSERT INTO `t` VALUES\n(1,'a');\nUNLOCK TABLES;\n",
    );
}

#[test]
fn untouched_members_stay_raw() {
    let members: Vec<(String, Vec<u8>)> =
        (0..9).map(|i| (format!("dir/{i}.txt"), format!("line {i}\nmore {i}\n").into_bytes())).collect();
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let before = zip(&members);
    let store = Store::with("a.zip", before.clone());
    check_apply(&store, &Edits::new("a.zip!dir/4.txt").delete("", "line 4"));
    let after = store.bytes("a.zip").unwrap();
    let raw = |bytes: &[u8], i: usize| {
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes.to_vec())).unwrap();
        let member = archive.by_index_raw(i).unwrap();
        let (from, len) = (member.data_start().unwrap() as usize, member.compressed_size() as usize);
        let modified = member.last_modified();
        (member.name().unwrap().into_owned(), modified, bytes[from..from + len].to_vec())
    };
    for i in (0..9).filter(|i| *i != 4) {
        assert!(raw(&before, i) == raw(&after, i), "member {i}");
    }
    assert!(after.ends_with(b"a comment"));

    let before = tar(&members);
    let store = Store::with("a.tar", before.clone());
    check_apply(&store, &Edits::new("a.tar!dir/4.txt").set("", "line 4", &"long ".repeat(200)));
    let after = store.bytes("a.tar").unwrap();
    let edited = 4 * 1024;
    assert!(before[..edited] == after[..edited] && after.ends_with(&before[edited + 1024..]), "blocks around it");
    let mut archive = tar::Archive::new(after.as_slice());
    let sizes: Vec<u64> = archive.entries().unwrap().map(|entry| entry.unwrap().size()).collect();
    assert_eq!(sizes, [14, 14, 14, 14, 1008, 14, 14, 14, 14]);
}
