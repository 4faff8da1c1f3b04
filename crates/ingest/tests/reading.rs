//! What comes out of a file, whatever was done to it.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its files has nothing better to do")]

use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::fs;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;
use watchfire_ingest::{Compression, Content, FileOutcome, FoundFile, Limits, ParquetSource, PieceKind, Scratch, read};
use xxhash_rust::xxh3::xxh3_128;

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 3).unwrap()
}

fn some_lines(count: usize) -> Vec<u8> {
    (0..count).map(|line| format!("2 111122223333 eni-{line} and so on\n")).collect::<String>().into_bytes()
}

/// What one file gave.
struct Given {
    outcome: FileOutcome,
    pieces: Vec<(u64, PieceKind, Vec<u8>, Vec<u8>)>,
    parquet: Vec<String>,
}

impl Given {
    fn content(&self) -> Vec<u8> {
        self.pieces.iter().flat_map(|piece| piece.2.clone()).collect()
    }

    fn problems(&self) -> Vec<String> {
        self.outcome.problems.iter().map(ToString::to_string).collect()
    }
}

fn read_path(path: &Path, limits: &Limits, scratch: &mut Scratch) -> Given {
    let mut pieces = Vec::new();
    let mut parquet = Vec::new();
    let file = FoundFile::on_disk(path.to_owned(), 0);
    let outcome = read(&file, None, limits, scratch, &mut |content| match content {
        Content::Text(piece) => {
            pieces.push((piece.position, piece.kind, piece.bytes.to_vec(), piece.first_line.to_vec()));
        }
        Content::Parquet(ParquetSource::Bytes(bytes)) => parquet.push(format!("{} bytes", bytes.len())),
        Content::Parquet(ParquetSource::File(file)) => {
            parquet.push(format!("a file of {} bytes", file.metadata().unwrap().len()));
        }
    });
    Given { outcome, pieces, parquet }
}

fn read_with(file: &[u8], limits: &Limits) -> Given {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, file).unwrap();
    read_path(&path, limits, &mut Scratch::new())
}

#[track_caller]
fn check(file: &[u8], compression: Compression, content: &[u8], problems: &[&str]) {
    let given = read_with(file, &Limits::default());
    assert_eq!(given.problems(), problems);
    assert_eq!(given.outcome.compression, compression);
    assert!(given.content() == content, "{} bytes instead of {}", given.content().len(), content.len());
    assert_eq!(given.outcome.bytes, content.len() as u64);
    assert_eq!(given.outcome.content_hash, xxh3_128(content));
    assert_eq!(given.outcome.compressed_bytes, file.len() as u64);
}

#[test]
fn text_in_units_of_two_bytes_is_read_as_utf_8() {
    let text =
        format!("{{\"name\": \"b\u{fc}ro \u{1f525}\"}}\r\n{}", "2 111122223333 eni-1 and so on\r\n".repeat(2_000));
    let units = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(order).collect()
    };
    let little = units(u16::to_le_bytes);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.json");
    for content in [little.clone(), units(u16::to_be_bytes), gzip(&little), zstd(&little)] {
        for limits in [Limits::default(), Limits { whole_bytes: 20_000, ..Limits::default() }] {
            fs::write(&path, &content).unwrap();
            let given = read_path(&path, &limits, &mut Scratch::new());
            assert_eq!(
                (given.content() == text.as_bytes(), given.problems().len()),
                (true, 0),
                "{:?}",
                given.problems()
            );
            assert_eq!(given.outcome.bytes, text.len() as u64);
        }
    }
    // A torn unit, and half of a pair.
    fs::write(&path, b"\xff\xfea\0\x3d\xd8b\0c").unwrap();
    let given = read_path(&path, &Limits::default(), &mut Scratch::new());
    assert_eq!(String::from_utf8(given.content()).unwrap(), "a\u{fffd}b\u{fffd}");
    fs::write(&path, b"\xff\xfe").unwrap();
    assert_eq!(read_path(&path, &Limits::default(), &mut Scratch::new()).problems(), ["the file is empty"]);
}

#[test]
fn a_plain_a_gzip_and_a_zstd_file_give_the_same() {
    let content = some_lines(1_000);
    check(&content, Compression::Plain, &content, &[]);
    check(&gzip(&content), Compression::Gzip, &content, &[]);
    check(&zstd(&content), Compression::Zstd, &content, &[]);
}

