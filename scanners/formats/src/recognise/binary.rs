//! Formats that are recognised by a signature.

use super::Format;

/// Signature, position, format, and how a message calls it. More specific ones first.
pub(super) const KNOWN: &[(&[u8], usize, &str, &str)] = &[
    (
        b"SQLite format 3\0",
        0,
        "sqlite",
        "a SQLite database inside of something else, or one that was cut off (unpack it, or copy it again: as a whole file it can be scanned)",
    ),
    (b"!BDN", 0, "pst", "an Outlook mailbox"),
    (b"\0\x01\0\0Standard ", 0, "access", "an Access database"),
    (b"DUCK", 8, "duckdb", "a DuckDB database"),
    (b"PGDMP", 0, "pgdump", "a PostgreSQL dump in custom format"),
    (b"REDIS0", 0, "rdb", "a Redis snapshot"),
    (b"ARROW1", 0, "arrow", "an Arrow file"),
    (b"FEA1", 0, "feather", "a Feather file"),
    (b"SEQ\x06", 0, "sequencefile", "a Hadoop sequence file"),
    (b"\x89HDF\r\n\x1a\n", 0, "hdf5", "an HDF5 file"),
    (b"\x93NUMPY", 0, "npy", "a NumPy array"),
    (b"\x7fELF", 0, "elf", "a program (ELF)"),
    (b"MZ\x90", 0, "pe", "a program (PE)"),
    (b"\xca\xfe\xba\xbe", 0, "class", "a Java class or Mach-O program"),
    (b"\xcf\xfa\xed\xfe", 0, "macho", "a program (Mach-O)"),
    (b"\0asm", 0, "wasm", "a WebAssembly module"),
    (b"!<arch>\n", 0, "ar", "an ar archive or Debian package"),
    (b"\xed\xab\xee\xdb", 0, "rpm", "an RPM package"),
    (b"070701", 0, "cpio", "a cpio archive"),
    (b"070707", 0, "cpio", "a cpio archive"),
    (b"LZIP", 0, "lzip", "lzip data"),
    (b"\x89LZO", 0, "lzo", "lzop data"),
    (b"\x1f\x9d", 0, "compress", "data of `compress`"),
    (b"\xff\x06\0\0sNaPpY", 0, "snappy", "a snappy stream"),
    (b"Rar!\x1a\x07", 0, "rar", "a RAR archive"),
    (b"MSCF\0\0\0\0", 0, "cab", "a cabinet archive"),
    (b"CD001", 0x8001, "iso", "a disc image"),
    (b"8BPS", 0, "psd", "an image (Photoshop)"),
    (b"\0\0\x01\0", 0, "ico", "an icon"),
    (b"WAVE", 8, "wav", "a sound recording"),
    (b"AVI ", 8, "avi", "a film"),
    (b"ftyp", 4, "mp4", "a film or image (ISO media)"),
    (b"\x1aE\xdf\xa3", 0, "matroska", "a film (Matroska)"),
    (b"ID3\x02", 0, "mp3", "a sound recording"),
    (b"ID3\x03", 0, "mp3", "a sound recording"),
    (b"ID3\x04", 0, "mp3", "a sound recording"),
    (b"OggS\0", 0, "ogg", "a sound recording"),
    (b"fLaC\0", 0, "flac", "a sound recording"),
    (b"wOFF", 0, "font", "a font"),
    (b"wOF2", 0, "font", "a font"),
    (b"OTTO\0", 0, "font", "a font"),
    (b"\0\x01\0\0\0", 0, "font", "a font"),
    (b"\xd4\xc3\xb2\xa1", 0, "pcap", "a packet capture"),
    (b"\xa1\xb2\xc3\xd4", 0, "pcap", "a packet capture"),
    (b"\x0a\x0d\x0d\x0a", 0, "pcapng", "a packet capture"),
    (b"age-encryption.org/", 0, "age", "data encrypted with age"),
    (b"Salted__", 0, "openssl", "data encrypted with OpenSSL"),
];

