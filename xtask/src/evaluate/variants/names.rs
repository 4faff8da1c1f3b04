//! Variants that are seen in the names that hosts ask for: tunnels, generated names, and what looks like either.
//!
//! The shapes are those of the tools' documentation and source, not of recordings: what they put into a label, which record
//! types they ask for, how fast. What looks alike follows the documentation of the services that make such names.

use super::Variant;
use super::account::{Account, HOUR};
use crate::generate::random::Random;

const EXFILTRATION: &str = "Trojan:EC2/DNSDataExfiltration";
const DGA: &str = "Trojan:EC2/DGADomainRequest.B";

const BASE32: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE64: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-_";
const HEX: &[u8] = b"0123456789abcdef";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const WORDS: [&str; 60] = [
    "apple", "bridge", "castle", "dragon", "empire", "flower", "guitar", "honey", "insect", "jungle", "kitchen",
    "lemon", "mountain", "number", "ocean", "pencil", "question", "river", "summer", "travel", "uncle", "village",
    "winter", "yard", "zebra", "bright", "clever", "distant", "early", "famous", "gentle", "heavy", "ideal", "joyful",
    "kind", "little", "modern", "narrow", "open", "perfect", "quiet", "rapid", "simple", "tender", "usual", "violent",
    "wooden", "young", "bottle", "camera", "doctor", "event", "finger", "glass", "hammer", "image", "jacket", "key",
    "light", "music",
];

/// How a tool puts data into names.
#[derive(Clone, Copy)]
struct Tool {
    kinds: &'static [&'static str],
    alphabet: &'static [u8],
    /// Characters of data in a name.
    chunk: usize,
    /// Characters of a label at most.
    label: usize,
    /// Stands before and after the data.
    before: &'static str,
    after: &'static str,
    /// Milliseconds between queries.
    gap_ms: i64,
    seconds: i64,
}

const PLAIN: Tool = Tool {
    kinds: &["TXT"],
    alphabet: BASE32,
    chunk: 50,
    label: 60,
    before: "",
    after: "",
    gap_ms: 1_000,
    seconds: 1_800,
};

pub(crate) fn variants() -> Vec<Variant> {
    let mut all = Vec::new();
    tunnels(&mut all);
    tunnels_of_several(&mut all);
    like_tunnels(&mut all);
    generated(&mut all);
    like_generated(&mut all);
    all
}

fn tunnels(all: &mut Vec<Variant>) {
    let tools = [
        ("dns2tcp: TXT, base64", Tool { alphabet: BASE64, chunk: 60, gap_ms: 100, seconds: 600, ..PLAIN }),
        ("dnscat2: CNAME, MX, TXT, hex", Tool { kinds: &["CNAME", "MX", "TXT"], alphabet: HEX, chunk: 58, ..PLAIN }),
        ("iodine: NULL, base32, long names", Tool { kinds: &["NULL"], chunk: 200, label: 57, gap_ms: 200, ..PLAIN }),
        ("iodine: raw bytes, escaped", Tool { kinds: &["NULL"], alphabet: b"", chunk: 50, gap_ms: 500, ..PLAIN }),
        (
            "DNSExfiltrator: TXT, three labels",
            Tool { alphabet: BASE64, chunk: 180, gap_ms: 500, seconds: 300, ..PLAIN },
        ),
        ("OzymanDNS: TXT, counters between", Tool { chunk: 60, after: "-0.id-4711.up", gap_ms: 700, ..PLAIN }),
        (
            "Cobalt Strike: A, hex, a task's output an hour",
            Tool {
                kinds: &["A"],
                alphabet: HEX,
                chunk: 112,
                label: 56,
                before: "api.",
                gap_ms: 30_000,
                seconds: HOUR,
                ..PLAIN
            },
        ),
        ("AAAA, 40 characters, one in 3 s", Tool { kinds: &["AAAA"], chunk: 40, gap_ms: 3_000, ..PLAIN }),
        ("20 characters, one in 2 s", Tool { kinds: &["A"], chunk: 20, gap_ms: 2_000, ..PLAIN }),
        ("50 a second for two minutes", Tool { gap_ms: 20, seconds: 120, ..PLAIN }),
        ("data before a mail key's label", Tool { after: "._domainkey", gap_ms: 4_000, ..PLAIN }),
        ("data before an address's numbers", Tool { after: ".7.113.0.203", gap_ms: 4_000, ..PLAIN }),
        ("60 characters a minute for six hours", Tool { chunk: 60, gap_ms: 60_000, seconds: 6 * HOUR, ..PLAIN }),
        ("30 characters a minute for a day", Tool { chunk: 30, gap_ms: 60_000, seconds: 20 * HOUR, ..PLAIN }),
        ("60 characters in five minutes for a day", Tool { chunk: 60, gap_ms: 300_000, seconds: 20 * HOUR, ..PLAIN }),
    ];
    for (name, tool) in tools {
        all.push(Variant::attack("tunnel", name, EXFILTRATION, move |it| {
            let domain = domain(it);
            it.telling.push(domain.clone());
            let from = it.from;
            tunnel(it, 1, from, &tool, &domain);
        }));
    }
    for (name, ending) in
        [("below a public suffix of two labels", "co.uk"), ("below a customer of dynamic DNS", "duckdns.org")]
    {
        all.push(Variant::attack("tunnel", name, EXFILTRATION, move |it| {
            let domain = format!("{}.{ending}", text(&mut it.random.clone(), LETTERS, 9));
            it.telling.push(domain.clone());
            let from = it.from;
            tunnel(it, 1, from, &Tool { gap_ms: 5_000, ..PLAIN }, &domain);
        }));
    }
    all.push(Variant::attack("tunnel", "words as data, one in 2 s", EXFILTRATION, |it| {
        let domain = domain(it);
        it.telling.push(domain.clone());
        for step in 0..900 {
            let words: Vec<&str> = (0..5).map(|_| *it.random.pick(&WORDS)).collect();
            it.ask(
                it.from + step * 2,
                1,
                &format!("{}.{domain}", words.join("-")),
                "A",
                "NOERROR",
                &[("0.0.0.0", "A")],
            );
        }
    }));
}

