//! Values that are plausible under a field's name: not proof, but enough where the name says what they are.

use super::{all_digits, date, geo, net, number, phone as phones, repeated, vehicle};

/// What people and programs write where there is nothing.
const FILLERS: &[&[u8]] = &[
    b"n/a",
    b"na",
    b"none",
    b"null",
    b"nil",
    b"unknown",
    b"unk",
    b"-",
    b"--",
    b"---",
    b"tbd",
    b"undefined",
    b"nan",
    b"not available",
    b"not applicable",
    b"not provided",
    b"missing",
    b"redacted",
    b"[redacted]",
    b"anonymous",
    b"?",
    b"(none)",
    b"(null)",
    b"empty",
    b"blank",
    b"\\n",
    b"no data",
    b"desconocido",
    b"ninguno",
    b"true",
    b"false",
    b"yes",
    b"no",
];

/// Whether a value stands for nothing.
#[inline]
pub fn filler(value: &[u8]) -> bool {
    // Most values are told apart by their first byte.
    let first = value.first().map_or(0, u8::to_ascii_lowercase);
    let possible = matches!(
        first,
        b'n' | b'u' | b't' | b'm' | b'r' | b'a' | b'e' | b'b' | b'd' | b'-' | b'?' | b'(' | b'[' | b'\\'
    );
    possible && value.len() <= 14 && FILLERS.iter().any(|f| f.eq_ignore_ascii_case(value))
}

/// Words: letters with what joins them, up to 80 bytes and eight words, at least half of it letters.
#[inline]
fn wordy(value: &[u8], also: &[u8], most: usize, words_most: usize) -> bool {
    if value.is_empty() || value.len() > most || filler(value) {
        return false;
    }
    let (mut letters, mut words, mut inside) = (0, 0, false);
    for &byte in value {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | 0x80..=0xff => {
                letters += 1;
                words += usize::from(!inside);
                inside = true;
            }
            b' ' => inside = false,
            b'\'' | b'-' | b'.' => {}
            _ if also.contains(&byte) => inside = true,
            _ => return false,
        }
    }
    letters * 2 > value.len() && words <= words_most
}

/// A person's name or a part of it.
#[inline]
pub fn name(value: &[u8]) -> bool {
    wordy(value, b",`\"()", 80, 6)
}

/// A few words: a nationality, a denomination.
#[inline]
pub fn words(value: &[u8]) -> bool {
    wordy(value, b",/&()", 60, 8)
}

/// A few words or a code such as `E11.9`.
pub fn words_or_code(value: &[u8]) -> bool {
    wordy(value, b",/&()+0123456789%:;", 120, 16)
        || (!filler(value)
            && value.len() <= 12
            && value.len() >= 2
            && value[0].is_ascii_alphabetic()
            && identifier_bytes(value))
}

/// A job title.
pub fn job(value: &[u8]) -> bool {
    value.len() >= 2 && wordy(value, b",/&()+0123456789:", 80, 9)
}

/// A company or another organisation.
pub fn organization(value: &[u8]) -> bool {
    value.len() >= 2 && wordy(value, b",/&()+!@0123456789:", 100, 12)
}

/// A city, with its region perhaps.
pub fn place(value: &[u8]) -> bool {
    value.len() >= 2 && wordy(value, b",/()0123456789", 80, 8)
}

/// A street address in any country: letters, most often a number, not an e-mail or web address.
pub fn address(value: &[u8]) -> bool {
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic() || **b >= 0x80).count();
    let number_or_words = value.iter().any(u8::is_ascii_digit) || value.iter().filter(|b| **b == b' ').count() >= 1;
    (4..=200).contains(&value.len())
        && letters >= 3
        && number_or_words
        && !value.iter().any(|b| matches!(b, b'@' | b'<' | b'{' | b'='))
        && memchr::memmem::find(value, b"://").is_none()
        && date::parse(value).is_none()
}

/// A telephone number in whatever national form: 7 to 15 digits and what people put between them.
pub fn phone(value: &[u8]) -> bool {
    if phones::parse(value, None).is_some() {
        return true;
    }
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let allowed = value.iter().all(|b| b.is_ascii_digit() || b" +-.()/".contains(b));
    let one_decimal = value.iter().filter(|b| **b == b'.').count() == 1;
    // Groups of three, two and four with hyphens are those of a social security number, and of a telephone number nowhere.
    let grouped_otherwise = matches!(value, [_, _, _, b'-', _, _, b'-', _, _, _, _]) && digits == 9;
    (7..=15).contains(&digits)
        && allowed
        && !grouped_otherwise
        && !one_decimal
        && !value.iter().skip(1).any(|b| *b == b'+')
        && !repeated(value)
        && (digits == value.len() || date::parse(value).is_none())
}

