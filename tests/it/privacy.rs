//! No raw value is in the index: not as it stands, not in another encoding, not under an unkeyed hash.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use sha2::{Digest as _, Sha256};

use crate::sandbox::Sandbox;

/// Values that are planted, each in every source, and in names and keys, too.
const VALUES: [&str; 6] = [
    "grace.quill@example.com",
    "+1 202-555-0147",
    "4111 1111 1111 1111",
    "192.0.2.177",
    "Grace Quillfeather",
    "1985-07-04",
];

#[test]
fn the_index_holds_no_raw_value() {
    let sandbox = Sandbox::new();
    plant(&sandbox);
    let run = sandbox.run(["scan", "data", "people.sqlite", "-v"]).exits(0);
    for value in VALUES {
        assert!(!run.stderr.contains(value) && !run.stdout.contains(value), "a value is in the output of the scan");
    }
    let email = sandbox.run(["find", "--email", VALUES[0]]).exits(0);
    assert!(email.stdout.lines().count() >= 6, "every planted copy is found:\n{}", email.stdout);
    sandbox.run(["report", "--format", "html"]).exits(0).nowhere(VALUES[0]).nowhere(VALUES[4]);
    let needles: Vec<(String, Vec<u8>)> = VALUES.iter().flat_map(|value| spellings(value)).collect();
    let mut files = 0;
    look_for(&sandbox.path(".residuum"), &needles, &mut files);
    assert!(files >= 4, "a catalog, a format file and a segment are looked at, {files} were");
}

fn plant(sandbox: &Sandbox) {
    let [email, phone, card, ip, name, born] = VALUES;
    sandbox
        .file("data/people.csv", format!("name,email,phone,card,born,ip\n{name},{email},{phone},{card},{born},{ip}\n"));
    let json = format!(
        "{{\"name\":\"{name}\",\"contact\":{{\"{email}\":{{\"phone\":\"{phone}\"}}}},\"email\":\"{email}\"}}\n"
    );
    sandbox.file("data/people.jsonl", json.repeat(2));
    sandbox.file("data/app.log", format!("10:00 login of {email} from {ip}, card {card}\n"));
    sandbox.file(format!("data/mail of {email}/note to {phone}.txt"), format!("Dear {name}, born on {born}"));
    sandbox.file("data/wide.txt", utf16(&format!("e-mail: {email}\n")));
    let sql = format!(
        "CREATE TABLE people (email TEXT PRIMARY KEY, name TEXT, phone TEXT, born TEXT, note TEXT);
         INSERT INTO people VALUES ('{email}', '{name}', '{phone}', '{born}', 'card {card} used from {ip}');"
    );
    let made = std::process::Command::new("sqlite3").arg(sandbox.path("people.sqlite")).arg(sql).status();
    assert!(made.expect("the sqlite3 program is installed").success());
}

/// A value as it might stand somewhere: in another case, encoding or hash.
fn spellings(value: &str) -> Vec<(String, Vec<u8>)> {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let mut plain = vec![value.to_owned(), value.to_lowercase(), value.to_uppercase(), value.replace('@', "%40")];
    if digits.len() >= 8 {
        plain.push(digits);
    }
    let mut all = Vec::new();
    for text in plain {
        let bytes = text.as_bytes();
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        all.push(("plain".to_owned(), bytes.to_vec()));
        all.push(("UTF-16".to_owned(), utf16(&text)));
        all.push(("Base64".to_owned(), STANDARD.encode(bytes).trim_end_matches('=').as_bytes()[..8].to_vec()));
        all.push(("URL-safe Base64".to_owned(), URL_SAFE_NO_PAD.encode(bytes).into_bytes()));
        all.push(("hex".to_owned(), hex(bytes).into_bytes()));
        all.push(("SHA-256".to_owned(), hash.to_vec()));
        all.push(("SHA-256 in hex".to_owned(), hex(&hash).into_bytes()));
        all.push(("SHA-256 in Base64".to_owned(), STANDARD.encode(hash).into_bytes()));
    }
    all
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Looks through every file, and through the decompressed content of segments.
fn look_for(directory: &Path, needles: &[(String, Vec<u8>)], files: &mut usize) {
    for entry in fs::read_dir(directory).expect("the index is a directory") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            look_for(&path, needles, files);
            continue;
        }
        *files += 1;
        let mut contents = vec![fs::read(&path).expect("a file of the index can be read")];
        if path.extension().is_some_and(|e| e == "parquet") {
            contents.push(decompressed(&path));
        }
        contents.push(path.to_string_lossy().into_owned().into_bytes());
        for (spelling, needle) in needles {
            let is_there = contents.iter().any(|content| memchr::memmem::find(content, needle).is_some());
            assert!(!is_there, "`{}` holds a planted value ({spelling})", path.display());
        }
    }
}

/// Everything in a segment, as text and as raw bytes.
fn decompressed(path: &Path) -> Vec<u8> {
    let file = fs::File::open(path).expect("a segment can be opened");
    let reader = SerializedFileReader::new(file).expect("a segment is a Parquet file");
    let mut all = Vec::new();
    for row in reader.get_row_iter(None).expect("it has rows") {
        for (name, field) in row.expect("a row can be read").get_column_iter() {
            all.extend_from_slice(name.as_bytes());
            if let parquet::record::Field::Bytes(bytes) = field {
                all.extend_from_slice(bytes.data());
            }
            all.extend_from_slice(field.to_string().as_bytes());
            all.push(b'\n');
        }
    }
    all
}
