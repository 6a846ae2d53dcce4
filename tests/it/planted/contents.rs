//! Files of many formats with the same rows in them, each written by a library or program of its own.

use std::io::{Cursor, Write as _};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::people::{ROLE, Row, gzip};
use crate::servers::sqlite;

pub fn csv(rows: &[Row]) -> Vec<u8> {
    let line = |row: &Row| {
        let Row { id, first, last, email, phone, ssn, .. } = row;
        format!("{id},{},{first},{last},{email},\"{phone}\",{ssn}\n", row.tag())
    };
    let lines: String = rows.iter().map(line).collect();
    format!("id,ref,first_name,last_name,email,phone,ssn\n{lines}").into_bytes()
}

/// An array of people, each with contacts within.
pub fn json_array(rows: &[Row]) -> Vec<u8> {
    let one = |row: &Row| {
        let Row { id, first, last, email, phone, .. } = row;
        json!({"id": id, "ref": row.tag(), "name": {"first": first, "last": last},
            "contacts": [{"email": email}, {"phone": phone}]})
    };
    serde_json::to_vec_pretty(&rows.iter().map(one).collect::<Vec<_>>()).expect("it is JSON")
}

pub fn json_lines(rows: &[Row]) -> Vec<u8> {
    let line = |row: &Row| {
        format!("{}\n", json!({"event": "open", "ref": row.tag(), "user": {"email": row.email, "phone": row.phone}}))
    };
    rows.iter().map(line).collect::<String>().into_bytes()
}

pub fn log(rows: &[Row]) -> Vec<u8> {
    let line = |row: &Row| format!("2026-01-31T08:15:42Z {} login of {} from web\n", row.tag(), row.one);
    rows.iter().map(line).collect::<String>().into_bytes()
}

pub fn dump(rows: &[Row]) -> Vec<u8> {
    let mut sql = "CREATE TABLE people (id int, ref text, email text, phone text, ssn text);\n".to_owned();
    for row in rows {
        let Row { id, email, phone, ssn, .. } = row;
        sql += &format!("INSERT INTO people VALUES ({id}, '{}', '{email}', '{phone}', '{ssn}');\n", row.tag());
    }
    sql.into_bytes()
}

/// Digests of addresses and nothing else.
pub fn digests(rows: &[Row]) -> Vec<u8> {
    let line = |row: &Row| format!("{},{}\n", row.tag(), row.digest());
    format!("ref,match_key\n{}", rows.iter().map(line).collect::<String>()).into_bytes()
}

/// A queue of messages whose payload is in Base64.
pub fn base64_lines(rows: &[Row]) -> Vec<u8> {
    let line = |row: &Row| format!("{}\n", json!({"ref": row.tag(), "payload": STANDARD.encode(payload(row))}));
    rows.iter().map(line).collect::<String>().into_bytes()
}

/// The same, compressed before.
pub fn gzip_in_csv(rows: &[Row]) -> Vec<u8> {
    let line = |row: &Row| format!("{},{}\n", row.tag(), STANDARD.encode(gzip(payload(row).as_bytes())));
    format!("ref,body\n{}", rows.iter().map(line).collect::<String>()).into_bytes()
}

/// What an application keeps in one piece.
pub fn payload(row: &Row) -> String {
    json!({"template": "welcome", "to": row.one, "ref": row.tag()}).to_string()
}

fn workbook(rows: &[Row], unused: &[String]) -> Vec<u8> {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let mut strings: Vec<String> = Vec::new();
    let mut sheet = String::new();
    let header = ["ref", "name", "email", "phone"].map(str::to_owned);
    let cells = |row: &Row| {
        let name = format!("{} {}", row.first, row.last);
        [row.tag(), name.trim().to_owned(), row.email.clone(), row.phone.clone()]
    };
    for (at, row) in std::iter::once(header).chain(rows.iter().map(cells)).enumerate() {
        sheet += &format!("<row r=\"{}\">", at + 1);
        for (column, text) in ["A", "B", "C", "D"].iter().zip(row).filter(|(_, text)| !text.is_empty()) {
            sheet += &format!("<c r=\"{column}{}\" t=\"s\"><v>{}</v></c>", at + 1, strings.len());
            strings.push(text);
        }
        sheet += "</row>";
    }
    strings.extend(unused.iter().cloned());
    let strings: String = strings.iter().map(|text| format!("<si><t>{}</t></si>", escape(text))).collect();
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    const TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let members = [
        (
            "[Content_Types].xml",
            format!(
                "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
                 ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
                 <Override PartName=\"/xl/workbook.xml\" ContentType=\"{TYPE}.sheet.main+xml\"/>\
                 <Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"{TYPE}.worksheet+xml\"/>\
                 <Override PartName=\"/xl/sharedStrings.xml\" ContentType=\"{TYPE}.sharedStrings+xml\"/></Types>"
            ),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" \
                 Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"People\" sheetId=\"1\" \
                 r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/worksheet\" \
                 Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"rId2\" Type=\"{OFFICE}/sharedStrings\" \
                 Target=\"sharedStrings.xml\"/></Relationships>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{sheet}</sheetData></worksheet>")),
        ("xl/sharedStrings.xml", format!("<sst xmlns=\"{MAIN}\">{strings}</sst>")),
    ];
    zip(&members.iter().map(|(name, text)| (*name, text.as_bytes())).collect::<Vec<_>>())
}

