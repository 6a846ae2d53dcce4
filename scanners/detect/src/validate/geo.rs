//! Positions on the earth.

/// A pair of latitude and longitude in decimal degrees, as `34.0522, -118.2437`, `POINT(-118.2 34.0)` or
/// `34.0522° N, 118.2437° W`. Both need a fraction: whole degrees are no position of a person.
pub fn pair(value: &[u8]) -> Option<(f64, f64)> {
    let text = std::str::from_utf8(value).ok()?.trim();
    if let Some(inner) = text.strip_prefix("POINT(").or_else(|| text.strip_prefix("POINT (")) {
        let (lon, lat) = inner.strip_suffix(')')?.trim().split_once(' ')?;
        return in_range(degrees(lat)?, degrees(lon.trim())?);
    }
    let text = text.strip_prefix(['(', '[']).and_then(|t| t.strip_suffix([')', ']'])).unwrap_or(text);
    let (lat, lon) = text.split_once([',', ';'])?;
    let (lat, lon) = (lat.trim(), lon.trim());
    let fraction = |s: &str| s.bytes().skip_while(|&b| b != b'.').skip(1).take_while(u8::is_ascii_digit).count();
    if fraction(lat) < 2 || fraction(lon) < 2 {
        return None;
    }
    in_range(degrees(lat)?, degrees(lon)?)
}

/// One number of degrees, with a hemisphere letter or a degree sign.
pub fn degrees(text: &str) -> Option<f64> {
    let text = text.trim();
    let (number, sign) = match text.as_bytes().last()? {
        b'N' | b'E' | b'n' | b'e' => (&text[..text.len() - 1], 1.0),
        b'S' | b'W' | b's' | b'w' => (&text[..text.len() - 1], -1.0),
        _ => (text, 1.0),
    };
    let number = number.trim().trim_end_matches('°').trim();
    let plain = number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'));
    let value: f64 = plain.then(|| number.parse().ok())??;
    Some(value * sign)
}

fn in_range(lat: f64, lon: f64) -> Option<(f64, f64)> {
    (lat.abs() <= 90.0 && lon.abs() <= 180.0 && !(lat == 0.0 && lon == 0.0)).then_some((lat, lon))
}
