//! Columns whose pages are put together here rather than by the general writer of Parquet, which takes each fingerprint
//! as an object of its own with a counted reference and looks up each small number in a hash table. That was a third of
//! the time of writing a segment. What comes out is the same format: plain fingerprints, numbers by a dictionary.

use std::io::Write as _;

use bytes::Bytes;
use hashbrown::HashMap;
use parquet::basic::{BoundaryOrder, Compression, Encoding, Type};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use residuum_detect::Fingerprint;

use super::PAGE_ROWS;
use super::write::GroupWriter;

/// Writes the group's next column: fingerprints as they are.
///
/// `ordered` says that they ascend, and gives every page its least and greatest.
pub(super) fn fingerprints<R>(
    group: &mut GroupWriter<'_>,
    column: ColumnDescPtr,
    rows: &[R],
    (ordered, compress): (bool, bool),
    fp: impl Fn(&R) -> Fingerprint,
) -> Result<(), ParquetError> {
    let mut chunk = Chunk::new(rows.len() * 16, compress);
    let mut index = ordered.then(|| ColumnIndexBuilder::new(Type::FIXED_LEN_BYTE_ARRAY));
    let mut bytes = Vec::with_capacity(PAGE_ROWS * 16);
    for rows in rows.chunks(PAGE_ROWS) {
        bytes.clear();
        rows.iter().for_each(|row| bytes.extend_from_slice(&fp(row).0));
        if let (Some(index), [first, .., last] | [first @ last]) = (&mut index, rows) {
            index.append(false, fp(first).0.to_vec(), fp(last).0.to_vec(), 0);
        }
        chunk.data(&bytes, rows.len(), Encoding::PLAIN)?;
    }
    let ends = rows.first().zip(rows.last()).filter(|_| ordered);
    let ends = ends.map(|(first, last)| [first, last].map(|row| ByteArray::from(fp(row).0.to_vec()).into()));
    let statistics = ends
        .map(|[least, greatest]| Statistics::fixed_len_byte_array(Some(least), Some(greatest), None, Some(0), false));
    chunk.append_to(group, column, index, statistics)
}

/// Writes the group's next column: numbers, few of which differ, by a dictionary of them.
pub(super) fn numbers<R>(
    group: &mut GroupWriter<'_>,
    column: ColumnDescPtr,
    rows: &[R],
    compress: bool,
    number: impl Fn(&R) -> u32,
) -> Result<(), ParquetError> {
    let mut numbers: Vec<u32> = rows.iter().map(number).collect();
    let dictionary = Dictionary::of(&numbers);
    let mut chunk = Chunk::new(numbers.len(), compress);
    chunk.dictionary(&dictionary.values)?;
    let mut bytes = Vec::new();
    for codes in numbers.chunks_mut(PAGE_ROWS) {
        codes.iter_mut().for_each(|number| *number = dictionary.code(*number));
        bytes.clear();
        write_codes(codes, dictionary.width(), &mut bytes);
        chunk.data(&bytes, codes.len(), Encoding::RLE_DICTIONARY)?;
    }
    chunk.append_to(group, column, None, None)
}

/// The different numbers of a column and the code of each.
struct Dictionary {
    values: Vec<u32>,
    /// Codes of small numbers by the number.
    small: Vec<u32>,
    others: HashMap<u32, u32>,
}

impl Dictionary {
    /// Numbers below it are coded by a table; nearly all are.
    const SMALL: u32 = 1 << 14;
    const NONE: u32 = u32::MAX;

    fn of(numbers: &[u32]) -> Self {
        let mut of = Self { values: Vec::new(), small: Vec::new(), others: HashMap::new() };
        let mut last = None;
        for &number in numbers {
            if last == Some(number) {
                continue;
            }
            last = Some(number);
            let next = of.values.len() as u32;
            let at = number as usize;
            let code = if number < Self::SMALL {
                if at >= of.small.len() {
                    of.small.resize((at + 1).next_power_of_two(), Self::NONE);
                }
                &mut of.small[at]
            } else {
                of.others.entry(number).or_insert(Self::NONE)
            };
            if *code == Self::NONE {
                *code = next;
                of.values.push(number);
            }
        }
        of
    }

