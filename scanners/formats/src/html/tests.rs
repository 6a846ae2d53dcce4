//! What a caller of the HTML reader sees.

use proptest::prelude::*;
use residuum_source::{Coverage, Limits, RecordKind};

use crate::testing::{Seen, Value, cases, read_bytes, read_stream, read_with};

/// Values as `record field=value`, in order of place; `·` for a tab, `¶` for a line feed.
fn show(seen: &Seen) -> Vec<String> {
    let mut values: Vec<&Value> = seen.values.iter().filter(|v| !v.bytes.is_empty()).collect();
    values.sort_by_key(|v| v.raw);
    let line = |v: &&Value| {
        let record = match v.record.kind() {
            RecordKind::Document => "doc".to_owned(),
            kind => format!("{}{}", kind.name(), v.record.number()),
        };
        format!("{record} {}={}", v.field, String::from_utf8_lossy(&v.bytes).replace('\t', "·").replace('\n', "¶"))
    };
    values.iter().map(line).collect()
}

#[test]
fn pages_as_text_and_fields() {
    let cases: [(&str, &str, &[&str]); 16] = [
        (
            "text in line",
            "<html><p>Hello <b>Jane</b>&nbsp;<i>Doe</i></p><p>Bye</html>",
            &["doc =Hello Jane\u{a0}Doe¶Bye"],
        ),
        (
            "references",
            "<html>jane&#64;example.com &copy 2024 &lt;b&gt; a&b",
            &["doc =jane@example.com © 2024 <b> a&b"],
        ),
        (
            "links and pictures",
            "<html><a href='mailto:jane@example.com' title=\"Write &amp; call\">mail</a><img alt=Jane src=j.png checked>",
            &[
                "doc a@href=jane@example.com",
                "doc a@title=Write & call",
                "doc =mail",
                "doc img@alt=Jane",
                "doc img@src=j.png",
            ],
        ),
        (
            "forms and meta by name",
            "<html><meta name=author content='Jane Doe'><input value='jane@example.com' name='user.email' type=hidden>",
            &[
                "doc meta@name=author",
                "doc meta.author=Jane Doe",
                "doc input.user.email=jane@example.com",
                "doc input@name=user.email",
                "doc input@type=hidden",
            ],
        ),
        (
            "scripts, styles, comments",
            "<!doctype html><!-- by Jane --><script>var a = '<b>' && \"x\";</script><style>p{}</style>x",
            &[
                "doc #comment=doctype html",
                "doc #comment=by Jane",
                "doc script=var a = '<b>' && \"x\";",
                "doc style=p{}",
                "doc =x",
            ],
        ),
        (
            "hidden elements",
            "<html><div hidden style='display:none'>555-0100</div><template>x</template>",
            &["doc div@style=display:none", "doc =555-0100¶x"],
        ),
        (
            "a table with a header",
            "<html>People<table><tr><th>Name<th>E-mail &amp; more</tr><tr><td>Jane<td>jane@example.com</tr>\
             <tr><td>Kim</td><td><a href='mailto:k@example.com'>k</a></td></tr></table>End",
            &[
                "doc =People",
                "doc =Name·E-mail & more",
                "row1 Name=Jane",
                "row1 E-mail & more=jane@example.com",
                "row2 Name=Kim",
                "row2 a@href=k@example.com",
                "row2 E-mail & more=k",
                "doc =End",
            ],
        ),
        (
            "spans",
            "<html><table><tr><th colspan=2>Name<th>Phone<tr><td>Jane<td>Doe<td>555-0100</table>",
            &["doc th@colspan=2", "doc =Name·Phone", "row1 Name=Jane", "row1 =Doe", "row1 Phone=555-0100"],
        ),
        (
            "headers of rows",
            "<html><table><tr><th>Phone</th><td>555-0100</td></tr><tr><th>Fax<td>555-0101</table>",
            &["row1 =Phone·555-0100", "row2 =Fax·555-0101"],
        ),
        ("a table in a table", "<html><table><tr><td>a<table><tr><td>b<td>c</table>d</table>", &["row1 =a¶b·c¶d"]),
        ("an address is no tag", "<html>Jane <jane@example.com> Doe", &["doc =Jane <jane@example.com> Doe"]),
        (
            "broken tags",
            "<html>a < b <3 </ x> <p <b>y</b jane@example.com>",
            &["doc =a < b <3 </ x> ¶yjane@example.com"],
        ),
        (
            "no word",
            "<html><a jane@example.com @click=\"go('x')\" disabled>x",
            &["doc a@=jane@example.com", "doc a@=@click=\"go('x')\"", "doc =x"],
        ),
        ("text area", "<html><textarea>&lt;x&gt; jane</textarea>", &["doc =<x> jane"]),
        (
            "upper case",
            "<HTML><TABLE><TR><TD>x</TD></TR></TABLE><SCRIPT>y</script>z",
            &["row1 =x", "doc script=y", "doc =z"],
        ),
        ("sections", "<html><svg><![CDATA[a<b>c]]></svg>", &["doc =a<b>c"]),
    ];
    for (name, page, expected) in cases {
        for seen in [read_bytes("a", page.as_bytes()), read_stream("a", page.as_bytes(), &Limits::default())] {
            assert_eq!(show(&seen), expected, "{name}");
            assert_eq!((seen.closed[0].0.format, seen.outcome("a").coverage), ("html", Coverage::Read), "{name}");
        }
    }
}

