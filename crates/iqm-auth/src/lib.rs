//! iqm
