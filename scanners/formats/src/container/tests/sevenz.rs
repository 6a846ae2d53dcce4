//! 7z archives, as another library writes them.

use std::io::Cursor;

use residuum_source::{Coverage, Limits};
use sevenz_rust2::encoder_options::{AesEncoderOptions, DeltaOptions, Lzma2Options, LzmaOptions, PpmdOptions};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderConfiguration, EncoderMethod, SourceReader};

use super::{PEOPLE, gzip, lines, people_in, tarball};
use crate::testing::{Seen, read_bytes, read_stream, read_with};

pub(super) fn writer(methods: Vec<EncoderConfiguration>) -> ArchiveWriter<Cursor<Vec<u8>>> {
    let mut out = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    out.set_content_methods(methods);
    out
}

/// An archive with each member in a block of its own, or all in one.
pub(super) fn sevenz(members: &[(&str, &[u8])], methods: Vec<EncoderConfiguration>, solid: bool) -> Vec<u8> {
    let mut out = writer(methods);
    if solid {
        let entries = members.iter().map(|(name, _)| ArchiveEntry::new_file(name)).collect();
        out.push_archive_entries(entries, members.iter().map(|(_, bytes)| SourceReader::new(*bytes)).collect())
            .unwrap();
    } else {
        for (name, bytes) in members {
            out.push_archive_entry(ArchiveEntry::new_file(name), Some(*bytes)).unwrap();
        }
    }
    out.finish().unwrap().into_inner()
}

fn states(seen: &Seen) -> Vec<(&str, &str, &str)> {
    seen.names()
}

#[test]
fn members_packed_in_every_way_are_read() {
    let methods: Vec<(&str, Vec<EncoderConfiguration>)> = vec![
        ("copy", vec![EncoderMethod::COPY.into()]),
        ("lzma", vec![LzmaOptions::from_level(1).into()]),
        ("lzma2", vec![Lzma2Options::from_level(1).into()]),
        ("bzip2", vec![EncoderMethod::BZIP2.into()]),
        ("ppmd", vec![PpmdOptions::from_level(1).into()]),
        ("x86", vec![EncoderMethod::BCJ_X86_FILTER.into(), Lzma2Options::from_level(1).into()]),
        ("arm64", vec![EncoderMethod::BCJ_ARM64_FILTER.into(), LzmaOptions::from_level(1).into()]),
        ("delta", vec![DeltaOptions::from_distance(4).into(), Lzma2Options::from_level(1).into()]),
    ];
    let text = lines();
    for (name, methods) in methods {
        for solid in [true, false] {
            let members: &[(&str, &[u8])] = &[("crm/p.csv", PEOPLE), ("ünï.txt", &text), ("crm/p.csv", PEOPLE)];
            let bytes = sevenz(members, methods.clone(), solid);
            for seen in [read_bytes("a.7z", &bytes), read_stream("a.7z", &bytes, &Limits::default())] {
                people_in(&seen, "a.7z!crm/p.csv");
                people_in(&seen, "a.7z!crm/p.csv#2");
                assert_eq!(seen.text(), text, "{name}");
                let outcome = seen.outcome("a.7z");
                assert_eq!((outcome.members, outcome.bytes), (3, bytes.len() as u64), "{name}");
                assert!(seen.closed.iter().all(|(_, o)| o.coverage == Coverage::Read), "{name}: {:?}", seen.reasons());
            }
        }
    }
}

#[test]
fn nested_archives_empty_members_and_directories() {
    let inner =
        sevenz(&[("t.tgz", &gzip(&tarball(&[("p.csv", PEOPLE)])))], vec![Lzma2Options::from_level(1).into()], true);
    let mut out = writer(vec![EncoderMethod::COPY.into()]);
    out.push_archive_entry::<&[u8]>(ArchiveEntry::new_directory("d"), None).unwrap();
    out.push_archive_entry(ArchiveEntry::new_file("d/in.7z"), Some(inner.as_slice())).unwrap();
    let mut empty = ArchiveEntry::new_file("d/empty");
    empty.has_stream = false;
    out.push_archive_entry::<&[u8]>(empty, None).unwrap();
    let bytes = out.finish().unwrap().into_inner();
    let seen = read_bytes("a.7z", &bytes);
    people_in(&seen, "a.7z!d/in.7z!t.tgz!t.tar!p.csv");
    assert_eq!(seen.outcome("a.7z!d/empty").coverage, Coverage::Read);
    assert_eq!(seen.outcome("a.7z").members, 2);
    let none = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap().finish().unwrap().into_inner();
    assert_eq!(states(&read_bytes("a.7z", &none)), [("a.7z", "7z", "read")]);
}

