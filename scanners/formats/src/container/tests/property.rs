//! Damage anywhere: nothing panics, what stood before it is still given, and it never goes unnoticed.

use lz4_flex::frame::{BlockSize, FrameInfo};
use proptest::prelude::*;
use residuum_source::{Coverage, Limits};
use sevenz_rust2::EncoderMethod;
use sevenz_rust2::encoder_options::{Lzma2Options, PpmdOptions};

use super::sevenz::sevenz;
use super::streams::{lz4, xz};
use super::tarball;
use crate::testing::{read_bytes, read_stream, read_with};

/// Members of a size and content of their own.
fn member(i: usize, len: usize) -> Vec<u8> {
    (0..len as u64)
        .map(|n| b"abcdefgh \n"[(n.wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ i as u64) >> 60) as usize % 10])
        .collect()
}

fn archive(kind: usize, members: &[Vec<u8>]) -> Vec<u8> {
    let names: Vec<String> = (0..members.len()).map(|i| format!("{i}.txt")).collect();
    let named: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(members.iter().map(Vec::as_slice)).collect();
    let tar = || tarball(&named);
    match kind {
        0 => tar(),
        1 => xz(&tar()),
        2 => lz4(&tar(), FrameInfo::new().block_size(BlockSize::Max64KB).block_checksums(true)),
        3 => sevenz(&named, vec![Lzma2Options::from_level(1).into()], true),
        4 => sevenz(&named, vec![EncoderMethod::COPY.into()], false),
        5 => sevenz(&named, vec![PpmdOptions::from_level(1).into()], true),
        6 => super::zip(&named, ::zip::CompressionMethod::Deflated),
        _ => super::gzip(&tar()),
    }
}

const KINDS: usize = 8;

fn small() -> Limits {
    Limits { batch_bytes: 300, whole_bytes: 64 << 20, ..Limits::default() }
}

proptest! {
    #![proptest_config(crate::testing::cases(120))]

    #[test]
    fn damage_neither_panics_nor_hides_what_stands_before_it(
        kind in 0..KINDS,
        lens in prop::collection::vec(1usize..3_000, 1..6),
        at in 0f64..1.0,
        flip in 1u8..,
        cut in any::<bool>(),
    ) {
        let members: Vec<_> = lens.iter().enumerate().map(|(i, len)| member(i, *len)).collect();
        let mut bytes = archive(kind, &members);
        let whole = read_bytes("a", &bytes);
        prop_assert!(whole.closed.iter().all(|(_, outcome)| outcome.coverage == Coverage::Read), "{:?}", whole.reasons());
        prop_assert_eq!(whole.text(), members.concat());
        let at = (at * bytes.len() as f64) as usize;
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= flip;
        }
        let seen = read_with("a", &bytes, &small());
        prop_assert_eq!(seen.closed.len(), read_stream("a", &bytes, &small()).closed.len());
        let is_whole = seen.closed.iter().all(|(_, outcome)| outcome.coverage == Coverage::Read);
        // A tar has no checksum over content, and what is cut to nothing but zeros or text was never an archive.
        let is_checked = !matches!(kind, 0);
        if is_whole && is_checked && at > 64 {
            prop_assert_eq!(seen.text(), members.concat(), "content that is not whole is not told as read");
        }
        if kind == 0 && at >= 512 {
            // Members that end before the damage are there, untouched.
            let (mut end, mut before) = (0, Vec::new());
            for member in &members {
                end += 512 + member.len().next_multiple_of(512);
                if end <= at {
                    before.extend_from_slice(member);
                }
            }
            prop_assert!(seen.text().starts_with(&before));
        }
    }

    /// A directory of random bytes with a right checksum: the parser is on its own.
    #[test]
    fn directories_of_anything_do_not_panic(start in prop::sample::select(vec![vec![1u8], vec![23], vec![1, 4, 6], vec![1, 4, 7, 11], vec![1, 5]]), rest in prop::collection::vec(prop_oneof![0u8..24, any::<u8>()], 0..200)) {
        let directory = [start, rest].concat();
        let crc = |bytes: &[u8]| { let mut crc = flate2::Crc::new(); crc.update(bytes); crc.sum().to_le_bytes() };
        let place = [&0u64.to_le_bytes()[..], &(directory.len() as u64).to_le_bytes(), &crc(&directory)].concat();
        let bytes = [&b"7z\xbc\xaf\x27\x1c\0\x04"[..], &crc(&place), &place, &directory].concat();
        read_with("a.7z", &bytes, &small());
    }

    #[test]
    fn headers_of_anything_do_not_panic(fields in prop::collection::vec(any::<u8>(), 512), kind in prop::sample::select(b"0127SxLKgV".to_vec()), text in "[0-9]{1,3} GNU.sparse.(map|major|size|offset)=[0-9,]{0,20}\n") {
        let mut header = fields;
        header[156] = kind;
        header[124..136].copy_from_slice(b"00000000500\0");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&b| u32::from(b)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let bytes = [header, text.into_bytes(), vec![0; 300], tarball(&[("a", b"x")])].concat();
        read_with("a.tar", &bytes, &small());
    }
}
