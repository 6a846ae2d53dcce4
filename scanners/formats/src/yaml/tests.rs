//! What a caller of the YAML reader sees.

use proptest::prelude::*;
use residuum_source::{Coverage, Limits, RecordKind};

use crate::testing::{Seen, Value, cases, read_bytes, read_with};

/// Values as `record field=value`, in order of place.
fn show(seen: &Seen) -> Vec<String> {
    let mut values: Vec<&Value> = seen.values.iter().filter(|v| !v.bytes.is_empty()).collect();
    values.sort_by_key(|v| v.raw);
    let line = |v: &&Value| {
        let record = match v.record.kind() {
            RecordKind::Document => "doc".to_owned(),
            kind => format!("{}{}", kind.name(), v.record.number()),
        };
        format!("{record} {}={}", v.field, String::from_utf8_lossy(&v.bytes).replace('\n', "¶"))
    };
    values.iter().map(line).collect()
}

#[test]
fn documents_as_fields_and_records() {
    let cases: [(&str, &str, &[&str]); 9] = [
        (
            "scalars of every style",
            "# by Jane\na: plain text # why\nb: 'it''s'\nc: \"x\\n\\u0041\\\n  y\"\nd: |\n  one\n   two\ne: >-\n  fold\n  ed\nf: multi\n  line\ng: !t tagged\nh: null\ni: #none\n",
            &[
                "doc #comment=by Jane",
                "doc a=plain text",
                "doc #comment=why",
                "doc b=it's",
                "doc c=x¶Ay",
                "doc d=one¶ two",
                "doc e=fold ed",
                "doc f=multi line",
                "doc g=tagged",
                "doc #comment=none",
            ],
        ),
        ("flow", "{a: [x, {b: y}], 'c.d': z}\n", &["doc a[]=x", "row1 a[].b=y", "doc c%2Ed=z"]),
        (
            "a list of people",
            "- name: Jane\n  tel: [1, 2]\n- name: Kim\n- x\n",
            &["row1 name=Jane", "row1 tel[]=1", "row1 tel[]=2", "row2 name=Kim", "row3 $=x"],
        ),
        (
            "a mapping of lists",
            "by: Jane\npeople:\n- {n: 1}\n- {n: 2}\n",
            &["doc by=Jane", "row1 people[].n=1", "row2 people[].n=2"],
        ),
        ("documents", "---\na: 1\n---\na: 2\n...\n", &["row1 a=1", "row2 a=2"]),
        (
            "keys that are data",
            "jane@example.com: {phone: 555-0100}\nJane Doe: x\n",
            &["doc {key}=jane@example.com", "doc {}.phone=555-0100", "doc {key}=Jane Doe", "doc Jane Doe=x"],
        ),
        ("aliases are not followed", "a: &x {m: j@example.com}\nb: *x\nc: [*x, *x]\n", &["doc a.m=j@example.com"]),
        (
            "beyond ASCII",
            "é: grüße\nname: José # ñ\n",
            &["doc {key}=é", "doc é=grüße", "doc name=José", "doc #comment=ñ"],
        ),
        (
            "no YAML from here on",
            "a: jane\nb: {{ template }}\nc: [\nd: kim@example.com\n",
            &["doc a=jane", "doc =c: [¶d: kim@example.com"],
        ),
    ];
    for (name, text, expected) in cases {
        let seen = read_bytes("a.yaml", text.as_bytes());
        let shown = show(&seen);
        if name == "no YAML from here on" {
            assert_eq!(shown[0], expected[0], "{name}");
            assert!(shown.iter().any(|line| line.contains("kim@example.com")), "{name}: {shown:?}");
            assert!(
                seen.outcome("a.yaml").reason.as_deref().is_some_and(|reason| reason.contains("not YAML")),
                "{name}"
            );
            continue;
        }
        assert_eq!(shown, expected, "{name}");
        assert_eq!((seen.closed[0].0.format, seen.outcome("a.yaml").coverage), ("yaml", Coverage::Read), "{name}");
    }
}

#[test]
fn places_lead_through_folding_and_escapes() {
    let text = "a: \"write to jane\\x40exam\\\n   ple.com\"\nb: >\n  call\n  555-0100\n";
    let seen = read_bytes("a.yml", text.as_bytes());
    let place = |says: &str| {
        let [(start, end)] = seen.places(says)[..] else { panic!("`{says}` stands there once") };
        &text[start as usize..end as usize]
    };
    assert_eq!(place("jane@example.com"), "jane\\x40exam\\\n   ple.com");
    assert_eq!(place("call 555-0100"), "call\n  555-0100");
}

#[test]
fn long_and_deep_ones() {
    let text = format!("a: |\n{}", "  jane@example.com is here\n".repeat(5_000));
    let seen = read_with("a.yaml", text.as_bytes(), &Limits { batch_bytes: 10_000, ..Limits::default() });
    assert_eq!(seen.places("jane@example.com").len(), 5_000);
    let limits = Limits { whole_bytes: 1 << 10, ..Limits::default() };
    let seen = read_with("a.yaml", text.as_bytes(), &limits);
    assert_eq!((seen.places("jane@example.com").len(), seen.closed[0].0.format), (5_000, "yaml"), "read as lines");
    for deep in [
        "- ".repeat(20_000),
        "[".repeat(20_000),
        "a:\n".to_owned(),
        (0..2_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect(),
    ] {
        read_bytes("a.yaml", format!("{deep}jane@example.com").as_bytes());
    }
}

proptest! {
    #![proptest_config(cases(128))]

    /// Whatever the bytes, reading ends, no address is lost, and places stand in the object.
    #[test]
    fn anything_is_read(pieces in proptest::collection::vec(prop_oneof![
        proptest::sample::select(vec!["\n", "\n  ", "\n- ", "a: ", "- ", ": ", "? ", "[", "]", "{", "}", ", ", "\"", "'", "''", "\\", "\\n", "|\n  ", ">-\n  ", "#", " # ", "&a ", "*a",
            "!t ", "---\n", "...\n", "%YAML 1.2\n", "é", "\t", "jane@example.com"]).prop_map(str::to_owned),
        "[ -~é]{0,6}"], 0..40), batch_bytes in 1usize..200) {
        let text = format!("x: y\n{}", pieces.concat());
        let seen = read_with("a.yaml", text.as_bytes(), &Limits { batch_bytes, nesting: 8, ..Limits::default() });
        prop_assert_eq!(seen.closed[0].1.bytes, text.len() as u64);
        for value in &seen.values {
            if let Some((start, end)) = value.raw {
                prop_assert!(start < end && end <= text.len() as u64, "{:?}", value);
            }
        }
    }
}
