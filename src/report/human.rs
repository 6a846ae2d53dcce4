//! Numbers, sizes, durations and times as people read them.

use std::time::Duration;

/// `12,345`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 object`, `2 objects`.
pub(crate) fn counted(n: u64, what: &str) -> String {
    let plural = match what.strip_suffix('y') {
        _ if n == 1 => what.to_owned(),
        _ if what == "person" => "people".to_owned(),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{what}s"),
    };
    format!("{} {plural}", count(n))
}

/// `1.2 MB`, in powers of a thousand.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64;
    let mut unit = "";
    for name in UNITS {
        value /= 1000.0;
        unit = name;
        if value < 999.5 {
            break;
        }
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// `850 ms`, `2.4 s`, `3 min 05 s`, `2 h 10 min`.
pub(crate) fn duration(d: Duration) -> String {
    let seconds = d.as_secs();
    match seconds {
        0 => format!("{} ms", d.as_millis()),
        1..60 => format!("{:.1} s", d.as_secs_f64()),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// `97.4%`; something that is not all never shows as 100%, and something that is not nothing never as 0%.
pub(crate) fn percent(rate: f64) -> String {
    match rate * 100.0 {
        p if p <= 0.0 => "0%".into(),
        p if p < 0.1 => "<0.1%".into(),
        p if p >= 100.0 => "100%".into(),
        p => format!("{:.1}%", p.min(99.9)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let counts = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
        counts.into_iter().for_each(|(n, text)| assert_eq!(count(n), text));
        assert_eq!(counted(1, "object"), "1 object");
        assert_eq!(counted(0, "category"), "0 categories");
        assert_eq!(counted(2, "key"), "2 keys");
        let sizes =
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9_960, "10 kB"), (999_700, "1.0 MB"), (5 << 30, "5.4 GB")];
        sizes.into_iter().for_each(|(n, text)| assert_eq!(bytes(n), text));
        let rates = [(0.0, "0%"), (1e-9, "<0.1%"), (0.9999, "99.9%"), (1.0, "100%"), (0.5, "50.0%")];
        rates.into_iter().for_each(|(r, text)| assert_eq!(percent(r), text));
    }

    #[test]
    fn times_read_well() {
        assert_eq!(duration(Duration::from_millis(850)), "850 ms");
        assert_eq!(duration(Duration::from_secs(185)), "3 min 05 s");
    }
}
