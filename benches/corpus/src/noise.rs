//! Hard negatives: what looks like personal information and is not, and times of day.

use crate::page::Page;
use crate::random::Random;
use crate::values::{grouped, luhn_digit, write_uuid};
use crate::words::WORDS;

/// The first moment of the corpus: 2026-01-01 00:00 UTC.
pub(crate) const EPOCH: u64 = 1_767_225_600;

/// A stock-keeping unit in the shape of a Social Security number.
pub(crate) fn sku(page: &mut Page, random: &mut Random) {
    page.text("SKU-");
    page.digits(random.between(100, 899), 3);
    page.byte(b'-');
    page.digits(random.between(1, 99), 2);
    page.byte(b'-');
    page.digits(random.between(1, 9999), 4);
}

/// A price in cents, as dollars.
pub(crate) fn price(page: &mut Page, random: &mut Random) {
    page.number(random.between(1, 1999));
    page.byte(b'.');
    page.digits(random.below(100), 2);
}

/// A UUID that stands for a request, a session, a job.
pub(crate) fn uuid(page: &mut Page, random: &mut Random) {
    write_uuid(page, random.bits(), random.bits());
}

/// A hash of `digits` hexadecimal digits (a multiple of eight).
pub(crate) fn hash(page: &mut Page, random: &mut Random, digits: u32) {
    for _ in 0..digits / 8 {
        page.hex(random.bits() >> 32, 8);
    }
}

/// An order's number.
pub(crate) fn order_number(page: &mut Page, random: &mut Random) {
    page.text("ORD-2026");
    page.digits(random.between(1, 12), 2);
    page.byte(b'-');
    page.digits(random.below(100_000_000), 8);
}

/// Something with its label, as `order=ORD-202603-00412233`.
pub(crate) fn negative(page: &mut Page, random: &mut Random) {
    match random.below(18) {
        0 | 1 => {
            page.text("request_id=");
            uuid(page, random);
        }
        2 => {
            page.text("sha256=");
            hash(page, random, 64);
        }
        3 => {
            page.text("commit ");
            hash(page, random, 40);
        }
        4 => {
            page.text("ts=");
            page.number(EPOCH + random.below(30_000_000));
        }
        5 => {
            page.text("expires_ms=");
            page.number((EPOCH + random.below(30_000_000)) * 1000 + random.below(1000));
        }
        6 | 7 => {
            page.text("order=");
            order_number(page, random);
        }
        8 | 9 => {
            page.text("item ");
            sku(page, random);
        }
        10 => {
            // The shape and prefix of a card, with a check digit that is wrong.
            let body = 400_000_000_000_000 + random.below(100_000_000_000_000);
            let wrong = (luhn_digit(body) + 1 + random.below(9)) % 10;
            page.text("batch ref ");
            let separator: &[u8] = if random.chance(30) { b" " } else { b"" };
            grouped(page, body * 10 + wrong, 16, separator);
        }
        11 => {
            page.text("version ");
            for part in [4, random.below(40), random.below(10)] {
                page.number(part);
                page.byte(b'.');
            }
            page.text("rc");
            page.number(random.below(5));
        }
        12 => {
            page.text("total $");
            price(page, random);
        }
        13 => {
            page.text("seq ");
            page.digits(random.below(1_000_000_000), 9);
        }
        14 => {
            page.text("tracking 1Z999AA1");
            page.digits(random.below(10_000_000_000), 10);
        }
        15 => {
            page.text("took ");
            page.number(random.below(5000));
            page.byte(b'.');
            page.digits(random.below(1000), 3);
            page.text("ms, ");
            page.number(random.below(1 << 24));
            page.text(" bytes");
        }
        16 => {
            page.text("snowflake=1");
            page.digits(random.below(100_000_000_000_000_000), 17);
        }
        _ => {
            page.text("at @Transactional(OrderService.java:");
            page.number(random.between(10, 900));
            page.byte(b')');
        }
    }
}

/// `count` words of running text.
pub(crate) fn words(page: &mut Page, random: &mut Random, count: u64) {
    for at in 0..count {
        if at > 0 {
            page.byte(b' ');
        }
        page.text(random.pick(WORDS));
    }
}

/// A moment: seconds since 1970 with its calendar day.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    year: u64,
    month: u64,
    day: u64,
    second: u64,
}

impl Moment {
    /// The moment so many seconds after the corpus begins.
    pub fn after(seconds: u64) -> Self {
        // Days to civil date, in eras of 400 years counted from 0000-03-01.
        let days = (EPOCH + seconds) / 86_400 + 719_468;
        let of_era = days % 146_097;
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = days / 146_097 * 400 + year_of_era + u64::from(month <= 2);
        Self { year, month, day: of_year - (153 * shifted + 2) / 5 + 1, second: (EPOCH + seconds) % 86_400 }
    }

    /// `2026-01-03`.
    pub fn date(self, page: &mut Page) {
        page.number(self.year);
        page.byte(b'-');
        page.digits(self.month, 2);
        page.byte(b'-');
        page.digits(self.day, 2);
    }

    fn clock(self, page: &mut Page) {
        page.digits(self.second / 3600, 2);
        page.byte(b':');
        page.digits(self.second / 60 % 60, 2);
        page.byte(b':');
        page.digits(self.second % 60, 2);
    }

    /// `2026-01-03T04:05:06`.
    pub fn iso(self, page: &mut Page) {
        self.date(page);
        page.byte(b'T');
        self.clock(page);
    }

    /// `03/Jan/2026:04:05:06 +0000`.
    pub fn common_log(self, page: &mut Page) {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        page.digits(self.day, 2);
        page.byte(b'/');
        page.text(MONTHS[self.month as usize - 1]);
        page.byte(b'/');
        page.number(self.year);
        page.byte(b':');
        self.clock(page);
        page.text(" +0000");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_print_as_dates() {
        let cases = [
            (0, "2026-01-01T00:00:00"),
            (59 * 86_400 + 3_661, "2026-03-01T01:01:01"),
            (364 * 86_400, "2026-12-31T00:00:00"),
        ];
        for (seconds, expected) in cases {
            let mut page = Page::default();
            Moment::after(seconds).iso(&mut page);
            assert_eq!(String::from_utf8(page.bytes).unwrap(), expected);
        }
    }
}
