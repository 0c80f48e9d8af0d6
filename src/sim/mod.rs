//! Seeded links and pairs in virtual time.
