//! An invented person: everything about one follows from the seed and the person's number, so that the
//! same person stands in every file with the same values, written in different ways.

use crate::page::Page;
use crate::random::{Random, scramble};
use crate::truth::{Form, Kind};
use crate::values::{grouped, luhn_digit, write_ip, write_uuid};
use crate::words::{AREAS, CITIES, FIRST, HOSTS, LAST, STREETS};
use base64::Engine as _;

/// Test-card prefixes that payment processors publish, with the card's length.
const CARDS: &[(u64, u32, u32)] = &[
    (424_242, 6, 16),
    (411_111, 6, 16),
    (400_000, 6, 16),
    (555_555, 6, 16),
    (510_510, 6, 16),
    (601_111, 6, 16),
    (378_282, 6, 15),
    (371_449, 6, 15),
];

/// A person of the population.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub number: u32,
    bits: u64,
}

/// Text of bounded length without an allocation.
#[derive(Clone, Copy)]
struct Short {
    bytes: [u8; 96],
    length: usize,
}

impl Short {
    fn push(&mut self, text: &[u8]) {
        self.bytes[self.length..self.length + text.len()].copy_from_slice(text);
        self.length += text.len();
    }
}

impl Person {
    /// Person `number` of the population of `seed`.
    pub fn new(seed: u64, number: u32) -> Self {
        Self { number, bits: scramble(seed ^ u64::from(number) << 20) }
    }

    /// 64 bits of their own for each property.
    fn own(&self, property: u64) -> u64 {
        scramble(self.bits ^ property << 56)
    }

    fn of<T: Copy>(&self, property: u64, choices: &[T]) -> T {
        choices[(self.own(property) % choices.len() as u64) as usize]
    }

