//! Images as Pillow writes them.

use residuum_source::{Coverage, Limits};

use crate::testing::{read_bytes, read_stream};

fn fixture(name: &str) -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/images/");
    std::fs::read(format!("{path}{name}")).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn what_is_written_about_an_image_is_read_and_the_image_is_unsupported() {
    let exif: &[(&str, &str)] = &[
        ("Artist", "artist@example.com"),
        ("ImageDescription", "Maria Lopez at 202-555-0143"),
        ("CameraOwnerName", "Paula Owner"),
        ("UserComment", "call jon.smith@example.org"),
        ("GPS coordinates", "40.712778, -74.006111"),
    ];
    let jpeg: &[(&str, &str)] = &[
        ("li", "Carla Author"),
        ("Description@AuthorsPosition", "editor@example.com"),
        ("IPTC by-line", "Byline Person"),
        ("IPTC caption", "Caption for caption@example.com"),
        ("comment", "comment of comment@example.com"),
    ];
    let png: &[(&str, &str)] = &[
        ("Author", "png.author@example.com"),
        ("Comment", "packed@example.com"),
        ("Title", "José of itxt@example.com"),
    ];
    let tiff: &[(&str, &str)] = &[("Artist", "tiff.artist@example.com"), ("ImageDescription", "Scan of 212-555-0101")];
    for (file, expected) in [
        ("photo.jpg", [exif, jpeg].concat()),
        ("drawing.png", [exif, png].concat()),
        ("scan.tif", tiff.to_vec()),
        ("photo.webp", exif.to_vec()),
    ] {
        let bytes = fixture(file);
        for seen in [read_bytes(file, &bytes), read_stream(file, &bytes, &Limits::default())] {
            for (field, value) in &expected {
                let found = seen.field(field);
                assert!(found.iter().any(|(_, text)| text == value), "{file}: {field}: {found:?}");
            }
            let outcome = seen.outcome(file);
            assert_eq!(outcome.coverage, Coverage::Unsupported, "{file}");
            assert!(outcome.reason.as_ref().is_some_and(|reason| reason.contains("no text recognition")), "{file}");
        }
    }
}