/// An Internet address of either version.
pub fn ip(value: &[u8]) -> bool {
    net::ipv4(value).is_some() || net::ipv6(value).is_some() || (value.contains(&b'/') && network(value))
}

fn network(value: &[u8]) -> bool {
    let Some(slash) = memchr::memchr(b'/', value) else { return false };
    let length = &value[slash + 1..];
    all_digits(length)
        && length.len() <= 3
        && (net::ipv4(&value[..slash]).is_some() || net::ipv6(&value[..slash]).is_some())
}

fn identifier_bytes(value: &[u8]) -> bool {
    value.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:/{}+=~".contains(b))
}

/// An identifier: one token with a digit in it.
pub fn identifier(value: &[u8]) -> bool {
    (4..=512).contains(&value.len())
        && identifier_bytes(value)
        && value.iter().any(u8::is_ascii_digit)
        && !repeated(value)
        && date::parse(value).is_none()
}

/// An account name: one token of 2 to 64 characters, a letter among them.
pub fn username(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"@").unwrap_or(value);
    (2..=64).contains(&value.len())
        && !filler(value)
        && value.iter().all(|b| b.is_ascii_alphanumeric() || *b >= 0x80 || b"._-@+\\#".contains(b))
        && value.iter().any(|b| b.is_ascii_alphabetic() || *b >= 0x80)
}

/// An account name that may be a person's: not one that programs and machines go by.
pub fn person_login(value: &[u8]) -> bool {
    const MACHINES: &[&[u8]] = &[
        b"root",
        b"int",
        b"integer",
        b"str",
        b"string",
        b"bool",
        b"uuid",
        b"number",
        b"varchar",
        b"admin",
        b"administrator",
        b"guest",
        b"test",
        b"user",
        b"users",
        b"nobody",
        b"daemon",
        b"system",
        b"mysql",
        b"postgres",
        b"oracle",
        b"git",
        b"ftp",
        b"www",
        b"www-data",
        b"ubuntu",
        b"ec2-user",
        b"centos",
        b"debian",
        b"pi",
        b"support",
        b"service",
        b"backup",
        b"nagios",
        b"jenkins",
        b"tomcat",
        b"apache",
        b"nginx",
        b"hadoop",
        b"redis",
        b"mail",
        b"postfix",
        b"sshd",
        b"cyrus",
        b"news",
        b"default",
        b"anonymous",
        b"unknown",
        b"none",
        b"null",
        b"the",
        b"this",
        b"string",
        b"option",
        b"some",
        b"into",
        b"impl",
        b"str",
        b"env",
        b"name",
        b"your",
        b"this_user",
        b"current_user",
        b"user_id",
        b"user_name",
        b"username",
        b"false",
        b"true",
        b"self",
    ];
    username(value)
        && value.len() >= 3
        && !MACHINES.iter().any(|name| name.eq_ignore_ascii_case(value))
        && !value.to_ascii_lowercase().windows(4).any(|part| matches!(part, b"user" | b"null" | b"test"))
        && value.iter().filter(|b| b.is_ascii_alphabetic()).count() >= 2
}

/// A name of a place or an organisation, and no word of a program.
pub fn proper_name(value: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"string",
        b"str",
        b"text",
        b"varchar",
        b"char",
        b"number",
        b"int",
        b"integer",
        b"object",
        b"any",
        b"optional",
        b"required",
        b"option",
        b"vec",
        b"array",
        b"bool",
        b"boolean",
        b"list",
        b"dict",
        b"type",
        b"name",
        b"value",
    ];
    organization(value) && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// A key or a token: letters and digits mixed, many of them different, and no words joined.
pub fn token(value: &[u8]) -> bool {
    let any = |kind: fn(&u8) -> bool| value.iter().any(kind);
    let mut seen = [false; 256];
    value.iter().for_each(|b| seen[usize::from(*b)] = true);
    let different = seen.iter().filter(|seen| **seen).count();
    let joins = value.iter().filter(|b| matches!(b, b'_' | b'-' | b'/')).count();
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    secret(value)
        && value.len() >= 16
        && (digits >= 2 || digits == 1 && any(u8::is_ascii_lowercase) && any(u8::is_ascii_uppercase))
        && any(u8::is_ascii_alphabetic)
        && different >= 9
        && joins * 6 <= value.len()
        && !super::net::url(value)
}

/// A secret: no white space, not masked, not a filler.
pub fn secret(value: &[u8]) -> bool {
    (4..=4096).contains(&value.len())
        && !filler(value)
        && !value.iter().any(u8::is_ascii_whitespace)
        && !repeated(value)
        && !value.iter().all(|b| matches!(b, b'*' | b'x' | b'X' | b'.' | b'#'))
        && !value.starts_with(b"${")
        && !value.starts_with(b"{{")
}

