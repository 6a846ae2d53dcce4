//! (PostgreSQL follows.)