    #[inline]
    fn code(&self, number: u32) -> u32 {
        self.small.get(number as usize).copied().unwrap_or_else(|| self.others[&number])
    }

    /// Bits of a code.
    fn width(&self) -> u32 {
        (u32::BITS - (self.values.len() as u32).saturating_sub(1).leading_zeros()).max(1)
    }
}

/// Codes of `width` bits as a page has them: one run if all are the same, else packed, the lowest bits first.
fn write_codes(codes: &[u32], width: u32, out: &mut Vec<u8>) {
    out.push(width as u8);
    if codes.iter().all(|code| *code == codes[0]) {
        write_varint(codes.len() << 1, out);
        out.extend_from_slice(&codes[0].to_le_bytes()[..width.div_ceil(8) as usize]);
        return;
    }
    write_varint(codes.len().div_ceil(8) << 1 | 1, out);
    for eight in codes.chunks(8) {
        let end = out.len() + width as usize;
        let (mut word, mut bits) = (0u64, 0);
        for code in eight {
            word |= u64::from(*code) << bits;
            bits += width;
            if bits >= 32 {
                out.extend_from_slice(&(word as u32).to_le_bytes());
                (word, bits) = (word >> 32, bits - 32);
            }
        }
        let rest = word.to_le_bytes();
        let missing = end - out.len();
        out.extend_from_slice(&rest[..missing.min(8)]);
        out.resize(end, 0);
    }
}

