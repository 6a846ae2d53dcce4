//! xz, lz4 and zstd: several streams in a file, what other programs write, limits on memory.

use std::io::Write;
use std::num::NonZeroU64;

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use lzma_rust2::{CheckType, FilterConfig, FilterType, XzOptions, XzWriter};
use residuum_source::{Coverage, Limits};

use super::{PEOPLE, gzip, lines, people_in, tarball};
use crate::testing::{read_bytes, read_stream, read_with};

pub(super) fn xz(bytes: &[u8]) -> Vec<u8> {
    xz_with(bytes, XzOptions::with_preset(1))
}

fn xz_with(bytes: &[u8], options: XzOptions) -> Vec<u8> {
    let mut out = XzWriter::new(Vec::new(), options).unwrap();
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

pub(super) fn lz4(bytes: &[u8], info: FrameInfo) -> Vec<u8> {
    let mut out = FrameEncoder::with_frame_info(info, Vec::new());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn streams_of_every_kind_give_their_content() {
    let text = lines();
    let mut small_blocks = XzOptions::with_preset(1);
    small_blocks.block_size = NonZeroU64::new(1 << 20);
    let mut filtered = XzOptions::with_preset(1);
    filtered.check_type = CheckType::Sha256;
    filtered.filters = vec![FilterConfig { filter_type: FilterType::Delta, property: 4 }];
    let plain = FrameInfo::new();
    let info = |mode, size| FrameInfo::new().block_mode(mode).block_size(size);
    let all_checked = info(BlockMode::Linked, BlockSize::Max64KB)
        .block_checksums(true)
        .content_checksum(true)
        .content_size(Some(text.len() as u64));
    let cases = [
        ("plain.xz", xz(&text)),
        ("blocks.xz", xz_with(&text, small_blocks)),
        ("filtered.xz", xz_with(&text, filtered)),
        ("plain.lz4", lz4(&text, plain.clone())),
        ("linked.lz4", lz4(&text, all_checked)),
        ("large.lz4", lz4(&text, info(BlockMode::Linked, BlockSize::Max4MB))),
        ("old.lz4", lz4(&text, FrameInfo::new().legacy_frame(true))),
        (
            "noise.lz4",
            lz4(
                &(0..90_000u32)
                    .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
                    .map(|b| b'a' + b % 26)
                    .collect::<Vec<_>>(),
                plain,
            ),
        ),
    ];
    for (name, bytes) in cases {
        let member = format!("{name}!{}", name.split('.').next().unwrap());
        for seen in [read_bytes(name, &bytes), read_stream(name, &bytes, &Limits::default())] {
            assert_eq!(seen.outcome(&member).coverage, Coverage::Read, "{name}: {:?}", seen.reasons());
            assert_eq!(seen.outcome(name).bytes, bytes.len() as u64, "{name}");
            if !name.starts_with("noise") {
                assert_eq!(seen.text(), text, "{name}");
            }
        }
    }
    people_in(&read_bytes("p.txz", &xz(&tarball(&[("p.csv", PEOPLE)]))), "p.txz!p.tar!p.csv");
    let nested = lz4(&xz(&gzip(&tarball(&[("p.csv", PEOPLE)]))), FrameInfo::new());
    people_in(&read_bytes("a.tar.gz.xz.lz4", &nested), "a.tar.gz.xz.lz4!a.tar.gz.xz!a.tar.gz!a.tar!p.csv");
}

#[test]
fn several_streams_in_a_file_are_one_object() {
    let (first, second) = PEOPLE.split_at(17);
    let skippable = [b"\x51\x2a\x4d\x18\x05\0\0\0".as_slice(), b"other"].concat();
    let info = FrameInfo::new;
    let cases = [
        ("p.csv.xz", [xz(first), vec![0; 8], xz(second), vec![0; 4]].concat()),
        ("p.csv.lz4", [lz4(first, info()), lz4(second, info())].concat()),
        ("p.csv.lz4", [skippable.clone(), lz4(first, info()), skippable.clone(), lz4(second, info())].concat()),
        ("p.csv.lz4", [lz4(first, info().legacy_frame(true)), lz4(second, info())].concat()),
        ("p.csv.zst", [skippable, ::zstd::encode_all(PEOPLE, 1).unwrap()].concat()),
    ];
    for (name, bytes) in cases {
        people_in(&read_bytes(name, &bytes), &format!("{name}!p.csv"));
        people_in(&read_stream(name, &bytes, &Limits::default()), &format!("{name}!p.csv"));
    }
}

/// A file that is cut off anywhere says so, and so does one that something follows.
#[test]
fn what_is_cut_off_is_never_taken_for_whole() {
    let text = &lines()[..200_000];
    let mut small = XzOptions::with_preset(0);
    small.lzma_options.dict_size = 4096;
    small.block_size = NonZeroU64::new(50_000);
    let blocks = lz4(text, FrameInfo::new().block_size(BlockSize::Max64KB));
    for (name, bytes) in
        [("a.xz", xz_with(text, small)), ("a.lz4", blocks), ("a.zst", ::zstd::encode_all(text, 1).unwrap())]
    {
        for at in (30..bytes.len()).step_by(997).chain(bytes.len() - 20..bytes.len()) {
            let seen = read_bytes(name, &bytes[..at]);
            let told = seen.closed.iter().filter(|(_, outcome)| outcome.coverage == Coverage::Unreadable).count();
            assert_eq!(told, 1, "{name} of {} cut at {at} is told once: {:?}", bytes.len(), seen.names());
        }
        let seen = read_bytes(name, &[bytes, b"something else".to_vec()].concat());
        assert_eq!(seen.text(), text, "{name}");
        assert_eq!(seen.outcome(&format!("{name}!a")).coverage, Coverage::Unreadable, "{name}");
    }
}

#[test]
fn decoders_take_no_more_memory_than_allowed() {
    let limits = Limits { whole_bytes: 4 << 20, ..Limits::default() };
    let mut large = XzOptions::with_preset(1);
    large.lzma_options.dict_size = 16 << 20;
    let mut far = zstd::Encoder::new(Vec::new(), 1).unwrap();
    far.window_log(27).unwrap();
    far.include_contentsize(false).unwrap();
    far.write_all(&lines()).unwrap();
    for (name, bytes) in [("a.xz", xz_with(PEOPLE, large)), ("a.zst", far.finish().unwrap())] {
        let seen = read_with(name, &bytes, &limits);
        let outcome = seen.outcome(&format!("{name}!a"));
        assert_eq!(outcome.coverage, Coverage::Limit, "{name}: {:?}", outcome.reason);
        assert!(outcome.reason.as_deref().unwrap().contains("`whole_bytes`"), "{name}");
        let enough = read_bytes(name, &bytes);
        assert_eq!(enough.outcome(&format!("{name}!a")).coverage, Coverage::Read, "{name}");
    }
}

#[test]
fn members_of_a_zip_packed_in_rarer_ways() {
    let bytes = super::zip(&[("p.csv", PEOPLE)], ::zip::CompressionMethod::Stored);
    let patched = |method: u16, packed: &[u8]| {
        // The one member's data are replaced, and its header and directory made to say so.
        let name_at = 30 + 5;
        let mut out = bytes[..name_at].to_vec();
        out.extend_from_slice(packed);
        out.extend_from_slice(&bytes[name_at + PEOPLE.len()..]);
        let directory = name_at + packed.len();
        out[8..10].copy_from_slice(&method.to_le_bytes());
        out[18..22].copy_from_slice(&(packed.len() as u32).to_le_bytes());
        out[directory + 10..directory + 12].copy_from_slice(&method.to_le_bytes());
        out[directory + 20..directory + 24].copy_from_slice(&(packed.len() as u32).to_le_bytes());
        let end = out.len() - 22;
        out[end + 16..end + 20].copy_from_slice(&(directory as u32).to_le_bytes());
        out
    };
    people_in(&read_bytes("a.zip", &patched(95, &xz(PEOPLE))), "a.zip!p.csv");
    let mut options = lzma_rust2::LzmaOptions::with_preset(1);
    options.dict_size = 1 << 16;
    let mut lzma = lzma_rust2::LzmaWriter::new_no_header(Vec::new(), &options, false).unwrap();
    lzma.write_all(PEOPLE).unwrap();
    let head = [&[9, 20, 5, 0, options.get_props()][..], &options.dict_size.to_le_bytes()].concat();
    people_in(&read_bytes("a.zip", &patched(14, &[head, lzma.finish().unwrap()].concat())), "a.zip!p.csv");
}
