//! What a caller of the reader of cards and calendars sees.

use proptest::prelude::*;
use residuum_source::{Coverage, Limits, RecordKind};

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
fn properties_as_fields() {
    let cases: [(&str, &str, &[&str]); 7] = [
        (
            "a card",
            "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Doe;Jane\\, Ann;;Dr.;\r\nitem1.EMAIL;TYPE=work:jane@example.com\r\nEND:VCARD\r\n",
            &[
                "row1 VERSION=3.0",
                "row1 N.family_name=Doe",
                "row1 N.given_name=Jane, Ann",
                "row1 N.prefix=Dr.",
                "row1 EMAIL@TYPE=work",
                "row1 EMAIL=jane@example.com",
            ],
        ),
        (
            "folded and escaped",
            "BEGIN:VCARD\nNOTE:call 555-\n 0100\\nor\\, well\\; x\n\t.\nTEL;VALUE=uri:tel:+1-202-555-0100\nEND:VCARD\nBEGIN:VCARD\nFN:Kim\nEND:VCARD\n",
            &["row1 NOTE=call 555-0100¶or, well; x.", "row1 TEL@VALUE=uri", "row1 TEL=+1-202-555-0100", "row2 FN=Kim"],
        ),
        (
            "an address",
            "BEGIN:VCARD\nADR;TYPE=home:;;12 Elm Street;Springfield;IL;62704;USA\nEND:VCARD\n",
            &[
                "row1 ADR@TYPE=home",
                "row1 ADR.street=12 Elm Street",
                "row1 ADR.city=Springfield",
                "row1 ADR.state=IL",
                "row1 ADR.postal_code=62704",
                "row1 ADR.country=USA",
            ],
        ),
        (
            "quoted-printable of 2.1",
            "BEGIN:VCARD\nVERSION:2.1\nNOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Gr=C3=BC=C3=9Fe jane=40exam=\nple.com\nEND:VCARD\n",
            &[
                "row1 VERSION=2.1",
                "row1 NOTE@ENCODING=QUOTED-PRINTABLE",
                "row1 NOTE@CHARSET=UTF-8",
                "row1 NOTE=Grüße jane@example.com",
            ],
        ),
        (
            "a calendar",
            "BEGIN:VCALENDAR\nX-WR-CALNAME:Jane's\nBEGIN:VEVENT\nATTENDEE;CN=\"Doe: Jane\";ROLE=CHAIR:mailto:jane@example.com\nBEGIN:VALARM\nDESCRIPTION:ring\nEND:VALARM\nEND:VEVENT\n\
             BEGIN:VTODO\nSUMMARY:b\nEND:VTODO\nEND:VCALENDAR\n",
            &[
                "doc X-WR-CALNAME=Jane's",
                "row1 ATTENDEE@CN=Doe: Jane",
                "row1 ATTENDEE@ROLE=CHAIR",
                "row1 ATTENDEE=jane@example.com",
                "row1 VALARM.DESCRIPTION=ring",
                "row2 SUMMARY=b",
            ],
        ),
        (
            "what is no property",
            "BEGIN:VCARD\nhello jane@example.com\nFN\nEND:VCARD",
            &["row1 =hello jane@example.com", "row1 =FN"],
        ),
        ("lower case", "begin:vcard\nfn:Jane\nend:vcard\n", &["row1 FN=Jane"]),
    ];
    for (name, text, expected) in cases {
        for seen in [read_bytes("a", text.as_bytes()), read_stream("a", text.as_bytes(), &Limits::default())] {
            assert_eq!(show(&seen), expected, "{name}");
            assert_eq!(seen.outcome("a").coverage, Coverage::Read, "{name}");
        }
    }
}

#[test]
fn places_lead_through_folding() {
    let text = "BEGIN:VCARD\r\nNOTE:write to jane\r\n @example.com\\, \r\n please\r\nEND:VCARD\r\n";
    let seen = read_bytes("a.vcf", text.as_bytes());
    let [(start, end)] = seen.places("jane@example.com")[..] else { panic!("it stands there once") };
    assert_eq!(&text[start as usize..end as usize], "jane\r\n @example.com");
}

#[test]
fn long_properties_and_cut_off_ones() {
    let photo = "aGVsbG8gd29ybGQ\n ".repeat(20_000);
    let text = format!("BEGIN:VCARD\nPHOTO;ENCODING=b:{photo}\nEMAIL:jane@example.com\n");
    let seen = read_with("a.vcf", text.as_bytes(), &Limits { batch_bytes: 10_000, ..Limits::default() });
    assert!(seen.largest < 100_000, "{} bytes in a batch", seen.largest);
    let held: usize = seen.values.iter().filter(|v| v.field == "PHOTO").map(|v| v.core.len()).sum();
    assert_eq!(held, 15 * 20_000);
    assert_eq!(seen.field("EMAIL"), [(1, "jane@example.com".to_owned())]);
    assert_eq!(seen.outcome("a.vcf").coverage, Coverage::Unreadable);
}

proptest! {
    #![proptest_config(cases(96))]

    /// Whatever the bytes, reading ends, no address is lost, and places stand in the object.
    #[test]
    fn anything_is_read(pieces in proptest::collection::vec(prop_oneof![
        proptest::sample::select(vec!["\n", "\r\n", "\n ", "\r\n\t", "BEGIN:VEVENT\n", "END:VCARD\n", "BEGIN:VCARD\n", ":", ";", "=", "\"", "\\", "\\n", "N:", "ADR;",
            "NOTE;QUOTED-PRINTABLE:", "=40", "EMAIL:", "é", " jane@example.com "]).prop_map(str::to_owned),
        "[ -~é]{0,8}"], 0..60), batch_bytes in 1usize..200) {
        let text = format!("BEGIN:VCARD\n{}", pieces.concat());
        let limits = Limits { batch_bytes, ..Limits::default() };
        for seen in [read_with("a", text.as_bytes(), &limits), read_stream("a", text.as_bytes(), &limits)] {
            prop_assert_eq!(seen.closed[0].1.bytes, text.len() as u64);
            for value in &seen.values {
                if let Some((start, end)) = value.raw {
                    prop_assert!(start < end && end <= text.len() as u64);
                }
            }
        }
    }
}
