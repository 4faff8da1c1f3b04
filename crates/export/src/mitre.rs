//! What the catalogue says of a finding type in the words of MITRE ATT&CK.

use watchfire_model::catalogue;

/// A tactic of the enterprise matrix.
pub(crate) struct MitreTactic {
    /// Such as `TA0005`.
    pub(crate) id: &'static str,
    /// Such as `Defense Evasion`; empty if it is none of the enterprise matrix.
    pub(crate) name: &'static str,
}

/// The tactics of this finding type.
pub(crate) fn tactics(finding_type: &str) -> Vec<MitreTactic> {
    let ids = catalogue::entry(finding_type).map_or(&[][..], |entry| &entry.tactic.mitre_tactics);
    ids.iter().map(|id| MitreTactic { id, name: tactic_name(id) }).collect()
}

/// The techniques and sub-techniques of this finding type, such as `T1562.008`.
pub(crate) fn techniques(finding_type: &str) -> &'static [String] {
    catalogue::entry(finding_type).map_or(&[], |entry| &entry.tactic.mitre_techniques)
}

/// Where MITRE describes a technique: sub-techniques have a folder of their own.
pub fn technique_url(id: &str) -> String {
    format!("https://attack.mitre.org/techniques/{}/", id.replace('.', "/"))
}

/// The name of a tactic of the enterprise matrix; empty for any other id.
pub fn tactic_name(id: &str) -> &'static str {
    match id {
        "TA0043" => "Reconnaissance",
        "TA0042" => "Resource Development",
        "TA0001" => "Initial Access",
        "TA0002" => "Execution",
        "TA0003" => "Persistence",
        "TA0004" => "Privilege Escalation",
        "TA0005" => "Defense Evasion",
        "TA0006" => "Credential Access",
        "TA0007" => "Discovery",
        "TA0008" => "Lateral Movement",
        "TA0009" => "Collection",
        "TA0011" => "Command and Control",
        "TA0010" => "Exfiltration",
        "TA0040" => "Impact",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_its_tactics_and_techniques() {
        let stopped = "Stealth:IAMUser/CloudTrailLoggingDisabled";
        assert_eq!(
            tactics(stopped).iter().map(|tactic| (tactic.id, tactic.name)).collect::<Vec<_>>(),
            [("TA0005", "Defense Evasion")]
        );
        assert_eq!(techniques(stopped), ["T1562.008"]);
        assert_eq!(technique_url("T1562.008"), "https://attack.mitre.org/techniques/T1562/008/");
        assert!(tactics("Nonsense").is_empty() && techniques("Nonsense").is_empty());
    }
}
