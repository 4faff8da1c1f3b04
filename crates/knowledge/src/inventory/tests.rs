//! The documented example, and what must be refused.

use super::Inventory;
use proptest::prelude::*;
use serde_json::Value;
use watchfire_model::{BucketPermission, Instance};

const EXAMPLE: &str = include_str!("../../../../docs/inventory.example.json");

fn example() -> Inventory {
    Inventory::from_json(EXAMPLE.as_bytes()).unwrap()
}

#[test]
fn an_instance_is_found_by_everything_that_logs_name() {
    let inventory = example();
    let id = "i-0123456789abcdef0";
    assert_eq!(inventory.instance(id).unwrap().tags["Name"], "web-1");
    assert_eq!(inventory.interface("eni-0123456789abcdef0").unwrap().0.id, id);
    for ip in ["198.51.100.23", "2001:db8:2::17", "::ffff:198.51.100.23"] {
        assert_eq!(inventory.by_public_ip(ip.parse().unwrap()).unwrap().0.id, id, "{ip}");
    }
    let private =
        |account, vpc| inventory.by_private_ip(account, vpc, "10.0.1.17".parse().unwrap()).map(|found| &*found.0.id);
    assert_eq!(private("111122223333", "vpc-0123456789abcdef0"), Some(id));
    assert_eq!(private("111122223333", ""), Some(id));
    assert_eq!(private("111122223333", "vpc-other"), None);
    assert_eq!(private("444455556666", "vpc-0123456789abcdef0"), None);
}

#[test]
fn an_ambiguous_private_address_names_nobody() {
    let inventory = Inventory::from_json(
        br#"{"instances": [
            {"id": "i-1", "account": "1", "interfaces": [{"vpc": "vpc-1", "private_ip": "10.0.0.1"}]},
            {"id": "i-2", "account": "1", "interfaces": [{"vpc": "vpc-2", "private_ip": "10.0.0.1"}]}]}"#,
    )
    .unwrap();
    let ip = "10.0.0.1".parse().unwrap();
    assert_eq!(inventory.by_private_ip("1", "vpc-2", ip).unwrap().0.id, "i-2");
    assert!(inventory.by_private_ip("1", "", ip).is_none());
}

#[test]
fn addresses_lead_to_their_account() {
    let inventory = example();
    for ip in ["198.51.100.7", "203.0.113.15", "2001:db8:1::9", "198.51.100.23", "203.0.113.200"] {
        assert_eq!(inventory.account_of_ip(ip.parse().unwrap()), Some("111122223333"), "{ip}");
    }
    assert_eq!(inventory.account_of_ip("203.0.113.16".parse().unwrap()), None);
}

#[test]
fn the_narrowest_owner_of_an_address_counts_and_then_the_first() {
    let inventory = Inventory::from_json(
        br#"{"accounts": [
            {"id": "1", "addresses": ["203.0.113.0/24"]},
            {"id": "2", "addresses": ["203.0.113.7"]},
            {"id": "3", "addresses": ["203.0.113.7/32"]}]}"#,
    )
    .unwrap();
    assert_eq!(inventory.account_of_ip("203.0.113.8".parse().unwrap()), Some("1"));
    assert_eq!(inventory.account_of_ip("203.0.113.7".parse().unwrap()), Some("2"));
}

#[test]
fn the_other_parts_are_found_by_name() {
    let inventory = example();
    assert_eq!(inventory.nat_gateway("eni-0fedcba9876543210").unwrap().id, "nat-0123456789abcdef0");
    assert_eq!(inventory.vpc_endpoint("vpce-0123456789abcdef0").unwrap().account, "111122223333");
    assert_eq!(
        inventory.role("arn:aws:iam::111122223333:role/invoice-worker").unwrap().trusts,
        ["lambda.amazonaws.com"]
    );
    let bucket = watchfire_model::Bucket::from(inventory.bucket("example-invoices").unwrap());
    assert_eq!(bucket.arn, "arn:aws:s3:::example-invoices");
    assert_eq!(bucket.created_at.unwrap().date(), "2024-05-01");
    assert_eq!(bucket.public_access.unwrap().effective, BucketPermission::NotPublic);
    assert!(inventory.bucket("another").is_none());
}

