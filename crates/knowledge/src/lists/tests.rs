//! Lists in every form, as their producers write them.

use super::{EntryError, LIST_BYTES_MAX, ListFormat, ReadList, moment, read, recognise};
use crate::indicators::IndicatorList;
use proptest::prelude::*;
use watchfire_model::ListKind;

fn parse(text: &str) -> ReadList {
    read(text.as_bytes(), None, &IndicatorList::new("file", ListKind::C2))
}

/// The entries as "entry # threat @ date", in the order of the file.
fn entries(read: &ReadList) -> Vec<String> {
    let write = |entry: crate::ListEntry| {
        let mut text = entry.indicator.to_string();
        if !entry.threat_name.is_empty() {
            text += &format!(" # {}", entry.threat_name);
        }
        if let Some(seen) = entry.details.as_ref().and_then(|details| details.seen) {
            text += &format!(" @ {}", seen.date());
        }
        text
    };
    read.list.entries.iter().map(write).collect()
}

/// The refused entries as (line, reason).
fn refused(read: &ReadList) -> Vec<(u64, EntryError)> {
    read.rejected.iter().map(|rejected| (rejected.line, rejected.reason)).collect()
}

fn check(text: &str, format: &ListFormat, expected: &[&str]) -> ReadList {
    let read = parse(text);
    assert_eq!((&read.format, refused(&read)), (format, vec![]), "{text}");
    assert_eq!(entries(&read), expected);
    read
}

const CSV: ListFormat = ListFormat::Csv { column: None };

#[test]
fn text_is_what_looks_like_nothing_else() {
    check("# a, b\n\n198.51.100.7\nexample.com\n", &ListFormat::Txt, &["198.51.100.7", "example.com"]);
    assert_eq!(recognise(b""), ListFormat::Txt);
    assert_eq!(recognise(b"  \n# nothing"), ListFormat::Txt);
}

#[test]
fn rows_that_end_as_on_old_macs_are_read_in_linear_time() {
    check("ip,name\r198.51.100.7,x\r198.51.100.8,y\r", &CSV, &["198.51.100.7", "198.51.100.8"]);
    // As many rows as would take hours if each of them cost a look through all the others.
    let count = 1 << 20;
    assert_eq!(parse(&format!("ip,name\r{}", "com,x\r".repeat(count))).rejected_count, count as u64);
    assert_eq!(parse(&"com\r".repeat(count)).rejected_count, count as u64);
}

