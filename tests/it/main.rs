//! The integration tests, one program: the real binary in a directory of its own, and the direction of the tree.

mod basics;
mod layers;
mod sandbox;
