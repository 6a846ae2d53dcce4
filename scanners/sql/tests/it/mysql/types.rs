//! Every type, in every character set, as a reader gives it.

use residuum_source::conformance::Collect;
use residuum_source::{Limits, Logical, Source};

use super::Database;
use crate::reading::{Batches, check_first, column, named, objects, read, unit};

#[test]
fn every_type_comes_as_text_that_can_be_searched() {
    let Some(database) = Database::new(
        r#"SET sql_mode = '', time_zone = 'SYSTEM';
        CREATE TABLE t(i1 tinyint, b1 bool, i8 bigint, u8 bigint unsigned, z int(6) zerofill, n decimal(38, 10), f4 float, f4b float, f8 double, bt bit(9),
            d date, zd date, dt datetime(6), zdt datetime, ts timestamp(3), tm time(2), y year,
            c char(6), v varchar(20), l1 varchar(20) CHARACTER SET latin1, u16 varchar(20) CHARACTER SET utf16, sj varchar(20) CHARACTER SET sjis,
            vb varchar(20) COLLATE utf8mb4_bin, tt tinytext, lt longtext, bi binary(4), vbi varbinary(9), bl blob, lb longblob,
            e enum('glad', 'sad'), s set('a', 'b', 'c'), j json, u uuid, i4 inet4, i6 inet6, g geometry, pt point,
            gv varchar(40) AS (concat(v, '!')) VIRTUAL, gs int AS (i1 * 2) STORED, secret varchar(40) INVISIBLE, packed text COMPRESSED, nothing text, mt varchar(5));
        SET time_zone = '+02:00';
        INSERT INTO t(i1, b1, i8, u8, z, n, f4, f4b, f8, bt, d, zd, dt, zdt, ts, tm, y, c, v, l1, u16, sj, vb, tt, lt, bi, vbi, bl, lb, e, s, j, u, i4, i6, g, pt, secret, packed, mt)
        VALUES (-7, true, -9223372036854775808, 18446744073709551615, 42, 12345678901234567890.5, 0.1, 12345678, 0.1, b'100000001',
            '1980-02-03', '0000-00-00', '1980-02-03 04:05:06.789012', '2024-00-00 00:00:00', '2024-02-03 04:05:06.5', '-101:02:03.4', 1984,
            'c', 'jane 😀', 'Müller €', 'Łódź', '日本', 'Ä', 'tiny', 'x@example.com', 'ab', 0x00ff0a5c, 'jane@example.com', 0x1f8b,
            'sad', 'a,c', '{"a": "x@example.com"}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '192.0.2.7', '2001:db8::7',
            ST_GeomFromText('POINT(13.5 52.5)'), ST_GeomFromText('POINT(1 2)'), 'hidden@example.com', 'packed@example.com', '')"#,
    ) else {
        return;
    };
    let source = database.connect();
    let listed = objects(&source);
    let mut batches = Batches::default();
    source.read(&unit(named(&listed, &database.at("t"))), &Limits::default(), &mut batches).unwrap();
    let cases: &[(&str, Logical, &[u8])] = &[
        ("i1", Logical::Integer, b"-7"),
        ("b1", Logical::Integer, b"1"),
        ("i8", Logical::Integer, b"-9223372036854775808"),
        ("u8", Logical::Integer, b"18446744073709551615"),
        ("z", Logical::Integer, b"000042"),
        ("n", Logical::Number, b"12345678901234567890.5000000000"),
        ("f4", Logical::Number, b"0.1"),
        ("f4b", Logical::Number, b"12345678"),
        ("f8", Logical::Number, b"0.1"),
        ("bt", Logical::Integer, b"257"),
        ("d", Logical::Date, b"1980-02-03"),
        ("zd", Logical::Date, b"0000-00-00"),
        ("dt", Logical::Timestamp, b"1980-02-03 04:05:06.789012"),
        ("zdt", Logical::Timestamp, b"2024-00-00 00:00:00"),
        ("ts", Logical::Timestamp, b"2024-02-03 02:05:06.500"),
        ("tm", Logical::Text, b"-101:02:03.40"),
        ("y", Logical::Integer, b"1984"),
        ("c", Logical::Text, b"c"),
        ("v", Logical::Text, "jane 😀".as_bytes()),
        ("l1", Logical::Text, "Müller €".as_bytes()),
        ("u16", Logical::Text, "Łódź".as_bytes()),
        ("sj", Logical::Text, "日本".as_bytes()),
        ("vb", Logical::Text, "Ä".as_bytes()),
        ("tt", Logical::Text, b"tiny"),
        ("lt", Logical::Text, b"x@example.com"),
        ("bi", Logical::Bytes, b"ab\0\0"),
        ("vbi", Logical::Bytes, b"\x00\xff\x0a\x5c"),
        ("bl", Logical::Bytes, b"jane@example.com"),
        ("lb", Logical::Bytes, b"\x1f\x8b"),
        ("e", Logical::Text, b"sad"),
        ("s", Logical::Text, b"a,c"),
        ("j", Logical::Json, br#"{"a": "x@example.com"}"#),
        ("u", Logical::Uuid, b"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("i4", Logical::Inet, b"192.0.2.7"),
        ("i6", Logical::Inet, b"2001:db8::7"),
        ("g", Logical::Text, b"POINT(13.5 52.5)"),
        ("pt", Logical::Text, b"POINT(1 2)"),
        ("gv", Logical::Text, "jane 😀!".as_bytes()),
        ("gs", Logical::Integer, b"-14"),
        ("secret", Logical::Text, b"hidden@example.com"),
        ("packed", Logical::Text, b"packed@example.com"),
        ("nothing", Logical::Text, b""),
        ("mt", Logical::Text, b""),
    ];
    check_first(&batches.0[0], cases);
}

#[test]
fn values_longer_than_a_packet_are_read_to_their_end() {
    // The setting is the server's own: it is widened to write a long value, and put back.
    let Some(database) = Database::new("SET GLOBAL max_allowed_packet = 134217728") else { return };
    database.run(
        "CREATE TABLE t(id int PRIMARY KEY, a longtext, b longblob, g geometry);
         INSERT INTO t VALUES (1, concat(repeat('ä ', 12000000), 'end@example.com'), concat(repeat('x ', 10000000), 'end@example.com'), NULL), (2, 'short@example.com', 'b', NULL),
            (3, 'y', 'z', ST_GeomFromText(concat('LINESTRING(', repeat('1 2,', 3000000), '3 4)')))",
    );
    database.run("SET GLOBAL max_allowed_packet = 16777216");
    let source = database.connect();
    let listed = objects(&source);
    let name = database.at("t");
    let collect: Collect = read(&source, named(&listed, &name));
    let ends = |field| column(&collect, &name, field).iter().filter(|value| value.ends_with("end@example.com")).count();
    assert_eq!((ends("a"), ends("b")), (1, 1));
    assert!(collect.largest_batch < 8 << 20, "{}", collect.largest_batch);
    assert!(column(&collect, &name, "a").contains(&"short@example.com".to_owned()));
    let (_, outcome) = &collect.closed[0];
    assert_eq!(outcome.records, 3);
    assert!(outcome.bytes > 36_000_000 + 20_000_000 + 48_000_000, "{outcome:?}");
}
