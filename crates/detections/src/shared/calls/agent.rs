//! Which program made a call, whatever its version.

/// Programs that agents name, the more telling before the libraries that they are built on: Terraform's agent names an
/// SDK as well. Source: agents as AWS's SDKs, tools and consoles write them.
const FAMILIES: [(&str, &str); 36] = [
    ("terraform", "terraform"),
    ("opentofu", "opentofu"),
    ("pulumi", "pulumi"),
    ("ansible", "ansible"),
    ("crossplane", "crossplane"),
    ("aws-cdk", "aws-cdk"),
    ("cloudformation", "cloudformation"),
    ("awspowershell", "aws-powershell"),
    ("aws-tools-powershell", "aws-powershell"),
    ("aws-toolkit", "aws-toolkit"),
    ("s3console", "console"),
    ("awsconsole", "console"),
    ("console.amazonaws.com", "console"),
    ("signin.amazonaws.com", "console"),
    ("aws-internal", "aws-internal"),
    ("aws internal", "aws-internal"),
    ("aws-cli", "aws-cli"),
    ("boto3", "boto3"),
    ("botocore", "botocore"),
    ("aiobotocore", "botocore"),
    ("aws-sdk-java", "aws-sdk-java"),
    ("aws-sdk-go", "aws-sdk-go"),
    ("aws-sdk-js", "aws-sdk-js"),
    ("aws-sdk-nodejs", "aws-sdk-js"),
    ("aws-sdk-dotnet", "aws-sdk-dotnet"),
    ("aws-sdk-net", "aws-sdk-dotnet"),
    ("aws-sdk-ruby", "aws-sdk-ruby"),
    ("aws-sdk-php", "aws-sdk-php"),
    ("aws-sdk-cpp", "aws-sdk-cpp"),
    ("aws-sdk-rust", "aws-sdk-rust"),
    ("aws-sdk-swift", "aws-sdk-swift"),
    ("aws-sdk-kotlin", "aws-sdk-kotlin"),
    ("coral", "aws-internal"),
    ("curl", "curl"),
    ("python-requests", "python"),
    ("python-urllib", "python"),
];

/// The longest name of a family.
const NAME_MAX: usize = 40;

/// The family of a user agent: the program without its version, its system and what changes from call to call. An update
/// of the same program is not news; another program is.
///
/// An agent is what the caller says it is: a careful thief forges it. It counts as one piece of evidence among others.
pub(crate) fn family(agent: &str) -> String {
    if agent.is_empty() {
        return "none".to_owned();
    }
    let lower = agent.to_ascii_lowercase();
    if let Some((_, family)) = FAMILIES.iter().find(|(mark, _)| lower.contains(mark)) {
        return (*family).to_owned();
    }
    if lower.starts_with("mozilla/") {
        return "browser".to_owned();
    }
    if lower.trim_end_matches(']').ends_with(".amazonaws.com") {
        return "aws-service".to_owned();
    }
    program(&lower)
}

/// The first word before a slash, without digits and what looks random.
fn program(lower: &str) -> String {
    let word = lower.trim_start_matches('[').split(['/', ' ', ';', '(', ',']).next().unwrap_or_default();
    let steady = super::caller::without_serials(word);
    let name = steady.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
    if name.is_empty() { "other".to_owned() } else { name[..name.floor_char_boundary(NAME_MAX)].to_owned() }
}

#[cfg(test)]
mod tests {
    use super::family;
    use proptest::prelude::*;

    #[test]
    fn a_program_is_the_same_in_every_version() {
        for (agent, expected) in [
            ("aws-cli/2.15.30 Python/3.11.8 Linux/6.1 exe/x86_64 prompt/off", "aws-cli"),
            ("aws-cli/1.32.1 md/Botocore#1.34.1 ua/2.0", "aws-cli"),
            ("Boto3/1.34.1 md/Botocore#1.34.1", "boto3"),
            ("APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io) aws-sdk-go-v2/1.24.0", "terraform"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", "browser"),
            ("[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12]", "console"),
            ("AWS Internal", "aws-internal"),
            ("firehose.amazonaws.com", "aws-service"),
            ("my-backup-7f3a9c2e1b/3.2 (linux)", "my-backup"),
            ("", "none"),
            ("///", "other"),
        ] {
            assert_eq!(family(agent), expected, "{agent}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_short_family(agent: String) {
            let family = family(&agent);
            prop_assert!(!family.is_empty() && family.len() <= super::NAME_MAX);
        }
    }
}
