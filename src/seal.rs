//! Sealed secrets: provider credentials and signing secrets at rest, under a key that is not in the database.
