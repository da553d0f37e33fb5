//! Where webhooks go: all that sending to an endpoint needs, still sealed.

use sqlx::PgExecutor;

use crate::domain::{
    endpoint::Scheme,
    id::{AccountId, EndpointId},
};

/// Where an endpoint's webhooks go, and with what.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its URL.
    pub url: String,
    /// What it is signed with now, sealed; the newest of each scheme first.
    pub keys: Vec<(Scheme, Vec<u8>)>,
    /// The headers of its own and its credential, sealed.
    pub sealed_headers: Option<Vec<u8>>,
    /// Requests in a second, at most.
    pub max_per_second: Option<i32>,
    /// Requests at once, at most.
    pub max_concurrency: Option<i32>,
}

/// Which endpoints are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that are enabled.
    Enabled,
    /// Disabled ones, too.
    Any,
}

/// Where these endpoints are; those that are not there, or not meant, are left out.
pub async fn load(
    db: impl PgExecutor<'_>,
    asked: &[(AccountId, EndpointId)],
    which: Which,
) -> sqlx::Result<Vec<(EndpointId, Target)>> {
    let accounts: Vec<_> = asked.iter().map(|(account, _)| account.uuid()).collect();
    let endpoints: Vec<_> = asked.iter().map(|(_, endpoint)| endpoint.uuid()).collect();
    let rows = sqlx::query!(
        r#"select e.endpoint_id as "endpoint_id: EndpointId", e.url, e.sealed_headers, e.max_per_second, e.max_concurrency,
                  keys.schemes as "schemes: Vec<Scheme>", keys.sealed
           from unnest($1::uuid[], $2::uuid[]) as asked (account_id, endpoint_id)
           join endpoints e on e.account_id = asked.account_id and e.endpoint_id = asked.endpoint_id
           cross join lateral (
             select array_agg(k.scheme order by k.scheme, k.created_at desc) as schemes,
                    array_agg(k.sealed_key order by k.scheme, k.created_at desc) as sealed
             from endpoint_keys k
             where k.account_id = e.account_id and k.endpoint_id = e.endpoint_id
               and k.scheme = any(e.signatures) and (k.expires_at is null or k.expires_at > clock_timestamp())
           ) keys
           where e.state = 'enabled' or $3"#,
        &accounts,
        &endpoints,
        which == Which::Any
    )
    .fetch_all(db)
    .await?;
    let targets = rows.into_iter().map(|row| {
        let schemes = row.schemes.unwrap_or_default().into_iter();
        let target = Target {
            url: row.url,
            keys: schemes.zip(row.sealed.unwrap_or_default()).collect(),
            sealed_headers: row.sealed_headers,
            max_per_second: row.max_per_second,
            max_concurrency: row.max_concurrency,
        };
        (row.endpoint_id, target)
    });
    Ok(targets.collect())
}
