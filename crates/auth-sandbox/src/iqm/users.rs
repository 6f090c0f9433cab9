//! Who has an account at the emulated IQM.

use std::fmt;

/// A user to add with [`Iqm::add_user`](crate::Iqm::add_user).
#[derive(Clone)]
#[cfg_attr(feature = "server", derive(serde::Serialize, serde::Deserialize))]
pub struct IqmUser {
    pub(super) email: String,
    /// `None` until an invited user has signed up.
    pub(super) password: Option<String>,
    pub(super) ow_id: Option<u64>,
    pub(super) on_hold: bool,
    pub(super) mfa: bool,
    pub(super) workspace_host: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    /// The other workspaces that the user may work in.
    pub(super) others: Vec<Workspace>,
}

/// A workspace beside the user's own.
#[derive(Clone)]
#[cfg_attr(feature = "server", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Workspace {
    pub(super) ow_id: u64,
    pub(super) organization: String,
    pub(super) domain: String,
}

/// The organization of every user's own workspace.
pub(super) const ORGANIZATION: &str = "Sandbox Organization";

/// The host of the default workspace.
const DEFAULT_HOST: &str = "app.iqm.com";

impl IqmUser {
    /// A user who can log in.
    pub fn new(email: impl Into<String>, password: impl Into<String>) -> Self {
        let mut user = Self::invited(email);
        user.password = Some(password.into());
        user
    }

    /// A user who was invited and can sign up.
    pub fn invited(email: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            password: None,
            ow_id: None,
            on_hold: false,
            mfa: false,
            workspace_host: DEFAULT_HOST.to_owned(),
            first_name: "Sam".to_owned(),
            last_name: "Sandbox".to_owned(),
            others: Vec::new(),
        }
    }

    /// The organization workspace id. Default: one that no other user has.
    pub fn ow_id(mut self, ow_id: u64) -> Self {
        self.ow_id = Some(ow_id);
        self
    }

    /// The organization is on hold: log-ins are refused with 400.
    pub fn on_hold(mut self) -> Self {
        self.on_hold = true;
        self
    }

    /// The user has set up multi-factor authentication.
    pub fn mfa(mut self) -> Self {
        self.mfa = true;
        self
    }

    /// The workspace's host, which `X-IAA-HOST` has to name if it is sent. Default: `app.iqm.com`.
    pub fn workspace_host(mut self, host: impl Into<String>) -> Self {
        self.workspace_host = host.into();
        self
    }

    /// The user may work in this workspace, too.
    pub fn also_in(
        mut self,
        ow_id: u64,
        organization: impl Into<String>,
        domain: impl Into<String>,
    ) -> Self {
        self.others.push(Workspace {
            ow_id,
            organization: organization.into(),
            domain: domain.into(),
        });
        self
    }

    /// All workspaces of the user, the own one first.
    pub(super) fn ow_ids(&self) -> impl Iterator<Item = u64> {
        let others = self.others.iter().map(|workspace| workspace.ow_id);
        self.ow_id.into_iter().chain(others)
    }

    /// First and last name, as the profile shows them.
    pub fn name(mut self, first: impl Into<String>, last: impl Into<String>) -> Self {
        self.first_name = first.into();
        self.last_name = last.into();
        self
    }
}

impl fmt::Debug for IqmUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IqmUser")
            .field("email", &self.email)
            .field("ow_id", &self.ow_id)
            .finish_non_exhaustive()
    }
}

/// A user of every new sandbox.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct IqmAccount {
    /// The e-mail address, which is the name to log in with.
    pub email: &'static str,
    /// The password, or for an invited user the one to sign up with.
    pub password: &'static str,
    /// The organization workspace id.
    pub ow_id: u64,
    /// The host of the workspace, for `X-IAA-HOST`.
    pub workspace_host: &'static str,
}

impl fmt::Debug for IqmAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IqmAccount")
            .field("email", &self.email)
            .field("ow_id", &self.ow_id)
            .finish_non_exhaustive()
    }
}

const fn account(email: &'static str, password: &'static str, ow_id: u64) -> IqmAccount {
    IqmAccount {
        email,
        password,
        ow_id,
        workspace_host: DEFAULT_HOST,
    }
}

/// The user of the vendor's samples.
pub(super) const NORMAL: IqmAccount = account("user1@iqm.com", "123456", 200_001);
pub(super) const ON_HOLD: IqmAccount = account("on-hold@iqm.com", "On-Hold-1!", 200_002);
pub(super) const INVITED: IqmAccount = account("invited@iqm.com", "Invited-1!", 200_003);
pub(super) const MFA: IqmAccount = account("mfa@iqm.com", "Mfa-User-1!", 200_004);
pub(super) const WORKSPACE: IqmAccount = IqmAccount {
    workspace_host: "agency.example.com",
    ..account("workspace@iqm.com", "Workspace-1!", 200_005)
};

/// The other workspace of [`WORKSPACE`].
pub(super) const OTHER_OW_ID: u64 = 200_006;

pub(super) fn initial() -> Vec<IqmUser> {
    let user = |account: IqmAccount| {
        IqmUser::new(account.email, account.password)
            .ow_id(account.ow_id)
            .workspace_host(account.workspace_host)
    };
    vec![
        user(NORMAL),
        user(ON_HOLD).on_hold(),
        IqmUser::invited(INVITED.email).ow_id(INVITED.ow_id),
        user(MFA).mfa(),
        user(WORKSPACE).also_in(OTHER_OW_ID, "Second Organization", "second.example.com"),
    ]
}
