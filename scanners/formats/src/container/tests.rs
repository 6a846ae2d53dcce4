//! Containers, whole and damaged, nested and bombs.

mod property;
mod sevenz;
mod streams;
mod tar;

use std::io::Write;

use residuum_source::{Coverage, Limits};

use crate::testing::{Seen, read_bytes, read_stream, read_with};

const PEOPLE: &[u8] = b"name,email\nAnn,ann@example.com\nBob,bob@example.com\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn tarball(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = ::tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        out.append_data(&mut header, name, *bytes).unwrap();
    }
    out.into_inner().unwrap()
}

fn zip(members: &[(&str, &[u8])], method: ::zip::CompressionMethod) -> Vec<u8> {
    let mut out = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        out.start_file(*name, ::zip::write::SimpleFileOptions::default().compression_method(method)).unwrap();
        out.write_all(bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}

fn people_in(seen: &Seen, path: &str) {
    assert_eq!(seen.outcome(path).records, 2, "{path}");
    let found = seen.values.iter().any(|v| v.part == path && v.field == "email" && v.bytes == b"bob@example.com");
    assert!(found, "{path} has Bob's address");
}

#[test]
fn every_container_gives_its_member() {
    use ::zip::CompressionMethod::{Bzip2, Deflated, Stored, Zstd};
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz.write_all(PEOPLE).unwrap();
    let cases = [
        ("p.csv.gz", gzip(PEOPLE), "p.csv.gz!p.csv"),
        ("p.csv.zst", ::zstd::encode_all(PEOPLE, 3).unwrap(), "p.csv.zst!p.csv"),
        ("p.csv.bz2", bz.finish().unwrap(), "p.csv.bz2!p.csv"),
        ("p.tar", tarball(&[("crm/p.csv", PEOPLE)]), "p.tar!crm/p.csv"),
        ("stored.zip", zip(&[("crm/p.csv", PEOPLE)], Stored), "stored.zip!crm/p.csv"),
        ("deflated.zip", zip(&[("crm/p.csv", PEOPLE)], Deflated), "deflated.zip!crm/p.csv"),
        ("bzip2.zip", zip(&[("crm/p.csv", PEOPLE)], Bzip2), "bzip2.zip!crm/p.csv"),
        ("zstd.zip", zip(&[("crm/p.csv", PEOPLE)], Zstd), "zstd.zip!crm/p.csv"),
        ("p.tgz", gzip(&tarball(&[("p.csv", PEOPLE)])), "p.tgz!p.tar!p.csv"),
        (
            "all.tar.gz",
            gzip(&tarball(&[("x.zip", &zip(&[("p.csv", PEOPLE)], Deflated))])),
            "all.tar.gz!all.tar!x.zip!p.csv",
        ),
    ];
    for (name, bytes, member) in cases {
        people_in(&read_bytes(name, &bytes), member);
        people_in(&read_stream(name, &bytes, &Limits::default()), member);
        let container = read_bytes(name, &bytes);
        let outcome = container.outcome(name);
        assert_eq!((outcome.members, outcome.bytes), (1, bytes.len() as u64), "{name}");
    }
}

#[test]
fn members_of_one_gzip_file_are_one_object() {
    let (first, second) = PEOPLE.split_at(17);
    let mut bytes = [gzip(first), gzip(second)].concat();
    people_in(&read_bytes("p.csv.gz", &bytes), "p.csv.gz!p.csv");
    bytes.extend([0; 700]);
    people_in(&read_bytes("p.csv.gz", &bytes), "p.csv.gz!p.csv");
    bytes.extend(b"rest");
    let seen = read_bytes("p.csv.gz", &bytes);
    assert_eq!(seen.outcome("p.csv.gz!p.csv").records, 2);
    assert_eq!(seen.outcome("p.csv.gz!p.csv").coverage, Coverage::Unreadable);
    let frames = [::zstd::encode_all(first, 1).unwrap(), ::zstd::encode_all(second, 1).unwrap()].concat();
    people_in(&read_bytes("p.csv.zst", &frames), "p.csv.zst!p.csv");
}

#[test]
fn a_stored_name_names_the_member() {
    let mut out = flate2::GzBuilder::new()
        .filename("people.csv")
        .comment("x")
        .extra("y")
        .write(Vec::new(), flate2::Compression::fast());
    out.write_all(PEOPLE).unwrap();
    people_in(&read_bytes("export.gz", &out.finish().unwrap()), "export.gz!people.csv");
}

/// Content that does not compress away, so that cutting leaves something.
fn lines() -> Vec<u8> {
    (0u64..20_000)
        .map(|i| format!("{:x} person{i}@example.com\n", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect::<String>()
        .into()
}

#[test]
fn what_a_damaged_container_still_gives_is_given() {
    let text = lines();
    let members: &[(&str, &[u8])] = &[("a.txt", &text), ("b.txt", &text)];
    let half = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    let flip = |mut bytes: Vec<u8>| {
        let at = bytes.len() / 2;
        bytes[at..at + 16].iter_mut().for_each(|b| *b ^= 0x5a);
        bytes
    };
    let deflated = ::zip::CompressionMethod::Deflated;
    let cases = [
        ("cut.gz", half(gzip(&text)), "cut.gz!cut"),
        ("flipped.gz", flip(gzip(&text)), "flipped.gz!flipped"),
        ("cut.zst", half(::zstd::encode_all(&text[..], 1).unwrap()), "cut.zst!cut"),
        ("cut.tar", tarball(members)[..text.len() + 4096].to_vec(), "cut.tar!b.txt"),
        ("cut.zip", half(zip(&[("a.txt", &text)], deflated)), "cut.zip!a.txt"),
        ("flipped.zip", flip(zip(&[("a.txt", &text)], deflated)), "flipped.zip!a.txt"),
        (
            "flipped-stored.zip",
            flip(zip(&[("a.txt", &text)], ::zip::CompressionMethod::Stored)),
            "flipped-stored.zip!a.txt",
        ),
    ];
    for (name, bytes, member) in cases {
        for seen in [read_bytes(name, &bytes), read_stream(name, &bytes, &Limits::default())] {
            let outcome = seen.outcome(member);
            assert_eq!(outcome.coverage, Coverage::Unreadable, "{name}");
            let reason = outcome.reason.as_deref().unwrap();
            assert!(
                reason.contains("after") && reason.chars().any(|c| c.is_ascii_digit()),
                "{name}: says where: {reason}"
            );
            let given: usize = seen.values.iter().filter(|v| v.part == member).map(|v| v.core.len()).sum();
            assert!(given > 500, "{name}: {given} bytes are given");
        }
    }
    let seen = read_bytes("cut.zip", &half(zip(members, deflated)));
    assert_eq!(seen.outcome("cut.zip!a.txt").coverage, Coverage::Read, "what stands whole is read");
    assert_eq!(seen.outcome("cut.zip").coverage, Coverage::Unreadable);
}

#[test]
fn limits_bite_and_say_so() {
    let zeros = vec![b'0'; 80 << 20];
    let bomb = gzip(&gzip(&zeros));
    assert!(zeros.len() / bomb.len() > 10_000, "a bomb of {}:1", zeros.len() / bomb.len());
    let seen = read_bytes("bomb.gz", &bomb);
    // Told once, by the innermost: the containers' own bytes were read.
    let names: Vec<_> = seen.names().iter().map(|(name, _, state)| (*name, *state)).collect();
    assert_eq!(names, [("bomb.gz!bomb!bomb", "limit"), ("bomb.gz!bomb", "read"), ("bomb.gz", "read")]);
    assert!(seen.reasons()[0].contains("raise the limit `ratio`"), "{:?}", seen.reasons());

    let small = Limits { expanded_bytes: 1_000, ..Limits::default() };
    let seen = read_with("a.gz", &gzip(&lines()), &small);
    assert_eq!(seen.outcome("a.gz!a").coverage, Coverage::Limit);
    assert!(seen.reasons()[0].contains("raise the limit `expanded_bytes`"));

    let nested = gzip(&gzip(&gzip(PEOPLE)));
    let seen = read_with("a.gz", &nested, &Limits { depth: 2, ..Limits::default() });
    assert_eq!(seen.names()[0], ("a.gz!a!a", "gzip", "limit"));
    assert!(seen.reasons()[0].contains("raise the limit `depth`"));

    let seen = read_stream(
        "a.zip",
        &zip(&[("a", &lines())], ::zip::CompressionMethod::Stored),
        &Limits { whole_bytes: 1_000, ..Limits::default() },
    );
    assert_eq!(seen.outcome("a.zip").coverage, Coverage::Limit);
}

#[test]
fn entries_of_the_same_name_are_all_read() {
    let stored = ::zip::CompressionMethod::Stored;
    let mut bytes =
        zip(&[("p1.csv", PEOPLE), ("p2.csv", b"name,email\nCyd,cyd@example.com\nDee,dee@example.com\n")], stored);
    for at in 0..bytes.len() - 6 {
        if bytes[at..].starts_with(b"p2.csv") {
            bytes[at + 1] = b'1';
        }
    }
    let seen = read_bytes("a.zip", &bytes);
    let names: Vec<_> = seen.names().iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, ["a.zip!p1.csv", "a.zip!p1.csv#2", "a.zip"]);
    people_in(&seen, "a.zip!p1.csv");
    assert!(seen.values.iter().any(|v| v.part == "a.zip!p1.csv#2" && v.bytes == b"dee@example.com"));
}

#[test]
fn a_zip_of_more_members_than_the_old_form_counts() {
    let mut out = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = ::zip::write::SimpleFileOptions::default().compression_method(::zip::CompressionMethod::Stored);
    for i in 0..66_000 {
        out.start_file(format!("{i}"), stored).unwrap();
    }
    out.start_file("p.csv", stored.large_file(true)).unwrap();
    out.write_all(PEOPLE).unwrap();
    let seen = read_bytes("a.zip", &out.finish().unwrap().into_inner());
    assert_eq!((seen.outcome("a.zip").members, seen.closed.len()), (66_001, 66_002));
    people_in(&seen, "a.zip!p.csv");
}

#[test]
fn a_zip_behind_a_program_and_an_encrypted_one() {
    let plain = zip(&[("p.csv", PEOPLE)], ::zip::CompressionMethod::Deflated);
    let shifted = [b"PK\x03\x04 is not a header here".to_vec(), plain.clone()].concat();
    people_in(&read_bytes("a.zip", &shifted), "a.zip!p.csv");
    let mut locked = plain;
    for at in 0..locked.len() - 10 {
        if locked[at..].starts_with(b"PK\x03\x04") {
            locked[at + 6] |= 1;
        }
        if locked[at..].starts_with(b"PK\x01\x02") {
            locked[at + 8] |= 1;
        }
    }
    let seen = read_bytes("a.zip", &locked);
    assert_eq!(seen.names(), [("a.zip!p.csv", "encrypted", "unreadable"), ("a.zip", "zip", "read")]);
    let office =
        zip(&[("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>")], ::zip::CompressionMethod::Deflated);
    assert_eq!(read_bytes("a.xlsx", &office).names(), [("a.xlsx", "xlsx", "read")]);
}