/// Images whose metadata are read.
const IMAGES: &[(&[u8], usize, &str, &str)] = &[
    (b"\x89PNG\r\n\x1a\n", 0, "png", "an image (PNG)"),
    (b"\xff\xd8\xff", 0, "jpeg", "an image (JPEG)"),
    (b"GIF87a", 0, "gif", "an image (GIF)"),
    (b"GIF89a", 0, "gif", "an image (GIF)"),
    (b"II*\0", 0, "tiff", "an image (TIFF)"),
    (b"MM\0*", 0, "tiff", "an image (TIFF)"),
    (b"WEBP", 8, "webp", "an image (WebP)"),
    (b"ftypheic", 4, "heic", "an image (HEIC)"),
    (b"ftypheix", 4, "heic", "an image (HEIC)"),
    (b"ftypmif1", 4, "heic", "an image (HEIF)"),
    (b"ftypavif", 4, "avif", "an image (AVIF)"),
];

/// The format whose signature these bytes carry.
pub(super) fn by_signature(head: &[u8]) -> Option<Format> {
    match head {
        [0x1f, 0x8b, 8, ..] => return Some(Format::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => return Some(Format::Zstd),
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => return Some(behind_skippable_frames(head)),
        [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => return Some(Format::Lz4),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => return Some(Format::Xz),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => return Some(Format::SevenZ),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => return Some(Format::Bzip2),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => return Some(Format::Zip),
        // The first volume of a split archive, or one that was meant to be split.
        [b'P', b'K', 7, 8, b'P', b'K', 3, 4, ..] => return Some(Format::Zip),
        [b'P', b'A', b'R', b'1' | b'E', ..] if !head.iter().all(u8::is_ascii_graphic) => return Some(Format::Parquet),
        [b'O', b'R', b'C', ..] if !is_plain(head) => return Some(Format::Orc),
        [b'O', b'b', b'j', 1, ..] => return Some(Format::Avro),
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => return Some(Format::Ole),
        _ => {}
    }
    // Mail programs and printers put something before it; readers look for it in the first kilobyte.
    if memchr::memmem::find(&head[..head.len().min(1024)], b"%PDF-").is_some_and(|at| at == 0 || !is_plain(&head[at..]))
    {
        return Some(Format::Pdf);
    }
    if is_tar(head) {
        return Some(Format::Tar);
    }
    let starts =
        |(mark, at, ..): &&(&[u8], usize, &str, &str)| head.get(*at..).is_some_and(|rest| rest.starts_with(mark));
    if let Some((mark, _, format, what)) = IMAGES.iter().find(starts)
        && !(mark.starts_with(b"GIF") && is_plain(head))
    {
        return Some(Format::Image { format, what });
    }
    let known = KNOWN.iter().find(|(mark, at, ..)| head.get(*at..).is_some_and(|rest| rest.starts_with(mark)));
    // A word such as `DUCK` may begin a text; binary formats have zeros near their beginning.
    let known = known.filter(|(mark, ..)| !mark.iter().all(u8::is_ascii_graphic) || !is_plain(head) || mark.len() > 4);
    let known = known.map(|&(_, _, format, what)| Format::Unsupported { format, what });
    known.or_else(|| crate::bson::is_bson(head).then_some(Format::Bson))
}

/// Skippable frames are shared by two formats; what comes behind them decides.
fn behind_skippable_frames(head: &[u8]) -> Format {
    let mut rest = head;
    while let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, behind @ ..] = rest {
        rest = behind.get(u32::from_le_bytes([*a, *b, *c, *d]) as usize..).unwrap_or_default();
    }
    if matches!(rest, [0x04, 0x22, 0x4d, 0x18, ..]) { Format::Lz4 } else { Format::Zstd }
}

fn is_plain(head: &[u8]) -> bool {
    head.iter().take(512).all(|&b| b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r'))
}

/// Every tar header carries the sum of its own bytes, whatever its flavour.
fn is_tar(head: &[u8]) -> bool {
    let Some(header) = head.get(..512) else {
        return false;
    };
    let digits = header[148..156].iter().skip_while(|&&b| b == b' ').take_while(|b| (b'0'..=b'7').contains(b));
    let told = digits.fold(0u32, |sum, &b| sum.wrapping_mul(8).wrapping_add(u32::from(b - b'0')));
    let spaces = 8 * u32::from(b' ');
    let sum = |of: &[u8]| of.iter().map(|&b| u32::from(b)).sum::<u32>();
    told > spaces && told == sum(&header[..148]) + spaces + sum(&header[156..])
}
