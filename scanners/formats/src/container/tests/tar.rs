//! What tar archives can hold.

use residuum_source::{Coverage, Limits};
use tar::{Builder, EntryType, Header};

use super::{PEOPLE, people_in, tarball};
use crate::testing::{Seen, read_bytes, read_stream, read_with};

fn entry(out: &mut Builder<Vec<u8>>, kind: EntryType, name: &str, link: &str, bytes: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    match link {
        "" => out.append_data(&mut header, name, bytes).unwrap(),
        link => out.append_link(&mut header, name, link).unwrap(),
    }
}

fn states(seen: &Seen) -> Vec<(&str, &str)> {
    seen.names().into_iter().map(|(name, _, state)| (name, state)).collect()
}

#[test]
fn every_entry_is_accounted_for() {
    let mut out = Builder::new(Vec::new());
    entry(&mut out, EntryType::Directory, "crm", "", b"");
    entry(&mut out, EntryType::Regular, "crm/p.csv", "", PEOPLE);
    entry(&mut out, EntryType::Link, "same", "crm/p.csv", b"");
    entry(&mut out, EntryType::Link, "elsewhere", "not/here", b"");
    entry(&mut out, EntryType::Symlink, "soft", "crm/p.csv", b"");
    entry(&mut out, EntryType::Fifo, "pipe", "", b"");
    entry(&mut out, EntryType::Char, "tty", "", b"");
    entry(&mut out, EntryType::Block, "disk", "", b"");
    entry(&mut out, EntryType::new(b'Q'), "newer", "", PEOPLE);
    entry(&mut out, EntryType::Regular, "crm/p.csv", "", PEOPLE);
    let bytes = out.into_inner().unwrap();
    let seen = read_bytes("a.tar", &bytes);
    let expected = [
        ("a.tar!crm/p.csv", "read"),
        ("a.tar!same", "derived"),
        ("a.tar!elsewhere", "unreadable"),
        ("a.tar!soft", "derived"),
        ("a.tar!pipe", "derived"),
        ("a.tar!tty", "derived"),
        ("a.tar!disk", "derived"),
        ("a.tar!newer", "read"),
        ("a.tar!crm/p.csv#2", "read"),
        ("a.tar", "read"),
    ];
    assert_eq!(states(&seen), expected);
    people_in(&seen, "a.tar!crm/p.csv#2");
    people_in(&seen, "a.tar!newer");
    assert_eq!((seen.outcome("a.tar").members, seen.outcome("a.tar").bytes), (9, bytes.len() as u64));
    assert_eq!(states(&read_stream("a.tar", &bytes, &Limits::default())), expected);
    assert!(seen.reasons().iter().all(|reason| !reason.contains("p.csv")), "where a link leads may name a person");
}

#[test]
fn long_names_and_sizes_in_every_form() {
    let long = format!("{}/p.csv", ["directory"; 40].join("/"));
    people_in(&read_bytes("a.tar", &tarball(&[(&long, PEOPLE)])), &format!("a.tar!{long}"));
    let mut out = Builder::new(Vec::new());
    let size = PEOPLE.len().to_string();
    out.append_pax_extensions([("path", long.as_bytes()), ("size", size.as_bytes()), ("comment", b"x=y\n2 z")])
        .unwrap();
    let mut header = Header::new_ustar();
    header.set_path("short").unwrap();
    header.set_size(0);
    header.set_cksum();
    let mut bytes = out.into_inner().unwrap();
    bytes.truncate(bytes.len() - 1024);
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(PEOPLE);
    bytes.resize(bytes.len().next_multiple_of(512) + 1024, 0);
    bytes.extend(tarball(&[("second.csv", PEOPLE)])); // appended behind the end
    let seen = read_bytes("a.tar", &bytes);
    people_in(&seen, &format!("a.tar!{long}"));
    people_in(&seen, "a.tar!second.csv");
    let mut old = Header::new_old();
    old.set_path("old.csv").unwrap();
    old.set_size(PEOPLE.len() as u64);
    old.set_cksum();
    let bytes = [old.as_bytes(), PEOPLE, &[0; 2048]].concat();
    people_in(&read_bytes("a.tar", &bytes), "a.tar!old.csv");
}

/// A file with holes, in GNU's two forms, as another program writes them.
#[test]
fn holes_are_read_as_zeros() {
    let dir = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(dir.path().join("p.txt")).unwrap();
    let mut expected = Vec::new();
    for i in 0..40usize {
        let text = format!("{i} person{i}@example.com\n").repeat(4_000);
        expected.resize(i << 18, 0);
        expected.extend_from_slice(text.as_bytes());
        std::os::unix::fs::FileExt::write_at(&file, text.as_bytes(), (i as u64) << 18).unwrap();
    }
    file.set_len(30 << 20).unwrap();
    expected.resize(30 << 20, 0);
    for form in ["--format=gnu", "--format=pax", "--sparse-version=0.1", "--sparse-version=0.0"] {
        let format = if form.starts_with("--sparse") { "--format=pax" } else { form };
        let made = std::process::Command::new("tar")
            .args(["-c", "-S", format, form, "-f", "-", "p.txt"])
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        assert!(made.stdout.len() < 6 << 20, "{form}: the holes are not stored");
        let small = Limits { expanded_bytes: 1 << 20, ..Limits::default() };
        assert_eq!(read_with("a.tar", &made.stdout, &small).outcome("a.tar!p.txt").coverage, Coverage::Limit, "{form}");
        let seen = read_bytes("a.tar", &made.stdout);
        assert_eq!(states(&seen), [("a.tar!p.txt", "read"), ("a.tar", "read")], "{form}: {:?}", seen.reasons());
        assert!(seen.text() == expected, "{form}");
    }
}

#[test]
fn members_behind_damage_are_found_again() {
    let mut bytes = tarball(&[("a.csv", PEOPLE), ("b.csv", PEOPLE), ("c.csv", PEOPLE)]);
    bytes[1024..1100].fill(b'?');
    let seen = read_bytes("a.tar", &bytes);
    assert_eq!(states(&seen), [("a.tar!a.csv", "read"), ("a.tar!c.csv", "read"), ("a.tar", "unreadable")]);
    let reason = seen.outcome("a.tar").reason.as_deref().unwrap();
    assert!(reason.contains("after 1 members: there is no header at byte 1024"), "{reason}");
    let mut long = Header::new_gnu();
    long.set_entry_type(EntryType::GNULongName);
    long.set_size(3 << 20);
    long.set_cksum();
    let bytes = [long.as_bytes().to_vec(), vec![b'x'; 3 << 20], tarball(&[("a.csv", PEOPLE)])].concat();
    let seen = read_bytes("a.tar", &bytes);
    assert_eq!(states(&seen), [("a.tar!a.csv", "read"), ("a.tar", "limit")]);
}
