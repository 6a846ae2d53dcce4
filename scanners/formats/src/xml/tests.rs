//! What a caller of the XML reader sees.

use proptest::prelude::*;
use residuum_source::{Coverage, Limits, RecordKind};

use crate::testing::{Seen, cases, encode, read_bytes, read_stream, read_with};
use crate::{Encoding, testing::Value};

/// Values as `record field=value`, in order of place.
fn show(seen: &Seen) -> Vec<String> {
    let mut values: Vec<&Value> = seen.values.iter().filter(|v| !v.bytes.is_empty()).collect();
    values.sort_by_key(|v| v.raw);
    let line = |v: &&Value| {
        let record = match v.record.kind() {
            RecordKind::Document => "doc".to_owned(),
            kind => format!("{}{}", kind.name(), v.record.number()),
        };
        format!("{record} {}={}", v.field, String::from_utf8_lossy(&v.bytes))
    };
    values.iter().map(line).collect()
}

/// What stands at a value's place is the value, once references and sections are undone by a simple hand.
fn check_places(seen: &Seen, bytes: &[u8]) {
    for value in seen.values.iter().filter(|v| !v.bytes.is_empty()) {
        let (start, end) = value.raw.expect("text has places");
        let raw = String::from_utf8_lossy(&bytes[start as usize..end as usize]).into_owned();
        let found = String::from_utf8_lossy(&value.bytes).into_owned();
        let undone = undone(&raw);
        assert!(raw == found || undone == found, "`{raw}` stands where `{found}` was found");
    }
}

/// Text as it reads once references, sections, comments and instructions are undone.
fn undone(raw: &str) -> String {
    // A value may begin or end inside of a section.
    let begins_within = raw.find("]]>").is_some_and(|end| raw.find("<![CDATA[").is_none_or(|begin| begin > end));
    let raw = format!("{}{raw}", if begins_within { "<![CDATA[" } else { "" });
    let (mut rest, mut out) = (raw.as_str(), String::new());
    while let Some(c) = rest.chars().next() {
        let within = |begin: &str, end: &str| {
            let inner = rest.strip_prefix(begin)?;
            inner.split_once(end).or((begin == "<![CDATA[").then_some((inner, "")))
        };
        if let Some((text, after)) = within("<![CDATA[", "]]>") {
            out.push_str(text);
            rest = after;
        } else if let Some((_, after)) = within("<!--", "-->").or_else(|| within("<?", "?>")) {
            rest = after;
        } else {
            let references =
                [("&lt;", '<'), ("&gt;", '>'), ("&#64;", '@'), ("&#x40;", '@'), ("&eacute;", 'é'), ("&amp;", '&')];
            let found = references.iter().find(|(reference, _)| rest.starts_with(reference));
            let (len, c) = found.map_or((c.len_utf8(), c), |(reference, c)| (reference.len(), *c));
            out.push(c);
            rest = &rest[len..];
        }
    }
    out
}

