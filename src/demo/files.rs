//! The company's text files: an export, events, logs and a mail.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::json;

use super::people::{CUSTOMERS, Chance, GERMANS, Person, SUBJECT};

/// The German customers as their old shop system exports them: semicolons, Latin-1, CR LF.
pub(super) fn export(path: &Path, people: &[Person]) -> io::Result<usize> {
    let mut text = "Kundennummer;Vorname;Nachname;E-Mail;Telefon;Straße;PLZ;Ort\r\n".to_owned();
    let german = &people[CUSTOMERS - GERMANS..];
    for p in german {
        let _ = write!(
            text,
            "{};{};{};{};{};{};{};{}\r\n",
            p.id, p.first, p.last, p.email, p.phone, p.street, p.postcode, p.city
        );
    }
    // Every character used here has a Latin-1 code equal to its number.
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    fs::write(path, latin)?;
    Ok(german.len())
}

/// What the web shop records: some events know the address, all know the customer number.
pub(super) fn events(path: &Path, people: &[Person], chance: &mut Chance) -> io::Result<usize> {
    const EVENTS: usize = 600;
    let mut text = String::new();
    for n in 0..EVENTS {
        let person =
            if n % 150 == 7 { &people[SUBJECT] } else { &people[chance.between(0, CUSTOMERS as u64 - 1) as usize] };
        let mut user = json!({ "id": person.id });
        if n % 3 == 1 {
            user["email"] = json!(person.email);
        }
        let event = json!({
            "ts": format!("2026-09-{:02}T{:02}:{:02}:{:02}Z", 1 + n / 25, n % 24, chance.between(0, 59), chance.between(0, 59)),
            "event": chance.pick(&["view", "add_to_cart", "checkout", "search"]),
            "user": user,
            "client": { "ip": person.ip, "device_id": person.device },
            "path": format!("/p/{}", chance.between(1000, 9999)),
        });
        let _ = writeln!(text, "{event}");
    }
    fs::write(path, text)?;
    Ok(EVENTS)
}

/// The web server's log. Newsletter links carry addresses, URL-encoded as browsers send them.
pub(super) fn access_log(path: &Path, people: &[Person], chance: &mut Chance) -> io::Result<usize> {
    const LINES: usize = 900;
    let mut text = String::new();
    for n in 0..LINES {
        let subject = n % 300 == 11;
        let person = if subject { &people[SUBJECT] } else { &people[chance.between(0, CUSTOMERS as u64 - 1) as usize] };
        let target = if subject || n % 40 == 3 {
            format!("/newsletter/confirm?email={}&token={:016x}", person.email.replace('@', "%40"), chance.next())
        } else {
            format!("/p/{}?v=4.12.{}", chance.between(1000, 9999), chance.between(0, 40))
        };
        let time = format!(
            "{:02}/Sep/2026:{:02}:{:02}:{:02} +0000",
            1 + n / 32,
            n % 24,
            chance.between(0, 59),
            chance.between(0, 59)
        );
        let (status, size) = (chance.pick(&[200, 200, 200, 304, 404]), chance.between(180, 98_000));
        let _ = writeln!(
            text,
            "{} - - [{time}] \"GET {target} HTTP/1.1\" {status} {size} \"-\" \"Mozilla/5.0\"",
            person.ip
        );
    }
    fs::write(path, text)?;
    Ok(LINES)
}

/// The application's log: hardly anything personal among many numbers that look as if.
pub(super) fn application_log(path: &Path, people: &[Person], chance: &mut Chance) -> io::Result<usize> {
    const LINES: usize = 700;
    let mut text = String::new();
    for n in 0..LINES {
        let time = format!(
            "2026-09-{:02} {:02}:{:02}:{:02},{:03}",
            1 + n / 25,
            n % 24,
            chance.between(0, 59),
            chance.between(0, 59),
            chance.between(0, 999)
        );
        let line = match n % 10 {
            // 7, 107, 207 … name somebody.
            7 if n % 100 == 7 => {
                let person =
                    if n == 307 { &people[SUBJECT] } else { &people[chance.between(0, CUSTOMERS as u64 - 1) as usize] };
                format!("WARN  mail bounced for <{}>, will retry", person.email)
            }
            0..=3 => format!(
                "INFO  order {} priced at {}.{:02}, sku SKU-{}-{}-{}",
                chance.between(70_000, 71_000),
                chance.between(5, 400),
                chance.between(0, 99),
                chance.between(100, 899),
                chance.between(10, 99),
                chance.between(1000, 9999)
            ),
            4..=6 => format!(
                "DEBUG request {} took {} ms (build 4.12.{})",
                chance.uuid(),
                chance.between(1, 900),
                chance.between(0, 40)
            ),
            _ => format!(
                "INFO  cache key {:016x}{:016x} expires at {}",
                chance.next(),
                chance.next(),
                1_790_000_000 + chance.between(0, 900_000)
            ),
        };
        let _ = writeln!(text, "{time} {line}");
    }
    fs::write(path, text)?;
    Ok(LINES)
}

/// A mail somebody saved.
pub(super) fn mail(path: &Path, person: &Person) -> io::Result<()> {
    let Person { first, last, email, phone, street, city, state, postcode, .. } = person;
    let text = format!(
        "From: {first} {last} <{email}>\n\
         To: Larkspur Outfitters <support@larkspur.example.com>\n\
         Date: Mon, 14 Sep 2026 09:12:44 +0000\n\
         Subject: please delete my account\n\
         \n\
         Hello,\n\
         \n\
         I no longer shop with you. Please delete everything you hold about me and confirm it.\n\
         You have had {email} on file, and my number {phone}.\n\
         \n\
         {first} {last}\n\
         {street}\n\
         {city}, {state} {postcode}\n"
    );
    fs::write(path, text)
}
