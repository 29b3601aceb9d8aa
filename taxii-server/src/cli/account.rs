use super::admin::{confirm, find_collection, print_list};
use super::{CommonOptions, output};
use crate::control::{
    AccessResource, AccountChange, AccountResource, CollectionResource, Control, NewAccount, NewPassword,
    Secrets,
};
use crate::rights::GrantScope;
use anyhow::Context;
use clap::{Args, Subcommand};
use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal};
use uuid::Uuid;

const EXAMPLES: &str = "\
Examples:
  taxii-server account add alice --read phishing --write phishing
  taxii-server account add siem --read '*'
  taxii-server account add root --administrator
  taxii-server account grant alice ics --read
  taxii-server account password alice
  taxii-server account token alice
  taxii-server account rename alice alice.smith
  taxii-server account set alice.smith --administrator yes
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
    /// Give an account another name; its password, tokens and rights stay
    Rename {
        /// Its name
        name: String,
        /// The new name
        new_name: String,
    },
    /// Change whether an account may administer the server
    Set {
        /// Its name
        name: String,
        /// May administer the server, and read and write everything
        #[arg(long, value_name = "yes|no", value_parser = clap::builder::BoolishValueParser::new(), action = clap::ArgAction::Set)]
        administrator: bool,
    },
    /// Remove an account
    Remove {
        /// Its name
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
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
    /// Take a grant away from an account; one for * counts for each collection
    Revoke {
        /// Name of the account
        name: String,
        /// Id, alias or title; * for all
        collection: String,
    },
}

impl Account {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        let control = options.control().await?;
        match self.action {
            Action::Add { name, read, write, administrator, password_stdin } => {
                let grants = grants(&control, &read, &write).await?;
                let password = password_stdin.then(read_password).transpose()?;
                let is_administrator = administrator;
                let new = NewAccount { name, password, is_administrator, grants, ..NewAccount::default() };
                let secrets = Secrets::from(control.add_account(&new).await?);
                if self.json {
                    let mut json = serde_json::to_value(&secrets)?;
                    json["is_administrator"] = is_administrator.into();
                    json["grants"] = serde_json::to_value(&new.grants)?;
                    return output::json(&json).map(|()| true);
                }
                print_secrets(&secrets, false)?;
                let granted = match (is_administrator, new.grants.is_empty()) {
                    (true, _) => "administers the server, and reads and writes everything".to_owned(),
                    (false, true) => format!(
                        "nothing yet; see `taxii-server account grant {} COLLECTION --read`",
                        secrets.username
                    ),
                    (false, false) => Names::of(&control).await?.grants(&new.grants),
                };
                output::line(&format!("{:10}{granted}", "granted"))?;
            }
            Action::List => {
                let headings = ["NAME", "ADMINISTRATOR", "TOKENS", "GRANTS"];
                let names = Names::of(&control).await?;
                print_list(&control.accounts().await?, self.json, headings, |account| row(account, &names))?;
            }
            Action::Rename { name, new_name } => {
                let change = AccountChange { name: Some(new_name.clone()), ..AccountChange::default() };
                control.change_account(&name, &change).await?;
                print(&control, &new_name, self.json).await?;
            }
            Action::Set { name, administrator } => {
                let change =
                    AccountChange { is_administrator: Some(administrator), ..AccountChange::default() };
                control.change_account(&name, &change).await?;
                print(&control, &name, self.json).await?;
            }
            Action::Remove { name, yes } => remove(&control, &name, yes, self.json).await?,
            Action::Password { name, password_stdin } => {
                let password = password_stdin.then(read_password).transpose()?;
                print_secrets(&control.set_password(&name, &NewPassword { password }).await?, self.json)?;
            }
            Action::Token { name, revoke: None } => {
                print_secrets(&control.add_token(&name).await?, self.json)?;
            }
            Action::Token { name, revoke: Some(token_id) } => {
                control.delete_token(&name, &token_id).await?;
                print(&control, &name, self.json).await?;
            }
            Action::Grant { name, collection, read, write } => {
                let access = AccessResource { can_read: read, can_write: write };
                control.set_grant(&name, scope(&control, &collection).await?, access).await?;
                print(&control, &name, self.json).await?;
            }
            Action::Revoke { name, collection } => {
                let scope = scope(&control, &collection).await?;
                if let Some(grants) = find(&control, &name).await?.map(|account| account.grants)
                    && !grants.contains_key(&scope)
                {
                    let advice = match grants.contains_key(&GrantScope::All) {
                        true => {
                            "; it sees all collections by `*`: grant it those that it needs, and revoke `*`"
                        }
                        false => "",
                    };
                    anyhow::bail!("{name} has no grant of its own for {collection}{advice}");
                }
                control.delete_grant(&name, scope).await?;
                print(&control, &name, self.json).await?;
            }
        }
        Ok(true)
    }
}

