//! Ids: `UUIDv7` newtypes, made here in the application, so that no two kinds of id can be mistaken for each other.

/// Declares an id newtype.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, sqlx::Type,
            utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schema(value_type = uuid::Uuid)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// A new id; ids of one process rise.
            pub fn generate() -> Self {
                Self(uuid::Uuid::now_v7())
            }

            /// The id as a UUID.
            pub fn uuid(self) -> uuid::Uuid {
                self.0
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// An account: the tenant wall.
    AccountId
);
id!(
    /// An API key.
    KeyId
);
id!(
    /// A call, as every surface but voip knows it.
    CallId
);
id!(
    /// An account's access to a provider.
    ConnectionId
);
id!(
    /// A piece of durable work.
    JobId
);
id!(
    /// A transcript as it was given.
    TranscriptId
);
id!(
    /// One revision of a call's analysis.
    AnalysisId
);
id!(
    /// A webhook endpoint.
    EndpointId
);
id!(
    /// What an endpoint's webhooks are signed with.
    EndpointKeyId
);
id!(
    /// Something that happened to a call; the `webhook-id` of its deliveries.
    EventId
);
id!(
    /// A request to erase.
    ErasureId
);
id!(
    /// What an endpoint has missed, sent again.
    RecoveryId
);
id!(
    /// One event on its way to one endpoint.
    DeliveryId
);
