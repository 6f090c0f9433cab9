//! `authctl proxy` with the programs that people use.
