//! What a caller of the reader of settings sees.

use proptest::prelude::*;
use residuum_source::{Limits, RecordKind};

use crate::testing::{Seen, Value, cases, read_bytes, read_stream, read_with};

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
fn settings_by_section_and_key() {
    let cases: [(&str, &str, &str, &[&str]); 10] = [
        (
            "a.toml",
            "toml",
            "# by Jane\ntitle = \"say \\\"hi\\\" \\u0040\" # why\nn = 12\non = true\n[owner.address]\n'street name' = '12 Elm\\St'\n\"a.b\".c = 1979-05-27\n",
            &[
                "doc #comment=by Jane",
                "doc title=say \"hi\" @",
                "doc #comment=why",
                "doc n=12",
                "doc owner.address.street name=12 Elm\\St",
                "doc owner.address.a%2Eb.c=1979-05-27",
            ],
        ),
        (
            "b.toml",
            "toml",
            "list = [ \"a\", # first\n  'b', [1, 2],\n]\npoint = { name = \"Jane\", to = [\"x\"] }\nlong = \"\"\"\nDear \\\n   Jane,\nbye\"\"\"\nlast = 1\n",
            &[
                "doc list[]=a",
                "doc #comment=first",
                "doc list[]=b",
                "doc list[][]=1",
                "doc list[][]=2",
                "doc point.name=Jane",
                "doc point.to[]=x",
                "doc long=¶Dear Jane,¶bye",
                "doc last=1",
            ],
        ),
        (
            "c.toml",
            "toml",
            "[[person]]\nname = \"Jane\"\n[person.home]\ncity = \"Rome\"\n[[person]]\nname = \"Kim\"\n[[person.tel]]\nn = 1\n[other]\nx = 2\n",
            &[
                "row1 person.name=Jane",
                "row1 person.home.city=Rome",
                "row2 person.name=Kim",
                "row2 person.tel.n=1",
                "doc other.x=2",
            ],
        ),
        (
            "a.ini",
            "ini",
            "; made by Jane\n[smtp]\nuser = jane@example.com\npassword: \"s e c\" ; no\nhost=mail.example.com\nstray line\n",
            &[
                "doc #comment=made by Jane",
                "doc smtp.user=jane@example.com",
                "doc smtp.password=s e c",
                "doc #comment=no",
                "doc smtp.host=mail.example.com",
                "doc =stray line",
            ],
        ),
        (
            ".env",
            "ini",
            "export OWNER='Jane Doe'\nURL=postgres://jane:pw@db.example.com/x\r\nX=\n",
            &["doc OWNER=Jane Doe", "doc URL=postgres://jane:pw@db.example.com/x"],
        ),
        (
            "a.properties",
            "properties",
            "! note\nuser.name = Jane\\u00e9 \\\n    Doe\nmail:jane@example.com\npath=c\\:\\\\x\n",
            &["doc #comment=note", "doc user.name=Janeé Doe", "doc mail=jane@example.com", "doc path=c:\\x"],
        ),
        (
            "a",
            "ini",
            "[owner]\nname = Jane\nmail = jane@example.com\n",
            &["doc owner.name=Jane", "doc owner.mail=jane@example.com"],
        ),
        (
            "people.ini",
            "ini",
            "[jane@example.com]\nphone = 555-0100\n",
            &["doc {key}=[jane@example.com]", "doc {}.phone=555-0100"],
        ),
        (
            "users.ini",
            "ini",
            "jane@example.com = admin\nn = 1\n",
            &["doc {key}=jane@example.com", "doc {}=admin", "doc n=1"],
        ),
        (
            "nginx.conf",
            "text",
            "server {\n  listen 80;\n  proxy_pass http://example.com;\n}\n",
            &["line1 =server {¶  listen 80;¶  proxy_pass http://example.com;¶}¶"],
        ),
    ];
    for (file, format, text, expected) in cases {
        for seen in [read_bytes(file, text.as_bytes()), read_stream(file, text.as_bytes(), &Limits::default())] {
            assert_eq!(seen.closed[0].0.format, format, "{file}");
            assert_eq!(show(&seen), expected, "{file}");
        }
    }
}

proptest! {
    #![proptest_config(cases(96))]

    /// Whatever the bytes, reading ends, no address is lost, and places stand in the object.
    #[test]
    fn anything_is_read(pieces in proptest::collection::vec(prop_oneof![
        proptest::sample::select(vec!["\n", "\r\n", "[a]\n", "[[a]]\n", "[", "]", "{", "}", "=", ":", " = ", "\"", "'", "\"\"\"", "'''", "\\", "\\\n", "#", ";", ",",
            "a", "b.c", "é", "\\u0041", " jane@example.com "]).prop_map(str::to_owned),
        "[ -~é]{0,8}"], 0..60), batch_bytes in 1usize..200, file in proptest::sample::select(vec!["a.toml", "a.ini", "a.properties"])) {
        let text = format!("first = 1\n{}", pieces.concat());
        let limits = Limits { batch_bytes, ..Limits::default() };
        for seen in [read_with(file, text.as_bytes(), &limits), read_stream(file, text.as_bytes(), &limits)] {
            prop_assert_eq!(seen.closed[0].1.bytes, text.len() as u64);
            for value in &seen.values {
                if let Some((start, end)) = value.raw {
                    prop_assert!(start < end && end <= text.len() as u64);
                }
            }
        }
    }
}
