//! The vocabularies of STIX 2.1, section 10.
//!
//! An open vocabulary keeps a word that it does not know; an enumeration refuses it.
//!
//! ```
//! use stix_model::vocab::{IndicatorType, OpinionLevel};
//! assert_eq!(IndicatorType::from("malicious-activity"), IndicatorType::MaliciousActivity);
//! let ours = IndicatorType::from("x-ours");
//! assert_eq!((ours.as_str(), ours.is_listed()), ("x-ours", false));
//! assert!("lukewarm".parse::<OpinionLevel>().is_err());
//! ```

use crate::json::{self, Value};
#[macro_use]
mod macros;
mod unlisted {
    /// A word that an open vocabulary does not list. Other crates cannot name the type, so a word that the next edition of the standard
    /// lists breaks no program.
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Unlisted(pub(super) Box<str>);
}

use crate::model::data_type::DataType;
use crate::schema::table::Shape;
use crate::{ObjectError, ObjectErrorKind};

pub use crate::schema::vocabulary::{Openness, Vocabulary};

// The vocabularies, in the order of the standard.

vocabulary! {
    /// The kinds of systems and services that a user account belongs to.
    open AccountType "account-type-ov" "10.1" {
        Facebook = "facebook",
        Ldap = "ldap",
        Nis = "nis",
        Openid = "openid",
        Radius = "radius",
        Skype = "skype",
        Tacacs = "tacacs",
        Twitter = "twitter",
        Unix = "unix",
        WindowsLocal = "windows-local",
        WindowsDomain = "windows-domain",
    }
}

vocabulary! {
    /// Why threat actors attack.
    open AttackMotivation "attack-motivation-ov" "10.2" {
        Accidental = "accidental",
        Coercion = "coercion",
        Dominance = "dominance",
        Ideology = "ideology",
        Notoriety = "notoriety",
        OrganizationalGain = "organizational-gain",
        PersonalGain = "personal-gain",
        PersonalSatisfaction = "personal-satisfaction",
        Revenge = "revenge",
        Unpredictable = "unpredictable",
    }
}

vocabulary! {
    /// With what means a threat actor works, from a single person to a government.
    open AttackResourceLevel "attack-resource-level-ov" "10.3" {
        Individual = "individual",
        Club = "club",
        Contest = "contest",
        Team = "team",
        Organization = "organization",
        Government = "government",
    }
}

vocabulary! {
    /// How the bytes of an artifact are encrypted; `mime-type-indicated` when the format itself says how, as
    /// a ZIP file does.
    closed EncryptionAlgorithm "encryption-algorithm-enum" "10.4" {
        Aes256Gcm = "AES-256-GCM",
        ChaCha20Poly1305 = "ChaCha20-Poly1305",
        MimeTypeIndicated = "mime-type-indicated",
    }
}

vocabulary! {
    /// In which way an extension extends STIX: by new types of objects, by properties inside `extensions`, or
    /// by properties beside the standard ones.
    closed ExtensionType "extension-type-enum" "10.5" {
        NewSdo = "new-sdo",
        NewSco = "new-sco",
        NewSro = "new-sro",
        PropertyExtension = "property-extension",
        ToplevelPropertyExtension = "toplevel-property-extension",
    }
}

vocabulary! {
    /// What the objects of a grouping have in common.
    open GroupingContext "grouping-context-ov" "10.6" {
        SuspiciousActivity = "suspicious-activity",
        MalwareAnalysis = "malware-analysis",
        Unspecified = "unspecified",
    }
}

vocabulary! {
    /// The algorithms of hashes. `SSDEEP` and `TLSH` are fuzzy: similar contents have similar values.
    open HashAlgorithm "hash-algorithm-ov" "10.7" {
        Md5 = "MD5",
        Sha1 = "SHA-1",
        Sha256 = "SHA-256",
        Sha512 = "SHA-512",
        Sha3_256 = "SHA3-256",
        Sha3_512 = "SHA3-512",
        Ssdeep = "SSDEEP",
        Tlsh = "TLSH",
    }
}