/// A secret where a program might stand: not a type, a path of a module, a call or a variable.
pub fn written_secret(value: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"string",
        b"impl",
        b"self",
        b"some",
        b"none",
        b"option",
        b"optional",
        b"required",
        b"text",
        b"const",
        b"*mut",
        b"*const",
        b"bytes",
        b"buffer",
        b"object",
        b"number",
        b"input",
        b"value",
        b"integer",
        b"varchar",
        b"char",
        b"password",
        b"passwd",
        b"windows",
        b"crate",
        b"bool",
        b"boolean",
        b"the",
        b"field",
        b"not",
        b"your",
    ];
    let program = memchr::memmem::find(value, b"::").is_some()
        || memchr::memmem::find(value, b"()").is_some()
        || memchr::memmem::find(value, b").").is_some()
        || value.iter().skip(1).any(|b| matches!(b, b'(')) && value[0].is_ascii_lowercase()
        || value.starts_with(b"&")
            && value[1..].iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'\'' | b'.'));
    let bare = value.strip_suffix(b",").or_else(|| value.strip_suffix(b")")).unwrap_or(value);
    // `owner_password`: a variable.
    let variable = bare.contains(&b'_') && bare.iter().all(|b| b.is_ascii_lowercase() || *b == b'_');
    let reference = bare.starts_with(b"&") && bare[1..].iter().all(u8::is_ascii_alphabetic);
    // `os.environ["DB"]`, of which the quotation mark ends the value, `config[name]`.
    let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
    let looked_up = memchr::memchr(b'[', value)
        .is_some_and(|at| at > 0 && value[..at].iter().all(name) && matches!(&value[at + 1..], [] | [.., b']']));
    let program = program || looked_up;
    secret(value) && !program && !variable && !reference && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(bare))
}

/// A secret that shows by itself: three kinds of characters, a digit or a sign among them; no address and no
/// parameter of a request.
pub fn strong_secret(value: &[u8]) -> bool {
    let any = |kind: fn(&u8) -> bool| usize::from(value.iter().any(kind));
    let (digit, sign) = (any(u8::is_ascii_digit), any(|b| b.is_ascii_punctuation() && !b".-_:/'\"".contains(b)));
    let kinds = any(u8::is_ascii_lowercase) + any(u8::is_ascii_uppercase) + digit + sign;
    let opens = value.first().is_some_and(|b| b"([{<&=?".contains(b));
    secret(value)
        && kinds >= 3
        && digit + sign >= 1
        && !opens
        && !assigns(value)
        && !super::email::address(value)
        && !super::net::url(value)
}

/// Whether a name with `=` behind it stands at the beginning or after `&`: a parameter, not a secret.
fn assigns(value: &[u8]) -> bool {
    let name = |part: &[u8]| {
        let length = part.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')).count();
        length >= 2 && part[0].is_ascii_alphabetic() && part.get(length) == Some(&b'=') && part.len() > length + 1
    };
    name(value) || value.split(|b| matches!(b, b'&' | b';' | b'?')).skip(1).any(name)
}

/// An account number at a bank: six digits or more, a few letters before or one behind.
pub fn account(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    (6..=17).contains(&digits) && value.len() - digits <= digits.clamp(5, 10) && !repeated(value)
}

/// An age in years, 0 to 125.
pub fn age(value: &[u8]) -> bool {
    let whole = value.strip_suffix(b".0").unwrap_or(value);
    whole.len() <= 3 && all_digits(whole) && number(whole) <= 125
}

/// A latitude or longitude, with a fraction.
pub fn degrees(value: &[u8]) -> bool {
    let fraction = value.iter().skip_while(|b| **b != b'.').skip(1).filter(|b| b.is_ascii_digit()).count();
    let text = std::str::from_utf8(value).ok();
    fraction >= 2 && text.and_then(geo::degrees).is_some_and(|d| d.abs() <= 180.0)
}

/// A number plate: 4 to 9 letters and digits, both among them or digits alone.
pub fn plate(value: &[u8]) -> bool {
    let mut buffer = [0; 64];
    let stripped = super::strip(value, &mut buffer);
    stripped.is_some_and(|len| {
        (4..=9).contains(&len) && buffer[..len].iter().any(u8::is_ascii_digit) && !repeated(&buffer[..len])
    })
}

/// A vehicle identification number from any market: 17 characters, or with its check digit.
pub fn vin(value: &[u8]) -> bool {
    super::stripped(value, vehicle::vin_shape)
}

/// A date on which someone living or dead may have been born.
pub fn birth_date(value: &[u8]) -> bool {
    date::parse(value).is_some_and(|d| (1850..=2100).contains(&d.year))
}
