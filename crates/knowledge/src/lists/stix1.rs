//! STIX 1.x, in XML.
//!
//! ```text
//! <cybox:Properties xsi:type="AddressObject:AddressObjectType" category="ipv4-addr">
//!     <AddressObject:Address_Value condition="InclusiveBetween">192.0.2.0##comma##192.0.2.255</AddressObject:Address_Value>
//! </cybox:Properties>
//! ```
//!
//! Addresses, domains, host names, SHA-256 digests and URLs that are a whole host are taken wherever they stand, in
//! indicators or in plain observables. Prefixes of namespaces are not looked at, for every producer has its own. Several
//! values stand in one element, joined by `##comma##`; `InclusiveBetween` makes two of them a range.
//!
//! No entity is expanded but those of XML itself, and nothing outside of the file is fetched.

use super::{EntryError, Lines, ListFormat, ReadList, as_text, entry, moment};
use crate::indicators::{EntryDetails, IndicatorList};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Elements inside each other at most. Deep documents of the STIX project have about 20.
const DEPTH_MAX: usize = 128;

/// What joins values if the element does not say.
const DELIMITER: &str = "##comma##";

/// Reads a package.
pub(super) fn parse(bytes: &[u8], defaults: &IndicatorList) -> ReadList {
    let mut read = ReadList::new(ListFormat::Stix1, defaults);
    let text = as_text(bytes);
    if is_web_page(&text) {
        read.reject(1, "", EntryError::WebPage);
        return read;
    }
    let mut reader = Reader::from_str(&text);
    let mut package = Package::default();
    let mut lines = Lines::default();
    loop {
        let position = reader.buffer_position() as usize;
        let event = reader.read_event();
        let line = lines.of(text.as_bytes(), position);
        match event {
            Ok(Event::Start(start)) => package.open(&start, line),
            Ok(Event::Empty(start)) => {
                package.open(&start, line);
                package.close(&mut read);
            }
            Ok(Event::End(_)) => package.close(&mut read),
            Ok(Event::Text(text)) => package.text.push_str(&text.xml_content(XmlVersion::Implicit1_0)),
            Ok(Event::CData(text)) => package.text.push_str(&text.xml_content(XmlVersion::Implicit1_0)),
            Ok(Event::GeneralRef(reference)) => package.text.push_str(&resolved(&reference)),
            Ok(Event::Eof) if package.path.is_empty() && package.elements > 0 => {
                if !package.is_stix {
                    read.reject(1, &package.root, EntryError::OtherXml);
                }
                return read;
            }
            Ok(Event::Eof) | Err(_) => {
                read.reject(line, "", EntryError::Malformed);
                return read;
            }
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
        }
        if package.path.len() > DEPTH_MAX {
            read.reject(line, "", EntryError::TooDeep);
            return read;
        }
    }
}

/// `&` of `amp`. An entity that a document defines itself stays as it is written.
fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(letter)) = reference.resolve_char_ref() {
        return letter.into();
    }
    let name: &str = reference;
    quick_xml::escape::resolve_predefined_entity(name).map_or_else(|| format!("&{name};"), str::to_owned)
}

/// Whether it begins as web pages do, which are seldom well-formed XML.
fn is_web_page(text: &str) -> bool {
    let mut rest = text.trim_start();
    // What may stand before the first element.
    while let Some((_, after)) = rest.strip_prefix("<!--").and_then(|rest| rest.split_once("-->")) {
        rest = after.trim_start();
    }
    let begins = |with: &str| rest.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    ["<!doctype html", "<html", "<head", "<body", "<title", "<meta", "<script"].iter().any(|tag| begins(tag))
}

/// Where in the document we are.
#[derive(Default)]
struct Package {
    path: Vec<Element>,
    /// The name of the outermost element, and whether any is one of STIX or CybOX.
    root: String,
    is_stix: bool,
    /// Elements seen, of which a document has at least one.
    elements: u64,
    /// The text of the innermost element so far.
    text: String,
}

/// One open element.
struct Element {
    name: String,
    line: u64,
    condition: String,
    apply: String,
    delimiter: String,
    /// Of an indicator; elsewhere without meaning.
    title: String,
    details: EntryDetails,
    is_negated: bool,
    /// Of properties: the type of the object, and the category of an address.
    object: String,
    category: String,
}

