//! Identity numbers of other governments, with their check digits. All take upper-case letters and digits.

use super::{all_digits, luhn, number, repeated, weighted};

/// United Kingdom: National Insurance number (HMRC NIM39110): two letters, six digits, A to D.
pub fn uk_nino(value: &[u8]) -> bool {
    let (9, Some(&[first, second])) = (value.len(), value.first_chunk()) else { return false };
    let letters = first.is_ascii_uppercase()
        && second.is_ascii_uppercase()
        && !b"DFIQUV".contains(&first)
        && !b"DFIOQUV".contains(&second);
    let unused = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"].iter().any(|p| value.starts_with(*p));
    letters && !unused && all_digits(&value[2..8]) && (b'A'..=b'D').contains(&value[8])
}

/// United Kingdom: NHS number, ten digits modulo 11 (NHS Data Dictionary).
pub fn uk_nhs(value: &[u8]) -> bool {
    if value.len() != 10 || !all_digits(value) || repeated(value) {
        return false;
    }
    let check = 11 - weighted(value, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    check != 10 && check % 11 == u32::from(value[9] & 15)
}

/// Canada: Social Insurance Number, nine digits with Luhn; none begins with 0 or 8.
pub fn ca_sin(value: &[u8]) -> bool {
    value.len() == 9 && luhn(value) && !matches!(value[0], b'0' | b'8') && !repeated(value)
}

/// India: Aadhaar, twelve digits from 2 with Verhoeff's check digit (UIDAI).
pub fn aadhaar(value: &[u8]) -> bool {
    value.len() == 12 && all_digits(value) && value[0] >= b'2' && verhoeff(value) && !repeated(value)
}

fn verhoeff(digits: &[u8]) -> bool {
    const MULTIPLY: [[u8; 10]; 10] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ];
    const PERMUTE: [[u8; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    let step = |check: u8, (i, d): (usize, &u8)| {
        MULTIPLY[usize::from(check)][usize::from(PERMUTE[i % 8][usize::from(d & 15)])]
    };
    digits.iter().rev().enumerate().fold(0, step) == 0
}

/// Spain: DNI (eight digits and a letter) or NIE (X, Y or Z first), letter modulo 23 (Real Decreto 1553/2005).
pub fn es_dni(value: &[u8]) -> bool {
    if value.len() != 9 || !all_digits(&value[1..8]) {
        return false;
    }
    let lead = match value[0] {
        digit @ b'0'..=b'9' => u64::from(digit & 15),
        foreigner @ b'X'..=b'Z' => u64::from(foreigner - b'X'),
        _ => return false,
    };
    let rest = (lead * 10_000_000 + number(&value[1..8])) % 23;
    value[8] == b"TRWAGMYFPDXBNJZSQVHLCKE"[rest as usize] && !repeated(&value[..8])
}

/// France: numéro d'inscription au répertoire, 13 characters and a key modulo 97 (INSEE).
pub fn fr_nir(value: &[u8]) -> bool {
    if value.len() != 15 || !all_digits(&value[..5]) || !all_digits(&value[7..]) {
        return false;
    }
    let department = &value[5..7];
    // Corsica's departments count as 19 and 18.
    let department = match department {
        b"2A" => 19,
        b"2B" => 18,
        digits if all_digits(digits) => number(digits),
        _ => return false,
    };
    let body = number(&value[..5]) * 100_000_000 + department * 1_000_000 + number(&value[7..13]);
    let month = number(&value[3..5]);
    let person = matches!(value[0], b'1' | b'2' | b'3' | b'4' | b'7' | b'8');
    person && matches!(month, 1..=12 | 20..=42 | 50..=99) && 97 - body % 97 == number(&value[13..])
}

/// Italy: codice fiscale, 16 characters with a check letter (D.M. 23 dicembre 1976).
pub fn it_codice_fiscale(value: &[u8]) -> bool {
    const ODD: [u8; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    if value.len() != 16 || !value[..6].iter().all(u8::is_ascii_uppercase) || !value[15].is_ascii_uppercase() {
        return false;
    }
    // Digits may be written as letters to keep two people apart (omocodia).
    let digit = |b: u8| b.is_ascii_digit() || b"LMNPQRSTUV".contains(&b);
    let shape = digit(value[6])
        && digit(value[7])
        && b"ABCDEHLMPRST".contains(&value[8])
        && digit(value[9])
        && digit(value[10])
        && value[11].is_ascii_uppercase()
        && value[12..15].iter().all(|&b| digit(b));
    let order = |b: u8| if b.is_ascii_digit() { b - b'0' } else { b - b'A' };
    let weigh = |(i, &b): (usize, &u8)| {
        let at = order(b);
        u32::from(if i % 2 == 0 { ODD[usize::from(at)] } else { at })
    };
    shape && value[15] == b'A' + (value[..15].iter().enumerate().map(weigh).sum::<u32>() % 26) as u8
}

/// Germany: Steuer-Identifikationsnummer, eleven digits, ISO 7064 MOD 11,10; one digit repeats (§139b AO).
pub fn de_steuer_id(value: &[u8]) -> bool {
    if value.len() != 11 || !all_digits(value) || value[0] == b'0' {
        return false;
    }
    let mut counts = [0u8; 10];
    value[..10].iter().for_each(|d| counts[usize::from(d & 15)] += 1);
    let repeats = counts.iter().filter(|&&n| n > 1).count();
    let most = counts.iter().max().copied().unwrap_or(0);
    let mut product = 10;
    for digit in &value[..10] {
        let sum = (u32::from(digit & 15) + product) % 10;
        product = if sum == 0 { 10 } else { sum } * 2 % 11;
    }
    repeats == 1 && (2..=3).contains(&most) && (11 - product) % 10 == u32::from(value[10] & 15)
}

/// Netherlands: burgerservicenummer, nine digits, the eleven test (Wet algemene bepalingen burgerservicenummer).
pub fn nl_bsn(value: &[u8]) -> bool {
    if value.len() != 9 || !all_digits(value) || repeated(value) {
        return false;
    }
    weighted(value, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == u32::from(value[8] & 15)
}

/// Brazil: cadastro de pessoas físicas, eleven digits, two check digits (Receita Federal).
pub fn br_cpf(value: &[u8]) -> bool {
    if value.len() != 11 || !all_digits(value) || repeated(value) {
        return false;
    }
    let check = |sum: u32| if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
    check(weighted(&value[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2])) == u32::from(value[9] & 15)
        && check(weighted(&value[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])) == u32::from(value[10] & 15)
}

/// Mexico: clave única de registro de población, 18 characters with a check digit (RENAPO).
pub fn mx_curp(value: &[u8]) -> bool {
    if value.len() != 18 || !value[..4].iter().all(u8::is_ascii_uppercase) || !all_digits(&value[4..10]) {
        return false;
    }
    let shape = matches!(value[10], b'H' | b'M' | b'X') && value[11..16].iter().all(u8::is_ascii_uppercase);
    let order = |b: u8| match b {
        b'0'..=b'9' => u32::from(b - b'0'),
        b'A'..=b'N' => u32::from(b - b'A' + 10),
        _ => u32::from(b - b'A' + 11),
    };
    let sum: u32 = value[..17].iter().zip((2..=18).rev()).map(|(&b, w)| order(b) * w).sum();
    let date = (1..=12).contains(&number(&value[6..8])) && (1..=31).contains(&number(&value[8..10]));
    shape && date && (10 - sum % 10) % 10 == u32::from(value[17].wrapping_sub(b'0'))
}

/// Australia: tax file number, nine digits modulo 11 (ATO).
pub fn au_tfn(value: &[u8]) -> bool {
    value.len() == 9
        && all_digits(value)
        && !repeated(value)
        && weighted(value, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

/// Poland: PESEL, eleven digits with a birth date and a check digit.
pub fn pl_pesel(value: &[u8]) -> bool {
    if value.len() != 11 || !all_digits(value) {
        return false;
    }
    let month = number(&value[2..4]) % 20;
    let date = (1..=12).contains(&month) && (1..=31).contains(&number(&value[4..6]));
    let sum = weighted(value, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
    date && (10 - sum % 10) % 10 == u32::from(value[10] & 15)
}

/// Sweden: personnummer, ten or twelve digits with a birth date (days from 61 for co-ordination numbers) and Luhn.
pub fn se_personnummer(value: &[u8]) -> bool {
    let ten = match value.len() {
        10 => value,
        12 if matches!(&value[..2], b"18" | b"19" | b"20") => &value[2..],
        _ => return false,
    };
    if !luhn(ten) {
        return false;
    }
    (1..=12).contains(&number(&ten[2..4])) && matches!(number(&ten[4..6]), 1..=31 | 61..=91)
}

/// Belgium: rijksregisternummer, eleven digits modulo 97; from 2000 a 2 is put before.
pub fn be_rn(value: &[u8]) -> bool {
    if value.len() != 11 || !all_digits(value) {
        return false;
    }
    let (body, check) = (number(&value[..9]), number(&value[9..]));
    let date = number(&value[2..4]) <= 12 && number(&value[4..6]) <= 31;
    date && (97 - body % 97 == check || 97 - (2_000_000_000 + body) % 97 == check)
}

/// Singapore: NRIC or FIN, a letter, seven digits and a check letter.
pub fn sg_nric(value: &[u8]) -> bool {
    if value.len() != 9 || !all_digits(&value[1..8]) {
        return false;
    }
    let sum = weighted(&value[1..8], &[2, 7, 6, 5, 4, 3, 2]);
    let (letters, add) = match value[0] {
        b'S' => (b"JZIHGFEDCBA", 0),
        b'T' => (b"JZIHGFEDCBA", 4),
        b'F' => (b"XWUTRQPNMLK", 0),
        b'G' => (b"XWUTRQPNMLK", 4),
        b'M' => (b"XWUTRQPNJLK", 3),
        _ => return false,
    };
    let rest = ((sum + add) % 11) as usize;
    value[8] == letters[rest]
}
