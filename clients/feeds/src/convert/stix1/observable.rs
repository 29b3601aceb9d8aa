//! From objects of CybOX that were seen to observables of STIX 2.1.

use super::pattern::{hash_kind, kind};
use crate::convert::xml::Element;
use crate::indicator::percent_encoded;
use std::borrow::Cow;
use stix_model::sco::{
    AutonomousSystem, Directory, DomainName, EmailAddress, EmailMessage, File, Ipv4Address, Ipv6Address,
    MacAddress, Mutex, NetworkTraffic, Software, Url, UserAccount, WindowsRegistryKey, WindowsRegistryValue,
};
use stix_model::{BuildError, Hashes, Object, Ref, ToObject, to};

/// The observables that the properties of an object say.
pub(super) fn observables(properties: &Element) -> Result<Vec<Object>, String> {
    let text = |place: &[&str]| properties.at(place).and_then(Element::text).map(str::to_owned);
    let needed = |name: &'static str| text(&[name]).ok_or(format!("it has no `{name}`"));
    let one = |object: Result<Object, BuildError>| Ok(vec![object.map_err(|error| error.to_string())?]);
    match kind(properties).as_str() {
        "File" => file(properties),
        "Address" => {
            let value = needed("Address_Value")?;
            one(match properties.attribute("category").unwrap_or("ipv4-addr") {
                "ipv6-addr" | "ipv6-net" => Ipv6Address::new(value).to_object(),
                "mac" => MacAddress::new(value.to_ascii_lowercase()).to_object(),
                "e-mail" => EmailAddress::new(value).to_object(),
                "ipv4-addr" | "ipv4-net" | "cidr" => Ipv4Address::new(value).to_object(),
                other => return Err(format!("no observable is an address of the category `{other}`")),
            })
        }
        "DomainName" => one(DomainName::new(needed("Value")?).to_object()),
        "Hostname" => one(DomainName::new(needed("Hostname_Value")?).to_object()),
        "URI" if properties.attributes("type").any(|name| name == "Domain Name") => {
            one(DomainName::new(needed("Value")?).to_object())
        }
        "URI" => one(Url::new(percent_encoded(&needed("Value")?)).to_object()),
        "Mutex" => one(Mutex::new(needed("Name")?).to_object()),
        "AS" => {
            let number = needed("Number")?;
            let number: i64 = number.parse().map_err(|_| format!("`{number}` is no number"))?;
            one(AutonomousSystem::new(number).to_object())
        }
        "Product" => {
            let mut software = Software::new(needed("Product")?);
            software.vendor = text(&["Vendor"]).map(Into::into);
            software.version = text(&["Version"]).map(Into::into);
            software.languages = text(&["Language"]).into_iter().map(Into::into).collect();
            one(software.to_object())
        }
        "UserAccount" => {
            let mut account = UserAccount::new();
            account.account_login = text(&["Username"]).map(Into::into);
            account.user_id = text(&["User_ID"]).map(Into::into);
            account.display_name = text(&["Full_Name"]).map(Into::into);
            one(account.to_object())
        }
        "WindowsRegistryKey" => {
            let mut key = WindowsRegistryKey::new();
            let name = [text(&["Hive"]), text(&["Key"])].into_iter().flatten().collect::<Vec<_>>().join("\\");
            key.key = Some(name).filter(|name| !name.is_empty()).map(Into::into);
            for value in properties.first("Values").into_iter().flat_map(|values| values.all("Value")) {
                let mut found = WindowsRegistryValue::new();
                found.name = value.first("Name").and_then(Element::text).map(|text| text.to_owned().into());
                found.data = value.first("Data").and_then(Element::text).map(|text| text.to_owned().into());
                key.values.push(found);
            }
            one(key.to_object())
        }
        "NetworkConnection" => traffic(properties),
        "EmailMessage" => email(properties).map_err(|error| error.to_string()),
        other => Err(format!("objects of the type `{other}` are not made observables")),
    }
}