/// What is spread, or comes the other way.
fn tunnels_of_several(all: &mut Vec<Variant>) {
    all.push(Variant::attack("tunnel", "five domains in turn, a name in 10 s", EXFILTRATION, |it| {
        let domains: Vec<String> = (0..5).map(|_| domain(it)).collect();
        for (number, domain) in domains.iter().enumerate() {
            let from = it.from + number as i64 * 10;
            tunnel(it, 1, from, &Tool { chunk: 40, gap_ms: 50_000, seconds: 4 * HOUR, ..PLAIN }, domain);
        }
    }));
    all.push(Variant::attack("tunnel", "four hosts, one domain, a name a minute each", EXFILTRATION, |it| {
        let domain = domain(it);
        it.telling.push(domain.clone());
        for host in 0..4 {
            let from = it.from + host as i64 * 7;
            tunnel(it, host, from, &Tool { gap_ms: 60_000, seconds: 4 * HOUR, ..PLAIN }, &domain);
        }
    }));
    for (name, gap, count, is_counter) in [
        ("answers carry it: counters, TXT, 1 a second", 1, 1_200, true),
        ("answers carry it: 6 letters, TXT, one in 5 s", 5, 700, false),
    ] {
        all.push(Variant::attack("tunnel", name, EXFILTRATION, move |it| {
            let domain = domain(it);
            it.telling.push(domain.clone());
            for step in 0..count {
                let label = if is_counter { step.to_string() } else { text(&mut it.random, LETTERS, 6) };
                let back = text(&mut it.random, BASE64, 240);
                it.ask(it.from + step * gap, 1, &format!("{label}.{domain}"), "TXT", "NOERROR", &[(&back, "TXT")]);
            }
        }));
    }
    all.push(Variant::limit("tunnel", "iodine at rest: short names, NULL, one in 4 s", EXFILTRATION, |it| {
        let domain = domain(it);
        for step in 0..900 {
            let label = format!("p{}", text(&mut it.random, BASE32, 5));
            let back = text(&mut it.random, HEX, 8);
            it.ask(it.from + step * 4, 1, &format!("{label}.{domain}"), "NULL", "NOERROR", &[(&back, "NULL")]);
        }
    }));
    for (name, kind, chunk, gap_ms) in [
        ("60 characters in five minutes for a day, asked as A", &["A"][..], 60, 300_000),
        ("30 characters a minute for 12 hours, asked as A", &["A"], 30, 60_000),
        ("120 characters in five minutes for a day, asked as AAAA", &["AAAA"], 120, 300_000),
    ] {
        all.push(
            Variant::attack("tunnel", name, EXFILTRATION, move |it| {
                let domain = domain(it);
                it.telling.push(domain.clone());
                let from = it.from;
                let seconds = if gap_ms < 100_000 { 12 * HOUR } else { 20 * HOUR };
                tunnel(it, 1, from, &Tool { kinds: kind, chunk, gap_ms, seconds, ..PLAIN }, &domain);
            })
            .with_history(),
        );
    }
    all.push(Variant::attack("tunnel", "8 hexadecimal digits, five a second, asked as A", EXFILTRATION, |it| {
        let domain = domain(it);
        it.telling.push(domain.clone());
        let from = it.from;
        let tool = Tool { kinds: &["A"], alphabet: HEX, chunk: 8, gap_ms: 200, ..PLAIN };
        tunnel(it, 1, from, &tool, &domain);
    }));
    all.push(Variant::attack("tunnel", "Cobalt Strike at rest: one name a minute", EXFILTRATION, |it| {
        let domain = format!("{}.{}", text(&mut it.random, HEX, 8), domain(it));
        it.telling.push(domain.clone());
        for step in 0..1_200 {
            let second = it.from + step * 60 + it.random.below(20) as i64;
            it.ask(second, 1, &domain, "A", "NOERROR", &[("0.0.0.0", "A")]);
        }
    }));
}

