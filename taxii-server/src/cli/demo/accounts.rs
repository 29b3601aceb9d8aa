//! The accounts of a demo.

use crate::control::{AccessResource, Control, ControlError, NewAccount, Secrets};
use crate::credentials::Presented;
use crate::rights::GrantScope;
use crate::serve::Server;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Reads.
pub(super) const READ: AccessResource = AccessResource { can_read: true, can_write: false };
/// Reads and adds.
pub(super) const BOTH: AccessResource = AccessResource { can_read: true, can_write: true };

/// Rights by collection.
pub(super) type Grants<'g> = &'g [(GrantScope, AccessResource)];

/// The accounts of a demo, with their credentials, because the store does not give them back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Accounts {
    pub(super) reader: Secrets,
    pub(super) writer: Secrets,
    pub(super) admin: Secrets,
}

impl Accounts {
    /// Adds the accounts. Those that exist are added again, because their credentials are not known.
    pub(super) async fn add(
        control: &Control,
        reader: Grants<'_>,
        writer: Grants<'_>,
    ) -> anyhow::Result<Self> {
        let account = async |name: &str, is_administrator: bool, grants: Grants<'_>| {
            match control.delete_account(name).await {
                Err(ControlError::Refused { status: StatusCode::NOT_FOUND, .. }) => {}
                deleted => deleted?,
            }
            let grants = BTreeMap::from_iter(grants.iter().copied());
            let new = NewAccount { name: name.to_owned(), is_administrator, grants, ..NewAccount::default() };
            control.add_account(&new).await
        };
        Ok(Self {
            reader: account("reader", false, reader).await?,
            writer: account("writer", false, writer).await?,
            admin: account("admin", true, &[]).await?,
        })
    }

    /// Whether the store still takes the credentials.
    pub(super) async fn are_valid(&self, server: &Server) -> bool {
        let app = server.app();
        let directory = app.store.directory();
        for Secrets { username, password, token } in [&self.reader, &self.writer, &self.admin] {
            let (Some(password), Some(token)) = (password.clone(), token.clone()) else { return false };
            let password = Presented::Password { name: username.clone(), password };
            for presented in [password, Presented::Token(token)] {
                if app.credentials.check(&directory, presented, None).await.is_err() {
                    return false;
                }
            }
        }
        true
    }
}

/// Name and password as curl takes them.
pub(super) fn basic(account: &Secrets) -> String {
    format!("{}:{}", account.username, password(account))
}

pub(super) fn password(account: &Secrets) -> &str {
    account.password.as_deref().unwrap_or_default()
}