impl Package {
    fn open(&mut self, start: &BytesStart<'_>, line: u64) {
        self.elements += 1;
        self.text.clear();
        if self.elements == 1 {
            self.root = start.local_name().as_ref().to_owned();
        }
        let attribute = |wanted: &str| {
            let found = start.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == wanted);
            found.and_then(|attribute| Some(attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned()))
        };
        let name = start.local_name().as_ref().to_owned();
        let mut element = Element {
            line,
            condition: String::new(),
            apply: String::new(),
            delimiter: String::new(),
            title: String::new(),
            details: EntryDetails::default(),
            is_negated: false,
            object: String::new(),
            category: String::new(),
            name,
        };
        self.is_stix |= matches!(
            element.name.as_str(),
            "STIX_Package" | "STIX_Header" | "Indicator" | "Indicators" | "Observable" | "Observables" | "Properties"
        );
        match element.name.as_str() {
            "Indicator" => {
                element.details.seen = attribute("timestamp").and_then(|text| moment(&text));
                element.is_negated = attribute("negate").is_some_and(|text| text == "true" || text == "1");
            }
            "Observable" => element.is_negated = attribute("negate").is_some_and(|text| text == "true" || text == "1"),
            "Properties" => {
                // Its `xsi:type`: some objects have a plain `type` too.
                let types =
                    start.attributes().flatten().filter(|attribute| attribute.key.local_name().as_ref() == "type");
                let qualified = types.map(|attribute| (attribute.key.prefix().is_some(), attribute.value.into_owned()));
                let object = qualified.max_by_key(|(has_prefix, _)| *has_prefix).unwrap_or_default().1;
                element.object = object.rsplit(':').next().unwrap_or_default().to_owned();
                element.category = attribute("category").unwrap_or_default();
            }
            _ => {
                element.condition = attribute("condition").unwrap_or_default();
                element.apply = attribute("apply_condition").unwrap_or_default();
                element.delimiter = attribute("delimiter").unwrap_or_default();
            }
        }
        self.path.push(element);
    }

    fn close(&mut self, read: &mut ReadList) {
        let Some(element) = self.path.pop() else { return };
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        let parent = self.path.last().map_or("", |parent| parent.name.as_str());
        match (parent, element.name.as_str()) {
            ("Indicator", "Title") => self.with_indicator(|indicator| indicator.title = text.to_owned()),
            ("Valid_Time_Position", "End_Time") => {
                self.with_indicator(|indicator| indicator.details.until = moment(text));
            }
            _ => self.value(read, &element, text),
        }
    }

    fn with_indicator(&mut self, change: impl FnOnce(&mut Element)) {
        if let Some(indicator) = self.path.iter_mut().rev().find(|element| element.name == "Indicator") {
            change(indicator);
        }
    }

    /// Takes the values of an element, if it is one that holds values.
    fn value(&self, read: &mut ReadList, element: &Element, text: &str) {
        let Some(properties) = self.path.iter().rev().find(|element| element.name == "Properties") else { return };
        let holds_values = matches!(
            (properties.object.as_str(), element.name.as_str()),
            ("AddressObjectType", "Address_Value")
                | ("DomainNameObjectType" | "URIObjectType", "Value")
                | ("HostnameObjectType", "Hostname_Value")
                | (_, "Simple_Hash_Value" | "Fuzzy_Hash_Value")
        );
        let is_of_no_use = !holds_values && is_value(properties, element);
        if (!holds_values && !is_of_no_use) || text.is_empty() {
            return;
        }
        let indicator = self.path.iter().rev().find(|element| element.name == "Indicator");
        let is_address =
            matches!(properties.category.as_str(), "" | "ipv4-addr" | "ipv6-addr" | "cidr" | "ipv4-net" | "ipv6-net");
        let is_negated = self.path.iter().any(|element| element.is_negated);
        if is_of_no_use || !is_address {
            return read.reject(element.line, text, EntryError::ObjectKind);
        }
        if is_negated || element.apply == "NONE" {
            return read.reject(element.line, text, EntryError::Comparison);
        }
        let delimiter = if element.delimiter.is_empty() { DELIMITER } else { &element.delimiter };
        let values: Vec<&str> = text.split(delimiter).map(str::trim).filter(|value| !value.is_empty()).collect();
        let title = indicator.map_or("", |indicator| indicator.title.as_str());
        let details = indicator.map(|indicator| indicator.details).unwrap_or_default();
        match element.condition.as_str() {
            "" | "Equals" => values.into_iter().for_each(|value| read.take(element.line, value, title, details)),
            "InclusiveBetween" => match values.as_slice() {
                [first, last] => match entry::range(first, last) {
                    Ok(networks) => networks.into_iter().for_each(|network| read.push(network, title, details)),
                    Err(reason) => read.reject(element.line, text, reason),
                },
                _ => read.reject(element.line, text, EntryError::Range),
            },
            _ => read.reject(element.line, text, EntryError::Comparison),
        }
    }
}

/// Whether the element is the value of an object that we do not match, and which nobody should think we did.
fn is_value(properties: &Element, element: &Element) -> bool {
    let is_known = matches!(
        properties.object.as_str(),
        "AddressObjectType" | "DomainNameObjectType" | "URIObjectType" | "HostnameObjectType" | "FileObjectType"
    );
    !is_known && !element.condition.is_empty()
}