fn write_varint(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A column of a row group, page by page.
struct Chunk {
    pages: TrackedWrite<Vec<u8>>,
    compress: bool,
    /// What is known of the data pages.
    offsets: OffsetIndexBuilder,
    encodings: Vec<PageEncodingStats>,
    dictionary_at: Option<i64>,
    data_at: Option<i64>,
    rows: usize,
    uncompressed: usize,
}

impl Chunk {
    fn new(bytes: usize, compress: bool) -> Self {
        Self {
            pages: TrackedWrite::new(Vec::with_capacity(bytes)),
            compress,
            offsets: OffsetIndexBuilder::new(),
            encodings: Vec::new(),
            dictionary_at: None,
            data_at: None,
            rows: 0,
            uncompressed: 0,
        }
    }

    fn dictionary(&mut self, values: &[u32]) -> Result<(), ParquetError> {
        let plain: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let page = Page::DictionaryPage {
            buf: self.packed(&plain),
            num_values: values.len() as u32,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        let (at, _) = self.page(page, plain.len())?;
        self.dictionary_at = Some(at);
        Ok(())
    }

    fn data(&mut self, plain: &[u8], rows: usize, encoding: Encoding) -> Result<(), ParquetError> {
        let page = Page::DataPage {
            buf: self.packed(plain),
            num_values: rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let (at, bytes) = self.page(page, plain.len())?;
        self.data_at.get_or_insert(at);
        self.offsets.append_row_count(rows as i64);
        self.offsets.append_offset_and_size(at, bytes);
        self.rows += rows;
        Ok(())
    }

    fn packed(&self, plain: &[u8]) -> Bytes {
        if self.compress { lz4_flex::block::compress(plain).into() } else { Bytes::copy_from_slice(plain) }
    }

    /// Writes a page; gives its place and its bytes, header included.
    fn page(&mut self, page: Page, uncompressed: usize) -> Result<(i64, i32), ParquetError> {
        let (page_type, encoding) = (page.page_type(), page.encoding());
        let spec = SerializedPageWriter::new(&mut self.pages).write_page(CompressedPage::new(page, uncompressed))?;
        match self.encodings.last_mut() {
            Some(last) if last.page_type == page_type => last.count += 1,
            _ => self.encodings.push(PageEncodingStats { page_type, encoding, count: 1 }),
        }
        self.uncompressed += spec.uncompressed_size;
        Ok((spec.offset as i64, spec.compressed_size as i32))
    }

    fn append_to(
        mut self,
        group: &mut GroupWriter<'_>,
        column: ColumnDescPtr,
        index: Option<ColumnIndexBuilder>,
        statistics: Option<Statistics>,
    ) -> Result<(), ParquetError> {
        self.pages.flush()?;
        let bytes = self.pages.into_inner()?;
        let codec = if self.compress { Compression::LZ4_RAW } else { Compression::UNCOMPRESSED };
        let mut encodings: Vec<Encoding> = self.encodings.iter().map(|stats| stats.encoding).collect();
        encodings.push(Encoding::RLE);
        let mut metadata = ColumnChunkMetaData::builder(column)
            .set_compression(codec)
            .set_encodings(encodings)
            .set_page_encoding_stats(self.encodings)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(self.uncompressed as i64)
            .set_num_values(self.rows as i64)
            .set_data_page_offset(self.data_at.unwrap_or(0))
            .set_dictionary_page_offset(self.dictionary_at);
        if let Some(statistics) = statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let index = index.map(|mut index| {
            index.set_boundary_order(BoundaryOrder::ASCENDING);
            index.build()
        });
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: self.rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: index.transpose()?,
            offset_index: Some(self.offsets.build()),
        };
        group.append_column(&Bytes::from(bytes), close)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the format says a page of codes means.
    fn read_codes(page: &[u8], rows: usize) -> Vec<u32> {
        let width = usize::from(page[0]);
        let (mut header, mut at) = (0usize, 1);
        loop {
            header |= usize::from(page[at] & 0x7f) << (7 * (at - 1));
            at += 1;
            if page[at - 1] < 0x80 {
                break;
            }
        }
        let number =
            |bits: &mut dyn Iterator<Item = bool>| bits.zip(0..).fold(0, |n, (bit, i)| n | u32::from(bit) << i);
        let mut bits = page[at..].iter().flat_map(|byte| (0..8).map(move |i| byte >> i & 1 == 1));
        if header & 1 == 0 {
            assert_eq!(page.len() - at, width.div_ceil(8));
            return vec![number(&mut bits); header >> 1];
        }
        assert_eq!(page.len() - at, (header >> 1) * width);
        (0..rows).map(|_| number(&mut bits.by_ref().take(width))).collect()
    }

    #[test]
    fn codes_come_back_in_every_width() {
        for width in 1..=32u32 {
            let greatest = u32::MAX >> (32 - width);
            for rows in [1, 7, 8, 9, 64, 1000] {
                let mixed: Vec<u32> = (0..rows).map(|i: u32| i.wrapping_mul(0x9E37_79B9) & greatest).collect();
                for codes in [mixed, vec![greatest; rows as usize]] {
                    let mut page = Vec::new();
                    write_codes(&codes, width, &mut page);
                    assert_eq!(read_codes(&page, codes.len()), codes, "{width} bits");
                }
            }
        }
    }

    #[test]
    fn a_dictionary_codes_small_and_large_numbers() {
        let numbers = [7, 7, 0, u32::MAX, Dictionary::SMALL, 7, Dictionary::SMALL - 1, u32::MAX];
        let dictionary = Dictionary::of(&numbers);
        assert_eq!(dictionary.values, [7, 0, u32::MAX, Dictionary::SMALL, Dictionary::SMALL - 1]);
        assert_eq!(dictionary.width(), 3);
        for number in numbers {
            assert_eq!(dictionary.values[dictionary.code(number) as usize], number);
        }
        assert_eq!(Dictionary::of(&[5, 5]).width(), 1);
    }
}