#[test]
fn files_of_windows_are_read() {
    let utf16: Vec<u8> = [0xfeff]
        .into_iter()
        .chain("198.51.100.7\r\nbücher.example.com\r\n".encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let list = read(&utf16, None, &IndicatorList::new("", ListKind::C2));
    assert_eq!(entries(&list), ["198.51.100.7", "xn--bcher-kva.example.com"]);
    check(
        "\u{feff}Indicator type,Indicator,Description\r\nIPv4,198.51.100.7,x\r\n",
        &ListFormat::OtxCsv,
        &["198.51.100.7 # x"],
    );
}

#[test]
fn otx_csv_has_spaces_after_its_commas() {
    check(
        "Indicator type, Indicator, Description\nCIDR, 198.51.100.0/24, \"a, b\"\nIPv4, 203.0.113.7,\nDomain name, bad.example.net, c\n",
        &ListFormat::OtxCsv,
        &["198.51.100.0/24 # a, b", "203.0.113.7", "bad.example.net # c"],
    );
    let read = parse(
        "Indicator type,Indicator,Description\nURL,http://bad.example.net/x,\nFileHash-MD5,d41d8cd98f00b204e9800998ecf8427e,\nIPv4\n",
    );
    assert_eq!(refused(&read), [(2, EntryError::Url), (3, EntryError::OtherDigest), (4, EntryError::Column)]);
}

#[test]
fn alien_vault_is_separated_by_hashes() {
    check(
        "198.51.100.7#4#2#Malicious Host#KR##37.5,126.9#3\n198.51.100.8#4#2##CN#Somewhere#23.1,113.2#3\nbad.example.org#4#2#Scanning Host#PL##52.2,21.0#3\n",
        &ListFormat::AlienVault,
        &["198.51.100.7 # Malicious Host", "198.51.100.8", "bad.example.org # Scanning Host"],
    );
}

#[test]
fn proof_point_may_leave_the_ports_empty() {
    for title in ["ip", "domain"] {
        check(
            &format!(
                "{title}, category, score, first_seen, last_seen, ports (|)\n198.51.100.7, 1, 100, 2026-01-01, 2026-01-31,\nbad.example.com, 1, 100, 2026-01-01, , 80|443\n"
            ),
            &ListFormat::ProofPoint,
            &["198.51.100.7 @ 2026-01-31", "bad.example.com @ 2026-01-01"],
        );
    }
}

/// A FireEye file of the columns that matter among the 47 that the user guide shows, with blank lines between rows.
fn fire_eye(rows: &[(&str, &str)]) -> String {
    let titles = "reportId, title, threatScape, audience, intelligenceType, publishDate, reportLink, webLink, emailIdentifier, senderAddress, senderName, sourceDomain, sourceIp, subject, recipient, emailLanguage, fileName, fileSize, fuzzyHash, fileIdentifier, md5, sha1, sha256, description, fileType, packer, userAgent, registry, fileCompilationDateTime, filePath, asn, cidr, domain, domainTimeOfLookup, networkIdentifier, ip, port, protocol, registrantEmail, registrantName, networkType, url, malwareFamily, malwareFamilyId, actor, actorId, observationTime";
    let mut text = format!("{titles}\n");
    for (title, value) in rows {
        let field = |known: &str| match known.trim() {
            known if known == *title => (*value).to_owned(),
            "malwareFamily" => "Ursnif".to_owned(),
            "observationTime" => "1494944400".to_owned(),
            _ => String::new(),
        };
        let fields: Vec<String> = titles.split(',').map(field).collect();
        text += &format!("\n{}\n", fields.join(", "));
    }
    text
}

#[test]
fn fire_eye_fills_one_of_many_columns_and_leaves_lines_blank() {
    let digest = "ab".repeat(32);
    check(
        &fire_eye(&[
            ("cidr", "198.51.100.0/24"),
            ("ip", "203.0.113.7"),
            ("domain", "bad.example.com"),
            ("sha256", &digest),
        ]),
        &ListFormat::FireEye,
        &[
            "198.51.100.0/24 # Ursnif @ 2017-05-16",
            "203.0.113.7 # Ursnif @ 2017-05-16",
            "bad.example.com # Ursnif @ 2017-05-16",
            &format!("{digest} # Ursnif @ 2017-05-16"),
        ],
    );
    let read = parse(&fire_eye(&[("url", "http://bad.example.com/x"), ("ip", "0.0.0.0/0")]));
    assert_eq!(refused(&read), [(3, EntryError::ObjectKind), (5, EntryError::PrefixTooShort)]);
}

#[test]
fn a_column_of_any_csv_holds_the_entries() {
    check(
        "first_seen_utc,dst_ip,dst_port,malware\n2026-01-02 03:04:05,198.51.100.7,443,Emotet\n",
        &CSV,
        &["198.51.100.7 # Emotet @ 2026-01-02"],
    );
    // The titles in a comment, as abuse.ch writes them.
    check(
        "# made on 2026-01-31\n# \"first_seen_utc\",\"ioc_id\",\"ioc_value\"\n\"2026-01-02 03:04:05\", \"1\", \"bad.example.com\"\n",
        &CSV,
        &["bad.example.com @ 2026-01-02"],
    );
    check("name;ip address\nx;198.51.100.7\n", &CSV, &["198.51.100.7"]);
    let named = |column: &str, text: &str| {
        read(
            text.as_bytes(),
            ListFormat::from_name(&format!("csv:{column}")).as_ref(),
            &IndicatorList::new("", ListKind::C2),
        )
    };
    assert_eq!(entries(&named("Evil Host", "id\tEVIL host\n1\tbad.example.com\n")), ["bad.example.com"]);
    assert_eq!(
        entries(&named("2", "1,bad.example.com\n2,worse.example.com\n")),
        ["bad.example.com", "worse.example.com"]
    );
    assert_eq!(refused(&named("ioc", "a,b\n1,2\n")), [(1, EntryError::NoSuchColumn)]);
    assert_eq!(refused(&named("b", "a,b\n1\n")), [(2, EntryError::Column)]);
}

fn stix1(properties: &str) -> String {
    format!(
        r#"<?xml version="1.0"?>
<s:STIX_Package xmlns:s="http://stix.mitre.org/stix-1"><s:Indicators>
<s:Indicator timestamp="2026-01-02T03:04:05Z" xsi:type="indicator:IndicatorType"><i:Title>Zeus &amp; co</i:Title><i:Observable><c:Object>
{properties}
</c:Object></i:Observable></s:Indicator></s:Indicators></s:STIX_Package>"#
    )
}

fn address(attributes: &str, text: &str) -> String {
    stix1(&format!(
        r#"<c:Properties xsi:type="A:AddressObjectType" category="ipv4-addr"><A:Address_Value {attributes}>{text}</A:Address_Value></c:Properties>"#
    ))
}

#[test]
fn stix_1_joins_values_and_spans_ranges() {
    let list = |attributes: &str, text: &str, expected: &[&str]| {
        let expected: Vec<String> = expected.iter().map(|entry| format!("{entry} # Zeus & co @ 2026-01-02")).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check(&address(attributes, text), &ListFormat::Stix1, &expected);
    };
    list("", " 198.51.100.7 ", &["198.51.100.7"]);
    list(
        r#"condition="Equals" apply_condition="ANY""#,
        "198.51.100.7##comma##203.0.113.7",
        &["198.51.100.7", "203.0.113.7"],
    );
    list(r#"condition="InclusiveBetween""#, "198.51.100.0##comma##198.51.100.255", &["198.51.100.0/24"]);
    list(
        r#"condition="InclusiveBetween""#,
        "198.51.100.5##comma##198.51.100.8",
        &["198.51.100.5", "198.51.100.6/31", "198.51.100.8"],
    );
    list(r#"delimiter=",""#, "198.51.100.7,203.0.113.7", &["198.51.100.7", "203.0.113.7"]);
    list("", "<![CDATA[198.51.100.7]]>", &["198.51.100.7"]);
    list("", "198.51&#46;100.7", &["198.51.100.7"]);
}

#[test]
fn stix_1_refuses_what_it_cannot_mean() {
    let check_refused = |text: &str, reason: EntryError| {
        let read = parse(text);
        assert_eq!(refused(&read), [(4, reason)], "{text}");
        assert_eq!(entries(&read), [""; 0], "{text}");
    };
    check_refused(&address(r#"condition="DoesNotEqual""#, "198.51.100.7"), EntryError::Comparison);
    check_refused(&address(r#"apply_condition="NONE""#, "198.51.100.7"), EntryError::Comparison);
    check_refused(&address(r#"condition="InclusiveBetween""#, "198.51.100.7"), EntryError::Range);
    check_refused(&address(r#"condition="InclusiveBetween""#, "198.51.100.7##comma##198.51.100.1"), EntryError::Range);
    check_refused(
        &address(r#"condition="InclusiveBetween""#, "0.0.0.0##comma##255.255.255.255"),
        EntryError::PrefixTooShort,
    );
    check_refused(&address(r#"condition="InclusiveBetween""#, "198.51.100.7##comma##2001:db8::1"), EntryError::Range);
    let mail = address("", "mallory@example.com").replace("ipv4-addr", "e-mail");
    check_refused(&mail, EntryError::ObjectKind);
    let negated = address("", "198.51.100.7").replace("<s:Indicator ", "<s:Indicator negate=\"true\" ");
    check_refused(&negated, EntryError::Comparison);
    let url = r#"<c:Properties type="URL" xsi:type="U:URIObjectType"><U:Value condition="Equals">http://bad.example.com/4712</U:Value></c:Properties>"#;
    check_refused(&stix1(url), EntryError::Url);
    let mutex = r#"<c:Properties xsi:type="M:MutexObjectType"><M:Name condition="Equals">x</M:Name></c:Properties>"#;
    check_refused(&stix1(mutex), EntryError::ObjectKind);
}

#[test]
fn stix_1_names_domains_hosts_and_digests() {
    let digest = "ab".repeat(32);
    let check_one = |properties: &str, entry: &str| {
        check(&stix1(properties), &ListFormat::Stix1, &[&format!("{entry} # Zeus & co @ 2026-01-02")]);
    };
    check_one(
        r#"<c:Properties xsi:type="D:DomainNameObjectType"><D:Value condition="Equals">Bad.example.com</D:Value></c:Properties>"#,
        "bad.example.com",
    );
    check_one(
        r#"<c:Properties xsi:type="U:URIObjectType" type="URL"><U:Value>http://bad.example.com/</U:Value></c:Properties>"#,
        "bad.example.com",
    );
    let file = format!(
        r#"<c:Properties xsi:type="F:FileObjectType"><F:File_Name condition="Equals">x.exe</F:File_Name><F:Hashes><o:Hash><o:Type>SHA256</o:Type><o:Simple_Hash_Value condition="Equals">{digest}</o:Simple_Hash_Value></o:Hash></F:Hashes></c:Properties>"#
    );
    check_one(&file, &digest);
}

#[test]
fn the_stix_projects_own_documents_are_read() {
    let c2 = parse(include_str!("tests/stixproject-command-and-control-ip-list.xml"));
    assert_eq!(
        (entries(&c2), refused(&c2)),
        (vec!["198.51.100.2".into(), "198.51.100.17".into(), "203.0.113.19".into()], vec![])
    );
    let url = parse(include_str!("tests/stixproject-indicator-for-malicious-url.xml"));
    assert_eq!((entries(&url).len(), refused(&url)[0].1), (0, EntryError::Url));
    // The others name private addresses, which no list may.
    for (text, count) in [
        (include_str!("tests/stixproject-IP_Watchlist-1.2.xml"), 3),
        (include_str!("tests/stixproject-indicator-for-c2-ip-address.xml"), 1),
        (include_str!("tests/stixproject-sample-indicators.xml"), 3),
    ] {
        let read = parse(text);
        assert_eq!((entries(&read).len(), read.rejected_by_reason.get(&EntryError::NotRoutable)), (0, Some(&count)));
    }
}

#[test]
fn hostile_xml_ends_the_reading_and_no_more() {
    let deep = format!("<STIX_Package>{}", "<a>".repeat(200));
    assert_eq!(parse(&deep).rejected_by_reason.get(&EntryError::TooDeep), Some(&1));
    let cut = &address("", "198.51.100.7")[..400];
    let read = parse(cut);
    assert_eq!(read.rejected_by_reason.get(&EntryError::Malformed), Some(&1));
    let bomb = address("", "&lol;").replace("<s:STIX", "<!DOCTYPE x [<!ENTITY lol \"198.51.100.7\">]><s:STIX");
    assert_eq!(entries(&parse(&bomb)), [""; 0], "entities are not expanded");
}

#[test]
fn stix_2_indicators_have_patterns_dates_and_confidence() {
    let bundle = r#"{"type": "bundle", "id": "bundle--1", "objects": [
{"type": "identity", "name": "us"},
{"type": "indicator", "name": "Emotet", "pattern_type": "stix", "valid_from": "2026-01-02T00:00:00Z", "valid_until": "2026-02-01T00:00:00Z", "confidence": 80,
 "pattern": "[ipv4-addr:value = '198.51.100.7' OR domain-name:value = 'bad.example.com']"},
{"type": "indicator", "pattern": "[file:hashes.'SHA-256' = 'abababababababababababababababababababababababababababababababab']"}
]}"#;
    let read = check(
        bundle,
        &ListFormat::Stix2,
        &["198.51.100.7 # Emotet @ 2026-01-02", "bad.example.com # Emotet @ 2026-01-02", &"ab".repeat(32)],
    );
    let details = read.list.entries.get(0).unwrap().details.unwrap();
    assert_eq!((details.confidence, details.until), (Some(80), moment("2026-02-01")));
    assert_eq!(read.list.entries.get(2).unwrap().details, None);
}

#[test]
fn stix_2_refuses_what_it_withdraws_or_cannot_mean() {
    let read = parse(
        r#"{"objects": [
{"type": "indicator", "revoked": true, "pattern": "[ipv4-addr:value = '198.51.100.7']"},
{"type": "indicator", "indicator_types": ["benign"], "pattern": "[ipv4-addr:value = '198.51.100.7']"},
{"type": "indicator", "pattern_type": "snort", "pattern": "alert"},
{"type": "indicator", "pattern": "[ipv4-addr:value = '198.51.100.7' AND domain-name:value = 'x.example.com']"},
{"type": "indicator", "pattern": "[domain-name:value = 'com']"},
{"type": "indicator", "pattern": 7}
]}"#,
    );
    let reasons = [
        EntryError::Withdrawn,
        EntryError::NotForDetection,
        EntryError::PatternLanguage,
        EntryError::Conjunction,
        EntryError::PublicSuffix,
        EntryError::Pattern,
    ];
    assert_eq!(refused(&read), (2..).zip(reasons).collect::<Vec<_>>());
    assert_eq!(refused(&parse("{\n\"objects\": [")), [(2, EntryError::Malformed)]);
}

#[test]
fn misp_marks_what_is_meant_for_detection() {
    let event = r#"{"Event": {"info": "Campaign", "Object": [{"Attribute": [
{"type": "filename|sha256", "to_ids": true, "timestamp": "1767312000", "value": "x.exe|abababababababababababababababababababababababababababababababab"}]}],
"Attribute": [
{"type": "ip-dst", "to_ids": true, "timestamp": "1767312000", "last_seen": "2026-01-05T00:00:00.000000+00:00", "value": "198.51.100.7"},
{"type": "domain|ip", "to_ids": true, "timestamp": 1767312000, "value": "bad.example.com|203.0.113.7"},
{"type": "ip-src", "to_ids": false, "value": "198.51.100.8"},
{"type": "ip-dst|port", "to_ids": true, "value": "198.51.100.9|443"},
{"type": "url", "to_ids": true, "value": "http://bad.example.com/x"},
{"type": "md5", "to_ids": true, "value": "d41d8cd98f00b204e9800998ecf8427e"},
{"type": "ip-dst", "to_ids": true, "deleted": true, "value": "198.51.100.10"}
]}}"#;
    let read = parse(event);
    assert_eq!(read.format, ListFormat::MispEvent);
    assert_eq!(
        entries(&read),
        [
            &format!("{} # Campaign @ 2026-01-02", "ab".repeat(32)),
            "198.51.100.7 # Campaign @ 2026-01-05",
            "bad.example.com # Campaign @ 2026-01-02",
            "203.0.113.7 # Campaign @ 2026-01-02",
        ]
    );
    let reasons = [
        EntryError::NotForDetection,
        EntryError::Port,
        EntryError::Url,
        EntryError::OtherDigest,
        EntryError::Withdrawn,
    ];
    assert_eq!(refused(&read), (6..).zip(reasons).collect::<Vec<_>>());
    let attribute = r#"{"type": "ip-dst", "to_ids": true, "value": "198.51.100.7"}"#;
    for form in [
        format!(r#"{{"response": [{{"Event": {{"Attribute": [{attribute}]}}}}]}}"#),
        format!(r#"{{"response": {{"Attribute": [{attribute}]}}}}"#),
        format!(r#"[{{"Event": {{"Attribute": [{attribute}]}}}}]"#),
    ] {
        check(&form, &ListFormat::MispEvent, &["198.51.100.7"]);
    }
}

#[test]
fn misp_warning_lists_say_how_they_match() {
    let read = check(
        r#"{"name": "Resolvers", "version": 20260131, "type": "cidr", "list": ["198.51.100.0/24", "2001:db8::1"]}"#,
        &ListFormat::MispWarningList,
        &["198.51.100.0/24", "2001:db8::1"],
    );
    assert_eq!((read.list.name.as_str(), read.list.version.as_str()), ("Resolvers", "20260131"));
    let names = check(
        r#"{"type": "hostname", "list": ["example.com", ".example.org"]}"#,
        &ListFormat::MispWarningList,
        &["example.com", "*.example.org"],
    );
    assert!(names.list.include_subdomains);
    assert_eq!(refused(&parse("{\"type\": \"regex\", \"list\": [\n\"a.*\"]}")), [(2, EntryError::Expression)]);
}

#[test]
fn formats_are_named_as_guardduty_names_them_too() {
    for format in ListFormat::ALL {
        assert_eq!(ListFormat::from_name(&format.to_string()), Some(format));
    }
    for name in ["TXT", "STIX", "OTX_CSV", "ALIEN_VAULT", "PROOF_POINT", "FIRE_EYE", "csv:dst_ip"] {
        assert!(ListFormat::from_name(name).is_some(), "{name}");
    }
    assert_eq!((ListFormat::from_name("xls"), ListFormat::from_name("csv:")), (None, None));
    assert_eq!(LIST_BYTES_MAX, 36_700_160);
}

#[test]
fn moments_are_read_in_the_spellings_of_lists() {
    for text in ["2026-01-02T00:00:00Z", "2026-01-02", "2026-01-02 00:00:00", "2026-01-02 00:00:00 UTC", "1767312000"] {
        assert_eq!(
            moment(text).map(|moment| moment.to_string()).as_deref(),
            Some("2026-01-02T00:00:00.000Z"),
            "{text}"
        );
    }
    assert_eq!((moment(""), moment("never"), moment("99999999999999999999")), (None, None, None));
}

proptest! {
    #[test]
    fn any_bytes_in_any_format_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..ListFormat::ALL.len()) {
        let defaults = IndicatorList::new("", ListKind::C2);
        read(&bytes, None, &defaults);
        let list = read(&bytes, ListFormat::ALL.get(at), &defaults);
        prop_assert_eq!(list.rejected_by_reason.values().sum::<u64>(), list.rejected_count);
    }

    #[test]
    fn any_damage_to_a_sound_list_is_survived(at in any::<proptest::sample::Index>(), byte in any::<u8>(), which in 0..4usize) {
        let sound = [
            address("condition=\"InclusiveBetween\"", "198.51.100.0##comma##198.51.100.255"),
            r#"{"objects": [{"type": "indicator", "pattern": "[ipv4-addr:value = '198.51.100.7']"}]}"#.to_owned(),
            r#"{"Event": {"Attribute": [{"type": "ip-dst", "to_ids": true, "value": "198.51.100.7"}]}}"#.to_owned(),
            "first_seen,ip\n2026-01-01,\"198.51.100.7\"\n".to_owned(),
        ];
        let mut bytes = sound[which].clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let defaults = IndicatorList::new("", ListKind::C2);
        read(&bytes, None, &defaults);
        read(&bytes[..at], None, &defaults);
    }

    #[test]
    fn what_is_read_reads_the_same_as_text(octets in proptest::collection::vec(any::<[u8; 4]>(), 0..10)) {
        let rows: String = octets.iter().map(|octets| format!("x,{}\n", std::net::Ipv4Addr::from(*octets))).collect();
        let csv = parse(&format!("name,ip\n{rows}"));
        let text: String = csv.list.entries.iter().map(|entry| format!("{}\n", entry.indicator)).collect();
        prop_assert_eq!(entries(&parse(&text)), entries(&csv));
        prop_assert_eq!(csv.list.entries.len() as u64 + csv.rejected_count, octets.len() as u64);
    }

    #[test]
    fn a_range_is_covered_exactly(first in any::<u32>(), span in 0u32..5000) {
        let last = first.saturating_add(span);
        let text = address("condition=\"InclusiveBetween\"", &format!("{}##comma##{}", std::net::Ipv4Addr::from(first), std::net::Ipv4Addr::from(last)));
        let read = parse(&text);
        let covered: u64 = read.list.entries.iter().map(|entry| match &entry.indicator {
            crate::Indicator::Network(network) => 1u64 << (network.max_prefix_len() - network.prefix_len()),
            _ => 0,
        }).sum();
        prop_assert!(covered == u64::from(last - first) + 1 || read.rejected_count == 1);
    }
}