fn tunnel(it: &mut Account, host: usize, from: i64, tool: &Tool, domain: &str) {
    let mut at = 0;
    while at < tool.seconds * 1_000 {
        let data = if tool.alphabet.is_empty() {
            let bytes: Vec<String> = (0..tool.chunk / 2).map(|_| format!("\\{}", 128 + it.random.below(128))).collect();
            bytes.concat()
        } else {
            let data = text(&mut it.random, tool.alphabet, tool.chunk);
            let labels: Vec<&str> =
                (0..data.len()).step_by(tool.label).map(|at| &data[at..data.len().min(at + tool.label)]).collect();
            labels.join(".")
        };
        let name = format!("{}{data}{}.{domain}", tool.before, tool.after);
        let kind = *it.random.pick(tool.kinds);
        let back = match kind {
            "A" => "198.51.100.77".to_owned(),
            "AAAA" => format!("2001:db8::{:x}", it.random.below(65_000)),
            "CNAME" | "MX" => format!("{}.{domain}.", text(&mut it.random, HEX, 24)),
            _ => text(&mut it.random, BASE64, 30),
        };
        it.ask(from + at / 1_000, host, &name, kind, "NOERROR", &[(&back, kind)]);
        at += tool.gap_ms * it.random.range(70, 131) as i64 / 100;
    }
}

