//! From observables of CybOX to patterns. A pattern says all that its observable says, or there is none.

use super::package::Package;
use crate::convert::openioc::test;
use crate::convert::xml::Element;
use crate::indicator::quote;
use crate::value::FileHash;

/// How deep observables may stand in each other.
const MAX_DEPTH: usize = 16;
/// What stands between the values of a list.
const DELIMITER: &str = "##comma##";

/// Observations, and whether they need no parentheses beside others.
pub(super) struct Observations {
    pub(super) text: String,
    is_plain: bool,
}

impl Observations {
    /// Puts observations together that are of different things.
    pub(super) fn joined(all: Vec<Self>, operator: Option<&str>) -> Result<Self, String> {
        let word = match operator.unwrap_or("AND").to_ascii_uppercase().as_str() {
            "AND" => " AND ",
            "OR" => " OR ",
            other => return Err(format!("`{other}` is no operator")),
        };
        let texts: Vec<&str> = all.iter().map(|one| one.text.as_str()).collect();
        match &texts[..] {
            [] => Err("it is composed of nothing".to_owned()),
            [_] => Ok(all.into_iter().next().ok_or("it is composed of nothing")?),
            _ => {
                let enclosed = all.iter().map(|one| match one.is_plain {
                    true => one.text.clone(),
                    false => format!("({})", one.text),
                });
                Ok(Self { text: enclosed.collect::<Vec<_>>().join(word), is_plain: false })
            }
        }
    }
}

/// The pattern of an observable.
pub(super) fn observations(
    package: &Package<'_, '_>,
    observable: &Element,
    depth: usize,
) -> Result<Observations, String> {
    if depth > MAX_DEPTH {
        return Err("its observables stand too deep in each other, or in themselves".to_owned());
    }
    if let Some(key) = observable.attribute("idref") {
        let found = package.element(key).ok_or_else(|| format!("its observable `{key}` is not here"))?;
        return observations(package, found, depth + 1);
    }
    if let Some(composition) = observable.first("Observable_Composition") {
        let parts = composition.all("Observable").map(|part| observations(package, part, depth + 1));
        return Observations::joined(parts.collect::<Result<_, _>>()?, composition.attribute("operator"));
    }
    let object = observable.first("Object").ok_or("its observable has no object")?;
    let text = comparisons_of(package, object)?.join(" AND ");
    Ok(Observations { text: format!("[{text}]"), is_plain: true })
}

fn comparisons_of(package: &Package<'_, '_>, object: &Element) -> Result<Vec<String>, String> {
    let object = match object.attribute("idref") {
        Some(key) => package.element(key).ok_or_else(|| format!("its object `{key}` is not here"))?,
        None => object,
    };
    let properties = object.first("Properties").ok_or("its object has no properties")?;
    let mut found = comparisons(package, properties)?;
    let is_domain = matches!(kind(properties).as_str(), "DomainName" | "Hostname");
    let related = object.first("Related_Objects");
    for related in related.into_iter().flat_map(|related| related.all("Related_Object")) {
        let word = related.first("Relationship").and_then(Element::text).unwrap_or_default();
        let address = related.first("Properties").and_then(|properties| properties.first("Address_Value"));
        match address.filter(|_| is_domain && word == "Resolved_To") {
            Some(address) => found.push(compared("domain-name:resolves_to_refs[*].value", address, text)?),
            None => {
                package.note(format!("a related object (`{word}`) of an observable is not in its pattern"))
            }
        }
    }
    Ok(found)
}

/// The type of an object, without its ending.
pub(super) fn kind(properties: &Element) -> String {
    let mut types = properties.attributes("type").map(|name| name.rsplit(':').next().unwrap_or(name));
    let name = types.find_map(|name| name.strip_suffix("ObjectType")).unwrap_or_default();
    // What Windows and Unix have more is not compared.
    match name {
        "WindowsFile" | "WindowsExecutableFile" | "UnixFile" | "ArchiveFile" | "ImageFile" | "PDFFile" => {
            "File"
        }
        "WindowsProcess" | "UnixProcess" => "Process",
        "WindowsMutex" => "Mutex",
        "UnixUserAccount" | "WindowsUserAccount" | "WinUserAccount" => "UserAccount",
        "WinRegistryKey" => "WindowsRegistryKey",
        "WinService" => "WindowsService",
        "Link" => "URI",
        other => other,
    }
    .to_owned()
}

/// How a value is compared.
type Form = fn(&str, bool, &str) -> Result<String, String>;