#[test]
fn documents_as_fields_and_records() {
    let cases: [(&str, &str, &[&str]); 19] = [
        (
            "the element that repeats is the record",
            "<?xml version=\"1.0\"?>\n<customers made='today'>\n  <customer id=\"1\"><email>a@example.com</email></customer>\n  \
             <customer id=\"2\"><email>b@example.com</email></customer>\n</customers>",
            &[
                "doc customers@made=today",
                "row1 customers.customer@id=1",
                "row1 customers.customer.email=a@example.com",
                "row2 customers.customer@id=2",
                "row2 customers.customer.email=b@example.com",
            ],
        ),
        (
            "an envelope around several lists",
            "<e><meta><by>Jane</by></meta><cs><c><n>1</n></c><c><n>2</n></c></cs><os><o t='x'/><o t='y'/></os></e>",
            &["doc e.meta.by=Jane", "row1 e.cs.c.n=1", "row2 e.cs.c.n=2", "row3 e.os.o@t=x", "row4 e.os.o@t=y"],
        ),
        ("a list of plain values", "<ms><m>a</m><m>b</m></ms>", &["row1 ms.m=a", "row2 ms.m=b"]),
        (
            "two telephones do not make records",
            "<p><n>Jane</n><tel>1</tel><tel>2</tel></p>",
            &["doc p.n=Jane", "doc p.tel=1", "doc p.tel=2"],
        ),
        (
            "references",
            "<a b='x&#64;y'>x&#x40;y &lt;&amp;&gt; caf&eacute; &unknown; a&b</a>",
            &["doc a@b=x@y", "doc a=x@y <&> café &unknown; a&b"],
        ),
        ("sections", "<a>x<![CDATA[<b>&amp;]]]]><![CDATA[>]]>y</a>", &["doc a=x<b>&amp;]]>y"]),
        (
            "comments do not cut a value",
            "<a>jane<!-- who? -->@example.com</a>",
            &["doc a=jane@example.com", "doc a.#comment=who?"],
        ),
        ("instructions", "<?app user='jane'?><a/>", &["doc #pi=app user='jane'"]),
        ("namespaces", "<s:e xmlns:s='urn:x' s:id='7'><s:f>1</s:f></s:e>", &["doc e@id=7", "doc e.f=1"]),
        (
            "a document type is text and expands nothing",
            "<!DOCTYPE a [<!ENTITY l \"lol\"><!ENTITY m \"&l;&l;\"><!-- x]> -->]><a>&m;</a>",
            &["doc #doctype=DOCTYPE a [<!ENTITY l \"lol\"><!ENTITY m \"&l;&l;\"><!-- x]> -->]", "doc a=&m;"],
        ),
        (
            "external entities stay outside",
            "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a>&x;</a>",
            &["doc #doctype=DOCTYPE a SYSTEM \"file:///etc/passwd\"", "doc a=&x;"],
        ),
        ("mixed content", "<p>Hello <b>Jane</b> Doe</p>", &["doc p=Hello", "doc p.b=Jane", "doc p=Doe"]),
        ("several documents", "<l><w a='1'/></l>\n<l><w a='2'/></l>", &["row1 l.w@a=1", "row2 l.w@a=2"]),
        ("an address is no tag", "<a><n>Jane <jane@example.com> Doe</n></a>", &["doc a.n=Jane <jane@example.com> Doe"]),
        ("end tags that do not match", "<a><b>1</c>2</b>3</a>", &["doc a.b=1", "doc a.b=2", "doc a=3"]),
        ("elements left open", "<a><b>1<c>2</a>", &["doc a.b=1", "doc a.b.c=2"]),
        ("attributes without quotes or values", "<a b=1 jane c='2'/>", &["doc a@b=1", "doc a@=jane", "doc a@c=2"]),
        ("a name with a dot", "<a.b c.d='1'/>", &["doc a%2Eb@c%2Ed=1"]),
        ("white space", "<a>\n  x\n  y  \n</a>", &["doc a=x\n  y"]),
    ];
    for (name, document, expected) in cases {
        for seen in
            [read_bytes("a.xml", document.as_bytes()), read_stream("a.xml", document.as_bytes(), &Limits::default())]
        {
            assert_eq!(show(&seen), expected, "{name}");
            assert_eq!(seen.closed[0].0.format, "xml", "{name}");
            check_places(&seen, document.as_bytes());
        }
    }
}

#[test]
fn what_is_wrong_is_told() {
    let nested = |n: usize| format!("{}x{}", "<a>".repeat(n), "</a>".repeat(n));
    let cases = [
        ("cut off in an element", "<a><b>1</b>".to_owned(), Coverage::Unreadable, "ends inside 1 elements at byte 11"),
        ("cut off in a comment", "<a><!-- x".to_owned(), Coverage::Unreadable, "ends inside a comment"),
        ("cut off in a tag", "<a><b c='".to_owned(), Coverage::Unreadable, "ends inside an attribute"),
        ("mismatched", "<a><b></a>".to_owned(), Coverage::Read, "not well-formed from byte"),
        ("deep", nested(600), Coverage::Read, "88 elements nested deeper than 512"),
    ];
    for (name, document, coverage, reason) in cases {
        let seen = read_bytes("a.xml", document.as_bytes());
        let outcome = seen.outcome("a.xml");
        assert_eq!(outcome.coverage, coverage, "{name}");
        assert!(outcome.reason.as_deref().is_some_and(|told| told.contains(reason)), "{name}: {:?}", outcome.reason);
    }
    let seen = read_bytes("a.xml", nested(600).as_bytes());
    assert_eq!(seen.text().len() + seen.values.len(), 1, "what is too deep is read");
}

