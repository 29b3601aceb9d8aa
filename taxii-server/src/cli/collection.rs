use super::admin::{find_collection, path_part, text};
use super::{Place, output};
use crate::control::Control;
use crate::store::Profile;
use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

const EXAMPLES: &str = "\
Examples:
  taxii-server collection add 'Phishing' --alias phishing
  taxii-server collection add 'Old feeds' --stix 2.0 --stix 2.1
  taxii-server collection add 'Partners' --profile strict
  taxii-server collection set phishing --profile interop
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
        /// A UUID of version 4 [default: a random one]
        #[arg(long, value_name = "UUID")]
        id: Option<String>,
    },
    /// Change a collection
    #[command(after_help = EXAMPLES)]
    Set {
        /// Id, alias or title
        collection: String,
        /// What objects must satisfy to be added from now on; what is there already stays
        #[arg(long, value_enum)]
        profile: Profile,
    },
    /// List all collections
    List,
    /// Remove a collection and everything in it
    Remove {
        /// Id, alias or title
        collection: String,
    },
}

impl Collection {
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<bool> {
        let control = place.control().await?;
        match self.action {
            CollectionAction::Add { title, api_root, alias, description, stix, profile, id } => {
                let mut new = json!({"title": title, "api_root": api_root, "profile": profile});
                let optional = [("alias", alias), ("description", description), ("id", id)];
                for (name, value) in optional.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                    new[name] = value.into();
                }
                if !stix.is_empty() {
                    new["spec_versions"] = stix.into();
                }
                let added = control.json(Method::POST, "/admin/collections/", new).await?;
                output::line(&if self.json { added.to_string() } else { text(&added, "id") })?;
            }
            CollectionAction::Set { collection, profile } => {
                let id = text(&find_collection(&control, &collection).await?, "id");
                let path = format!("/admin/collections/{id}/");
                let changed = control.json(Method::PATCH, &path, json!({"profile": profile})).await?;
                if self.json {
                    output::line(&changed.to_string())?;
                }
            }
            CollectionAction::List => {
                let collections = control.json(Method::GET, "/admin/collections/", ()).await?;
                let row = |collection: &Value| {
                    ["id", "api_root", "alias", "profile", "title"].map(|property| text(collection, property))
                };
                print_list(&collections, self.json, ["ID", "API ROOT", "ALIAS", "PROFILE", "TITLE"], row)?;
            }
            CollectionAction::Remove { collection } => {
                let id = text(&find_collection(&control, &collection).await?, "id");
                control.json(Method::DELETE, &format!("/admin/collections/{id}/"), ()).await?;
            }
        }
        Ok(true)
    }
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
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<bool> {
        let control = match self.action {
            // The first API root may make the store.
            ApiRootAction::Add { .. } => Control::open(place.config(None)?).await?,
            _ => place.control().await?,
        };
        match self.action {
            ApiRootAction::Add { name, title, description } => {
                let new = json!({"name": name, "title": title, "description": description});
                let added = control.json(Method::POST, "/admin/api-roots/", new).await?;
                if self.json {
                    output::line(&added.to_string())?;
                }
            }
            ApiRootAction::List => {
                let roots = control.json(Method::GET, "/admin/api-roots/", ()).await?;
                print_list(&roots, self.json, ["NAME", "TITLE"], |root| {
                    ["name", "title"].map(|property| text(root, property))
                })?;
            }
            ApiRootAction::Remove { name } => {
                let path = format!("/admin/api-roots/{}/", path_part(&name)?);
                control.json(Method::DELETE, &path, ()).await?;
            }
        }
        Ok(true)
    }
}

/// A list as one line of JSON, or as a table.
pub(super) fn print_list<const N: usize>(
    list: &Value,
    as_json: bool,
    headings: [&str; N],
    row: impl Fn(&Value) -> [String; N],
) -> anyhow::Result<()> {
    if as_json {
        return output::line(&list.to_string());
    }
    let rows: Vec<_> = list.as_array().into_iter().flatten().map(row).collect();
    output::table(headings, &rows)
}
