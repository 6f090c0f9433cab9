//! The vendors: the one list of them, and what needs to know them all.

use crate::fault::Fault;
use crate::operation;
use crate::sandbox::Sandbox;
use crate::vendor::VendorEntry;

/// A vendor is emulated if and only if it is in this list.
pub(crate) static VENDORS: &[VendorEntry] = &[
    VendorEntry::of::<crate::iqm::State>(),
    VendorEntry::of::<crate::edgeiq::State>(),
    VendorEntry::of::<crate::eqworks::State>(),
    VendorEntry::of::<crate::identityx::State>(),
];

impl Sandbox {
    /// The operations of all vendors, as [`Fault::on`] and [`RequestLog::count`] take them. With it
    /// a test can cover every operation.
    ///
    /// [`RequestLog::count`]: crate::RequestLog::count
    pub fn operations() -> Vec<&'static str> {
        let vendors = VENDORS.iter();
        vendors.flat_map(|vendor| (vendor.operations)()).collect()
    }
}

impl Fault {
    /// Only calls of this operation, such as `"iqm.refresh"`. Without it: every call.
    ///
    /// # Panics
    ///
    /// If there is no such operation: the fault would never happen, and the test could not fail.
    #[track_caller]
    pub fn on(self, operation: impl Into<String>) -> Self {
        let operation = operation.into();
        operation::assert_known(&operation, &Sandbox::operations());
        self.for_operation(operation)
    }
}
