use super::admin::{find_collection, print_list};
use super::{CommonOptions, output};
use crate::control::{CollectionChange, CollectionResource, Control, NewApiRoot, NewCollection};
use crate::store::Profile;
use clap::{Args, Subcommand};
use stix_model::{SpecVersion, Tlp};

const EXAMPLES: &str = "\
Examples:
  taxii-server collection add 'Phishing' --alias phishing
  taxii-server collection add 'Old feeds' --stix 2.0 --stix 2.1
  taxii-server collection add 'Partners' --profile strict
  taxii-server collection set phishing --profile interop
  taxii-server collection set phishing --unmarked green
  taxii-server collection list
  taxii-server collection remove phishing";

/// Manage collections.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Collection {
    #[command(subcommand)]
    action: CollectionAction,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum CollectionAction {
    /// Add a collection
    #[command(after_help = EXAMPLES)]
    Add {
        /// What people call it
        title: String,
        /// API root that it belongs to
        #[arg(long, default_value = "api", value_name = "NAME")]
        api_root: String,
        /// A name that may stand in for the id in URLs
        #[arg(long)]
        alias: Option<String>,
        /// What it holds
        #[arg(long)]
        description: Option<String>,
        /// STIX version that it takes; may be repeated [default: 2.1]
        #[arg(long = "stix", value_name = "VERSION", value_parser = ["2.0", "2.1"])]
        stix: Vec<String>,
        /// What objects must satisfy to be added
        #[arg(long, value_enum, default_value_t)]
        profile: Profile,
        /// TLP level of objects that carry no TLP marking
        #[arg(long, value_name = "LEVEL", default_value_t = Tlp::Amber, value_parser = levels())]
        unmarked: Tlp,
        /// A UUID of version 4 [default: a random one]
        #[arg(long, value_name = "UUID")]
        id: Option<String>,
    },
    /// Change a collection
    #[command(after_help = EXAMPLES)]
    Set {
        /// Id, alias or title
        collection: String,
        /// What objects must satisfy to be added from now on; objects in the collection stay
        #[arg(long, value_enum, required_unless_present = "unmarked")]
        profile: Option<Profile>,
        /// TLP level of objects that carry no TLP marking; those in the collection get a new date_added, and clients get
        /// them once more
        #[arg(long, value_name = "LEVEL", value_parser = levels())]
        unmarked: Option<Tlp>,
    },
    /// List all collections
    List,
    /// Remove a collection and everything in it
    Remove {
        /// Id, alias or title
        collection: String,
    },
}

fn levels() -> impl clap::builder::TypedValueParser<Value = Tlp> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    PossibleValuesParser::new(Tlp::ALL.map(Tlp::as_str)).try_map(|word| word.parse::<Tlp>())
}

impl Collection {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        let control = options.control().await?;
        match self.action {
            CollectionAction::Add { title, api_root, alias, description, stix, profile, unmarked, id } => {
                let spec_versions = stix.iter().map(|version| spec_version(version)).collect::<Vec<_>>();
                let spec_versions = (!spec_versions.is_empty()).then_some(spec_versions);
                let new = NewCollection {
                    api_root,
                    title,
                    description,
                    alias,
                    spec_versions,
                    profile,
                    unmarked,
                    id,
                };
                let added = control.add_collection(&new).await?;
                if self.json {
                    output::json(&added)?;
                } else {
                    output::line(&added.id.to_string())?;
                }
            }
            CollectionAction::Set { collection, profile, unmarked } => {
                let id = find_collection(&control, &collection).await?.id;
                let changed = control.change_collection(id, &CollectionChange { profile, unmarked }).await?;
                if self.json {
                    output::json(&changed)?;
                }
            }
            CollectionAction::List => {
                let headings = ["ID", "API ROOT", "ALIAS", "PROFILE", "TITLE"];
                print_list(&control.collections().await?, self.json, headings, row)?;
            }
            CollectionAction::Remove { collection } => {
                let id = find_collection(&control, &collection).await?.id;
                control.delete_collection(id).await?;
            }
        }
        Ok(true)
    }
}

/// Returns the version for a text that the command line has checked.
fn spec_version(text: &str) -> SpecVersion {
    if text == "2.0" { SpecVersion::V2_0 } else { SpecVersion::V2_1 }
}

fn row(collection: &CollectionResource) -> [String; 5] {
    [
        collection.id.to_string(),
        collection.api_root.clone(),
        collection.alias.clone().unwrap_or_default(),
        collection.profile.as_str().to_owned(),
        collection.title.clone(),
    ]
}

/// Manage API roots.
#[derive(Args)]
#[command(after_help = "Example:\n  taxii-server api-root add partners --title 'For partners'")]
pub(super) struct ApiRoot {
    #[command(subcommand)]
    action: ApiRootAction,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum ApiRootAction {
    /// Add an API root
    Add {
        /// First part of its path
        name: String,
        /// What people call it [default: the name]
        #[arg(long)]
        title: Option<String>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// List API roots
    List,
    /// Remove an API root that has no collections
    Remove {
        /// Its name
        name: String,
    },
}

impl ApiRoot {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        let control = match self.action {
            // The first API root may make the store.
            ApiRootAction::Add { .. } => Control::open(options.config(None)?).await?,
            _ => options.control().await?,
        };
        match self.action {
            ApiRootAction::Add { name, title, description } => {
                let added = control.add_api_root(&NewApiRoot { name, title, description }).await?;
                if self.json {
                    output::json(&added)?;
                }
            }
            ApiRootAction::List => {
                print_list(&control.api_roots().await?, self.json, ["NAME", "TITLE"], |root| {
                    [root.name.clone(), root.title.clone()]
                })?;
            }
            ApiRootAction::Remove { name } => control.delete_api_root(&name).await?,
        }
        Ok(true)
    }
}