fn file(properties: &Element) -> Result<Vec<Object>, String> {
    let text = |name: &str| properties.first(name).and_then(Element::text);
    let (mut name, mut directory) = (text("File_Name"), text("File_Path"));
    // A path without a name beside it has the name at its end.
    if let (None, Some((parent, last))) = (name, directory.and_then(|path| path.rsplit_once(['/', '\\']))) {
        (name, directory) = (Some(last), Some(parent));
    }
    let mut hashes = Hashes::default();
    let mut has_hashes = false;
    for hash in properties.first("Hashes").into_iter().flat_map(|hashes| hashes.all("Hash")) {
        let algorithm = hash_kind(hash)?;
        let value = hash.first("Simple_Hash_Value").or_else(|| hash.first("Fuzzy_Hash_Value"));
        let value = value.and_then(Element::text).ok_or("a hash has no value")?;
        hashes.set(algorithm.algorithm(), algorithm.read(value).map_err(|error| error.to_string())?);
        has_hashes = true;
    }
    let mut made = Vec::new();
    let mut file = File::new();
    if has_hashes {
        file = file.hashes(hashes);
    }
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        file = file.name(name.to_owned());
    }
    if let Some(size) = text("Size_In_Bytes").and_then(|size| size.parse::<i64>().ok()) {
        file = file.size(size);
    }
    let wrong = |error: BuildError| error.to_string();
    if let Some(path) = directory.filter(|path| !path.is_empty()) {
        let parent = Directory::new(path.to_owned()).to_object().map_err(wrong)?;
        file.parent_directory_ref =
            Some(Ref::<to::Directory>::try_from(&parent).map_err(|error| error.to_string())?);
        made.push(parent);
    }
    made.push(file.to_object().map_err(wrong)?);
    Ok(made)
}

fn email(properties: &Element) -> Result<Vec<Object>, BuildError> {
    let text = |place: &[&str]| properties.at(place).and_then(Element::text).map(str::to_owned);
    let mut made = Vec::new();
    let mut message = EmailMessage::new(false);
    message.subject = text(&["Header", "Subject"]).map(Into::into);
    message.message_id = text(&["Header", "Message_ID"]).map(Into::into);
    message.body = text(&["Raw_Body"]).map(Into::into);
    if let Some(from) = text(&["Header", "From", "Address_Value"]) {
        let from = EmailAddress::new(from).to_object()?;
        message.from_ref = Some(Ref::try_from(&from)?);
        made.push(from);
    }
    let to = properties.at(&["Header", "To"]).into_iter().flat_map(|to| to.all("Recipient"));
    for address in to.filter_map(|recipient| recipient.first("Address_Value")?.text()) {
        let to = EmailAddress::new(address.to_owned()).to_object()?;
        message.to_refs.push(Ref::try_from(&to)?);
        made.push(to);
    }
    made.push(message.to_object()?);
    Ok(made)
}

fn traffic(properties: &Element) -> Result<Vec<Object>, String> {
    let text = |place: &[&str]| properties.at(place).and_then(Element::text);
    let layers = ["Layer3_Protocol", "Layer4_Protocol", "Layer7_Protocol"];
    let protocols = layers.iter().filter_map(|layer| text(&[layer]));
    let protocols: Vec<Cow<'static, str>> = protocols.map(|name| name.to_lowercase().into()).collect();
    if protocols.is_empty() {
        return Err("a connection has no protocol, which network traffic must have".to_owned());
    }
    let (mut made, mut traffic) = (Vec::new(), NetworkTraffic::new(protocols));
    for (side, is_source) in [("Source_Socket_Address", true), ("Destination_Socket_Address", false)] {
        let end =
            match (text(&[side, "IP_Address", "Address_Value"]), text(&[side, "Hostname", "Hostname_Value"]))
            {
                (Some(address), _) if address.contains(':') => {
                    Some(Ipv6Address::new(address.to_owned()).to_object())
                }
                (Some(address), _) => Some(Ipv4Address::new(address.to_owned()).to_object()),
                (None, Some(name)) => Some(DomainName::new(name.to_owned()).to_object()),
                (None, None) => None,
            };
        let port = text(&[side, "Port", "Port_Value"]).and_then(|port| port.parse::<i64>().ok());
        let end = end.transpose().map_err(|error| error.to_string())?;
        let reference = end.as_ref().map(Ref::try_from).transpose().map_err(|error| error.to_string())?;
        match is_source {
            true => (traffic.src_ref, traffic.src_port) = (reference, port),
            false => (traffic.dst_ref, traffic.dst_port) = (reference, port),
        }
        made.extend(end);
    }
    made.push(traffic.to_object().map_err(|error| error.to_string())?);
    Ok(made)
}
