//! Amiable.
