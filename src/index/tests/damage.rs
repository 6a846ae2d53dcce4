//! A flipped bit anywhere changes no answer in silence.

use std::fs;
use std::path::PathBuf;

use super::*;

/// Everything that commands ask of an index, as text.
fn answers(dir: &Path, probes: &[Fingerprint]) -> Result<String> {
    let reader = Index::open(dir, Keyring::new(KEY, Vec::new()))?.reader()?;
    let mut all = Vec::new();
    reader.findings(&Filter::default(), &mut |finding| {
        all.push(format!("{finding:?}"));
        ControlFlow::Continue(())
    })?;
    for probe in probes {
        reader.lookup(&[*probe], &mut |found| {
            all.push(format!("{:?} {:?}", found.scheme, found.finding));
            ControlFlow::Continue(())
        })?;
    }
    all.push(format!("{:?} {:?}", reader.fields()?, reader.coverage()?));
    Ok(all.join("\n"))
}

/// Findings on several pages, under keys of records that are texts, some of them of a dead version.
fn made(dir: &Path) -> (Index, Vec<Fingerprint>) {
    let index = index(dir);
    let writer = index.writer().unwrap();
    let many: Vec<u32> = (0..9000).collect();
    scan(&writer, "s", &[("a", "1", &many), ("b", "1", &[1, 2, 9001])]);
    scan(&writer, "s", &[("a", "1", &many), ("b", "2", &[1, 9002])]);
    drop(writer);
    (index, [1, 2, 4500, 8999, 9001, 9002, 70_000].map(fp).to_vec())
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = vec![dir.join("format.json"), dir.join("catalog.sqlite"), dir.join("catalog.sum")];
    files.extend(fs::read_dir(dir.join("segments")).unwrap().map(|entry| entry.unwrap().path()));
    files.sort();
    files
}

#[test]
fn a_flipped_bit_changes_no_answer_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let (index, probes) = made(dir.path());
    let whole = answers(dir.path(), &probes).unwrap();
    assert!(whole.len() > 1_000_000 && index.check().unwrap().damaged.is_empty());
    let mut noticed = 0;
    for file in files(dir.path()) {
        let bytes = fs::read(&file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        // Coprime to everything that has a period; the ends, where footers and headers are, byte by byte.
        let step = (bytes.len() / 60).max(1) | 1;
        let ends = (0..12).chain(bytes.len().saturating_sub(12)..bytes.len());
        let positions = (0..bytes.len()).step_by(step).chain(ends.filter(|&at| at < bytes.len()));
        for (at, bit) in positions.zip((0..8).cycle()) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            fs::write(&file, flipped).unwrap();
            match answers(dir.path(), &probes) {
                Ok(same) => assert!(same == whole, "byte {at} of {name} changed an answer"),
                Err(error) => {
                    let said = error.to_string();
                    let newer = matches!(error, IndexError::Newer { .. });
                    assert!(
                        newer || (said.contains(name) || name == "catalog.sum") && said.contains("scan again"),
                        "{name} {at}: {said}"
                    );
                    noticed += 1;
                }
            }
            if name.ends_with("parquet") {
                let found = index.check().unwrap().damaged;
                assert!(found.len() == 1 && found[0].to_string().contains(name), "{name} {at}: {found:?}");
            }
        }
        fs::write(&file, bytes).unwrap();
    }
    assert!(noticed > 300, "{noticed}");
    assert!(answers(dir.path(), &probes).unwrap() == whole, "what was put back is sound");
}

#[test]
fn a_cut_emptied_or_exchanged_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (_, probes) = made(dir.path());
    for file in files(dir.path()) {
        let bytes = fs::read(&file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        for harm in [Vec::new(), bytes[..bytes.len() / 2].to_vec(), [&bytes[..], b"x"].concat(), vec![0; bytes.len()]] {
            fs::write(&file, harm).unwrap();
            let said = answers(dir.path(), &probes).expect_err(name).to_string();
            assert!((said.contains(name) || name == "catalog.sum") && said.contains("scan again"), "{name}: {said}");
        }
        fs::write(&file, bytes).unwrap();
    }
}

#[test]
fn a_catalog_without_digest_that_is_none_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (_, probes) = made(dir.path());
    fs::remove_file(dir.path().join("catalog.sum")).unwrap();
    for harm in [&b""[..], b"not a database, but some text that is long enough to be taken for one ............................................."] {
        fs::write(dir.path().join("catalog.sqlite"), harm).unwrap();
        let said = answers(dir.path(), &probes).unwrap_err().to_string();
        assert!(said.contains("catalog.sqlite") && said.contains("scan again"), "{said}");
        let said = index(dir.path()).writer().err().expect("nothing is written on damage").to_string();
        assert!(said.contains("catalog.sqlite") && said.contains("scan again"), "{said}");
    }
}

#[test]
fn a_catalog_that_a_killed_writer_left_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let (index, probes) = made(&dir.path().join("index"));
    let whole = answers(index.dir(), &probes).unwrap();
    let writer = index.writer().unwrap();
    let copied = dir.path().join("killed");
    super::crash::copy(index.dir(), &copied);
    drop(writer);
    assert!(answers(&copied, &probes).unwrap() == whole);
    let killed = super::index(&copied);
    assert_eq!(killed.check().unwrap().unsummed, [copied.join("catalog.sqlite")]);
    drop(killed.writer().unwrap());
    assert_eq!(killed.check().unwrap().unsummed, [] as [PathBuf; 0]);
}

#[test]
fn damage_is_not_merged_into_something_sound() {
    let dir = tempfile::tempdir().unwrap();
    let (index, _) = made(dir.path());
    let file = dir.path().join("segments/000000000003.records.parquet");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&file, bytes).unwrap();
    let retracted = index.writer().unwrap().retract(&Retract::Fingerprints(vec![fp(5)]));
    let said = retracted.unwrap_err().to_string();
    assert!(said.contains("000000000003.records.parquet"), "{said}");
}