#[test]
fn encrypted_members_are_named_with_the_cure() {
    for hide_names in [false, true] {
        let mut out = writer(vec![AesEncoderOptions::new("secret".into()).into(), Lzma2Options::from_level(1).into()]);
        out.set_encrypt_header(hide_names);
        out.push_archive_entry(ArchiveEntry::new_file("p.csv"), Some(PEOPLE)).unwrap();
        let seen = read_bytes("a.7z", &out.finish().unwrap().into_inner());
        let expected: &[_] = if hide_names {
            &[("a.7z", "7z", "unreadable")]
        } else {
            &[("a.7z!p.csv", "encrypted", "unreadable"), ("a.7z", "7z", "read")]
        };
        assert_eq!(states(&seen), expected);
        assert!(seen.reasons()[0].contains("without a password"), "{:?}", seen.reasons());
    }
}

#[test]
fn damage_costs_what_stands_behind_it_in_its_block_and_says_so() {
    let text = lines();
    let members: &[(&str, &[u8])] = &[("a.txt", &text), ("b.txt", &text), ("c.txt", &text)];
    let methods = || vec![Lzma2Options::from_level(1).into()];
    let damage = |mut bytes: Vec<u8>| {
        let at = bytes.len() / 2;
        bytes[at..at + 64].iter_mut().for_each(|b| *b ^= 0x5a);
        bytes
    };
    let seen = read_bytes("a.7z", &damage(sevenz(members, methods(), false)));
    let names: Vec<_> = states(&seen).into_iter().map(|(name, _, state)| (name, state)).collect();
    let expected = [("a.7z!a.txt", "read"), ("a.7z!b.txt", "unreadable"), ("a.7z!c.txt", "read"), ("a.7z", "read")];
    assert_eq!(names, expected);
    let seen = read_bytes("a.7z", &damage(sevenz(members, vec![EncoderMethod::COPY.into()], true)));
    assert_eq!(seen.outcome("a.7z!b.txt").coverage, Coverage::Unreadable, "its checksum tells");
    assert_eq!(seen.outcome("a.7z!c.txt").coverage, Coverage::Read, "nothing is lost behind it");
    let whole = sevenz(members, methods(), true);
    for cut in [whole.len() - 1, whole.len() / 2, 40, 20] {
        let seen = read_bytes("a.7z", &whole[..cut]);
        assert_eq!(states(&seen), [("a.7z", "7z", "unreadable")], "cut at {cut}");
    }
}

#[test]
fn memory_and_expansion_are_bounded() {
    let mut large = LzmaOptions::from_level(1);
    large.set_dictionary_size(64 << 20);
    let bytes = sevenz(&[("p.csv", PEOPLE), ("q.csv", PEOPLE)], vec![large.into()], true);
    let seen = read_with("a.7z", &bytes, &Limits { whole_bytes: 64 << 20, ..Limits::default() });
    assert_eq!(seen.outcome("a.7z!p.csv").coverage, Coverage::Limit, "{:?}", seen.reasons());
    assert!(seen.reasons()[0].contains("`whole_bytes`"));
    people_in(&read_bytes("a.7z", &bytes), "a.7z!q.csv");
    let members: Vec<_> = (0..2_000).map(|i| format!("{i}.csv")).collect();
    let members: Vec<(&str, &[u8])> = members.iter().map(|name| (name.as_str(), PEOPLE)).collect();
    let bytes = sevenz(&members, vec![Lzma2Options::from_level(1).into()], true);
    assert_eq!(read_bytes("a.7z", &bytes).outcome("a.7z").members, 2_000);
    let seen = read_with("a.7z", &bytes, &Limits { whole_bytes: 100 << 10, ..Limits::default() });
    assert_eq!(seen.outcome("a.7z").coverage, Coverage::Limit);
    let zeros = vec![b'0'; 70 << 20];
    let bytes = sevenz(&[("a", &zeros), ("b", PEOPLE)], vec![Lzma2Options::from_level(1).into()], true);
    let seen = read_bytes("a.7z", &bytes);
    let names: Vec<_> = seen.names().iter().map(|(name, _, state)| (*name, *state)).collect();
    assert_eq!(names, [("a.7z!a", "limit"), ("a.7z!b", "limit"), ("a.7z", "read")]);
}
