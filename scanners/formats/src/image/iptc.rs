//! Captions, keywords and by-lines as news agencies write them into photographs (IPTC IIM 4.2).

/// The texts in the data sets of a photograph, each with its name.
pub(super) fn texts(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    // They stand in a resource of Photoshop's, number 1028, after its name.
    for at in memchr::memmem::find_iter(bytes, b"8BIM\x04\x04").take(16) {
        let Some(rest) = bytes.get(at + 6..) else { continue };
        let name = usize::from(rest.first().copied().unwrap_or(0)) + 1;
        let Some(rest) = rest.get(name.next_multiple_of(2)..) else { continue };
        let Some(len) = rest.first_chunk().map(|len| u32::from_be_bytes(*len) as usize) else { continue };
        let mut rest = &rest[4..(4 + len.min(rest.len() - 4))];
        while let [0x1c, record, set, high, low, behind @ ..] = rest {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            let Some((text, behind)) = behind.split_at_checked(len) else { break };
            rest = behind;
            if *record == 2
                && std::str::from_utf8(text).is_ok()
                && text.iter().all(|b| *b >= 0x20 || b.is_ascii_whitespace())
            {
                found.push((name_of(*set), text.to_vec()));
            }
        }
    }
    found
}

fn name_of(set: u8) -> String {
    match set {
        5 => "IPTC title".into(),
        25 => "IPTC keywords".into(),
        80 => "IPTC by-line".into(),
        90 => "IPTC city".into(),
        95 => "IPTC state".into(),
        101 => "IPTC country".into(),
        105 => "IPTC headline".into(),
        110 => "IPTC credit".into(),
        116 => "IPTC copyright".into(),
        118 => "IPTC contact".into(),
        120 => "IPTC caption".into(),
        122 => "IPTC writer".into(),
        set => format!("IPTC {set}"),
    }
}