pub fn xlsx(rows: &[Row]) -> Vec<u8> {
    workbook(rows, &[])
}

/// A workbook in which the last of the rows stands in the table of strings only, as Excel leaves it.
pub fn xlsx_unused(rows: &[Row], last: &Row) -> Vec<u8> {
    workbook(rows, std::slice::from_ref(&last.email))
}

/// A mailbox, written by Python.
pub fn mbox(rows: &[Row]) -> Vec<u8> {
    let script = r#"
import json, mailbox, os, sys, tempfile
from email.message import EmailMessage
path = os.path.join(tempfile.mkdtemp(), 'box')
box = mailbox.mbox(path)
for row in json.load(sys.stdin):
    message = EmailMessage()
    message['From'] = row['from']
    message['To'] = row['to']
    message['Subject'] = 'About ' + row['ref']
    message.set_content('Please call back: ' + row['phone'] + '\n')
    box.add(message)
box.close()
sys.stdout.buffer.write(open(path, 'rb').read())
os.remove(path); os.rmdir(os.path.dirname(path))
"#;
    let row = |row: &Row| json!({"from": row.email, "to": ROLE, "ref": row.tag(), "phone": row.phone});
    let rows = serde_json::to_vec(&rows.iter().map(row).collect::<Vec<_>>()).expect("it is JSON");
    piped("python3", &["-c", script], &rows)
}

/// What a program makes of some bytes.
pub fn piped(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|e| panic!("{program}: {e}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer does not panic");
    assert!(output.status.success(), "{program} {arguments:?}");
    output.stdout
}

pub fn log_gz(rows: &[Row]) -> Vec<u8> {
    gzip(&log(rows))
}

pub fn json_lines_zst(rows: &[Row]) -> Vec<u8> {
    piped("zstd", &["-q", "-c"], &json_lines(rows))
}

pub fn dump_gz(rows: &[Row]) -> Vec<u8> {
    gzip(&dump(rows))
}

pub fn tar_gz(rows: &[Row]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in [("read.me", b"nobody in here\n".to_vec()), ("export/people.csv", csv(rows))] {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, &*content).expect("memory takes everything");
    }
    gzip(&tar.into_inner().expect("memory takes everything"))
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a name");
        zip.write_all(content).expect("memory takes everything");
    }
    zip.finish().expect("memory takes everything").into_inner()
}

pub fn zip_in_zip(rows: &[Row]) -> Vec<u8> {
    let inner = zip(&[("people.csv", &csv(rows)), ("read.me", b"nobody in here\n")]);
    zip(&[("2025/inner.zip", &inner), ("other.txt", b"nothing personal\n")])
}

fn database(sql: &str) -> Vec<u8> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("made.db");
    sqlite(&path, sql);
    std::fs::read(path).expect("it was made")
}

fn sessions(rows: &[Row]) -> String {
    let insert = |row: &Row| {
        let Row { id, email, phone, .. } = row;
        format!("INSERT INTO sessions VALUES ({id}, '{}', '{email}', '{phone}');\n", row.tag())
    };
    let rows: String = rows.iter().map(insert).collect();
    format!("CREATE TABLE sessions (id INTEGER PRIMARY KEY, ref TEXT, email TEXT, phone TEXT);\n{rows}")
}

pub fn sqlite_file(rows: &[Row]) -> Vec<u8> {
    database(&sessions(rows))
}

/// A database from which the last row was deleted, and nothing was written over it.
pub fn sqlite_freed(rows: &[Row], last: &Row) -> Vec<u8> {
    let all = [rows, std::slice::from_ref(last)].concat();
    database(&format!("PRAGMA secure_delete = OFF;\n{}DELETE FROM sessions WHERE id = {};", sessions(&all), last.id))
}

/// A database and its write-ahead log, in which the last row came and went: as a program leaves them that was killed.
pub fn sqlite_logged(rows: &[Row], last: &Row) -> (Vec<u8>, Vec<u8>) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("made.db");
    std::fs::write(&path, sqlite_file(rows)).expect("it can be written");
    let script = r#"
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
for sql in ['PRAGMA journal_mode = WAL', 'PRAGMA wal_autocheckpoint = 0', sys.argv[2], sys.argv[3]]: db.execute(sql)
os._exit(0)
"#;
    let path = path.to_str().expect("it is text");
    let Row { id, email, phone, .. } = last;
    let insert = format!("INSERT INTO sessions VALUES ({id}, '{}', '{email}', '{phone}')", last.tag());
    let delete = format!("DELETE FROM sessions WHERE id = {id}");
    piped("python3", &["-c", script, path, &insert, &delete], b"");
    let read = |path: &str| std::fs::read(path).expect("it was made");
    (read(path), read(&format!("{path}-wal")))
}
