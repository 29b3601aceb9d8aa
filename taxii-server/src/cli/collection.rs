use super::admin::{confirm, find_collection, print_list, warn_of_dots};
use super::{CommonOptions, output};
use crate::control::{CollectionChange, CollectionResource, Control, NewCollection};
use crate::rights::GrantScope;
use crate::store::{Conflicts, Profile};
use anyhow::Context;
use clap::{Args, Subcommand};
use stix_model::{SpecVersion, Tlp};

const EXAMPLES: &str = "\
Examples:
  taxii-server collection add 'Phishing' --alias phishing
  taxii-server collection add 'Old feeds' --stix 2.0 --stix 2.1
  taxii-server collection add 'Moved here' --id 91a7b528-80eb-42ed-a74d-c6fbd5a26116
  taxii-server collection list
  taxii-server collection rename phishing 'Phishing and scams'
  taxii-server collection set phishing --alias scams --description 'Lures seen by members'
  taxii-server collection set phishing --profile strict --unmarked green
  taxii-server collection set attack --conflicts newest
  taxii-server collection remove phishing";

/// Manage collections.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Collection {
    #[command(subcommand)]
    action: Action,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    /// Add a collection, and print its id
    #[command(after_help = EXAMPLES)]
    Add(Add),
    /// List all collections, with what is in them
    List,
    /// Give a collection another title
    Rename {
        /// Id, alias or title
        collection: String,
        /// The new title
        title: String,
    },
    /// Change a collection
    #[command(after_help = EXAMPLES, override_usage = "taxii-server collection set <COLLECTION> <OPTIONS>")]
    Set {
        /// Id, alias or title
        collection: String,
        #[command(flatten)]
        change: Change,
    },
    /// Remove a collection and everything in it
    Remove {
        /// Id, alias or title
        collection: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args)]
struct Add {
    /// What people call it
    title: String,
    /// API root that it belongs to [default: the default API root]
    #[arg(long, value_name = "NAME")]
    api_root: Option<String>,
    /// A name or a UUID that may stand in for the id in URLs
    #[arg(long)]
    alias: Option<String>,
    /// What it holds
    #[arg(long)]
    description: Option<String>,
    /// STIX version that it takes; may be repeated [default: 2.1]
    #[arg(long = "stix", value_name = "VERSION", value_parser = spec_versions())]
    spec_versions: Vec<SpecVersion>,
    /// What objects must satisfy to be added
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
    /// TLP level of objects that carry no TLP marking
    #[arg(long, value_name = "LEVEL", default_value_t = Tlp::Amber, value_parser = levels())]
    unmarked: Tlp,
    /// What becomes of an object whose version is stored with other content
    #[arg(long, value_enum, default_value_t)]
    conflicts: Conflicts,
    /// A UUID, such as the one that the collection has on another server [default: a random one]
    #[arg(long, value_name = "UUID")]
    id: Option<String>,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Change {
    /// What people call it
    #[arg(long)]
    title: Option<String>,
    /// A name or a UUID that may stand in for the id in URLs; '' removes it
    #[arg(long)]
    alias: Option<String>,
    /// What it holds; '' removes it
    #[arg(long)]
    description: Option<String>,
    /// STIX version that it takes from now on; may be repeated
    #[arg(long = "stix", value_name = "VERSION", value_parser = spec_versions())]
    spec_versions: Vec<SpecVersion>,
    /// What objects must satisfy to be added from now on; objects in the collection stay
    #[arg(long, value_enum)]
    profile: Option<Profile>,
    /// TLP level of objects that carry no TLP marking; those in the collection get a new date_added, and clients get
    /// them once more
    #[arg(long, value_name = "LEVEL", value_parser = levels())]
    unmarked: Option<Tlp>,
    /// What becomes of an object whose version is stored with other content, from now on
    #[arg(long, value_enum)]
    conflicts: Option<Conflicts>,
}

fn levels() -> impl clap::builder::TypedValueParser<Value = Tlp> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    PossibleValuesParser::new(Tlp::ALL.map(Tlp::as_str)).try_map(|word| word.parse::<Tlp>())
}