fn comparisons(package: &Package<'_, '_>, properties: &Element) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut add = |path: &str, place: &[&str], form: Form| -> Result<(), String> {
        if let Some(element) = properties.at(place).filter(|element| element.text().is_some()) {
            found.push(compared(path, element, form)?);
        }
        Ok(())
    };
    let kind = kind(properties);
    match kind.as_str() {
        "File" => {
            add("file:name", &["File_Name"], text)?;
            add("file:size", &["Size_In_Bytes"], number)?;
            let path = properties.first("File_Path").and_then(Element::text);
            match path
                .filter(|_| properties.first("File_Name").is_none())
                .and_then(|path| path.rsplit_once(['/', '\\']))
            {
                Some((directory, name)) if !name.is_empty() && !directory.is_empty() => {
                    found.push(format!("file:name = {}", quote(name)));
                    found.push(format!("file:parent_directory_ref.path = {}", quote(directory)));
                }
                _ => add("file:parent_directory_ref.path", &["File_Path"], text)?,
            }
            let hashes = properties.first("Hashes").into_iter().flat_map(|hashes| hashes.all("Hash"));
            found.extend(any(hashes.map(hash_of).collect::<Result<_, _>>()?));
        }
        "Address" => {
            let path = match properties.attribute("category").unwrap_or("ipv4-addr") {
                "ipv4-addr" | "ipv4-net" | "cidr" => "ipv4-addr:value",
                "ipv6-addr" | "ipv6-net" => "ipv6-addr:value",
                "mac" => "mac-addr:value",
                "e-mail" => "email-addr:value",
                other => return Err(format!("a pattern has no addresses of the category `{other}`")),
            };
            add(path, &["Address_Value"], text)?;
        }
        "DomainName" => add("domain-name:value", &["Value"], text)?,
        "Hostname" => add("domain-name:value", &["Hostname_Value"], text)?,
        "URI" => {
            let is_domain = properties.attributes("type").any(|name| name == "Domain Name");
            add(if is_domain { "domain-name:value" } else { "url:value" }, &["Value"], text)?;
        }
        "EmailMessage" => {
            add("email-message:from_ref.value", &["Header", "From", "Address_Value"], text)?;
            add("email-message:sender_ref.value", &["Header", "Sender", "Address_Value"], text)?;
            add("email-message:subject", &["Header", "Subject"], text)?;
            add("email-message:message_id", &["Header", "Message_ID"], text)?;
            add("email-message:additional_header_fields.'X-Mailer'", &["Header", "X_Mailer"], text)?;
            add("email-message:body", &["Raw_Body"], text)?;
            for (list, path) in
                [("To", "email-message:to_refs[*].value"), ("CC", "email-message:cc_refs[*].value")]
            {
                let list =
                    properties.at(&["Header", list]).into_iter().flat_map(|list| list.all("Recipient"));
                let addresses = list.filter_map(|recipient| recipient.first("Address_Value"));
                found
                    .extend(any(addresses.map(|one| compared(path, one, text)).collect::<Result<_, _>>()?));
            }
            let files = properties.first("Attachments").into_iter().flat_map(|files| files.all("File"));
            for key in files.filter_map(|file| file.attribute("object_reference")) {
                let file =
                    package.element(key).ok_or_else(|| format!("its attachment `{key}` is not here"))?;
                let name = file.at(&["Properties", "File_Name"]).ok_or("its attachment has no name")?;
                found.push(compared("email-message:body_multipart[*].body_raw_ref.name", name, text)?);
            }
        }
        "NetworkConnection" => {
            add("network-traffic:protocols[*]", &["Layer3_Protocol"], lower)?;
            add("network-traffic:protocols[*]", &["Layer4_Protocol"], lower)?;
            add("network-traffic:protocols[*]", &["Layer7_Protocol"], lower)?;
            add(
                "network-traffic:src_ref.value",
                &["Source_Socket_Address", "IP_Address", "Address_Value"],
                text,
            )?;
            add(
                "network-traffic:src_ref.value",
                &["Source_Socket_Address", "Hostname", "Hostname_Value"],
                text,
            )?;
            add("network-traffic:src_port", &["Source_Socket_Address", "Port", "Port_Value"], number)?;
            add(
                "network-traffic:dst_ref.value",
                &["Destination_Socket_Address", "IP_Address", "Address_Value"],
                text,
            )?;
            add(
                "network-traffic:dst_ref.value",
                &["Destination_Socket_Address", "Hostname", "Hostname_Value"],
                text,
            )?;
            add("network-traffic:dst_port", &["Destination_Socket_Address", "Port", "Port_Value"], number)?;
        }
        "SocketAddress" => {
            add("network-traffic:src_ref.value", &["IP_Address", "Address_Value"], text)?;
            add("network-traffic:src_ref.value", &["Hostname", "Hostname_Value"], text)?;
            add("network-traffic:src_port", &["Port", "Port_Value"], number)?;
        }
        "Port" => {
            add("network-traffic:dst_port", &["Port_Value"], number)?;
            add("network-traffic:protocols[*]", &["Layer4_Protocol"], lower)?;
        }
        "HTTPSession" => {
            let request = ["HTTP_Request_Response", "HTTP_Client_Request"];
            let line = |name: &'static str| [&request[..], &["HTTP_Request_Line", name]].concat();
            let header =
                |name: &'static str| [&request[..], &["HTTP_Request_Header", "Parsed_Header", name]].concat();
            const EXTENSION: &str = "network-traffic:extensions.'http-request-ext'";
            add(&format!("{EXTENSION}.request_method"), &line("HTTP_Method"), lower)?;
            add(&format!("{EXTENSION}.request_value"), &line("Value"), text)?;
            for name in ["User_Agent", "Referer", "Cookie", "Accept", "Content_Type", "From"] {
                let path = format!("{EXTENSION}.request_header.'{}'", name.replace('_', "-"));
                add(&path, &header(name), text)?;
            }
            let host = [&header("Host")[..], &["Domain_Name", "Value"]].concat();
            add(&format!("{EXTENSION}.request_header.'Host'"), &host, text)?;
        }
        "WindowsRegistryKey" => {
            let hive = properties.first("Hive").and_then(Element::text).unwrap_or_default();
            if let Some(key) = properties.first("Key").filter(|key| key.text().is_some()) {
                let prefix = if hive.is_empty() { String::new() } else { format!("{hive}\\") };
                found.push(compared_with("windows-registry-key:key", key, text, &prefix)?);
            }
            let mut add = |path: &str, element: Option<&Element>| -> Result<(), String> {
                if let Some(element) = element.filter(|element| element.text().is_some()) {
                    found.push(compared(path, element, text)?);
                }
                Ok(())
            };
            for value in properties.first("Values").into_iter().flat_map(|values| values.all("Value")) {
                add("windows-registry-key:values[*].name", value.first("Name"))?;
                add("windows-registry-key:values[*].data", value.first("Data"))?;
            }
        }
        "Process" => {
            add("process:image_ref.name", &["Name"], text)?;
            add("process:pid", &["PID"], number)?;
            add("process:command_line", &["Image_Info", "Command_Line"], text)?;
            add("process:image_ref.name", &["Image_Info", "File_Name"], text)?;
            add("process:creator_user_ref.account_login", &["Username"], text)?;
        }
        "Mutex" => add("mutex:name", &["Name"], text)?,
        "WindowsService" => {
            add("process:extensions.'windows-service-ext'.service_name", &["Service_Name"], text)?;
            add("process:extensions.'windows-service-ext'.display_name", &["Display_Name"], text)?;
        }
        "UserAccount" => {
            add("user-account:account_login", &["Username"], text)?;
            add("user-account:display_name", &["Full_Name"], text)?;
            add("user-account:user_id", &["User_ID"], text)?;
        }
        "X509Certificate" => {
            add("x509-certificate:serial_number", &["Certificate", "Serial_Number"], text)?;
            add("x509-certificate:issuer", &["Certificate", "Issuer"], text)?;
            add("x509-certificate:subject", &["Certificate", "Subject"], text)?;
        }
        "Product" => {
            add("software:name", &["Product"], text)?;
            add("software:vendor", &["Vendor"], text)?;
            add("software:version", &["Version"], text)?;
        }
        "AS" => add("autonomous-system:number", &["Number"], number)?,
        other => return Err(format!("a pattern has no objects of the type `{other}`")),
    }
    match found.is_empty() {
        true => Err(format!("its object of the type `{kind}` has nothing that a pattern compares")),
        false => Ok(found),
    }
}

