//! The name of what was found, in GuardDuty's grammar.

use std::fmt;

/// A finding type: `Purpose:Resource/Family[.Mechanism][!Artifact]`.
///
/// The name is also an address: see [`FindingType::resource`] and [`FindingType::family`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FindingType(&'static str);

impl FindingType {
    /// A finding type by its full name. A name that does not have the shape of one does not compile in a `const`.
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        let (mut colon, mut slash, mut index) = (0, 0, 0);
        while index < bytes.len() {
            match bytes[index] {
                b':' if colon == 0 && index > 0 => colon = index,
                b'/' if slash == 0 && colon > 0 => slash = index,
                b':' | b'/' => panic!("a finding type has one colon, then one slash"),
                b' ' => panic!("a finding type has no space"),
                _ => {}
            }
            index += 1;
        }
        assert!(
            colon > 0 && slash > colon + 1 && slash + 1 < bytes.len(),
            "a finding type reads Purpose:Resource/Family"
        );
        Self(name)
    }

    /// The whole name, as GuardDuty writes it.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// What the threat is after: `Recon`, `Stealth`, …
    pub fn purpose(self) -> &'static str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// The kind of resource in the name: `EC2`, `IAMUser`, `S3`, …
    pub fn resource(self) -> &'static str {
        self.0.split([':', '/']).nth(1).unwrap_or_default()
    }

    /// The family without mechanism and artifact: `CloudTrailLoggingDisabled` of `Stealth:IAMUser/CloudTrailLoggingDisabled`.
    pub fn family(self) -> &'static str {
        let tail = self.0.split('/').nth(1).unwrap_or_default();
        tail.split(['.', '!']).next().unwrap_or_default()
    }

    /// Whether the evidence is a DNS request (`!DNS`).
    pub fn is_dns(self) -> bool {
        self.0.ends_with("!DNS")
    }
}

impl serde::Serialize for FindingType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// Only catalogued types can be read back: a saved state cannot bring in a type that this version does not know.
impl<'de> serde::Deserialize<'de> for FindingType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let entry = crate::catalogue::entry(&name);
        entry
            .map(|entry| Self(&entry.name))
            .ok_or_else(|| serde::de::Error::custom(format!("unknown finding type `{name}`")))
    }
}

impl fmt::Display for FindingType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.0)
    }
}

impl fmt::Debug for FindingType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::FindingType;

    #[test]
    fn a_type_falls_into_its_parts() {
        let dns = FindingType::new("Backdoor:EC2/C&CActivity.B!DNS");
        assert_eq!((dns.purpose(), dns.resource(), dns.family()), ("Backdoor", "EC2", "C&CActivity"));
        assert!(dns.is_dns());
    }

    #[test]
    #[should_panic(expected = "Purpose:Resource/Family")] // The refusal itself is what the test is about.
    fn a_misspelt_type_is_refused() {
        FindingType::new("Recon:EC2-Portscan");
    }
}
