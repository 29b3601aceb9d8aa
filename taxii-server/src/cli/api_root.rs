use super::admin::{confirm, print_list, warn_of_dots};
use super::{CommonOptions, output};
use crate::control::{ApiRootChange, ApiRootResource, Control, NewApiRoot};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  taxii-server api-root add partners --title 'For partners'
  taxii-server api-root set partners --default
  taxii-server api-root rename partners members
  taxii-server api-root list
  taxii-server api-root remove members";

/// Manage API roots.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ApiRoot {
    #[command(subcommand)]
    action: Action,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    /// Add an API root; the first one is the default
    #[command(after_help = EXAMPLES)]
    Add {
        /// First part of its path
        name: String,
        /// What people call it [default: the name]
        #[arg(long)]
        title: Option<String>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
        /// Name it as the default in discovery, instead of the one before
        #[arg(long)]
        default: bool,
    },
    /// List API roots
    List,
    /// Give an API root another name: its URLs change, and its collections go with it
    Rename {
        /// Its name
        name: String,
        /// The new name
        new_name: String,
    },
    /// Change an API root
    #[command(after_help = EXAMPLES, override_usage = "taxii-server api-root set <NAME> <OPTIONS>")]
    Set {
        /// Its name
        name: String,
        #[command(flatten)]
        change: Change,
    },
    /// Remove an API root that has no collections
    Remove {
        /// Its name
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Change {
    /// What people call it
    #[arg(long)]
    title: Option<String>,
    /// What it is for; '' removes it
    #[arg(long)]
    description: Option<String>,
    /// Name it as the default in discovery, instead of the one before
    #[arg(long)]
    default: bool,
}

impl ApiRoot {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        let control = match self.action {
            // The first API root may make the store.
            Action::Add { .. } => Control::open(options.config(None)?).await?,
            _ => options.control().await?,
        };
        match self.action {
            Action::Add { name, title, description, default } => {
                warn_of_dots(title.as_deref().unwrap_or_default(), self.json);
                let new = NewApiRoot { name, title, description, is_default: default };
                let added = control.add_api_root(&new).await?;
                print(&added, self.json)?;
            }
            Action::List => {
                print_list(&control.api_roots().await?, self.json, ["NAME", "DEFAULT", "TITLE"], |root| {
                    let default = if root.is_default { "yes" } else { "" };
                    [root.name.clone(), default.to_owned(), root.title.clone()]
                })?;
            }
            Action::Rename { name, new_name } => {
                let change = ApiRootChange { name: Some(new_name), ..ApiRootChange::default() };
                print(&control.change_api_root(&name, &change).await?, self.json)?;
            }
            Action::Set { name, change: Change { title, description, default } } => {
                warn_of_dots(title.as_deref().unwrap_or_default(), self.json);
                let description = description.map(output::unless_empty);
                let change = ApiRootChange { name: None, title, description, is_default: default };
                print(&control.change_api_root(&name, &change).await?, self.json)?;
            }
            Action::Remove { name, yes } => remove(&control, &name, yes, self.json).await?,
        }
        Ok(true)
    }
}

fn print(root: &ApiRootResource, as_json: bool) -> anyhow::Result<()> {
    if as_json { output::json(root) } else { Ok(()) }
}

async fn remove(control: &Control, name: &str, yes: bool, as_json: bool) -> anyhow::Result<()> {
    let root = control.api_roots().await?.into_iter().find(|root| root.name == name);
    let root =
        root.with_context(|| format!("there is no API root {name}; see taxii-server api-root list"))?;
    let collections = control.collections().await?;
    let used: Vec<_> = collections.iter().filter(|collection| collection.api_root == name).collect();
    if !used.is_empty() {
        let lines = used.iter().map(|collection| format!("\n  {}  {}", collection.id, collection.title));
        let lines = lines.collect::<String>();
        bail!("the API root {name} has collections; remove them first, or rename it:{lines}");
    }
    let what = format!("the API root {name} ({:?}), which has no collections", root.title);
    confirm(&what, yes)?;
    control.delete_api_root(name).await?;
    if as_json { output::json(&root) } else { output::line(&format!("removed {what}")) }
}
