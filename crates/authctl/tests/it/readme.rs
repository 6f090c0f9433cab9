//! The README's transcript is what happens.