/// A comparison that one of several is enough for: hashes of one file, recipients of one message.
fn any(all: Vec<String>) -> Option<String> {
    match all.len() {
        0 | 1 => all.into_iter().next(),
        _ => Some(format!("({})", all.join(" OR "))),
    }
}

fn hash_of(hash: &Element) -> Result<String, String> {
    let value = hash.first("Simple_Hash_Value").or_else(|| hash.first("Fuzzy_Hash_Value"));
    let value = value.ok_or("a hash has no value")?;
    let algorithm = hash_kind(hash)?;
    compared_by(&format!("file:hashes.'{}'", algorithm.name()), value, &|condition, is_negated, text| {
        match condition {
            "is" => {
                let text = algorithm.read(text).map_err(|error| error.to_string())?;
                Ok(format!("{} {}", if is_negated { "!=" } else { "=" }, quote(&text)))
            }
            other => Err(format!("a hash is not compared with `{other}`")),
        }
    })
}

/// The algorithm of a hash; without a name its length tells.
pub(super) fn hash_kind(hash: &Element) -> Result<FileHash, String> {
    let name = hash.first("Type").and_then(Element::text).unwrap_or_default();
    let value = hash.first("Simple_Hash_Value").and_then(Element::text).unwrap_or_default();
    Ok(match name.to_ascii_uppercase().replace('-', "").as_str() {
        "MD5" => FileHash::Md5,
        "SHA1" => FileHash::Sha1,
        "SHA256" => FileHash::Sha256,
        "SHA512" => FileHash::Sha512,
        "SSDEEP" => FileHash::Ssdeep,
        "" | "OTHER" => {
            let first = value.split(DELIMITER).next().unwrap_or_default().trim();
            FileHash::of_length(first.len()).ok_or("a hash has no algorithm")?
        }
        _ => return Err(format!("`{name}` is no algorithm of hashes in STIX")),
    })
}