#[test]
fn places_lead_through_references() {
    let page = "<html><p>Write to jane&#64;ex<b>ample</b>.com</p>";
    let seen = read_bytes("a.html", page.as_bytes());
    let value = &seen.values[0];
    assert_eq!(value.bytes, b"Write to jane@example.com");
    let (start, end) = value.raw.expect("text has places");
    assert_eq!(&page[start as usize..end as usize], "Write to jane&#64;ex<b>ample</b>.com");
    let latin = b"<html><head><meta charset=iso-8859-2></head><body>Wa\xb3\xeasa &lt;x@example.com&gt;";
    let seen = read_bytes("a.html", latin);
    assert_eq!(seen.values.last().expect("there is text").bytes, "Wałęsa <x@example.com>".as_bytes());
    assert_eq!(seen.closed[0].0.encoding, Some("ISO-8859-2"));
}

#[test]
fn a_long_page_is_read_in_windows() {
    let line = "Call <b>Jane</b> at 555-0100.<br>\n";
    let page = format!(
        "<!doctype html><title>x</title>{}<script>{}</script>",
        line.repeat(5_000),
        "var a = 1;\n".repeat(5_000)
    );
    let seen = read_with("a.html", page.as_bytes(), &Limits { batch_bytes: 10_000, ..Limits::default() });
    assert!(seen.largest < 40_000, "{} bytes in a batch", seen.largest);
    let of = |field: &str| -> Vec<u8> {
        seen.values.iter().filter(|v| v.field == field).flat_map(|v| v.bytes[v.core.clone()].to_vec()).collect()
    };
    assert_eq!(String::from_utf8_lossy(&of("")).matches("Jane at 555-0100.").count(), 5_000);
    assert_eq!(of("script").len(), 5_000 * 11 - 1);
}

proptest! {
    #![proptest_config(cases(128))]

    /// Whatever the bytes, reading ends, no address is lost, and places stand in the object, in the order of the text.
    #[test]
    fn anything_is_read(pieces in proptest::collection::vec(prop_oneof![
        proptest::sample::select(vec!["<", ">", "</", "/>", "<a ", "</a>", "<p>", "<table>", "<tr>", "<td>", "<th>", "</tr>", "</table>",
            "colspan=3", "<script>", "</script>", "=", "\"", "'", "<!--", "-->", "<![CDATA[", "]]>", "<!", "<?", "&", "&amp;", "&#",
            " ", "\n", " jane@example.com ", "é", "<input name=x value=y>"]).prop_map(str::to_owned),
        "[ -~é]{0,8}"], 0..60), batch_bytes in 1usize..200) {
        let page = format!("<html>{}", pieces.concat());
        let limits = Limits { batch_bytes, ..Limits::default() };
        for seen in [read_with("a.html", page.as_bytes(), &limits), read_stream("a.html", page.as_bytes(), &limits)] {
            prop_assert_eq!(seen.closed[0].1.bytes, page.len() as u64);
            for value in &seen.values {
                if let Some((start, end)) = value.raw {
                    prop_assert!(start < end && end <= page.len() as u64);
                }
            }
            let addresses = page.matches("jane@example.com").count();
            let found: usize = seen.values.iter().map(|v| {
                let text = String::from_utf8_lossy(&v.bytes).into_owned();
                text.match_indices("jane@example.com").filter(|(at, _)| v.core.contains(at)).count()
            }).sum();
            prop_assert!(found >= addresses, "{found} of {addresses}");
        }
    }
}
