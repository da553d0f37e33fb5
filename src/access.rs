//! The verbs of access: make an account, make and revoke a key. The command line's, and the tests'.

use sqlx::PgPool;

use crate::{
    domain::{
        account::{
            AccountName, BusinessUid, Handling, KeyKind, NewKey, TranscriptAccess, VoipMode,
        },
        id::{AccountId, KeyId},
        key::ApiKey,
        limits::MaxDuration,
        retention::Change,
        text::Text,
    },
    store::{
        self,
        accounts::{self, Account, NewAccount},
        keys::{self, NewKeyRow},
        retention::{self, Kept},
    },
};

/// An account that somebody asks for.
#[derive(Debug, Clone)]
pub struct AccountRequest {
    /// Its name.
    pub name: AccountName,
    /// Whether its voip surface asks for a key.
    pub voip: VoipMode,
    /// The directory account that may act for it.
    pub directory: Option<AccountName>,
    /// What the voice-calls surface calls it; its id if not given.
    pub business_uid: Option<BusinessUid>,
}

/// A key that somebody asks for.
#[derive(Debug, Clone)]
pub struct KeyRequest {
    /// What it is for.
    pub kind: KeyKind,
    /// The staff member behind it.
    pub staff_uid: Option<Text<255>>,
    /// The client whose calls are all that it may read: a client's key must name one, no other may.
    pub client_uid: Option<Text<255>>,
    /// What it prefers when a request does not say.
    pub prefer: Option<Handling>,
    /// What it reads of what was said on calls; as its account says if not given.
    pub transcripts: Option<TranscriptAccess>,
    /// After how many days it expires.
    pub expires_in_days: Option<i32>,
}

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateAccountError {
    /// Another account has the name or the business uid.
    #[error("an account with this name or business uid exists already")]
    Taken,
    /// The directory account is not there.
    #[error("there is no account `{0}` to be its directory")]
    UnknownDirectory(AccountName),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Why a key was not made or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such account.
    #[error("there is no account `{0}`: make it with `onhook account create {0}`")]
    UnknownAccount(AccountName),
    /// The account has no such key.
    #[error("the account has no such key: `onhook key list` shows them")]
    UnknownKey,
    /// A client's key without its client, or another one with a client.
    #[error("a key of kind `client`, and no other, names a client: `--client UID`")]
    Client,
    /// The system's generator gave nothing.
    #[error("the system gives no random numbers")]
    NoRandom,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Makes an account.
pub async fn create_account(
    db: &PgPool,
    request: AccountRequest,
) -> Result<Account, CreateAccountError> {
    let account_id = AccountId::generate();
    store::within(Box::pin(async {
        let mut tx = db.begin().await?;
        let directory_account_id = match &request.directory {
            None => None,
            Some(name) => Some(
                accounts::find_by_name(&mut *tx, name.as_str())
                    .await?
                    .ok_or_else(|| CreateAccountError::UnknownDirectory(name.clone()))?
                    .account_id,
            ),
        };
        let new = NewAccount {
            account_id,
            name: request.name,
            business_uid: request
                .business_uid
                .unwrap_or_else(|| BusinessUid::of(account_id)),
            directory_account_id,
            voip: request.voip,
        };
        let account = accounts::insert(&mut tx, &new)
            .await?
            .ok_or(CreateAccountError::Taken)?;
        tx.commit().await?;
        Ok(account)
    }))
    .await
}

/// Opens or closes an account's voip surface. Every process knows within a second.
pub async fn set_voip(
    db: &PgPool,
    name: &AccountName,
    voip: VoipMode,
) -> Result<Account, KeyError> {
    store::ask(Box::pin(async {
        let mut tx = db.begin().await?;
        let account = accounts::set_voip(&mut tx, name.as_str(), voip).await?;
        tx.commit().await?;
        Ok(account)
    }))
    .await?
    .ok_or_else(|| KeyError::UnknownAccount(name.clone()))
}

/// Sets how long calls of an account may last; for ever, if absent. Nothing: there is no such account.
pub async fn set_max_duration(
    db: &PgPool,
    account_id: AccountId,
    max_duration: Option<MaxDuration>,
) -> Result<Option<Account>, store::Error> {
    store::ask(Box::pin(async {
        let mut tx = db.begin().await?;
        let account = accounts::set_max_duration(&mut tx, account_id, max_duration).await?;
        tx.commit().await?;
        Ok(account)
    }))
    .await
}

/// Changes how long an account keeps what. One change at a time, so that two do not undo each other.
pub async fn set_retention(
    db: &PgPool,
    account_id: AccountId,
    change: Change,
) -> Result<Kept, store::Error> {
    store::ask(Box::pin(async {
        let mut tx = db.begin().await?;
        accounts::lock(&mut tx, account_id).await?;
        let was = retention::find(&mut *tx, account_id).await?;
        let windows = was.windows.changed(change);
        let updated_at = retention::put(&mut tx, account_id, windows).await?;
        tx.commit().await?;
        Ok(Kept {
            windows,
            updated_at: Some(updated_at),
        })
    }))
    .await
}

/// The account of this name, or an error that says how to make one.
pub async fn find_account(db: &PgPool, name: &AccountName) -> Result<Account, KeyError> {
    store::ask(accounts::find_by_name(db, name.as_str()))
        .await?
        .ok_or_else(|| KeyError::UnknownAccount(name.clone()))
}

/// Makes a key. What is returned is the only copy.
pub async fn create_key(
    db: &PgPool,
    account_id: AccountId,
    request: KeyRequest,
) -> Result<NewKey, KeyError> {
    if (request.kind == KeyKind::Client) != request.client_uid.is_some() {
        return Err(KeyError::Client);
    }
    let mut random = [0; 32];
    aws_lc_rs::rand::fill(&mut random).map_err(|_unspecified| KeyError::NoRandom)?;
    let key = ApiKey::new(request.kind, &random);
    let key_id = KeyId::generate();
    let row = NewKeyRow {
        account_id,
        key_id,
        kind: request.kind,
        sha256: key.sha256(),
        prefix: key.prefix(),
        staff_uid: request.staff_uid,
        client_uid: request.client_uid,
        prefer: request.prefer,
        transcripts: request.transcripts,
        expires_in_days: request.expires_in_days,
    };
    // Boxed, as every transaction is: its future is large.
    store::ask(Box::pin(async {
        let mut tx = db.begin().await?;
        keys::insert(&mut tx, &row).await?;
        tx.commit().await
    }))
    .await?;
    Ok(NewKey {
        key_id,
        key: key.into_secret(),
    })
}

/// Revokes a key by its id or visible head. It stops to be valid at once, on the voip surface within a second.
pub async fn revoke_key(db: &PgPool, account_id: AccountId, which: &str) -> Result<(), KeyError> {
    let revoked = store::ask(Box::pin(async {
        let mut tx = db.begin().await?;
        let revoked = keys::revoke(&mut tx, account_id, which).await?;
        tx.commit().await?;
        Ok(revoked)
    }))
    .await?;
    if revoked {
        Ok(())
    } else {
        Err(KeyError::UnknownKey)
    }
}

impl From<sqlx::Error> for CreateAccountError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