fn like_tunnels(all: &mut Vec<Variant>) {
    let mut benign = |name, make: fn(&mut Account)| all.push(Variant::benign("like a tunnel", name, make));
    benign("a virus scanner's look-ups, 400 an hour", |it| {
        each(it, 1_600, 9, |it, _| {
            let name = format!(
                "a-0.19-a70{}.8010083.1644.1f4e.3ea1.410.0.{}.avqs.mcafee.com",
                text(&mut it.random, HEX, 5),
                text(&mut it.random, BASE32, 26)
            );
            (name, "A", "NOERROR", vec![("127.0.0.8".to_owned(), "A")])
        });
    });
    benign("block lists by address, 900 an hour", |it| {
        each(it, 3_600, 4, |it, _| {
            let mut octet = || it.random.below(256);
            (format!("{}.{}.{}.{}.zen.spamhaus.org", octet(), octet(), octet(), octet()), "A", "NXDOMAIN", vec![])
        });
    });
    benign("block lists by address of a small provider", |it| {
        each(it, 3_600, 4, |it, _| {
            let mut octet = || it.random.below(256);
            (format!("{}.{}.{}.{}.rbl.smallmailhost.net", octet(), octet(), octet(), octet()), "A", "NXDOMAIN", vec![])
        });
    });
    benign("block lists by IPv6 address", |it| {
        each(it, 1_800, 8, |it, _| {
            let digits: Vec<String> = (0..32).map(|_| text(&mut it.random, HEX, 1)).collect();
            (format!("{}.zen.spamhaus.org", digits.join(".")), "A", "NXDOMAIN", vec![])
        });
    });
    benign("block lists by domain, 900 an hour", |it| {
        each(it, 3_600, 4, |it, _| (format!("{}.multi.surbl.org", pair(it)), "A", "NXDOMAIN", vec![]));
    });
    benign("mail keys and policies of senders", |it| {
        each(it, 1_200, 12, |it, step| {
            let before = ["s2026._domainkey", "_dmarc", "_mta-sts", "selector1._domainkey"][step as usize % 4];
            (
                format!("{before}.{}", pair(it)),
                "TXT",
                "NOERROR",
                vec![("v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQ".to_owned(), "TXT")],
            )
        });
    });
    benign("mail keys of one company, 40 selectors", |it| {
        let company = it.company(3);
        each(it, 400, 30, move |_, step| {
            (
                format!("key-2026-{:02}._domainkey.{company}", step % 40),
                "TXT",
                "NOERROR",
                vec![("v=DKIM1; p=MIGf".to_owned(), "TXT")],
            )
        });
    });
    benign("certificates: challenges and validations", |it| {
        let company = it.company(5);
        each(it, 60, 60, move |it, step| {
            if step % 2 == 0 {
                return (
                    format!("_acme-challenge.shop{}.{company}", step),
                    "TXT",
                    "NOERROR",
                    vec![(text(&mut it.random, BASE64, 43), "TXT")],
                );
            }
            (
                format!("_{}.shop{step}.{company}", text(&mut it.random, HEX, 32)),
                "CNAME",
                "NOERROR",
                vec![("validations.example.".to_owned(), "CNAME")],
            )
        });
    });
    benign("a monitor asks for 1,500 hosts of its company", |it| {
        let company = it.company(7);
        for hour in 0..4 {
            for host in 0..1_500 {
                let kind = ["web", "api", "db", "cache", "queue"][host as usize % 5];
                let name = format!(
                    "{kind}-{:04}.{}.nodes.prod.{company}",
                    host,
                    ["eu-west-1", "eu-central-1"][host as usize % 2]
                );
                let address = format!("10.4.{}.{}", host / 250, host % 250);
                it.ask(it.from + hour * HOUR + host * 2, 1, &name, "A", "NOERROR", &[(&address, "A")]);
            }
        }
    });
    benign("hosts named by address in a public zone", |it| {
        let company = it.company(8);
        each(it, 3_000, 3, move |it, _| {
            let address = (it.random.below(4), it.random.below(250));
            (
                format!("ip-10-20-{}-{}.eu-central-1.{company}", address.0, address.1),
                "A",
                "NOERROR",
                vec![(format!("10.20.{}.{}", address.0, address.1), "A")],
            )
        });
    });
    benign("a worker calls 900 customers of one service", |it| {
        each(it, 3_000, 4, |it, step| {
            let customer = step as usize % 900;
            let name = format!("{}-{}", WORDS[customer % 60], WORDS[(customer / 60 * 7 + customer) % 60]);
            let _ = it;
            (format!("{name}.zendesk.com"), "A", "NOERROR", vec![("104.16.51.111".to_owned(), "A")])
        });
    });
    benign("names of a content network, 150 an hour", |it| {
        each(it, 600, 24, |it, _| {
            let name = format!("r{}---sn-{}.gvt1-cdn.net", it.random.below(9), text(&mut it.random, BASE32, 8));
            (name, "A", "NOERROR", vec![("74.125.100.7".to_owned(), "A")])
        });
    });
    benign("telemetry: a random name a minute", |it| {
        each(it, 1_200, 60, |it, _| {
            let mut id = String::new();
            it.random.uuid(&mut id);
            (format!("{id}.probe.uptime-vendor.com"), "A", "NOERROR", vec![("203.0.113.90".to_owned(), "A")])
        });
    });
    benign("names of a cluster with its search list", |it| {
        each(it, 3_000, 3, |it, step| {
            let service = WORDS[it.random.below(60) as usize];
            let ending =
                ["default.svc.cluster.local", "svc.cluster.local", "cluster.local", "eu-central-1.compute.internal"]
                    [step as usize % 4];
            (format!("{service}.prod.{ending}"), "A", "NXDOMAIN", vec![])
        });
    });
    benign("buckets and load balancers of AWS", |it| {
        each(it, 1_500, 5, |it, step| {
            let name = if step % 2 == 0 {
                format!("logs-{}-{}.s3.eu-central-1.amazonaws.com", pair_of_words(it), text(&mut it.random, HEX, 24))
            } else {
                format!(
                    "internal-{}-{}.eu-central-1.elb.amazonaws.com",
                    text(&mut it.random, HEX, 32),
                    it.random.below(1_000_000_000)
                )
            };
            (name, "A", "NOERROR", vec![("52.219.170.1".to_owned(), "A")])
        });
    });
    benign("long names of services, two hundred again and again", |it| {
        each(it, 3_000, 4, |_, step| {
            let mut random = Random::of(&[step as u64 % 200, 9]);
            let name = format!(
                "{}.{}.eu1.data-warehouse-cloud.com",
                text(&mut random, BASE32, 12),
                text(&mut random, BASE32, 10)
            );
            (name, "A", "NOERROR", vec![("20.50.1.7".to_owned(), "A")])
        });
    });
    benign("printers and screens by multicast", |it| {
        each(it, 900, 10, |it, _| {
            (format!("{}._sub._googlecast._tcp.local", text(&mut it.random, HEX, 32)), "PTR", "NXDOMAIN", vec![])
        });
    });
    benign("policies of senders with macros", |it| {
        each(it, 900, 10, |it, _| {
            let mut octet = || it.random.below(256);
            let address = format!("{}.{}.{}.{}", octet(), octet(), octet(), octet());
            (format!("{address}._spf.mta.crm-mailer.com"), "A", "NXDOMAIN", vec![])
        });
    });
}

