use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::FieldPlan;
use crate::text::fixture::{detector, found, standard_forms};

fn base64(plain: &str) -> String {
    STANDARD.encode(plain)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).expect("to memory");
    encoder.finish().expect("to memory")
}

/// What is found, as the encoded bytes it stands in, in each text.
#[test]
fn encoded_values_are_found_where_they_stand() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("percent at", "/u?email=jane.doe%40example.com&x=1", &["jane.doe%40example.com"]),
        ("percent plus", "/u?email=jane%2Bnews%40example.com", &["jane%2Bnews%40example.com"]),
        ("percent twice", "/u?next=email%3Djane%2540example.com", &["jane%2540example.com"]),
        ("percent phone", "/u?phone=%2B14155550134&x", &["%2B14155550134"]),
        ("percent boundary", "q=%20219-09-8761%20", &["219-09-8761"]),
        ("json at", r#"{"m":"jane\u0040example.com"}"#, &[r"jane\u0040example.com"]),
        ("json plus", r#"{"p":"\u002b14155550134"}"#, &[r"\u002b14155550134"]),
        ("json newline", r#"{"m":"to:\njane@example.com\nbye"}"#, &["jane@example.com"]),
        ("json tab and number", r#"{"m":"id\t219-09-8761"}"#, &["219-09-8761"]),
        ("xml at", "<m>jane&#64;example.com</m>", &["jane&#64;example.com"]),
        ("xml hexadecimal", "<m>jane&#x40;example.com</m>", &["jane&#x40;example.com"]),
        ("xml plus", "<p>&#43;14155550134</p>", &["&#43;14155550134"]),
        ("xml named", "<m>&lt;jane@example.com&gt;</m>", &["jane@example.com"]),
    ];
    for (name, text, expected) in cases {
        assert_eq!(found(text), *expected, "{name}: {text}");
    }
}

#[test]
fn standard_forms_are_decoded() {
    for (text, expected) in [
        ("/u?email=Jane%2Bnews%40example.com", "jane+news@example.com"),
        (r#"{"m":"jane\u0040example.com"}"#, "jane@example.com"),
        ("/u?phone=%2B14155550134&x", "14155550134"),
    ] {
        assert_eq!(standard_forms(text), [expected], "{text}");
    }
}

#[test]
fn base64_is_searched_in_any_alignment() {
    for lead in 0..8 {
        let plain = format!("{}jane.doe@example.com is the user", "x ".repeat(lead));
        for encoded in [STANDARD.encode(&plain), URL_SAFE_NO_PAD.encode(&plain), STANDARD_NO_PAD.encode(&plain)] {
            let text = format!("token={encoded}; path=/");
            assert_eq!(standard_forms(&text), ["jane.doe@example.com"], "{text}");
            let place = &found(&text)[0];
            let core = STANDARD_NO_PAD.encode("jane.doe@example.com").len();
            assert!(place.len().abs_diff(core) <= 2, "{place} stands for about {core} characters");
        }
    }
}

#[test]
fn tokens_hexadecimal_and_wide_text_are_searched() {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let email = "jane.doe@example.com";
    let claims = URL_SAFE_NO_PAD.encode(format!("{{\"sub\":\"7\",\"email\":\"{email}\"}}"));
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    for text in [
        format!("Authorization: Bearer {header}.{claims}.c2lnbmF0dXJlIG9mIGl0IGFsbA"),
        format!("body={} end", hex(email.as_bytes())),
        format!("SET x = 0x{};", hex(format!("to {email}").as_bytes()).to_uppercase()),
        format!("p={}", STANDARD.encode(wide(&format!("to {email}")))),
        format!("p={}", hex(&wide(&format!("an {email}, Zo\u{eb}")))),
    ] {
        assert!(standard_forms(&text).iter().any(|form| form == email), "{text}");
    }
    let mut column = wide(&format!("to {email}"));
    let offsets = [0, column.len() as u32, column.len() as u32 + 5];
    column.extend_from_slice(b"other");
    let mut places = Vec::new();
    detector().worker().values(&FieldPlan::search("x"), &column, &offsets, &mut |value, hit, form| {
        places.push((value, hit.start, hit.end, form.to_vec()));
    });
    assert_eq!(places, [(0, 0, offsets[1], email.as_bytes().to_vec())], "at the whole value");
    let mut worker = detector().worker();
    for digest in ["789c04e04f8941d39a0c0305e82c3301", "7801a3ee5e6b4b0d3255bfef95601890afd80709"] {
        worker.text(digest.as_bytes(), 0..digest.len(), &mut |_, _| {});
        assert_eq!(worker.take_cut(), 0, "{digest} is a digest, and no zlib that is cut off");
    }
    for other in ["3f2504e04f8941d39a0c0305e82c3301", "da39a3ee5e6b4b0d3255bfef95601890afd80709"] {
        assert!(standard_forms(&format!("commit {other} merged")).is_empty(), "{other}");
    }
}

#[test]
fn encodings_nest_three_deep_and_no_deeper() {
    let mut text = "user jane.doe@example.com logged in".to_owned();
    for depth in 1..=4 {
        text = base64(&text);
        assert_eq!(standard_forms(&format!("data {text}")).len(), usize::from(depth <= 3), "{depth} encodings");
    }
}

#[test]
fn compressed_content_is_found_at_the_whole_encoded_place() {
    let encoded = STANDARD.encode(gzip(b"{\"email\":\"jane.doe@example.com\",\"ssn\":\"219-09-8761\"}"));
    let text = format!("payload={encoded} end");
    assert_eq!(standard_forms(&text), ["jane.doe@example.com", "219098761"]);
    assert!(found(&text).iter().all(|place| encoded.starts_with(place)), "all at the payload");
}

#[test]
fn a_bomb_is_bounded() {
    let bomb = gzip(&vec![b' '; 64 << 20]);
    let text = format!("payload={} jane@example.com", STANDARD.encode(bomb));
    assert_eq!(standard_forms(&text), ["jane@example.com"]);
}

#[test]
fn what_is_not_searched_to_its_end_is_counted() {
    let plain = "user jane.doe@example.com logged in ".to_owned();
    let nested = (0..4).fold(plain.clone(), |text, _| base64(&text));
    let packed = gzip(plain.repeat(400).as_bytes());
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(
        &mut zlib,
        &(0..9_000_u32).flat_map(u32::to_be_bytes).map(|b| b'a' + b % 20).collect::<Vec<_>>(),
    )
    .unwrap();
    let zlib = zlib.finish().unwrap();
    let many: String = (0..9_000).map(|i| format!("{i} person{i}@example.com\n")).collect();
    for (name, text, cut) in [
        ("nothing encoded", plain.clone(), 0),
        ("all of it", format!("{} {}", base64(&plain), STANDARD.encode(&packed)), 0),
        ("a bomb", STANDARD.encode(gzip(&vec![b' '; 64 << 20])), 1),
        ("too deep", nested, 1),
        ("cut off", STANDARD.encode(&gzip(many.as_bytes())[..9_000]), 1),
        ("cut off, too", STANDARD.encode(&zlib[..zlib.len() / 2 / 3 * 3]), 1),
        (
            "random words",
            (0..2_000u64)
                .map(|i| {
                    format!("{:x}{:x} ", i.wrapping_mul(0x9e37_79b9_7f4a_7c15), i.wrapping_mul(0xc2b2_ae3d_27d4_eb4f))
                })
                .collect(),
            0,
        ),
        (
            "random Base64",
            (0..2_000u64)
                .map(|i| STANDARD.encode(i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes().repeat(3)) + " ")
                .collect(),
            0,
        ),
    ] {
        let detector = detector();
        let mut worker = detector.worker();
        worker.text(text.as_bytes(), 0..text.len(), &mut |_, _| {});
        assert_eq!(worker.take_cut(), cut, "{name}");
        assert_eq!(worker.take_cut(), 0, "{name}: asked a second time");
    }
}

#[test]
fn mime_lines_are_one() {
    let plain =
        "a long enough beginning of a mail that goes over one line of Base64, to jane.doe@example.com and others";
    let encoded = base64(plain);
    let lines: Vec<_> = encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    assert_eq!(standard_forms(&lines.join("\r\n")), ["jane.doe@example.com"]);
}

#[test]
fn hexadecimal_bytes_of_a_database_are_text() {
    let encoded: String = "mail jane.doe@example.com".bytes().map(|b| format!("{b:02x}")).collect();
    assert_eq!(standard_forms(&format!("\\x{encoded}")), ["jane.doe@example.com"]);
}

#[test]
fn a_compressed_value_is_searched() {
    let mut bytes = b"plain".to_vec();
    let mut offsets = vec![0, 5];
    bytes.extend(gzip(b"mail jane.doe@example.com"));
    offsets.push(bytes.len() as u32);
    let mut places = Vec::new();
    detector().worker().values(&FieldPlan::search("blob"), &bytes, &offsets, &mut |i, hit, form| {
        places.push((i, hit.start, hit.end, form.to_vec()));
    });
    assert_eq!(places, [(1, 5, bytes.len() as u32, b"jane.doe@example.com".to_vec())]);
}

fn zlib(plain: &[u8], level: u32, window: u8) -> Vec<u8> {
    use std::io::Write as _;
    let compression = flate2::Compression::new(level);
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), compression);
    encoder.write_all(plain).expect("to memory");
    let cmf = (window - 8) << 4 | 8;
    let flg = (0..32).find(|flg| (u16::from(cmf) << 8 | flg).is_multiple_of(31)).expect("one in 31") as u8;
    let adler = plain.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    [&[cmf, flg][..], &encoder.finish().expect("to memory"), &(adler.1 << 16 | adler.0).to_be_bytes()].concat()
}

/// What is found in a value of a binary column, and how many pieces were cut.
fn in_column(value: &[u8]) -> (Vec<(u32, u32)>, u64) {
    let mut worker = detector().worker();
    let mut places = Vec::new();
    worker.values(&FieldPlan::search("blob"), value, &[0, value.len() as u32], &mut |_, hit, form| {
        assert_eq!(form, b"jane.doe@example.com");
        places.push((hit.start, hit.end));
    });
    (places, worker.take_cut())
}

#[test]
fn zlib_is_told_by_its_header_and_its_checksum() {
    let hex = |bytes: &[u8]| -> Vec<u8> { bytes.iter().flat_map(|b| format!("{b:02x}").into_bytes()).collect() };
    let plain = b"hello jane.doe@example.com";
    let whole = zlib(plain, 6, 15);
    let mysql = |rest: &[u8]| [&(plain.len() as u32).to_le_bytes(), rest].concat();
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let preset = {
        let mut bytes = whole.clone();
        (bytes[0], bytes[1]) = (0x78, 0xbb);
        bytes
    };
    let long: String = (0..400).map(|i| format!("{i} is a word, and so is {}; ", i * 7919)).collect();
    let long = zlib(format!("to jane.doe@example.com: {long}").as_bytes(), 9, 15);
    for (name, value, found, cut) in [
        ("as it is", whole.clone(), 1, 0),
        ("not compressed within", zlib(plain, 0, 15), 1, 0),
        ("a small window", zlib(plain, 6, 9), 1, 0),
        ("of MySQL", mysql(&whole), 1, 0),
        ("of MySQL, ending in a space", mysql(&[&whole[..], b"."].concat()), 1, 0),
        ("hexadecimal", hex(&whole), 1, 0),
        ("hexadecimal of gzip", hex(&gzip(plain)), 1, 0),
        ("hexadecimal of MySQL's", hex(&mysql(&whole)), 1, 0),
        ("zlib in zlib", zlib(&hex(&whole), 6, 15), 1, 0),
        ("cut off", long[..long.len() / 2].to_vec(), 1, 1),
        ("another checksum", damaged, 0, 0),
        ("a dictionary that is elsewhere", preset, 0, 0),
        ("a bomb", zlib(&vec![b' '; 64 << 20], 9, 15), 0, 1),
        ("nothing", vec![0x78, 0x9c], 0, 0),
        ("text that begins so", b"x^2 jane.doe@example.com".to_vec(), 1, 0),
    ] {
        let (places, were_cut) = in_column(&value);
        assert_eq!((places.len(), were_cut), (found, cut), "{name}");
        if !name.starts_with("text") && !name.starts_with("hexa") {
            assert!(places.iter().all(|place| *place == (0, value.len() as u32)), "{name}: at the whole value");
        }
    }
}

#[test]
fn random_bytes_are_no_zlib() {
    let mut state = 1u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for length in [16, 20, 32, 64, 400] {
        for (cmf, flg) in [(0x78, 0x9c), (0x78, 0x01), (0x08, 0x1d), (0x18, 0x19)] {
            for _ in 0..200 {
                let value: Vec<u8> = [cmf, flg].into_iter().chain((2..length).map(|_| byte())).collect();
                assert_eq!(in_column(&value), (vec![], 0), "{length} bytes");
            }
        }
    }
}