#[test]
fn declared_encodings() {
    let document = |encoding: &str| format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?><a n='Müller'>Größe</a>");
    let latin = encode(&document("ISO-8859-1"), Encoding::Windows1252);
    let utf16 = [b"\xff\xfe".to_vec(), encode(&document("UTF-16"), Encoding::Utf16Le)].concat();
    let greek =
        [&b"<?xml version='1.0' encoding='ISO-8859-7'?><a>"[..], &[0xc1, 0xe8, 0xde, 0xed, 0xe1], b"</a>"].concat();
    let sjis = [&b"<?xml version='1.0' encoding='Shift_JIS'?><a>"[..], &[0x8e, 0x52, 0x93, 0x63], b" x</a>"].concat();
    let cases: [(&str, Vec<u8>, &[&str]); 5] = [
        ("UTF-8", document("UTF-8").into_bytes(), &["doc a@n=Müller", "doc a=Größe"]),
        ("windows-1252", latin, &["doc a@n=Müller", "doc a=Größe"]),
        ("UTF-16LE", utf16, &["doc a@n=Müller", "doc a=Größe"]),
        ("ISO-8859-7", greek, &["doc a=Αθήνα"]),
        ("Shift_JIS", sjis, &["doc a=山田 x"]),
    ];
    for (encoding, bytes, expected) in cases {
        let seen = read_bytes("a.xml", &bytes);
        assert_eq!(show(&seen), expected, "{encoding}");
        assert_eq!(seen.closed[0].0.encoding, Some(encoding));
        let last = seen.values.iter().filter_map(|v| v.raw).max().expect("there are values");
        assert!(bytes[last.1 as usize..].starts_with(b"<"), "{encoding}: a place ends where the value does");
    }
}

#[test]
fn records_that_come_late_are_found() {
    let mut document = String::from("<e><notes>");
    document.push_str(&"<x><!-- filler --></x>".repeat(20_000));
    document.push_str("</notes><cs><c><n>1</n></c><c><n>2</n></c></cs></e>");
    let seen = read_bytes("a.xml", document.as_bytes());
    assert_eq!(seen.field("e.cs.c.n").len(), 2);
    let records: std::collections::BTreeSet<_> = seen.field("e.cs.c.n").into_iter().map(|(record, _)| record).collect();
    assert_eq!(records.len(), 2, "two records: {records:?}");
}

#[test]
fn a_long_value_is_read_in_windows() {
    let value = "jane@example.com &amp; more ".repeat(20_000);
    let document = format!("<a><b c='{value}'>{value}</b><!--{value}--></a>");
    let limits = Limits { batch_bytes: 10_000, ..Limits::default() };
    let seen = read_with("a.xml", document.as_bytes(), &limits);
    assert!(seen.largest < 40_000, "{} bytes in a batch", seen.largest);
    let whole = value.replace("&amp;", "&");
    for (field, expected) in [("a.b@c", whole.as_str()), ("a.b", whole.trim_end()), ("a.#comment", value.trim_end())] {
        let core = |v: &Value| v.bytes[v.core.clone()].to_vec();
        let found: Vec<u8> = seen.values.iter().filter(|v| v.field == field).flat_map(core).collect();
        assert_eq!(String::from_utf8_lossy(&found).trim_end(), expected.trim_end(), "{field}");
    }
}