#[test]
fn members_and_frames_follow_one_another() {
    check(&[gzip(b"one\n"), gzip(b""), gzip(b"two\n")].concat(), Compression::Gzip, b"one\ntwo\n", &[]);
    let skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec();
    let frames = [skippable.clone(), zstd(b"one\n"), skippable, zstd(b"two\n")].concat();
    check(&frames, Compression::Zstd, b"one\ntwo\n", &[]);
}

#[test]
fn two_layers_are_taken_off_and_a_third_is_not() {
    let content = some_lines(100);
    check(&gzip(&gzip(&content)), Compression::Gzip, &content, &[]);
    check(&zstd(&gzip(&content)), Compression::Zstd, &content, &[]);
    check(&gzip(&zstd(&zstd(&content))), Compression::Gzip, b"", &["the content is compressed more than 2 times over"]);
}

#[test]
fn a_cut_file_gives_what_came_before_the_cut() {
    let content = some_lines(20_000);
    for (file, compression) in [(gzip(&content), Compression::Gzip), (zstd(&content), Compression::Zstd)] {
        let given = read_with(&file[..file.len() / 2], &Limits::default());
        let bytes = given.content().len();
        assert!(bytes > content.len() / 4, "{bytes} of {}", content.len());
        assert!(content.starts_with(&given.content()));
        let problem = format!("the {compression} data ends early, after {bytes} bytes of content");
        assert_eq!(given.problems(), [problem]);
    }
}

#[test]
fn a_cut_inside_two_layers_is_noticed() {
    let file = gzip(&gzip(&some_lines(20_000)));
    let given = read_with(&file[..file.len() / 2], &Limits::default());
    assert!(given.problems()[0].starts_with("the gzip data ends early"), "{:?}", given.problems());
    assert!(!given.content().is_empty());
}

#[test]
fn a_lying_length_and_a_wrong_checksum_are_reported_after_all_the_content() {
    let content = some_lines(100);
    for byte_from_end in [1, 8] {
        let mut file = gzip(&content);
        let at = file.len() - byte_from_end;
        file[at] ^= 0xff;
        let given = read_with(&file, &Limits::default());
        assert_eq!(given.content(), content);
        assert!(given.problems()[0].starts_with("the gzip data is damaged after 3"), "{:?}", given.problems());
    }
}

#[test]
fn damage_in_the_middle_keeps_what_came_before() {
    let content = some_lines(50_000);
    let mut checked = zstd::Encoder::new(Vec::new(), 3).unwrap();
    checked.include_checksum(true).unwrap();
    checked.write_all(&content).unwrap();
    for mut file in [gzip(&content), checked.finish().unwrap()] {
        let middle = file.len() / 2;
        file[middle..middle + 64].fill(0xff);
        let given = read_with(&file, &Limits::default());
        assert!(given.problems().iter().any(|problem| problem.contains("is damaged after")), "{:?}", given.problems());
        assert!(given.content().len() > content.len() / 4, "{}", given.content().len());
    }
}

#[test]
fn what_follows_the_end_is_ignored_and_reported() {
    let ignored = |compression| format!("the bytes after the end of the {compression} data were ignored");
    check(&[gzip(b"log\n"), vec![0; 512]].concat(), Compression::Gzip, b"log\n", &[&ignored("gzip")]);
    check(&[gzip(b"log\n"), b"garbage".to_vec()].concat(), Compression::Gzip, b"log\n", &[&ignored("gzip")]);
    check(&[zstd(b"log\n"), b"garbage".to_vec()].concat(), Compression::Zstd, b"log\n", &[&ignored("zstd")]);
    check(&[gzip(&gzip(b"log\n")), vec![0; 512]].concat(), Compression::Gzip, b"log\n", &[&ignored("gzip")]);
}

#[test]
fn an_empty_file_is_said_to_be_empty_compressed_or_not() {
    check(b"", Compression::Plain, b"", &["the file is empty"]);
    check(&gzip(b""), Compression::Gzip, b"", &["the file is empty"]);
    check(&zstd(b""), Compression::Zstd, b"", &["the file is empty"]);
    check(&gzip(&gzip(b"")), Compression::Gzip, b"", &["the file is empty"]);
}