vocabulary! {
    /// Whether an identity is a person, an organisation, a system, or a class of these.
    open IdentityClass "identity-class-ov" "10.8" {
        Individual = "individual",
        Group = "group",
        System = "system",
        Organization = "organization",
        Class = "class",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// The languages in which malware is written; `x86-32` and `x86-64` stand for assembly language.
    open ImplementationLanguage "implementation-language-ov" "10.9" {
        Applescript = "applescript",
        Bash = "bash",
        C = "c",
        CPlusPlus = "c++",
        CSharp = "c#",
        Go = "go",
        Java = "java",
        Javascript = "javascript",
        Lua = "lua",
        ObjectiveC = "objective-c",
        Perl = "perl",
        Php = "php",
        Powershell = "powershell",
        Python = "python",
        Ruby = "ruby",
        Rust = "rust",
        Scala = "scala",
        Swift = "swift",
        Typescript = "typescript",
        VisualBasic = "visual-basic",
        X86_32 = "x86-32",
        X86_64 = "x86-64",
    }
}

vocabulary! {
    /// What a match of an indicator means.
    open IndicatorType "indicator-type-ov" "10.10" {
        AnomalousActivity = "anomalous-activity",
        Anonymization = "anonymization",
        Benign = "benign",
        Compromised = "compromised",
        MaliciousActivity = "malicious-activity",
        Attribution = "attribution",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// The industries that an identity belongs to.
    open IndustrySector "industry-sector-ov" "10.11" {
        Agriculture = "agriculture",
        Aerospace = "aerospace",
        Automotive = "automotive",
        Chemical = "chemical",
        Commercial = "commercial",
        Communications = "communications",
        Construction = "construction",
        Defense = "defense",
        Education = "education",
        Energy = "energy",
        Entertainment = "entertainment",
        FinancialServices = "financial-services",
        Government = "government",
        EmergencyServices = "emergency-services",
        GovernmentLocal = "government-local",
        GovernmentNational = "government-national",
        GovernmentPublicServices = "government-public-services",
        GovernmentRegional = "government-regional",
        Healthcare = "healthcare",
        HospitalityLeisure = "hospitality-leisure",
        Infrastructure = "infrastructure",
        Dams = "dams",
        Nuclear = "nuclear",
        Water = "water",
        Insurance = "insurance",
        Legal = "legal",
        Manufacturing = "manufacturing",
        Mining = "mining",
        NonProfit = "non-profit",
        Pharmaceuticals = "pharmaceuticals",
        Retail = "retail",
        Technology = "technology",
        Telecommunications = "telecommunications",
        Transportation = "transportation",
        Utilities = "utilities",
    }
}

vocabulary! {
    /// What an infrastructure serves for.
    open InfrastructureType "infrastructure-type-ov" "10.12" {
        Amplification = "amplification",
        Anonymization = "anonymization",
        Botnet = "botnet",
        CommandAndControl = "command-and-control",
        ControlSystem = "control-system",
        Exfiltration = "exfiltration",
        Firewall = "firewall",
        HostingMalware = "hosting-malware",
        HostingTargetLists = "hosting-target-lists",
        Phishing = "phishing",
        Reconnaissance = "reconnaissance",
        RoutersSwitches = "routers-switches",
        Staging = "staging",
        Workstation = "workstation",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// What malware is able to do.
    open MalwareCapabilities "malware-capabilities-ov" "10.13" {
        AccessesRemoteMachines = "accesses-remote-machines",
        AntiDebugging = "anti-debugging",
        AntiDisassembly = "anti-disassembly",
        AntiEmulation = "anti-emulation",
        AntiMemoryForensics = "anti-memory-forensics",
        AntiSandbox = "anti-sandbox",
        AntiVm = "anti-vm",
        CapturesInputPeripherals = "captures-input-peripherals",
        CapturesOutputPeripherals = "captures-output-peripherals",
        CapturesSystemStateData = "captures-system-state-data",
        CleansTracesOfInfection = "cleans-traces-of-infection",
        CommitsFraud = "commits-fraud",
        CommunicatesWithC2 = "communicates-with-c2",
        CompromisesDataAvailability = "compromises-data-availability",
        CompromisesDataIntegrity = "compromises-data-integrity",
        CompromisesSystemAvailability = "compromises-system-availability",
        ControlsLocalMachine = "controls-local-machine",
        DegradesSecuritySoftware = "degrades-security-software",
        DegradesSystemUpdates = "degrades-system-updates",
        DeterminesC2Server = "determines-c2-server",
        EmailsSpam = "emails-spam",
        EscalatesPrivileges = "escalates-privileges",
        EvadesAv = "evades-av",
        ExfiltratesData = "exfiltrates-data",
        FingerprintsHost = "fingerprints-host",
        HidesArtifacts = "hides-artifacts",
        HidesExecutingCode = "hides-executing-code",
        InfectsFiles = "infects-files",
        InfectsRemoteMachines = "infects-remote-machines",
        InstallsOtherComponents = "installs-other-components",
        PersistsAfterSystemReboot = "persists-after-system-reboot",
        PreventsArtifactAccess = "prevents-artifact-access",
        PreventsArtifactDeletion = "prevents-artifact-deletion",
        ProbesNetworkEnvironment = "probes-network-environment",
        SelfModifies = "self-modifies",
        StealsAuthenticationCredentials = "steals-authentication-credentials",
        ViolatesSystemOperationalIntegrity = "violates-system-operational-integrity",
    }
}

vocabulary! {
    /// The verdict of a malware analysis.
    open MalwareResult "malware-result-ov" "10.14" {
        Malicious = "malicious",
        Suspicious = "suspicious",
        Benign = "benign",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// The kinds of malware; one malware may be of several.
    open MalwareType "malware-type-ov" "10.15" {
        Adware = "adware",
        Backdoor = "backdoor",
        Bot = "bot",
        Bootkit = "bootkit",
        Ddos = "ddos",
        Downloader = "downloader",
        Dropper = "dropper",
        ExploitKit = "exploit-kit",
        Keylogger = "keylogger",
        Ransomware = "ransomware",
        RemoteAccessTrojan = "remote-access-trojan",
        ResourceExploitation = "resource-exploitation",
        RogueSecuritySoftware = "rogue-security-software",
        Rootkit = "rootkit",
        ScreenCapture = "screen-capture",
        Spyware = "spyware",
        Trojan = "trojan",
        Unknown = "unknown",
        Virus = "virus",
        Webshell = "webshell",
        Wiper = "wiper",
        Worm = "worm",
    }
}

vocabulary! {
    /// The kinds of addresses that a socket can use, by their names in the socket interface.
    closed NetworkSocketAddressFamily "network-socket-address-family-enum" "10.16" {
        AfUnspec = "AF_UNSPEC",
        AfInet = "AF_INET",
        AfIpx = "AF_IPX",
        AfAppletalk = "AF_APPLETALK",
        AfNetbios = "AF_NETBIOS",
        AfInet6 = "AF_INET6",
        AfIrda = "AF_IRDA",
        AfBth = "AF_BTH",
    }
}

vocabulary! {
    /// The kinds of sockets, by their names in the socket interface.
    closed NetworkSocketType "network-socket-type-enum" "10.17" {
        SockStream = "SOCK_STREAM",
        SockDgram = "SOCK_DGRAM",
        SockRaw = "SOCK_RAW",
        SockRdm = "SOCK_RDM",
        SockSeqpacket = "SOCK_SEQPACKET",
    }
}

vocabulary! {
    /// The degrees of agreement in an opinion, from the least to the greatest.
    closed OpinionLevel "opinion-enum" "10.18" {
        StronglyDisagree = "strongly-disagree",
        Disagree = "disagree",
        Neutral = "neutral",
        Agree = "agree",
        StronglyAgree = "strongly-agree",
    }
}

vocabulary! {
    /// The languages in which the pattern of an indicator can be written.
    open PatternType "pattern-type-ov" "10.19" {
        Stix = "stix",
        Pcre = "pcre",
        Sigma = "sigma",
        Snort = "snort",
        Suricata = "suricata",
        Yara = "yara",
    }
}

vocabulary! {
    /// The processors on which malware runs.
    open ProcessorArchitecture "processor-architecture-ov" "10.20" {
        Alpha = "alpha",
        Arm = "arm",
        Ia64 = "ia-64",
        Mips = "mips",
        Powerpc = "powerpc",
        Sparc = "sparc",
        X86 = "x86",
        X86_64 = "x86-64",
    }
}

vocabulary! {
    /// The parts of the world, as the United Nations divide it.
    open Region "region-ov" "10.21" {
        Africa = "africa",
        EasternAfrica = "eastern-africa",
        MiddleAfrica = "middle-africa",
        NorthernAfrica = "northern-africa",
        SouthernAfrica = "southern-africa",
        WesternAfrica = "western-africa",
        Americas = "americas",
        Caribbean = "caribbean",
        CentralAmerica = "central-america",
        LatinAmericaCaribbean = "latin-america-caribbean",
        NorthernAmerica = "northern-america",
        SouthAmerica = "south-america",
        Asia = "asia",
        CentralAsia = "central-asia",
        EasternAsia = "eastern-asia",
        SouthernAsia = "southern-asia",
        SouthEasternAsia = "south-eastern-asia",
        WesternAsia = "western-asia",
        Europe = "europe",
        EasternEurope = "eastern-europe",
        NorthernEurope = "northern-europe",
        SouthernEurope = "southern-europe",
        WesternEurope = "western-europe",
        Oceania = "oceania",
        Antarctica = "antarctica",
        AustraliaNewZealand = "australia-new-zealand",
        Melanesia = "melanesia",
        Micronesia = "micronesia",
        Polynesia = "polynesia",
    }
}

vocabulary! {
    /// What a report mainly deals with.
    open ReportType "report-type-ov" "10.22" {
        AttackPattern = "attack-pattern",
        Campaign = "campaign",
        Identity = "identity",
        Incident = "incident",
        Indicator = "indicator",
        IntrusionSet = "intrusion-set",
        Malware = "malware",
        ObservedData = "observed-data",
        ThreatActor = "threat-actor",
        ThreatReport = "threat-report",
        Tool = "tool",
        Vulnerability = "vulnerability",
    }
}

vocabulary! {
    /// The kinds of threat actors.
    open ThreatActorType "threat-actor-type-ov" "10.23" {
        Activist = "activist",
        Competitor = "competitor",
        CrimeSyndicate = "crime-syndicate",
        Criminal = "criminal",
        Hacker = "hacker",
        InsiderAccidental = "insider-accidental",
        InsiderDisgruntled = "insider-disgruntled",
        NationState = "nation-state",
        PrivateSector = "private-sector",
        Sensationalist = "sensationalist",
        Spy = "spy",
        Terrorist = "terrorist",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// What part a threat actor plays in attacks.
    open ThreatActorRole "threat-actor-role-ov" "10.24" {
        Agent = "agent",
        Director = "director",
        Independent = "independent",
        InfrastructureArchitect = "infrastructure-architect",
        InfrastructureOperator = "infrastructure-operator",
        MalwareAuthor = "malware-author",
        Sponsor = "sponsor",
    }
}

vocabulary! {
    /// How skilled a threat actor is, from the least to the most.
    open ThreatActorSophistication "threat-actor-sophistication-ov" "10.25" {
        None = "none",
        Minimal = "minimal",
        Intermediate = "intermediate",
        Advanced = "advanced",
        Expert = "expert",
        Innovator = "innovator",
        Strategic = "strategic",
    }
}

vocabulary! {
    /// What attackers can use a legitimate tool for.
    open ToolType "tool-type-ov" "10.26" {
        DenialOfService = "denial-of-service",
        Exploitation = "exploitation",
        InformationGathering = "information-gathering",
        NetworkCapture = "network-capture",
        CredentialExploitation = "credential-exploitation",
        RemoteAccess = "remote-access",
        VulnerabilityScanning = "vulnerability-scanning",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// How far Windows trusts a process, from the least to the most.
    closed WindowsIntegrityLevel "windows-integrity-level-enum" "10.27" {
        Low = "low",
        Medium = "medium",
        High = "high",
        System = "system",
    }
}

vocabulary! {
    /// Whether a Windows PE binary is a library (`dll`), a program (`exe`) or a driver (`sys`).
    open WindowsPeBinaryType "windows-pebinary-type-ov" "10.28" {
        Dll = "dll",
        Exe = "exe",
        Sys = "sys",
    }
}

vocabulary! {
    /// The types that the Windows registry gives to its values.
    closed WindowsRegistryDatatype "windows-registry-datatype-enum" "10.29" {
        RegNone = "REG_NONE",
        RegSz = "REG_SZ",
        RegExpandSz = "REG_EXPAND_SZ",
        RegBinary = "REG_BINARY",
        RegDword = "REG_DWORD",
        RegDwordBigEndian = "REG_DWORD_BIG_ENDIAN",
        RegDwordLittleEndian = "REG_DWORD_LITTLE_ENDIAN",
        RegLink = "REG_LINK",
        RegMultiSz = "REG_MULTI_SZ",
        RegResourceList = "REG_RESOURCE_LIST",
        RegFullResourceDescription = "REG_FULL_RESOURCE_DESCRIPTION",
        RegResourceRequirementsList = "REG_RESOURCE_REQUIREMENTS_LIST",
        RegQword = "REG_QWORD",
        RegInvalidType = "REG_INVALID_TYPE",
    }
}

vocabulary! {
    /// When a Windows service starts.
    closed WindowsServiceStartType "windows-service-start-type-enum" "10.30" {
        ServiceAutoStart = "SERVICE_AUTO_START",
        ServiceBootStart = "SERVICE_BOOT_START",
        ServiceDemandStart = "SERVICE_DEMAND_START",
        ServiceDisabled = "SERVICE_DISABLED",
        ServiceSystemAlert = "SERVICE_SYSTEM_ALERT",
    }
}

vocabulary! {
    /// Whether a Windows service is a driver or a program, with its own process or in a shared one.
    closed WindowsServiceType "windows-service-type-enum" "10.31" {
        ServiceKernelDriver = "SERVICE_KERNEL_DRIVER",
        ServiceFileSystemDriver = "SERVICE_FILE_SYSTEM_DRIVER",
        ServiceWin32OwnProcess = "SERVICE_WIN32_OWN_PROCESS",
        ServiceWin32ShareProcess = "SERVICE_WIN32_SHARE_PROCESS",
    }
}

vocabulary! {
    /// Whether a Windows service runs, is stopped, or is about to.
    closed WindowsServiceStatus "windows-service-status-enum" "10.32" {
        ServiceContinuePending = "SERVICE_CONTINUE_PENDING",
        ServicePausePending = "SERVICE_PAUSE_PENDING",
        ServicePaused = "SERVICE_PAUSED",
        ServiceRunning = "SERVICE_RUNNING",
        ServiceStartPending = "SERVICE_START_PENDING",
        ServiceStopPending = "SERVICE_STOP_PENDING",
        ServiceStopped = "SERVICE_STOPPED",
    }
}
