//! The accounts of a demo.

use crate::control::{AccessResource, AccountSecrets, Control, ControlError, NewAccount};
use crate::credentials::Presented;
use crate::rights::GrantScope;
use crate::serve::Server;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Rights by collection.
pub(super) type Grants<'g> = &'g [(GrantScope, AccessResource)];

/// The accounts of a demo, with their credentials, because the store does not give them back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Accounts {
    pub(super) reader: AccountSecrets,
    pub(super) writer: AccountSecrets,
    pub(super) admin: AccountSecrets,
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
            let new = NewAccount { is_administrator, grants, ..NewAccount::new(name) };
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
        for AccountSecrets { username, password, token } in [&self.reader, &self.writer, &self.admin] {
            let password = Presented::Password { name: username.clone(), password: password.clone() };
            for presented in [password, Presented::Token(token.clone())] {
                if app.credentials.check(&directory, presented, None).await.is_err() {
                    return false;
                }
            }
        }
        true
    }
}

/// Name and password as curl takes them.
pub(super) fn basic(account: &AccountSecrets) -> String {
    format!("{}:{}", account.username, account.password)
}
