//! What a user of a corpus relies on: the same bytes for a seed, and a truth that is true.

use super::*;
use base64::Engine as _;
use std::io::Read;

fn small(seed: u64) -> (tempfile::TempDir, Corpus) {
    let dir = tempfile::tempdir().unwrap();
    let corpus = Corpus::generate(dir.path(), seed, 1_500_000, &Mix::estate()).unwrap();
    (dir, corpus)
}

/// Every file under a directory with its bytes, by name.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

fn relative(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let name = |(path, bytes): (PathBuf, _)| (path.strip_prefix(dir).unwrap().to_owned(), bytes);
    contents(dir).into_iter().map(name).collect()
}

/// An object's bytes after decompression.
fn object(corpus: &Corpus, name: &str) -> Vec<u8> {
    let Some((outer, inner)) = name.split_once('!') else { return fs::read(corpus.data().join(name)).unwrap() };
    let file = fs::File::open(corpus.data().join(outer)).unwrap();
    let mut bytes = Vec::new();
    if outer.ends_with(".gz") {
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    } else {
        zip::ZipArchive::new(file).unwrap().by_name(inner).unwrap().read_to_end(&mut bytes).unwrap();
    }
    bytes
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let ((a, _), (b, _), (c, _)) = (small(7), small(7), small(8));
    assert!(relative(a.path()) == relative(b.path()));
    assert!(relative(&a.path().join("data")) != relative(&c.path().join("data")));
}

#[test]
fn a_corpus_is_as_large_as_asked_and_has_every_family() {
    let (_dir, corpus) = small(1);
    let deviation = corpus.bytes().abs_diff(corpus.size);
    assert!(deviation < corpus.size / 20, "{deviation}");
    for family in Family::ALL {
        assert!(corpus.files.iter().any(|file| file.family == family && file.bytes > 0), "{family}");
    }
}

#[test]
fn one_is_reused_and_a_foreign_directory_is_left_alone() {
    let (dir, corpus) = small(1);
    let marker = dir.path().join("data/marker");
    fs::write(&marker, "").unwrap();
    assert_eq!(Corpus::reuse_or_generate(dir.path(), 1, 1_500_000, &Mix::estate()).unwrap(), corpus);
    assert!(marker.exists());
    Corpus::reuse_or_generate(dir.path(), 2, 1_500_000, &Mix::estate()).unwrap();
    assert!(!marker.exists());

    let foreign = tempfile::tempdir().unwrap();
    fs::write(foreign.path().join("thesis.txt"), "mine").unwrap();
    let refused = Corpus::generate(foreign.path(), 1, 1000, &Mix::estate());
    assert!(matches!(refused, Err(CorpusError::Foreign(_))));
    assert_eq!(contents(foreign.path()).len(), 1);
}

#[test]
fn what_the_truth_points_at_is_what_it_says() {
    let (_dir, corpus) = small(3);
    let mut seen = BTreeMap::<_, Items>::new();
    let mut forms = Vec::new();
    let mut current = (String::new(), Vec::new(), 0);
    let check = |truth: Truth| {
        if current.0 != truth.file {
            current = (truth.file.clone(), object(&corpus, &truth.file), 0);
        }
        let value = &current.1[truth.byte_start as usize..truth.byte_end as usize];
        let text = std::str::from_utf8(value).unwrap();
        assert!(truth.byte_start >= current.2, "items follow each other without overlap: {truth:?}");
        current.2 = truth.byte_end;
        let text = match truth.form {
            Form::Plain => text.to_owned(),
            Form::Url => text.replace("%40", "@").replace("%2B", "+"),
            Form::Json => text.replace("\\u0040", "@"),
            Form::Xml => text.replace("&#64;", "@"),
            Form::Base64 => {
                let inside = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
                let json: serde_json::Value = serde_json::from_slice(&inside).unwrap();
                json["email"].as_str().unwrap().to_owned()
            }
        };
        assert!(is_one(truth.kind, &text), "{truth:?}");
        assert!((1..=corpus.people.max(2000)).contains(&truth.subject), "{truth:?}");
        if !forms.contains(&truth.form) {
            forms.push(truth.form);
        }
        let items = seen.entry(truth.kind).or_default();
        if truth.optional { items.optional += 1 } else { items.required += 1 }
    };
    corpus.truth(check).unwrap();
    assert_eq!(seen, corpus.items());
    assert_eq!(seen.len(), Kind::ALL.len(), "every type occurs: {seen:?}");
    assert_eq!(forms.len(), 5, "every form occurs: {forms:?}");
}

