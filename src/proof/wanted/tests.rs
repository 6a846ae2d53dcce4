use super::*;
use crate::keyfile::hex;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use md5::Md5;
use sha1::Sha1;
use sha2::Sha512;

fn subject(id: usize, kind: Type, text: &str) -> Subject {
    let identifier = Identifier::value(kind, "", text).expect("it is one");
    Subject { id: id.to_string(), identifiers: vec![identifier] }
}

/// The places of what is found, as text.
fn found(kind: Type, text: &str, bytes: &[u8]) -> Vec<String> {
    let wanted = Wanted::new(&[subject(1, kind, text)], Edges::Clear);
    let mut found = Vec::new();
    wanted.find(bytes, &mut |literal| found.push(String::from_utf8_lossy(&bytes[literal.place]).into_owned()));
    found
}

const EMAIL: &str = "jane.roe@example.com";
const PHONE: &str = "+1 202 555 0123";
const SSN: &str = "219-09-8761";

#[test]
fn values_are_found_as_they_are_written() {
    let cases: [(Type, &str, &[&str]); 9] = [
        (Type::Email, EMAIL, &[EMAIL, "Jane.Roe@Example.COM", "jane.roe (at) example.com", "jane.roe%40example.com"]),
        (
            Type::Phone,
            PHONE,
            &[
                "2025550123",
                "12025550123",
                "202-555-0123",
                "202.555.0123",
                "202) 555-0123",
                "1-202-555-0123",
                "0012025550123",
                "202\u{a0}555\u{a0}0123",
            ],
        ),
        (Type::Phone, "+49 30 12345678", &["493012345678", "004930 123 456 78", "030/12345678", "49-30-12345678"]),
        (Type::Phone, "+33612345678", &["33 6 12 34 56 78", "0033 6 12 34 56 78", "06 12 34 56 78", "6 12 34 56 78"]),
        (Type::Phone, "+5511912345678", &["55 11 9 1234 5678"]),
        (Type::UsSsn, SSN, &["219098761", "219-09-8761", "219 09 8761"]),
        (Type::CreditCard, "4111111111111111", &["4111111111111111", "4111-1111-1111-1111", "4111 1111 1111 1111"]),
        (Type::PersonName, "Jane Roe", &["Jane Roe", "ROE, JANE", "jane_roe"]),
        (Type::IpAddress, "192.0.2.7", &["192.0.2.7"]),
    ];
    for (kind, value, forms) in cases {
        for form in forms {
            for (before, after) in [("", ""), ("x=", " y"), ("(", ")"), ("\"", "\","), ("id:", ".")] {
                let text = format!("{before}{form}{after}");
                assert_eq!(found(kind, value, text.as_bytes()), [*form], "{kind:?} in {text}");
            }
        }
    }
    assert_eq!(found(Type::UsSsn, SSN, b"00000219098761|"), ["219098761"], "a field of fixed width");
    assert_eq!(found(Type::UsSsn, SSN, b"219098761.0"), ["219098761"], "a number with a fraction");
}

#[test]
fn long_values_are_found_whole() {
    let token = |letters: usize| "q7".repeat(letters / 2);
    for letters in [132, 134, 150, 4_000] {
        let wanted = token(letters);
        for text in [wanted.clone(), format!("id={};", wanted.to_uppercase())] {
            let place = found(Type::CookieId, &wanted, text.as_bytes());
            assert_eq!(place.iter().map(String::len).collect::<Vec<_>>(), [letters], "{letters} letters");
        }
        let other = format!("{}zz", &wanted[..letters - 2]);
        assert!(found(Type::CookieId, &wanted, other.as_bytes()).is_empty(), "all {letters} letters count");
        assert!(found(Type::CookieId, &wanted, format!("{wanted}q7").as_bytes()).is_empty(), "part of a longer one");
    }
    // What joins words stands behind the last byte that is hashed: the rest belongs to the place, too.
    let joined = format!("{}-{}", "q".repeat(133), token(20));
    assert_eq!(found(Type::CookieId, &joined, format!("id={joined};").as_bytes()), [joined]);
    let address = format!("{}@example.com", "j".repeat(60));
    let dumped = hex(address.as_bytes());
    assert_eq!(found(Type::Email, &address, format!("0x {dumped} ").as_bytes()), [dumped]);
}

#[test]
fn what_is_part_of_something_else_is_not_found() {
    let cases: [(Type, &str, &[&str]); 6] = [
        (
            Type::Email,
            EMAIL,
            &[
                "mary.jane.roe@example.com",
                "jane.roe@example.com.au",
                "xjane.roe@example.com",
                "jane.roe@example.community",
            ],
        ),
        (Type::Phone, PHONE, &["92025550123", "20255501234", "20 25 55 01 23", "2025550\n123", "2025550,123"]),
        (Type::Phone, "+33612345678", &["33 6 1 2 34 56 78", "33 6 12 34 56 7"]),
        (Type::UsSsn, SSN, &["2190987610", "0.219098761", "21 90 98 761", "a3f219098761bc0de77"]),
        (Type::PersonName, "Jane Roe", &["jane roebuck", "mary-jane  roe", "sejane roe"]),
        (Type::IpAddress, "192.0.2.7", &["192.0.2.70", "1.192.0.2.7", "192.0.2.7.1"]),
    ];
    for (kind, value, texts) in cases {
        for text in texts {
            assert!(found(kind, value, text.as_bytes()).is_empty(), "{kind:?} in {text}");
        }
    }
}