    pub fn first(&self) -> &'static str {
        self.of(1, FIRST).0
    }

    pub fn last(&self) -> &'static str {
        self.of(2, LAST).0
    }

    /// Writes the given name as an item.
    pub fn given(&self, page: &mut Page) {
        page.item(Kind::PersonName, self.number, |p| p.text(self.first()));
    }

    /// Writes the family name as an item; `'` is doubled where `quote` asks for it.
    pub fn family(&self, page: &mut Page, quote: Quote) {
        page.item(Kind::PersonName, self.number, |p| quoted(p, self.last(), quote));
    }

    /// Writes the whole name where a field says that it is one.
    pub fn name(&self, page: &mut Page, quote: Quote) {
        page.item(Kind::PersonName, self.number, |p| self.both(p, quote));
    }

    /// Writes the whole name into running text.
    pub fn name_in_text(&self, page: &mut Page) {
        page.maybe(Kind::PersonName, self.number, |p| self.both(p, Quote::None));
    }

    fn both(&self, page: &mut Page, quote: Quote) {
        page.text(self.first());
        page.byte(b' ');
        quoted(page, self.last(), quote);
    }

    /// Writes the account name, as a web server would log it.
    pub fn username(&self, page: &mut Page) {
        page.maybe(Kind::Username, self.number, |p| {
            p.text(self.of(1, FIRST).1);
            p.number(u64::from(self.number));
        });
    }

    /// Writes the customer number.
    pub fn key(&self, page: &mut Page) {
        page.maybe(Kind::Key, self.number, |p| p.number(u64::from(self.number)));
    }

    fn address(&self, random: &mut Random) -> Short {
        let mut text = Short { bytes: [0; 96], length: 0 };
        let (first, last) = (self.of(1, FIRST).1.as_bytes(), self.of(2, LAST).1.as_bytes());
        match self.own(3) % 4 {
            0 => text.push(first),
            1 => {
                text.push(&first[..1]);
                text.push(b".");
                text.push(last);
            }
            2 => {
                text.push(first);
                text.push(b"_");
                text.push(last);
            }
            _ => {
                text.push(first);
                text.push(b".");
                text.push(last);
            }
        }
        let mut digits = [0; 10];
        let mut at = digits.len();
        let mut number = self.number;
        while number > 0 || at == digits.len() {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        text.push(&digits[at..]);
        if self.own(4).is_multiple_of(20) {
            text.push(b"+news");
        }
        text.push(b"@");
        text.push(self.of(5, HOSTS).as_bytes());
        match random.below(50) {
            0 => text.bytes[..text.length].make_ascii_uppercase(),
            1..=3 => text.bytes[..1].make_ascii_uppercase(),
            _ => {}
        }
        text
    }

    /// Writes the e-mail address as it is.
    pub fn email(&self, page: &mut Page, random: &mut Random) {
        self.email_as(page, random, Form::Plain);
    }

    /// Writes the e-mail address in some encoding.
    pub fn email_as(&self, page: &mut Page, random: &mut Random, form: Form) {
        let text = self.address(random);
        let address = &text.bytes[..text.length];
        page.mark(Kind::Email, form, false, self.number, |p| match form {
            Form::Plain => p.raw(address),
            Form::Base64 => {
                let mut whole = Vec::with_capacity(128);
                whole.extend_from_slice(b"{\"email\":\"");
                whole.extend_from_slice(address);
                whole.extend_from_slice(b"\",\"v\":1}");
                p.text(&base64::engine::general_purpose::STANDARD.encode(whole));
            }
            Form::Url | Form::Json | Form::Xml => {
                for &byte in address {
                    match (byte, form) {
                        (b'@', Form::Url) => p.text("%40"),
                        (b'+', Form::Url) => p.text("%2B"),
                        (b'@', Form::Json) => p.text("\\u0040"),
                        (b'@', Form::Xml) => p.text("&#64;"),
                        _ => p.byte(byte),
                    }
                }
            }
        });
    }

    /// Writes the telephone number in one of the usual ways; `column` says that a field tells what it is.
    pub fn phone(&self, page: &mut Page, random: &mut Random, column: bool) {
        let area = u64::from(self.of(6, AREAS));
        let line = 100 + self.own(7) % 100;
        let style = random.below(20);
        let write = |p: &mut Page| {
            let [before, first, second] = match style {
                0..=5 => ["(", ") ", "-"],
                6..=10 => ["", "-", "-"],
                11..=12 => ["", ".", "."],
                13..=14 => ["+1 ", " ", " "],
                15..=16 => ["+1", "", ""],
                17 => ["1-", "-", "-"],
                18 => ["+1-", "-", "-"],
                _ => ["", "", ""],
            };
            p.text(before);
            p.number(area);
            p.text(first);
            p.text("555");
            p.text(second);
            p.digits(line, 4);
        };
        page.mark(Kind::Phone, Form::Plain, style == 19 && !column, self.number, write);
    }

    /// Writes the Social Security number: hyphens mostly, else spaces or bare.
    pub fn ssn(&self, page: &mut Page, random: &mut Random, column: bool) {
        let own = self.own(8);
        // Areas 734-749 and 773-899 had not been issued to anyone when the Administration stopped
        // giving areas to places in June 2011 (20 CFR 422.103; 76 FR 41869).
        let area = match own % 143 {
            low @ 0..16 => 734 + low,
            high => 773 + high - 16,
        };
        let (group, serial) = (1 + (own >> 16) % 99, 1 + (own >> 32) % 9999);
        let style = random.below(20);
        let write = |p: &mut Page| {
            let separator = match style {
                0..=14 => "-",
                15..=16 => " ",
                _ => "",
            };
            p.digits(area, 3);
            p.text(separator);
            p.digits(group, 2);
            p.text(separator);
            p.digits(serial, 4);
        };
        page.mark(Kind::UsSsn, Form::Plain, style > 16 && !column, self.number, write);
    }

    /// Writes the payment card's number.
    pub fn card(&self, page: &mut Page, random: &mut Random) {
        let (prefix, taken, length) = self.of(9, CARDS);
        let free = length - taken - 1;
        let body = prefix * 10_u64.pow(free) + self.own(10) % 10_u64.pow(free);
        let number = body * 10 + luhn_digit(body);
        let separator: &[u8] = match random.below(10) {
            0..=5 => b"",
            6..=7 => b"-",
            _ => b" ",
        };
        page.item(Kind::CreditCard, self.number, |p| grouped(p, number, length, separator));
    }

    /// Writes the bank account: a German one of a bank number that no bank can have, or a British one.
    pub fn iban(&self, page: &mut Page) {
        let own = self.own(11);
        page.item(Kind::Iban, self.number, |p| {
            if own.is_multiple_of(2) {
                let (bank, account) = (90_000_000 + own % 9_999_999, (own >> 20) % 10_000_000_000);
                // mod 97 of the digits followed by DE00 in digits (D = 13, E = 14), ISO 13616.
                let whole = u128::from(bank) * 10_u128.pow(16) + u128::from(account) * 1_000_000 + 131_400;
                p.text("DE");
                p.digits((98 - whole % 97) as u64, 2);
                p.digits(bank, 8);
                p.digits(account, 10);
            } else {
                // The bank `ZZZZ` (Z = 35); G = 16, B = 11.
                let digits = own % 100_000_000_000_000;
                let whole = 35_353_535_u128 * 10_u128.pow(20) + u128::from(digits) * 1_000_000 + 161_100;
                p.text("GB");
                p.digits((98 - whole % 97) as u64, 2);
                p.text("ZZZZ");
                p.digits(digits, 14);
            }
        });
    }

    /// Writes the address this person mostly comes from.
    pub fn ip(&self, page: &mut Page, random: &mut Random) {
        let own = if random.below(7) == 0 { random.bits() } else { self.own(12) };
        write_ip(page, own, |page, write| page.item(Kind::IpAddress, self.number, write));
    }

    /// Writes the device's UUID.
    pub fn device(&self, page: &mut Page, column: bool) {
        let (high, low) = (self.own(13), self.own(14));
        page.mark(Kind::DeviceId, Form::Plain, !column, self.number, |p| write_uuid(p, high, low));
    }

    fn born(&self) -> (u64, u64, u64) {
        let own = self.own(15);
        (1940 + own % 66, 1 + (own >> 16) % 12, 1 + (own >> 32) % 28)
    }

    /// Writes the date of birth as `1979-04-23`.
    pub fn born_iso(&self, page: &mut Page) {
        let (year, month, day) = self.born();
        page.item(Kind::DateOfBirth, self.number, |p| {
            p.number(year);
            p.byte(b'-');
            p.digits(month, 2);
            p.byte(b'-');
            p.digits(day, 2);
        });
    }

    /// Writes the date of birth as `04/23/1979`.
    pub fn born_us(&self, page: &mut Page) {
        let (year, month, day) = self.born();
        page.item(Kind::DateOfBirth, self.number, |p| {
            p.digits(month, 2);
            p.byte(b'/');
            p.digits(day, 2);
            p.byte(b'/');
            p.number(year);
        });
    }

    /// Writes number and street.
    pub fn street(&self, page: &mut Page, column: bool) {
        page.mark(Kind::StreetAddress, Form::Plain, !column, self.number, |p| {
            p.number(1 + self.own(16) % 9800);
            p.byte(b' ');
            p.text(self.of(17, STREETS));
        });
    }

    /// Writes the city.
    pub fn city(&self, page: &mut Page, column: bool) {
        page.mark(Kind::City, Form::Plain, !column, self.number, |p| p.text(self.of(18, CITIES).0));
    }

    /// Writes the state's two letters, which are not an item of their own.
    pub fn state(&self, page: &mut Page) {
        page.text(self.of(18, CITIES).1);
    }

    /// Writes the ZIP code.
    pub fn zip(&self, page: &mut Page, column: bool) {
        page.mark(Kind::PostalCode, Form::Plain, !column, self.number, |p| {
            p.digits(u64::from(self.of(18, CITIES).2) * 100 + self.own(19) % 100, 5);
        });
    }

    /// Whether this person has something that `percent` of people have.
    pub fn has(&self, property: u64, percent: u64) -> bool {
        self.own(32 + property) % 100 < percent
    }
}

/// What a quotation mark in a name needs where it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quote {
    None,
    /// `'` is written `''`.
    Sql,
    /// `'` is written `&apos;`.
    Xml,
}

fn quoted(page: &mut Page, name: &str, quote: Quote) {
    let Some(at) = name.find('\'').filter(|_| quote != Quote::None) else { return page.text(name) };
    page.text(&name[..at]);
    page.text(if quote == Quote::Sql { "''" } else { "&apos;" });
    page.text(&name[at + 1..]);
}