fn text(condition: &str, is_negated: bool, value: &str) -> Result<String, String> {
    test(condition, is_negated, value).ok_or_else(|| format!("a pattern has no condition `{condition}`"))
}

fn lower(condition: &str, is_negated: bool, value: &str) -> Result<String, String> {
    text(condition, is_negated, &value.to_ascii_lowercase())
}

fn number(condition: &str, is_negated: bool, value: &str) -> Result<String, String> {
    let number: i64 = value.parse().map_err(|_| format!("`{value}` is no number"))?;
    let sign = match (condition, is_negated) {
        ("is", false) => "=",
        ("is", true) => "!=",
        ("greater", false) | ("not-greater", true) => ">",
        ("less", false) => "<",
        ("at-least", false) => ">=",
        ("at-most", false) => "<=",
        _ => return Err(format!("a number is not compared with `{condition}`")),
    };
    Ok(format!("{sign} {number}"))
}

fn compared(path: &str, element: &Element, form: Form) -> Result<String, String> {
    compared_with(path, element, form, "")
}

/// The same of values that stand behind another text.
fn compared_with(path: &str, element: &Element, form: Form, prefix: &str) -> Result<String, String> {
    compared_by(path, element, &|condition, is_negated, value| match condition {
        // What only a part of it is like has the other text before it or not.
        "is" | "starts-with" => form(condition, is_negated, &format!("{prefix}{value}")),
        _ => form(condition, is_negated, value),
    })
}

/// A comparison of one value, or of each in a list.
fn compared_by(
    path: &str,
    element: &Element,
    form: &dyn Fn(&str, bool, &str) -> Result<String, String>,
) -> Result<String, String> {
    let (condition, is_negated) = match element.attribute("condition").unwrap_or("Equals") {
        "Equals" => ("is", false),
        "DoesNotEqual" => ("is", true),
        "Contains" => ("contains", false),
        "DoesNotContain" => ("contains", true),
        "StartsWith" => ("starts-with", false),
        "EndsWith" => ("ends-with", false),
        "FitsPattern" => ("matches", false),
        "GreaterThan" => ("greater", false),
        "GreaterThanOrEqual" => ("at-least", false),
        "LessThan" => ("less", false),
        "LessThanOrEqual" => ("at-most", false),
        other => return Err(format!("a pattern has no condition `{other}`")),
    };
    let delimiter = element.attribute("delimiter").unwrap_or(DELIMITER);
    let whole = element.text().unwrap_or_default();
    let values: Vec<&str> = match delimiter {
        "" => vec![whole],
        _ => whole.split(delimiter).map(str::trim).filter(|value| !value.is_empty()).collect(),
    };
    let tests: Vec<String> = values
        .into_iter()
        .map(|value| Ok(format!("{path} {}", form(condition, is_negated, value)?)))
        .collect::<Result<_, String>>()?;
    let is_all = element.attribute("apply_condition") == Some("ALL") || is_negated;
    match tests.len() {
        0 => Err(format!("`{path}` has no value")),
        1 => Ok(tests.concat()),
        _ => Ok(format!("({})", tests.join(if is_all { " AND " } else { " OR " }))),
    }
}