#[test]
fn digests_are_found_in_any_spelling() {
    for hashed in [EMAIL, "JANE.ROE@EXAMPLE.COM", "jane.roe@example.com\n"] {
        let digests = [
            Md5::digest(hashed).to_vec(),
            Sha1::digest(hashed).to_vec(),
            Sha256::digest(hashed).to_vec(),
            Sha512::digest(hashed).to_vec(),
        ];
        for digest in digests {
            let padded = STANDARD.encode(&digest);
            let forms = [
                hex(&digest),
                hex(&digest).to_uppercase(),
                padded.trim_end_matches('=').to_owned(),
                URL_SAFE_NO_PAD.encode(&digest),
            ];
            for form in forms {
                let text = format!("08:15 sent to u={form}&x or /{form}/y");
                assert_eq!(found(Type::Email, EMAIL, text.as_bytes()), [form.as_str(), &form], "{text}");
            }
        }
    }
    let md5 = hex(&Md5::digest(EMAIL));
    let uuid = [&md5[..8], &md5[8..12], &md5[12..16], &md5[16..20], &md5[20..]].join("-");
    assert_eq!(found(Type::Email, EMAIL, uuid.as_bytes()), [uuid]);
    for written in ["12025550123", "+12025550123", "2025550123", "202-555-0123", "(202) 555-0123"] {
        let digest = hex(&Sha256::digest(written));
        assert_eq!(found(Type::Phone, PHONE, digest.as_bytes()), [digest], "{written}");
    }
    let mut other = Sha256::digest(EMAIL).to_vec();
    other[31] ^= 1;
    assert!(found(Type::Email, EMAIL, hex(&other).as_bytes()).is_empty(), "all of a digest counts");
}

#[test]
fn digests_are_found_as_bytes() {
    let text = EMAIL.as_bytes();
    let all = [Md5::digest(text).to_vec(), Sha1::digest(text).to_vec(), Sha256::digest(text).to_vec()];
    for digest in all.into_iter().chain([Sha512::digest(text).to_vec()]) {
        let padded = [b"ab", &digest[..], b"cd"].concat();
        for (edges, bytes, expected) in [
            (Edges::Clear, &digest, vec![(0, digest.len())]),
            (Edges::Clear, &padded, vec![]),
            (Edges::Clear, &digest[..digest.len() - 1].to_vec(), vec![]),
            (Edges::Any, &padded, vec![(2, 2 + digest.len())]),
        ] {
            let wanted = Wanted::new(&[subject(1, Type::Email, EMAIL)], edges);
            let mut places = Vec::new();
            wanted.find(bytes, &mut |literal| places.push((literal.place.start, literal.place.end)));
            assert_eq!(places, expected, "{edges:?}, {} of {} bytes", digest.len(), bytes.len());
        }
    }
}

#[test]
fn wide_text_between_other_bytes_is_found() {
    let wide: Vec<u8> = "to Jane.Roe@example.com".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (before, after) in [(&b""[..], &b""[..]), (b"\x01\x02\x03", b"\xff\xff"), (b"\0\0", b"\0\0\0")] {
        let bytes = [before, &wide, after].concat();
        let wanted = Wanted::new(&[subject(1, Type::Email, EMAIL)], Edges::Clear);
        let mut places = Vec::new();
        wanted.find(&bytes, &mut |literal| places.push(literal.place));
        let start = before.len() + 6;
        let expected = start..start + 2 * EMAIL.len();
        assert_eq!((places.len(), places.first()), (1, Some(&expected)), "behind {before:?}");
    }
}

#[test]
fn everybody_of_many_is_found_and_nobody_else() {
    let people: Vec<Subject> =
        (0..2_000).map(|i| subject(i, Type::Email, &format!("jennifer.smith{i}@example.com"))).collect();
    let wanted = Wanted::new(&people, Edges::Clear);
    for i in [0, 7, 77, 1_999, 2_000] {
        let mut whose = Vec::new();
        let text = format!(
            "to jennifer.smith{i}@example.com, {}",
            hex(&Sha1::digest(format!("jennifer.smith{i}@example.com")))
        );
        wanted.people_within(text.as_bytes(), &mut |subject, _| whose.push(subject));
        assert_eq!(whose, if i < 2_000 { vec![i, i] } else { vec![] }, "{i}");
    }
}