#[test]
fn a_known_format_that_is_not_read_is_named() {
    // An archive is taken apart when it is listed, by its name; what comes here has another name or lies within one.
    check_unsupported(
        b"PK\x03\x04 and more",
        "a zip archive within another file, or one whose name does not end in .zip",
    );
    check_unsupported(b"BZh91AY&SY and more", "bzip2 data");
    check_unsupported(b"\xfd7zXZ\0 and more", "xz data");
    check_unsupported(b"7z\xbc\xaf\x27\x1c and more", "a 7z archive");
    let mut tar = vec![b'n'; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    let archive =
        "a tar archive within another file, or one whose name does not end in .tar, .tar.gz, .tgz or .tar.zst";
    check_unsupported(&tar, archive);
    check_unsupported(&gzip(&tar), archive);
}

#[track_caller]
fn check_unsupported(file: &[u8], format: &str) {
    let given = read_with(file, &Limits::default());
    assert_eq!(given.problems(), [format!("the content is {format}, which is not supported")]);
    assert_eq!(given.content(), b"");
}

#[test]
fn a_zstd_window_beyond_the_bound_is_refused_by_name() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(26).unwrap();
    encoder.write_all(&some_lines(1000)).unwrap();
    check_unsupported(&encoder.finish().unwrap(), "zstd data with a window of more than 8 MiB");
}

#[test]
fn a_bomb_is_read_up_to_the_limit() {
    let limits = Limits { decompressed_bytes_max: 1_000_000, ..Limits::default() };
    let problem = ["the content grows beyond the limit of 1000000 bytes; the rest was not read"];
    let content = b"line\n".repeat(400_000);
    for file in [gzip(&content), zstd(&content), gzip(&gzip(&content))] {
        let given = read_with(&file, &limits);
        assert_eq!(given.problems(), problem);
        assert!(given.content() == content[..1_000_000]);
    }
    let within = read_with(&gzip(&content[..1_000_000]), &limits);
    assert!(within.problems().is_empty() && within.outcome.bytes == 1_000_000);
}

#[test]
fn a_bomb_of_zeros_in_two_layers_meets_the_ratio_limit() {
    let limits = Limits { ratio_max: 2_000, ratio_free_bytes: 100_000, ..Limits::default() };
    let file = gzip(&gzip(&vec![0; 40 << 20]));
    let given = read_with(&file, &limits);
    let limit_bytes = (file.len() * 2_000).max(100_000);
    assert_eq!(
        given.problems()[0],
        format!("the content grows beyond the limit of {limit_bytes} bytes; the rest was not read")
    );
}

#[test]
fn a_file_beyond_the_buffer_comes_in_pieces_of_whole_lines() {
    let content = some_lines(2_000);
    let limits = Limits { whole_bytes: 10_000, compressed_whole_bytes: 5_000, ..Limits::default() };
    for file in [content.clone(), gzip(&content), zstd(&content)] {
        let given = read_with(&file, &limits);
        assert_eq!(given.problems(), [""; 0]);
        assert!(given.content() == content && given.pieces.len() > 5);
        let mut position = 0;
        for (at, kind, bytes, first_line) in &given.pieces {
            assert_eq!((*at, *kind, bytes.last()), (position, PieceKind::Lines, Some(&b'\n')));
            assert_eq!(first_line, b"2 111122223333 eni-0 and so on");
            position += bytes.len() as u64;
        }
    }
}

