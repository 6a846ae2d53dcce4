//! The company's warehouse and its archive: Parquet files, and a zip with a CSV and a tar.gz in it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use sha2::{Digest as _, Sha256};

use super::people::{CUSTOMERS, Chance, Person, SUBJECT};

/// The newsletter list: addresses only as SHA-256, as an advertising platform takes them.
pub(super) fn newsletter(path: &Path, people: &[Person], chance: &mut Chance) -> io::Result<usize> {
    let on_it: Vec<_> =
        people.iter().enumerate().filter(|(i, _)| *i == SUBJECT || !chance.one_in(4)).map(|(_, p)| p).collect();
    let digest = |p: &&Person| {
        let digest = Sha256::digest(p.email.to_lowercase());
        digest.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    };
    let digests: ArrayRef = Arc::new(StringArray::from_iter_values(on_it.iter().map(digest)));
    let opted_in: ArrayRef = Arc::new(BooleanArray::from_iter(on_it.iter().map(|_| Some(!chance.one_in(5)))));
    let topic: ArrayRef =
        Arc::new(StringArray::from_iter_values(on_it.iter().map(|_| chance.pick(&["hiking", "climbing", "sale"]))));
    parquet(path, [("email_sha256", digests), ("opted_in", opted_in), ("topic", topic)], 64)?;
    Ok(on_it.len())
}

/// Shipments, a row each: the customer number, and where the parcel went.
pub(super) fn shipments(path: &Path, people: &[Person], chance: &mut Chance) -> io::Result<usize> {
    let mut rows: Vec<_> = (0..400).map(|_| &people[chance.between(0, CUSTOMERS as u64 - 1) as usize]).collect();
    rows[123] = &people[SUBJECT];
    let number: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows.len() as i64));
    let customer: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|p| i64::from(p.id))));
    let street: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|p| p.street.as_str())));
    let postcode: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|p| p.postcode.as_str())));
    let weight: ArrayRef =
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|_| chance.between(200, 9000) as f64 / 1000.0)));
    let columns = [
        ("shipment", number),
        ("customer_id", customer),
        ("ship_to_street", street),
        ("ship_to_zip", postcode),
        ("weight_kg", weight),
    ];
    parquet(path, columns, 100)?;
    Ok(rows.len())
}

/// Last year, put away: a zip with the returns as CSV and a tar.gz of letters.
pub(super) fn archive(path: &Path, people: &[Person], chance: &mut Chance) -> io::Result<usize> {
    let mut returns = "return_id,customer_email,reason,refund_usd\n".to_owned();
    for n in 0..50 {
        let person = if n == 17 { &people[SUBJECT] } else { &people[chance.between(0, CUSTOMERS as u64 - 1) as usize] };
        let reason = chance.pick(&["\"too small, sorry\"", "damaged", "changed my mind"]);
        let _ = writeln!(
            returns,
            "R-{:05},{},{reason},{}.{:02}",
            20_000 + n,
            person.email,
            chance.between(9, 220),
            chance.between(0, 99)
        );
    }
    let mut zip = zip::ZipWriter::new(File::create(path)?);
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("2025/returns.csv", options)?;
    zip.write_all(returns.as_bytes())?;
    zip.start_file("2025/letters.tar.gz", options)?;
    zip.write_all(&letters(people)?)?;
    zip.finish()?;
    Ok(50)
}

fn letters(people: &[Person]) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), flate2::Compression::default()));
    for person in [&people[3], &people[SUBJECT], &people[90]] {
        let Person { first, last, street, city, state, postcode, phone, id, .. } = person;
        let text = format!(
            "Dear {first} {last},\n\nyour membership card is on its way to\n\n    {street}\n    {city}, {state} {postcode}\n\n\
             If anything is wrong we will call you at {phone}.\n"
        );
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_767_225_600);
        tar.append_data(&mut header, format!("letters/welcome-{id}.txt"), text.as_bytes())?;
    }
    tar.into_inner()?.finish()
}

fn parquet<const N: usize>(path: &Path, columns: [(&str, ArrayRef); N], rows_in_group: usize) -> io::Result<()> {
    let batch = RecordBatch::try_from_iter(columns).map_err(io::Error::other)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(rows_in_group))
        .set_created_by("residuum demo".to_owned())
        .build();
    let mut writer =
        ArrowWriter::try_new(File::create(path)?, batch.schema(), Some(properties)).map_err(io::Error::other)?;
    writer.write(&batch).map_err(io::Error::other)?;
    writer.close().map_err(io::Error::other)?;
    Ok(())
}
