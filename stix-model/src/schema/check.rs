//! The names of the rules of single types that no table can say (STIX 2.1, sections 2, 4 to 7).

/// A rule that a table names; the validator has a function for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Section 2.5, and the catalogues that sections 4.1 and 4.19 name.
    ExternalReference,
    /// Section 2.11.
    KillChainPhase,
    /// Section 7.2.3.
    GranularMarking,
    /// Section 4.7.
    Indicator,
    /// Section 4.10.
    Location,
    /// Section 4.11.
    Malware,
    /// Section 4.12.
    MalwareAnalysis,
    /// Section 4.14.
    ObservedData,
    /// Section 5.1.
    Relationship,
    /// Section 6.1.
    Artifact,
    /// Section 6.3.
    Directory,
    /// Section 6.4.
    DomainName,
    /// Section 6.5.
    EmailAddress,
    /// Section 6.6.
    EmailMessage,
    /// Section 6.7.
    File,
    /// Section 6.8.
    Ipv4Address,
    /// Section 6.9.
    Ipv6Address,
    /// Section 6.10.
    MacAddress,
    /// Section 6.12.
    NetworkTraffic,
    /// Section 6.14.
    Software,
    /// Section 6.15.
    Url,
    /// Section 6.17.
    WindowsRegistryKey,
    /// Section 7.1.
    LanguageContent,
    /// Section 7.2.
    MarkingDefinition,
    /// Section 7.3.
    ExtensionDefinition,
    /// Section 6.7.6.
    WindowsPeBinaryExt,
}
