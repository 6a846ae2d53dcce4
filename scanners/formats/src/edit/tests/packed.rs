//! Files in containers that other programs' libraries made.

use std::io::{Cursor, Read, Write};

/// The containers, each with a name for the whole and the full name of the file in it.
pub(in crate::edit) fn all(name: &str, bytes: &[u8]) -> Vec<(&'static str, String, Vec<u8>, String)> {
    let zipped = zip(&[("before.txt", b"before\n"), (name, bytes), ("after.txt", b"after after after\n")]);
    let tarred = tar(&[("before.txt", b"before\n"), (name, bytes), ("after.txt", b"after\n")]);
    let inner = format!("{name}.zip");
    let twice = zip(&[("a.txt", b"a\n"), (&inner, &zipped)]);
    let packed = |suffix: &str| (format!("{name}.{suffix}"), format!("{name}.{suffix}!{name}"));
    let mut all = Vec::new();
    for (around, suffix, bytes) in [
        ("gzip", "gz", gzip(bytes)),
        ("gzip of two members", "gz", [gzip(&bytes[..bytes.len() / 2]), gzip(&bytes[bytes.len() / 2..])].concat()),
        ("zstd", "zst", zstd::encode_all(bytes, 3).unwrap()),
        ("bzip2", "bz2", {
            let mut out = Vec::new();
            bzip2::read::BzEncoder::new(bytes, bzip2::Compression::best()).read_to_end(&mut out).unwrap();
            out
        }),
        ("xz", "xz", xz(bytes)),
        ("lz4", "lz4", lz4(bytes)),
    ] {
        let (whole, part) = packed(suffix);
        all.push((around, whole, bytes, part));
    }
    all.push(("zip", "a.zip".to_owned(), zipped, format!("a.zip!{name}")));
    all.push(("tar", "a.tar".to_owned(), tarred.clone(), format!("a.tar!{name}")));
    all.push(("tar in gzip", "a.tar.gz".to_owned(), gzip(&tarred), format!("a.tar.gz!a.tar!{name}")));
    all.push(("zip in zip", "b.zip".to_owned(), twice.clone(), format!("b.zip!{inner}!{name}")));
    let deep = tar(&[("b.zip", &twice)]);
    all.push(("zip in zip in tar", "c.tar".to_owned(), deep, format!("c.tar!b.zip!{inner}!{name}")));
    all
}

pub(in crate::edit) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer =
        flate2::GzBuilder::new().mtime(1_700_000_000).comment("made").write(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut packer = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut packer = lz4_flex::frame::FrameEncoder::new(Vec::new());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

pub(in crate::edit) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (i, (name, bytes)) in members.iter().enumerate() {
        let method =
            [zip::CompressionMethod::Deflated, zip::CompressionMethod::Zstd, zip::CompressionMethod::Stored][i % 3];
        writer.start_file(*name, zip::write::SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.set_comment("a comment").unwrap();
    writer.finish().unwrap().into_inner()
}

pub(in crate::edit) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}