#[test]
fn names_without_end_are_data() {
    let mut document = String::from("<m>");
    for i in 0..2000 {
        document.push_str(&format!("<user_{i} id='{i}'>v{i}</user_{i}>"));
    }
    document.push_str("</m>");
    let seen = read_bytes("a.xml", document.as_bytes());
    assert_eq!(seen.outcome("a.xml").reason, None);
    let fields: std::collections::BTreeSet<&str> = seen.values.iter().map(|v| v.field.as_str()).collect();
    assert!(fields.len() < 600, "{} fields", fields.len());
    assert_eq!(seen.values.iter().filter(|v| v.bytes.starts_with(b"v")).count(), 2000);
    assert_eq!(seen.field("m.{key}").len(), 2000 - 256);
}

/// A document in the making, and what must be found in it.
fn element() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[a-z0-9@. ]{0,12}",
        Just("&amp;".to_owned()),
        Just("&#64;".to_owned()),
        Just("é€😀".to_owned()),
        Just("<![CDATA[<x>&]]>".to_owned()),
        Just("<!-- note -->".to_owned()),
        Just("<?pi data?>".to_owned())
    ];
    let attribute = ("[a-e]{1,3}", "[a-z@. ]{0,9}").prop_map(|(name, value)| format!(" {name}=\"{value}&lt;\""));
    let leaf = proptest::collection::vec(text, 0..4).prop_map(|parts| parts.concat());
    leaf.prop_recursive(5, 40, 6, move |inner| {
        let attribute = attribute.clone();
        (("[a-c]{1,2}", proptest::collection::vec(attribute, 0..3)), proptest::collection::vec(inner, 0..6)).prop_map(
            |((name, attributes), children)| format!("<{name}{}>{}</{name}>", attributes.concat(), children.concat()),
        )
    })
    .prop_map(|content| format!("<r>{content}</r>"))
}

proptest! {
    #![proptest_config(cases(96))]

    /// However small batches are and however bytes come, the same values stand at the same places.
    #[test]
    fn documents_are_read_alike(document in element(), batch_bytes in 1usize..300) {
        let whole = read_bytes("a.xml", document.as_bytes());
        prop_assert_eq!(&whole.outcome("a.xml").reason, &None);
        check_places(&whole, document.as_bytes());
        let small = read_stream("a.xml", document.as_bytes(), &Limits { batch_bytes, ..Limits::default() });
        if document.len() < 100 {
            prop_assert_eq!(show(&small).concat(), show(&whole).concat());
        }
        prop_assert_eq!(small.outcome("a.xml").records, whole.outcome("a.xml").records);
    }

    /// Whatever the bytes, reading ends, every byte is read, and places stand in the object.
    #[test]
    fn anything_is_read(pieces in proptest::collection::vec(prop_oneof![
        proptest::sample::select(vec!["<", ">", "</", "/>", "<a", "</a>", "<a b=", "\"", "'", "<!--", "-->", "<![CDATA[", "]]>",
            "<!DOCTYPE", "[", "]", "<?x", "?>", "&", "&amp;", "&#x;", "=", " ", "\n", "jane@example.com", "é", "xmlns:a='b'"]).prop_map(str::to_owned),
        "[ -~é\n]{0,8}"], 0..60), batch_bytes in 1usize..200) {
        let document = format!("<?xml version='1.0'?>{}", pieces.concat());
        let limits = Limits { batch_bytes, nesting: 5, ..Limits::default() };
        for seen in [read_with("a.xml", document.as_bytes(), &limits), read_stream("a.xml", document.as_bytes(), &limits)] {
            prop_assert_eq!(seen.closed[0].1.bytes, document.len() as u64);
            for value in &seen.values {
                if let Some((start, end)) = value.raw {
                    prop_assert!(start < end && end <= document.len() as u64);
                }
            }
            let addresses = document.matches("jane@example.com").count();
            let found: usize = seen.values.iter().map(|v| {
                let text = String::from_utf8_lossy(&v.bytes).into_owned();
                text.match_indices("jane@example.com").filter(|(at, _)| v.core.contains(at)).count()
            }).sum();
            prop_assert!(found >= addresses, "{found} of {addresses}");
        }
    }
}
