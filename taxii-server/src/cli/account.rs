use super::admin::{find_collection, path_part, text};
use super::collection::print_list;
use super::{Place, output};
use crate::control::Control;
use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

const EXAMPLES: &str = "\
Examples:
  taxii-server account add alice --read phishing --write phishing
  taxii-server account add siem --read '*'
  taxii-server account add root --administrator
  taxii-server account grant alice ics --read
  taxii-server account password alice
  taxii-server account token alice
  taxii-server account list";

/// Manage accounts.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Account {
    #[command(subcommand)]
    action: Action,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    #[command(after_help = EXAMPLES)]
    /// Add an account; its password and its API token are printed this once
    Add {
        /// Name for HTTP Basic
        name: String,
        /// May get objects of this collection (id, alias or title; * for all); may be repeated
        #[arg(long, value_name = "COLLECTION")]
        read: Vec<String>,
        /// May add objects to this collection; may be repeated
        #[arg(long, value_name = "COLLECTION")]
        write: Vec<String>,
        /// May administer the server, and read and write everything
        #[arg(long)]
        administrator: bool,
        /// Read the password from standard input instead of making one
        #[arg(long)]
        password_stdin: bool,
    },
    /// List accounts
    List,
    /// Remove an account
    Remove {
        /// Its name
        name: String,
    },
    /// Give an account a new password
    Password {
        /// Its name
        name: String,
        /// Read the password from standard input instead of making one
        #[arg(long)]
        password_stdin: bool,
    },
    /// Add an API token
    Token {
        /// Name of the account
        name: String,
        /// Revoke the token with this public part instead
        #[arg(long, value_name = "PUBLIC PART")]
        revoke: Option<String>,
    },
    #[command(after_help = EXAMPLES)]
    /// Say what an account may do with a collection; without --read and --write it is only listed
    Grant {
        /// Name of the account
        name: String,
        /// Id, alias or title; * for all
        collection: String,
        /// May get objects
        #[arg(long)]
        read: bool,
        /// May add objects
        #[arg(long)]
        write: bool,
    },
    /// Hide a collection from an account
    Revoke {
        /// Name of the account
        name: String,
        /// Id, alias or title; * for all
        collection: String,
    },
}

impl Account {
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<bool> {
        let control = place.control().await?;
        match self.action {
            Action::Add { name, read, write, administrator, password_stdin } => {
                let grants = grants(&control, &read, &write).await?;
                let mut new = json!({"name": name, "is_administrator": administrator, "grants": grants});
                if password_stdin {
                    new["password"] = read_password()?.into();
                }
                let secrets = control.json(Method::POST, "/admin/accounts/", new).await?;
                print_secrets(&secrets, self.json)?;
            }
            Action::List => {
                let accounts = control.json(Method::GET, "/admin/accounts/", ()).await?;
                let headings = ["NAME", "ADMINISTRATOR", "TOKENS", "GRANTS"];
                print_list(&accounts, self.json, headings, row)?;
            }
            Action::Remove { name } => {
                control.json(Method::DELETE, &account_path(&name, "")?, ()).await?;
            }
            Action::Password { name, password_stdin } => {
                let password = if password_stdin { json!({"password": read_password()?}) } else { json!({}) };
                let secrets = control.json(Method::PUT, &account_path(&name, "password/")?, password).await?;
                print_secrets(&secrets, self.json)?;
            }
            Action::Token { name, revoke: None } => {
                let secrets = control.json(Method::POST, &account_path(&name, "tokens/")?, ()).await?;
                print_secrets(&secrets, self.json)?;
            }
            Action::Token { name, revoke: Some(public) } => {
                let path = account_path(&name, &format!("tokens/{}/", path_part(&public)?))?;
                control.json(Method::DELETE, &path, ()).await?;
            }
            Action::Grant { name, collection, read, write } => {
                let path = grant_path(&control, &name, &collection).await?;
                control.json(Method::PUT, &path, json!({"can_read": read, "can_write": write})).await?;
            }
            Action::Revoke { name, collection } => {
                let path = grant_path(&control, &name, &collection).await?;
                control.json(Method::DELETE, &path, ()).await?;
            }
        }
        Ok(true)
    }
}

fn account_path(name: &str, rest: &str) -> anyhow::Result<String> {
    Ok(format!("/admin/accounts/{}/{rest}", path_part(name)?))
}

async fn grant_path(control: &Control, name: &str, collection: &str) -> anyhow::Result<String> {
    account_path(name, &format!("grants/{}/", scope(control, collection).await?))
}

async fn scope(control: &Control, collection: &str) -> anyhow::Result<String> {
    if collection == "*" {
        return Ok(collection.to_owned());
    }
    Ok(text(&find_collection(control, collection).await?, "id"))
}

async fn grants(control: &Control, read: &[String], write: &[String]) -> anyhow::Result<Value> {
    let mut grants = Map::new();
    for (right, collections) in [("can_read", read), ("can_write", write)] {
        for collection in collections {
            let scope = scope(control, collection).await?;
            let grant = grants.entry(scope).or_insert(json!({"can_read": false, "can_write": false}));
            grant[right] = true.into();
        }
    }
    Ok(grants.into())
}

fn read_password() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn print_secrets(secrets: &Value, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::line(&secrets.to_string());
    }
    for name in ["username", "password", "token"] {
        if let Some(secret) = secrets[name].as_str() {
            output::line(&format!("{name:10}{secret}"))?;
        }
    }
    output::complaint("Keep them now: they are not shown again.");
    Ok(())
}

fn row(account: &Value) -> [String; 4] {
    let right = |(scope, access): (&String, &Value)| {
        let rights = [("can_read", "read"), ("can_write", "write")];
        let rights = rights.iter().filter(|(name, _)| access[name] == true).map(|(_, word)| *word);
        format!("{scope}: {}", rights.collect::<Vec<_>>().join("+"))
    };
    let keys = |property: &str| account[property].as_object().into_iter().flatten().collect::<Vec<_>>();
    [
        text(account, "name"),
        if account["is_administrator"] == true { "yes".to_owned() } else { String::new() },
        keys("tokens").iter().map(|(public, _)| public.as_str()).collect::<Vec<_>>().join(" "),
        keys("grants").into_iter().map(right).collect::<Vec<_>>().join(", "),
    ]
}