#[test]
fn a_large_records_document_is_cut_between_records() {
    let records: Vec<String> =
        (0..500).map(|id| format!(r#"{{"eventID":"{id}","a":[1,{{"b":"}},{{"}}],"c":"\","}}"#)).collect();
    let document = format!("{{\"Records\":[{}]}}\n", records.join(",\n"));
    let given = read_with(&gzip(document.as_bytes()), &Limits { whole_bytes: 2_000, ..Limits::default() });
    assert_eq!(given.problems(), [""; 0]);
    assert_eq!(given.outcome.bytes, document.len() as u64);
    assert!(given.pieces.len() > 10);
    for (position, kind, bytes, first_line) in &given.pieces {
        assert_eq!(*kind, PieceKind::Elements);
        assert!(document.as_bytes()[*position as usize..].starts_with(bytes));
        assert!(document.as_bytes().starts_with(first_line));
    }
    let found: Vec<String> = values_of(&given).iter().map(ToString::to_string).collect();
    let meant: Vec<String> = flat(&document).iter().map(ToString::to_string).collect();
    assert_eq!(found, meant);
}

/// The values in the pieces; of documents that are an array, or hold one called `Records`, its elements.
fn values_of(given: &Given) -> Vec<serde_json::Value> {
    let mut values = Vec::new();
    for (_, kind, bytes, _) in &given.pieces {
        let text = std::str::from_utf8(bytes).unwrap();
        match kind {
            PieceKind::Elements => {
                values.extend(serde_json::from_str::<Vec<serde_json::Value>>(&format!("[{text}]")).unwrap())
            }
            _ => values.extend(flat(text)),
        }
    }
    values
}

fn flat(text: &str) -> Vec<serde_json::Value> {
    let documents = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
    let elements = documents.map(|document| match document.unwrap() {
        serde_json::Value::Array(elements) => elements,
        mut document => match document.get_mut("Records") {
            Some(records) => records.as_array().unwrap().clone(),
            None => vec![document],
        },
    });
    elements.flatten().collect()
}

#[test]
fn documents_that_follow_a_large_one_are_pieces_of_their_own() {
    let large = format!("[{}]", vec![r#"{"n":1}"#; 400].join(","));
    let content = format!("{large}\n{{\"small\":1}}{{\"small\":2}}\n{large}");
    let given = read_with(content.as_bytes(), &Limits { whole_bytes: 500, ..Limits::default() });
    assert_eq!(given.problems(), [""; 0]);
    assert_eq!(values_of(&given), flat(&content));
}

#[test]
fn json_without_newlines_between_its_objects_is_cut_between_them() {
    let content = r#"{"a":"}{"}"#.repeat(1000);
    let given = read_with(content.as_bytes(), &Limits { whole_bytes: 999, ..Limits::default() });
    assert!(given.content() == content.as_bytes());
    assert!(given.pieces.iter().all(|piece| piece.2.len() % 10 == 0 && piece.1 == PieceKind::Documents));
}

#[test]
fn json_lines_are_lines() {
    let content = "{\"answers\":[{\"a\":1},{\"a\":2}]}\n".repeat(1000);
    let given = read_with(content.as_bytes(), &Limits { whole_bytes: 999, ..Limits::default() });
    assert!(given.content() == content.as_bytes());
    assert!(given.pieces.iter().all(|piece| piece.2.ends_with(b"}\n") && piece.1 == PieceKind::Lines));
}

#[test]
fn a_line_of_100_mb_is_skipped_and_its_neighbours_are_read() {
    let mut content = b"before\n".to_vec();
    content.resize(content.len() + 100_000_000, b'x');
    content.extend(b"\nafter\n");
    let given = read_with(&gzip(&content), &Limits::default());
    assert_eq!(given.content(), b"before\nafter\n");
    assert_eq!(given.outcome.bytes, content.len() as u64);
    assert_eq!(given.pieces[1].0, 100_000_008);
    assert_eq!(given.problems(), ["1 records of 33554432 bytes or more were skipped, 100000001 bytes together"]);
}

#[test]
fn an_element_beyond_the_buffer_is_skipped_and_its_neighbours_are_read() {
    let content = format!(r#"{{"Records":[{{"n":1}},{{"n":"{}"}},{{"n":3}}]}}"#, "x".repeat(5_000));
    let given = read_with(content.as_bytes(), &Limits { whole_bytes: 1_000, ..Limits::default() });
    assert_eq!(given.content(), br#"{"n":1}{"n":3}"#);
    assert_eq!(given.pieces[1].1, PieceKind::Elements);
    assert!(given.problems()[0].starts_with("1 records of 1000 bytes or more were skipped"), "{:?}", given.problems());
}

#[test]
fn binary_junk_is_handed_over_for_the_parser_to_reject() {
    let junk: Vec<u8> = (0..100_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    check(&junk, Compression::Plain, &junk, &[]);
}

#[test]
fn a_folder_or_nothing_in_place_of_the_file_is_unreadable() {
    let folder = TempDir::new().unwrap();
    for path in [folder.path(), &folder.path().join("gone")] {
        let given = read_path(path, &Limits::default(), &mut Scratch::new());
        assert_eq!(given.problems(), ["could not read the file"]);
    }
}

#[test]
fn a_parquet_file_comes_as_bytes_or_as_the_file_if_large() {
    let file = [&b"PAR1"[..], &[7; 1000], b"PAR1"].concat();
    let small = read_with(&file, &Limits::default());
    let large = read_with(&file, &Limits { compressed_whole_bytes: 100, ..Limits::default() });
    let wrapped = read_with(&gzip(&file), &Limits { compressed_whole_bytes: 2, ..Limits::default() });
    assert_eq!(small.parquet, ["1008 bytes"]);
    assert_eq!(large.parquet, ["a file of 1008 bytes"]);
    assert_eq!(wrapped.parquet, ["1008 bytes"]);
    for given in [small, large, wrapped] {
        assert_eq!((given.outcome.bytes, given.outcome.content_hash), (1008, xxh3_128(&file)));
        assert_eq!(given.problems(), [""; 0]);
    }
}

#[test]
fn a_scratch_serves_file_after_file() {
    let folder = TempDir::new().unwrap();
    let mut scratch = Scratch::new();
    let contents = [some_lines(100), some_lines(5), some_lines(50_000), some_lines(1)];
    for (name, content) in contents.iter().enumerate() {
        for (kind, file) in
            [content.clone(), gzip(content), zstd(content), zstd(content)[..20].to_vec()].iter().enumerate()
        {
            let path = folder.path().join(format!("{name}-{kind}"));
            fs::write(&path, file).unwrap();
            let given = read_path(&path, &Limits::default(), &mut scratch);
            assert!(given.content() == *content || kind == 3);
        }
    }
}

/// Some compression, some cuts into members.
fn pack(content: &[u8], cuts: &[prop::sample::Index], way: u8) -> Vec<u8> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(content.len() + 1)).collect();
    cuts.extend([0, content.len()]);
    cuts.sort_unstable();
    let members = cuts.windows(2).map(|cut| &content[cut[0]..cut[1]]);
    match way {
        0 => content.to_vec(),
        1 => members.flat_map(gzip).collect(),
        2 => members.flat_map(zstd).collect(),
        _ => gzip(&members.flat_map(gzip).collect::<Vec<u8>>()),
    }
}

/// What a file may begin with to be taken for something.
const MARKS: &[&[u8]] =
    &[b"", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18", b"{\"a\":[", b"[", b"PAR1"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_come_back_however_packed_and_cut(
        lines in prop::collection::vec("[a-z0-9 ]{0,30}", 0..60),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        way in 0..4u8,
        whole_bytes in 32..2_000usize,
        compressed_whole_bytes in 0..1_000usize,
    ) {
        // A letter first: text that happens to begin like a compressed file is another matter.
        let content: Vec<u8> = lines.iter().flat_map(|line| format!("v{line}\n").into_bytes()).collect();
        let limits = Limits { whole_bytes: whole_bytes + 1, compressed_whole_bytes, ..Limits::default() };
        let given = read_with(&pack(&content, &cuts, way), &limits);
        prop_assert_eq!(given.content(), content.clone());
        prop_assert_eq!(given.outcome.content_hash, xxh3_128(&content));
        prop_assert_eq!(given.problems().is_empty(), !content.is_empty());
    }

    #[test]
    fn no_value_is_lost_however_a_document_is_packed_and_cut(
        values in prop::collection::vec(r#"(\{"[a-z,\{\[]{1,8}":\[1,"\}\]"\]\}|[1-9][0-9]{0,8}|"[a-z\{\},]{0,9}")"#, 1..40),
        wrapped in any::<bool>(),
        tail in prop::sample::select(vec!["", "\n", "\n{\"x\":1}", "[1,2]", "\n\n[{\"y\":[1,2]},{}]"]),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        way in 0..4u8,
        whole_bytes in 40..400usize,
    ) {
        let array = format!("[{}]", values.join(","));
        let content = if wrapped { format!("{{\"Records\":{array}}}{tail}") } else { format!("{array}{tail}") };
        let content = content.as_bytes();
        let given = read_with(&pack(content, &cuts, way), &Limits { whole_bytes, ..Limits::default() });
        prop_assert_eq!(given.problems(), Vec::<String>::new());
        prop_assert_eq!(values_of(&given), flat(std::str::from_utf8(content).unwrap()));
        let mut end = 0;
        for (position, _, bytes, _) in &given.pieces {
            prop_assert!(*position >= end && content[*position as usize..].starts_with(bytes));
            end = position + bytes.len() as u64;
        }
    }

    #[test]
    fn no_file_and_no_cut_of_one_is_too_odd(
        junk in prop::collection::vec(any::<u8>(), 0..400),
        mark in prop::sample::select(MARKS),
        way in 0..4u8,
        cut in any::<prop::sample::Index>(),
        whole_bytes in 1..500usize,
        compressed_whole_bytes in 0..500usize,
        decompressed_bytes_max in 0..500u64,
    ) {
        let file = pack(&[mark, &junk].concat(), &[], way);
        let limits = Limits { whole_bytes, compressed_whole_bytes, decompressed_bytes_max, ..Limits::default() };
        let given = read_with(&file[..cut.index(file.len() + 1)], &limits);
        prop_assert!(given.content().len() as u64 <= given.outcome.bytes);
    }
}