#[test]
fn what_is_absent_is_not_known() {
    let inventory =
        Inventory::from_json(br#"{"instances": [{"id": "i-1", "interfaces": [{}, {"open_ports": []}]}]}"#).unwrap();
    let interfaces = &inventory.instance("i-1").unwrap().interfaces;
    assert_eq!((interfaces[0].is_open(22), interfaces[1].is_open(22)), (None, Some(false)));
    assert_eq!(example().interface("eni-0123456789abcdef0").unwrap().1.is_open(443), Some(true));
    assert_eq!(Instance::from(inventory.instance("i-1").unwrap()).launch_time, "");
    assert!(Inventory::from_json(b"{}").unwrap().is_empty());
}

#[test]
fn accounts_of_one_administrator_are_affiliated() {
    let inventory = example();
    assert_eq!(inventory.affiliated("111122223333", "999988887777"), Some(true));
    assert_eq!(inventory.affiliated("111122223333", "444455556666"), None);
    assert_eq!(inventory.affiliated("111122223333", "000000000000"), None);
}

#[test]
fn a_mistake_is_shown_where_it_stands() {
    let error = |text: &str| Inventory::from_json(text.as_bytes()).unwrap_err();
    let wrong_ip = error(r#"{"instances": [{"id": "i-1", "interfaces": [{"private_ip": "10.0.0"}]}]}"#);
    assert_eq!(wrong_ip.to_string(), "could not read the inventory at `instances[0].interfaces[0].private_ip`");
    assert_eq!(error(r#"{"accounts": [{"id": "1", "adresses": []}]}"#).path, "accounts[0].adresses");
    assert!(
        error(r#"{"accounts": [{"id": "1", "addresses": ["x"]}]}"#).cause.to_string().contains("neither an address")
    );
    assert!(error(r#"{"buckets": [{"name": "b", "created": "soon"}]}"#).cause.to_string().contains("not a moment"));
    assert_eq!(error("{} x").path, ".");
    assert_eq!(error("{} x").to_string(), "could not read the inventory");
}

#[test]
fn the_example_obeys_the_schema_and_uses_all_of_it() {
    let schema: Value = serde_json::from_str(Inventory::schema()).unwrap();
    let example: Value = serde_json::from_str(EXAMPLE).unwrap();
    let mut unused = Vec::new();
    check_schema(&schema, &schema, &example, "", &mut unused);
    assert_eq!(unused, [""; 0], "properties of the schema that the example does not show");
}

/// What the reader accepts and the schema does not know, or the reverse, shows here: each property of the schema is
/// renamed in the example, and the reader must complain.
#[test]
fn the_reader_knows_exactly_the_properties_of_the_schema() {
    let example: Value = serde_json::from_str(EXAMPLE).unwrap();
    let mut pointers = Vec::new();
    collect_keys(&example, "", &mut pointers);
    assert!(pointers.len() > 60, "{}", pointers.len());
    for (parent, key) in pointers {
        if parent.ends_with("/tags") {
            continue; // Tags have any name.
        }
        let mut renamed = example.clone();
        let object = renamed.pointer_mut(&parent).unwrap().as_object_mut().unwrap();
        let value = object.remove(&key).unwrap();
        object.insert(format!("{key}_"), value);
        assert!(Inventory::from_json(renamed.to_string().as_bytes()).is_err(), "{parent}/{key}");
    }
}

fn collect_keys(value: &Value, pointer: &str, keys: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                keys.push((pointer.to_owned(), key.clone()));
                collect_keys(value, &format!("{pointer}/{key}"), keys);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| collect_keys(item, &format!("{pointer}/{at}"), keys));
        }
        _ => {}
    }
}

/// The part of JSON Schema that ours uses.
fn check_schema(root: &Value, schema: &Value, value: &Value, at: &str, unused: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap();
        return check_schema(root, target, value, at, unused);
    }
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    match &schema["type"] {
        Value::String(allowed) => assert_eq!(allowed, name, "{at}"),
        Value::Array(allowed) => assert!(allowed.iter().any(|allowed| allowed == name), "{at}: {name}"),
        _ => {}
    }
    if let Some(choices) = schema["enum"].as_array() {
        assert!(choices.contains(value), "{at}: {value}");
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(required.as_str().unwrap()).is_some(), "{at} lacks {required}");
    }
    if let Some(object) = value.as_object() {
        for (key, member) in object {
            let of_member = match &schema["properties"][key] {
                Value::Null => &schema["additionalProperties"],
                of_member => of_member,
            };
            assert!(of_member.is_object(), "{at}/{key} is not in the schema");
            check_schema(root, of_member, member, &format!("{at}/{key}"), unused);
        }
        let properties = schema["properties"].as_object().into_iter().flat_map(|properties| properties.keys());
        // The second account shows how little is needed.
        unused.extend(
            properties.filter(|key| !object.contains_key(*key) && at != "/accounts/1").map(|key| format!("{at}/{key}")),
        );
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check_schema(root, &schema["items"], item, &format!("{at}/{index}"), unused);
    }
}

proptest! {
    #[test]
    fn a_damaged_file_never_panics(at in 0usize..EXAMPLE.len(), byte: u8, cut in 0usize..EXAMPLE.len()) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = Inventory::from_json(&bytes);
        let _ = Inventory::from_json(&bytes[..cut]);
    }
}
