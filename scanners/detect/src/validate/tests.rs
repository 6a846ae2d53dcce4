use super::*;

/// Every case is a number from a standard's own example, a test range, or made for this table.
#[test]
fn named_validators_agree_with_their_standards() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("luhn", &["79927398713"], &["79927398710", ""]),
        (
            "card",
            &[
                "4111 1111 1111 1111",
                "5555-5555-5555-4444",
                "378282246310005",
                "6011111111111117",
                "3530111333300000",
                "30569309025904",
                "2223003122003222",
                "6200000000000005",
            ],
            &["4111 1111 1111 1112", "1234567812345670", "0000000000000000", "4000000000000000"],
        ),
        (
            "iban",
            &["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "NO9386011117947", "gb82west12345698765432"],
            &["GB82WEST12345698765431", "GB82WEST1234569876543", "ZZ82WEST12345698765432", "DE8937040044053201300O"],
        ),
        (
            "ssn",
            &["123-45-6789", "899-99-9999"],
            &[
                "000-12-3456",
                "666-12-3456",
                "900-12-3456",
                "123-00-6789",
                "123-45-0000",
                "078-05-1120",
                "333-33-3333",
                "12-345-678",
            ],
        ),
        ("itin", &["912-70-1234", "999-88-1234"], &["912-69-1234", "912-93-1234", "812-70-1234"]),
        ("ein", &["12-3456789"], &["07-1234567", "00-0000000"]),
        ("aba", &["021000021", "011401533", "122105155"], &["021000022", "000000000", "550000005"]),
        ("npi", &["1234567893"], &["1234567890", "3234567893"]),
        ("dea", &["AB1234563", "F91234563"], &["AB1234564", "ZZ1234563", "A11234563"]),
        ("mbi", &["1EG4-TE5-MK73"], &["1SG4-TE5-MK73", "0EG4TE5MK73"]),
        ("vin", &["1M8GDM9AXKP042788"], &["1M8GDM9A1KP042788", "1M8GDM9AXKP04278I"]),
        ("imei", &["490154203237518"], &["490154203237519"]),
        (
            "uuid",
            &[
                "123e4567-e89b-12d3-a456-426614174000",
                "{123E4567-E89B-12D3-A456-426614174000}",
                "123e4567e89b12d3a456426614174000",
            ],
            &["123e4567-e89b-12d3-a456-42661417400", "g23e4567-e89b-12d3-a456-426614174000"],
        ),
        (
            "mac",
            &["00:1B:44:11:3A:B7", "00-1b-44-11-3a-b7", "001b.4411.3ab7"],
            &["00:1B:44:11:3A", "00:1B-44:11:3A:B7"],
        ),
        ("uk_nino", &["AB 12 34 56 C"], &["BG123456A", "AB123456E", "QQ123456C"]),
        ("uk_nhs", &["943 476 5919"], &["943 476 5918"]),
        ("ca_sin", &["130 692 544"], &["130 692 545", "046 454 286"]),
        ("aadhaar", &["2341 2341 2346"], &["2341 2341 2347", "1341 2341 2346"]),
        ("es_dni", &["12345678Z", "X1234567L"], &["12345678A", "X1234567Z"]),
        ("fr_nir", &["1 80 05 75 123 456 27"], &["1 80 05 75 123 456 00"]),
        ("it_codice_fiscale", &["RSSMRA85T10A562S"], &["RSSMRA85T10A562T"]),
        ("de_steuer_id", &["86095742719", "47036892816"], &["86095742718", "12345678901"]),
        ("nl_bsn", &["111222333"], &["111222334"]),
        ("br_cpf", &["529.982.247-25"], &["529.982.247-26", "111.111.111-11"]),
        ("mx_curp", &["HEGG560427MVZRRL04"], &["HEGG560427MVZRRL05"]),
        ("au_tfn", &["123 456 782"], &["123 456 783"]),
        ("pl_pesel", &["44051401359"], &["44051401358"]),
        ("se_personnummer", &["811228-9874", "19811228-9874"], &["811228-9875"]),
        ("be_rn", &["85.07.30-033.28"], &["85.07.30-033.29"]),
        ("sg_nric", &["S1234567D", "F1234567N"], &["S1234567A"]),
        ("us_passport", &["123456789", "A12345678"], &["12345678", "AB1234567"]),
        (
            "driver_license",
            &["D1234567", "WDLABCD456DG", "RR123456", "12345678", "ABC12345678"],
            &["123", "ABCDEFGH", "11111111"],
        ),
        (
            "email",
            &[
                "jane@example.com",
                "o'brien+tag@mail.example.co.uk",
                "\"a b\"@example.com",
                "josé@exämple.com",
                "x@xn--bcher-kva.example",
            ],
            &[
                "jane@",
                "@example.com",
                "jane@example",
                "ja..ne@example.com",
                ".jane@example.com",
                "jane@-example.com",
                "jane@example.c0m",
                "jane doe@example.com",
                "jane@exam ple.com",
            ],
        ),
        (
            "crypto",
            &[
                "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
                "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
                "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            ],
            &[
                "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
                "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
                "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            ],
        ),
    ];
    for (name, good, bad) in cases {
        let check = by_name(name).unwrap_or_else(|| panic!("no validator `{name}`"));
        for value in *good {
            assert!(check(value.as_bytes()), "`{name}` refuses {value}");
        }
        for value in *bad {
            assert!(!check(value.as_bytes()), "`{name}` accepts {value}");
        }
    }
}

#[test]
fn every_name_has_a_validator() {
    assert!(NAMES.iter().all(|name| by_name(name).is_some()));
    assert!(NAMES.is_sorted());
    assert!(by_name("no such").is_none());
}

#[test]
fn dates_are_read_as_written() {
    let cases: &[(&str, Option<&[u8; 8]>)] = &[
        ("1980-02-29", Some(b"19800229")),
        ("1981-02-29", None),
        ("1980/2/9", Some(b"19800209")),
        ("19800229", Some(b"19800229")),
        ("2/29/1980", Some(b"19800229")),
        ("29.02.80", Some(b"19800229")),
        ("05/04/1980", Some(b"19800504")),
        ("13/13/1980", None),
        ("29 Feb 1980", Some(b"19800229")),
        ("29FEB1980", Some(b"19800229")),
        ("29-feb-80", Some(b"19800229")),
        ("Feb. 29th, 1980", Some(b"19800229")),
        ("February 3 1980", Some(b"19800203")),
        ("29 de febrero de 1980", Some(b"19800229")),
        ("1980-02-29T10:11:12.123Z", Some(b"19800229")),
        ("1980-02-29 00:00:00", Some(b"19800229")),
        ("4/30/1975 12:00:00 AM", Some(b"19750430")),
        ("1980-02-29 banana", None),
        ("1980-02/29", None),
        ("12345678901", None),
        ("Mayor 5 1980", None),
        ("", None),
    ];
    for (text, want) in cases {
        assert_eq!(date::parse(text.as_bytes()).map(date::Date::standard).as_ref(), *want, "{text}");
    }
    assert_eq!(date::parse_ordered(b"05/04/1980", true).map(date::Date::standard), Some(*b"19800405"));
    assert!(date::parse(b"05/04/1980").is_some_and(|d| d.ambiguous));
}

#[test]
fn addresses_of_networks_are_read_strictly() {
    assert!(net::ipv4(b"192.0.2.7").is_some() && net::ipv4(b"255.255.255.255").is_some());
    for bad in ["256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1..2.3", "1.2.3.4 "] {
        assert!(net::ipv4(bad.as_bytes()).is_none(), "{bad}");
    }
    assert!(net::ipv6(b"2001:db8::1").is_some() && net::ipv6(b"12:30:45").is_none());
    assert!(net::url(b"https://example.com/a?b=c") && !net::url(b"https:// example.com") && !net::url(b"example.com"));
    assert_eq!(geo::pair(b"34.5553\xc2\xb0 N, 69.2075\xc2\xb0 E"), Some((34.5553, 69.2075)));
    assert_eq!(geo::pair(b"1,5"), None);
    assert_eq!(geo::pair(b"POINT(-118.25 34.05)"), Some((34.05, -118.25)));
}

#[test]
fn digests_decode_from_hex_and_base64() {
    let mut out = [0; 64];
    assert_eq!(digest::decode(b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", &mut out), 32);
    let from_hex = out;
    assert_eq!(digest::decode(b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", &mut out), 32);
    assert_eq!(out, from_hex);
    assert_eq!(digest::decode(b"d41d8cd98f00b204e9800998ecf8427e", &mut out), 16);
    assert_eq!(digest::decode(b"not a digest", &mut out), 0);
    assert_eq!(digest::decode(b"1B2M2Y8AsgTpgAmY7PhCfg==", &mut out), 16);
    assert_eq!(digest::decode(b"2jmj7l5rSw0yVb/vlWAYkK/YBwk", &mut out), 20);
    // Of an address of twenty bytes.
    assert_eq!(digest::decode(b"amFuZS5yb2VAZXhhbXBsZS5jb20", &mut out), 0);
    assert!(!digest::are_most_of(&[b"6a616e652e726f65406578616d706c652e636f6d"]));
}
