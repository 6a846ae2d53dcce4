//! Residuum.