/// Whether a text is of a type, and from the ranges that belong to no one.
fn is_one(kind: Kind, text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let dates = |parts: &[&str]| parts.len() == 3 && parts.iter().all(|p| p.bytes().all(|b| b.is_ascii_digit()));
    match kind {
        Kind::Email => {
            let (local, host) = text.split_once('@').unwrap_or_default();
            let host = host.to_ascii_lowercase();
            let reserved = ["example.com", "example.org", "example.net", ".example"];
            !local.is_empty() && reserved.iter().any(|end| host.ends_with(end))
        }
        Kind::Phone => {
            let national = if digits.len() == 11 { digits.strip_prefix('1').unwrap_or_default() } else { &digits };
            national.len() == 10 && &national[3..8] == "55501"
        }
        Kind::UsSsn => {
            let area = digits[..3].parse::<u16>().unwrap_or(0);
            let issued_later = (734..=749).contains(&area) || (773..=899).contains(&area);
            digits.len() == 9 && issued_later && &digits[3..5] != "00" && &digits[5..] != "0000"
        }
        Kind::CreditCard => {
            let number: u64 = digits.parse().unwrap();
            matches!(digits.len(), 15 | 16) && values::luhn_digit(number / 10) == number % 10
        }
        Kind::Iban => {
            let turned = format!("{}{}", &text[4..], &text[..4]);
            let value = |c: char| c.to_digit(36).unwrap();
            let rest = turned.chars().fold(0, |rest, c| {
                let digit = value(c);
                (rest * if digit > 9 { 100 } else { 10 } + digit) % 97
            });
            rest == 1 && text.len() == 22
        }
        Kind::IpAddress => match text.parse() {
            Ok(std::net::IpAddr::V4(v4)) => {
                let [a, b, ..] = v4.octets();
                v4.is_documentation() || (a, b & 0xfe) == (198, 18)
            }
            Ok(std::net::IpAddr::V6(v6)) => v6.segments()[..2] == [0x2001, 0xdb8],
            Err(_) => false,
        },
        Kind::DateOfBirth => dates(&text.split(['-', '/']).collect::<Vec<_>>()),
        Kind::DeviceId => {
            let lengths: Vec<_> = text.split('-').map(str::len).collect();
            lengths == [8, 4, 4, 4, 12] && text.as_bytes()[14] == b'4'
        }
        Kind::PostalCode => text.len() == 5 && digits.len() == 5,
        Kind::Key => text == digits,
        Kind::StreetAddress => text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(' '),
        Kind::PersonName | Kind::City | Kind::Username => !text.is_empty() && !text.contains(','),
    }
}

#[test]
fn csv_rows_and_json_lines_are_well_formed() {
    let (_dir, corpus) = small(5);
    for file in corpus.files.iter().filter(|file| file.family == Family::Orders) {
        let bytes = fs::read(corpus.data().join(&file.file)).unwrap();
        let lines: Vec<_> = bytes.split(|&b| b == b'\n').filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.len() as u64, file.records);
        for line in lines {
            serde_json::from_slice::<serde_json::Value>(line).unwrap();
        }
    }
    for file in corpus.files.iter().filter(|file| file.family == Family::Crm) {
        let text = fs::read_to_string(corpus.data().join(&file.file)).unwrap();
        let (mut quoted, mut commas, mut rows) = (false, 0, 0);
        for c in text.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => commas += 1,
                '\n' if !quoted => {
                    assert_eq!(commas, 19, "row {rows} of {}", file.file);
                    (commas, rows) = (0, rows + 1);
                }
                _ => {}
            }
        }
        assert_eq!(rows, file.records + 1);
    }
}

#[test]
fn a_mix_is_given_as_text() {
    assert_eq!("estate".parse(), Ok(Mix::estate()));
    assert_eq!("web".parse(), Ok(Mix::only(Family::Web)));
    let shares: Vec<_> = "web=3,app=1".parse::<Mix>().unwrap().shares(100).collect();
    assert_eq!(shares, [(Family::Web, 75), (Family::App, 25)]);
    for wrong in ["mail", "web=0", "web=much", ""] {
        assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
    }
}
