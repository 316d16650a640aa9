//! Configurations as an operator writes them.