fn spec_versions() -> impl clap::builder::TypedValueParser<Value = SpecVersion> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    let versions = [SpecVersion::V2_0, SpecVersion::V2_1];
    PossibleValuesParser::new(versions.map(SpecVersion::as_str))
        .map(move |text| if text == "2.0" { SpecVersion::V2_0 } else { SpecVersion::V2_1 })
}

impl Collection {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        let control = options.control().await?;
        match self.action {
            Action::Add(add) => {
                warn_of_dots(&add.title, self.json);
                let added = control.add_collection(&add.into_new(&control).await?).await?;
                if self.json {
                    output::json(&added)?;
                } else {
                    output::line(&added.id.to_string())?;
                }
            }
            Action::List => {
                let headings =
                    ["ID", "API ROOT", "ALIAS", "PROFILE", "OBJECTS", "VERSIONS", "SIZE", "NEWEST", "TITLE"];
                print_list(&control.collections().await?, self.json, headings, row)?;
            }
            Action::Rename { collection, title } => {
                let change = CollectionChange { title: Some(title), ..CollectionChange::default() };
                self::change(&control, &collection, change, self.json).await?;
            }
            Action::Set { collection, change } => {
                self::change(&control, &collection, change.into(), self.json).await?;
            }
            Action::Remove { collection, yes } => remove(&control, &collection, yes, self.json).await?,
        }
        Ok(true)
    }
}

async fn change(
    control: &Control,
    collection: &str,
    change: CollectionChange,
    as_json: bool,
) -> anyhow::Result<()> {
    warn_of_dots(change.title.as_deref().unwrap_or_default(), as_json);
    let id = find_collection(control, collection).await?.id;
    let changed = control.change_collection(id, &change).await?;
    if as_json { output::json(&changed) } else { Ok(()) }
}

async fn remove(control: &Control, collection: &str, yes: bool, as_json: bool) -> anyhow::Result<()> {
    let collection = find_collection(control, collection).await?;
    let scope = GrantScope::Collection(collection.id);
    let accounts = control.accounts().await?;
    let accounts = accounts.iter().filter(|account| account.grants.contains_key(&scope)).count();
    let CollectionResource { id, title, objects, versions, bytes, .. } = &collection;
    let what = format!(
        "the collection {title:?} ({id}) with {objects} objects in {versions} versions ({}), and the rights of \
         {accounts} accounts on it",
        output::size(*bytes)
    );
    confirm(&what, yes)?;
    control.delete_collection(collection.id).await?;
    if as_json {
        return output::json(&collection);
    }
    output::line(&format!("removed {what}"))?;
    output::complaint(
        "Its space takes new objects. A server that starts gives it back to the disk when it is a quarter of the store; \
         `taxii-server compact` does it at once, while no server runs.",
    );
    Ok(())
}

impl Add {
    async fn into_new(self, control: &Control) -> anyhow::Result<NewCollection> {
        let Self { title, api_root, alias, description, spec_versions, profile, unmarked, conflicts, id } =
            self;
        let api_root = match api_root {
            Some(api_root) => api_root,
            None => {
                let default = control.api_roots().await?.into_iter().find(|root| root.is_default);
                default.context("there is no API root; add one: taxii-server api-root add api")?.name
            }
        };
        let spec_versions = (!spec_versions.is_empty()).then_some(spec_versions);
        Ok(NewCollection {
            api_root,
            title,
            description,
            alias,
            spec_versions,
            profile,
            unmarked,
            conflicts,
            id,
        })
    }
}

impl From<Change> for CollectionChange {
    fn from(change: Change) -> Self {
        let Change { title, alias, description, spec_versions, profile, unmarked, conflicts } = change;
        Self {
            title,
            alias: alias.map(output::unless_empty),
            description: description.map(output::unless_empty),
            spec_versions: (!spec_versions.is_empty()).then_some(spec_versions),
            profile,
            unmarked,
            conflicts,
        }
    }
}

fn row(collection: &CollectionResource) -> [String; 9] {
    [
        collection.id.to_string(),
        collection.api_root.clone(),
        collection.alias.clone().unwrap_or_default(),
        collection.profile.as_str().to_owned(),
        collection.objects.to_string(),
        collection.versions.to_string(),
        output::size(collection.bytes),
        collection.newest.as_ref().map(ToString::to_string).unwrap_or_default(),
        collection.title.clone(),
    ]
}