async fn find(control: &Control, name: &str) -> anyhow::Result<Option<AccountResource>> {
    Ok(control.accounts().await?.into_iter().find(|account| account.name == name))
}

/// Prints an account that was changed, where JSON is wanted.
async fn print(control: &Control, name: &str, as_json: bool) -> anyhow::Result<()> {
    if !as_json {
        return Ok(());
    }
    let account = find(control, name).await?;
    output::json(&account.with_context(|| format!("the account {name} was changed, and removed meanwhile"))?)
}

async fn remove(control: &Control, name: &str, yes: bool, as_json: bool) -> anyhow::Result<()> {
    let accounts = control.accounts().await?;
    let account = accounts.iter().find(|account| account.name == name);
    let account =
        account.with_context(|| format!("there is no account {name}; see taxii-server account list"))?;
    let (tokens, grants) = (account.tokens.len(), account.grants.len());
    let administrators = accounts.iter().filter(|account| account.is_administrator).count();
    let is_last = account.is_administrator && administrators == 1;
    let role = if is_last { ", the last administrator," } else { "" };
    let what =
        format!("the account {name}{role} with {tokens} API tokens and rights on {grants} collections");
    confirm(&what, yes)?;
    control.delete_account(name).await?;
    if as_json { output::json(account) } else { output::line(&format!("removed {what}")) }
}

async fn scope(control: &Control, collection: &str) -> anyhow::Result<GrantScope> {
    if collection == "*" {
        return Ok(GrantScope::All);
    }
    Ok(GrantScope::Collection(find_collection(control, collection).await?.id))
}

async fn grants(
    control: &Control,
    read: &[String],
    write: &[String],
) -> anyhow::Result<BTreeMap<GrantScope, AccessResource>> {
    let mut grants = BTreeMap::<_, AccessResource>::new();
    for collection in read {
        grants.entry(scope(control, collection).await?).or_default().can_read = true;
    }
    for collection in write {
        grants.entry(scope(control, collection).await?).or_default().can_write = true;
    }
    Ok(grants)
}

/// Reads a line; from a terminal without showing it.
fn read_password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Password: ").context("cannot read the password");
    }
    let mut line = Vec::new();
    std::io::stdin().lock().read_until(b'\n', &mut line).context("cannot read the password")?;
    let line = String::from_utf8(line).context("the password on standard input is not UTF-8")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn print_secrets(secrets: &Secrets, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(secrets);
    }
    let Secrets { username, password, token } = secrets;
    let rows = [("username", Some(username)), ("password", password.as_ref()), ("token", token.as_ref())];
    for (name, secret) in rows {
        if let Some(secret) = secret {
            output::line(&format!("{name:10}{secret}"))?;
        }
    }
    output::complaint("Keep them now: they are not shown again.");
    Ok(())
}

/// Aliases or titles of collections, by which people know them.
struct Names(BTreeMap<Uuid, String>);

impl Names {
    async fn of(control: &Control) -> anyhow::Result<Self> {
        let named =
            |collection: CollectionResource| (collection.id, collection.alias.unwrap_or(collection.title));
        Ok(Self(control.collections().await?.into_iter().map(named).collect()))
    }

    fn grants(&self, grants: &BTreeMap<GrantScope, AccessResource>) -> String {
        let grant = |(scope, access): (&GrantScope, &AccessResource)| {
            let name = match scope {
                GrantScope::Collection(id) => self.0.get(id).cloned(),
                GrantScope::All => None,
            };
            let rights = match (access.can_read, access.can_write) {
                (true, true) => "read+write",
                (true, false) => "read",
                (false, true) => "write",
                (false, false) => "listed only",
            };
            format!("{}: {rights}", name.unwrap_or_else(|| String::from(*scope)))
        };
        grants.iter().map(grant).collect::<Vec<_>>().join(", ")
    }
}

fn row(account: &AccountResource, names: &Names) -> [String; 4] {
    [
        account.name.clone(),
        if account.is_administrator { "yes".to_owned() } else { String::new() },
        account.tokens.keys().map(String::as_str).collect::<Vec<_>>().join(" "),
        names.grants(&account.grants),
    ]
}