/// What is asked for: name, type, code, answers.
type Asked = (String, &'static str, &'static str, Vec<(String, &'static str)>);

/// Asks so often, with so many seconds between.
fn each(it: &mut Account, count: i64, gap: i64, mut what: impl FnMut(&mut Account, i64) -> Asked) {
    for step in 0..count {
        let (name, kind, code, answers) = what(it, step);
        let answers: Vec<(&str, &str)> = answers.iter().map(|(data, kind)| (data.as_str(), *kind)).collect();
        let second = it.from + step * gap + it.random.below(gap.max(1) as u64) as i64;
        it.ask(second, 1, &name, kind, code, &answers);
    }
}

/// A family of generated names: what it is called, and its next name.
type Family = (&'static str, fn(&mut Random) -> String);

fn generated(all: &mut Vec<Variant>) {
    let families: [Family; 7] = [
        ("letters", |random| {
            let length = random.range(11, 18) as usize;
            text(random, LETTERS, length) + ending(random)
        }),
        ("hex digits", |random| text(random, HEX, 16) + ".com"),
        ("letters and digits", |random| text(random, b"abcdefghijklmnopqrstuvwxyz0123456789", 12) + ending(random)),
        ("by date, consonants and vowels", |random| {
            let syllables: Vec<String> =
                (0..4).map(|_| text(random, b"bcdfghklmnprstvz", 1) + &text(random, b"aeiou", 1)).collect();
            syllables.concat() + ending(random)
        }),
        ("short, six to eight letters", |random| {
            let length = random.range(6, 9) as usize;
            text(random, LETTERS, length) + ".biz"
        }),
        ("words", |random| format!("{}{}{}", random.pick(&WORDS), random.pick(&WORDS), ending(random))),
        ("below dynamic DNS", |random| text(random, LETTERS, 12) + ".ddns.net"),
    ];
    for (family, make) in families {
        for (pace, an_hour, percent) in
            [("20 an hour, 99 % unknown", 20, 99), ("60, 60 %", 60, 60), ("120, 80 %", 120, 80), ("500, 95 %", 500, 95)]
        {
            let is_hard = matches!(family, "words" | "by date, consonants and vowels" | "short, six to eight letters")
                && an_hour < 120;
            let name = format!("{family}: {pace}");
            let variant = Variant::attack("generated names", &name, DGA, move |it: &mut Account| {
                it.telling.push("not exist".to_owned());
                let hours = 3;
                for step in 0..an_hour * hours {
                    let name = make(&mut it.random);
                    let second = it.from + step * HOUR / an_hour;
                    if it.random.percent(percent) {
                        it.ask(second, 1, &name, "A", "NXDOMAIN", &[]);
                    } else {
                        it.ask(second, 1, &name, "A", "NOERROR", &[("192.0.78.24", "A")]);
                    }
                }
            })
            .with_history();
            all.push(if is_hard { variant.may_be_missed() } else { variant });
        }
    }
}

fn like_generated(all: &mut Vec<Variant>) {
    for has_history in [false, true] {
        let mut benign = |name: &str, make: fn(&mut Account)| {
            let name = if has_history { format!("{name}, after two weeks") } else { name.to_owned() };
            let variant = Variant::benign("like generated names", &name, make);
            all.push(if has_history { variant.with_history() } else { variant });
        };
        benign("a browser's three probes at each start", |it| {
            each(it, 90, 120, |it, _| (text(&mut it.random, LETTERS, 12), "A", "NXDOMAIN", vec![]));
        });
        benign("the probes with the search domain", |it| {
            let company = it.company(11);
            each(it, 90, 120, move |it, _| {
                (format!("{}.{company}", text(&mut it.random, LETTERS, 12)), "A", "NXDOMAIN", vec![])
            });
        });
        benign("a search domain that is gone, behind every name", |it| {
            each(it, 900, 8, |it, _| (format!("{}.old-company-name.net", pair(it)), "A", "NXDOMAIN", vec![]));
        });
        benign("a burst of mistyped names", |it| {
            each(it, 16, 20, |it, _| {
                let mut name: Vec<char> = WORDS[it.random.below(60) as usize].chars().collect();
                let at = it.random.below(name.len() as u64 - 1) as usize;
                name.swap(at, at + 1);
                (format!("{}.com", name.into_iter().collect::<String>()), "A", "NXDOMAIN", vec![])
            });
        });
        benign("random names that are answered", |it| {
            each(it, 600, 15, |it, _| {
                (text(&mut it.random, LETTERS, 14) + ".com", "A", "NOERROR", vec![("203.0.113.5".to_owned(), "A")])
            });
        });
        benign("a portal that answers every name", |it| {
            each(it, 200, 20, |it, _| (pair(it), "A", "NOERROR", vec![("10.0.0.1".to_owned(), "A")]));
        });
        benign("a crawler: 100 sites an hour, a quarter gone", |it| {
            each(it, 600, 36, |it, step| {
                let name = format!("www.{}{}", text(&mut it.random, b"abc", 2), pair(it));
                if step % 4 == 0 {
                    (name, "A", "NXDOMAIN", vec![])
                } else {
                    (name, "A", "NOERROR", vec![("203.0.113.6".to_owned(), "A")])
                }
            });
        });
        benign("a mail server looks senders up, a third is made up", |it| {
            each(it, 600, 30, |it, step| {
                if step % 9 == 0 {
                    return (text(&mut it.random, LETTERS, 12) + ".com", "MX", "NXDOMAIN", vec![]);
                }
                let name = format!("{}{}", text(&mut it.random, LETTERS, 2), pair(it));
                if step % 4 == 0 {
                    (name, "MX", "NXDOMAIN", vec![])
                } else {
                    (name.clone(), "MX", "NOERROR", vec![(format!("10 mx.{name}."), "MX")])
                }
            });
        });
        benign("servers that fail, not names", |it| {
            each(it, 300, 20, |it, _| (text(&mut it.random, LETTERS, 14) + ".com", "A", "SERVFAIL", vec![]));
        });
        benign("an app whose fifteen old hosts are gone", |it| {
            each(it, 900, 10, |_, step| {
                let mut random = Random::of(&[step as u64 % 15, 4]);
                let at = random.below(60) as usize;
                (format!("api.{}{}.com", WORDS[at], WORDS[(at * 7 + 3) % 60]), "A", "NXDOMAIN", vec![])
            });
        });
    }
}

fn text(random: &mut Random, alphabet: &[u8], length: usize) -> String {
    (0..length).map(|_| char::from(*random.pick(alphabet))).collect()
}

fn ending(random: &mut Random) -> &'static str {
    random.pick::<&str>(&[".com", ".net", ".org", ".info", ".ru", ".xyz", ".co.uk"])
}

/// An attacker's domain.
fn domain(it: &mut Account) -> String {
    format!("{}-{}.{}", it.random.pick(&WORDS), it.random.pick(&WORDS), it.random.pick(&["com", "net", "top", "io"]))
}

/// A domain of two words.
fn pair(it: &mut Account) -> String {
    pair_of_words(it) + ".com"
}

fn pair_of_words(it: &mut Account) -> String {
    format!("{}{}", it.random.pick(&WORDS), it.random.pick(&WORDS))
}
