//! The calls about an account.

use crate::machine::{Machine, piped};

#[test]
fn iqm_lists_workspaces_and_works_in_the_one_that_was_chosen() {
    let machine = Machine::new();
    let iqm = machine.sandbox.iqm();
    let user = iqm.workspace_user();
    let words = machine.login("iqm").replace(iqm.user().email, user.email);
    machine.pipe(&words, user.password).ok();
    let current = |words: &str| {
        let listed = machine.run(words).ok().json();
        let mut rows = listed.as_array().unwrap().iter();
        assert_eq!(rows.len(), 2, "{listed}");
        rows.find(|row| row["current"] == true).unwrap()["id"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(current("iqm workspaces --json"), user.ow_id);
    let other = iqm.other_ow_id();
    let words = words.replace("--email", &format!("--workspace {other} --email"));
    machine.pipe(&words, user.password).ok();
    assert_eq!(current("iqm workspaces --json"), other);
    let text = machine.run("iqm workspaces").ok().out;
    assert!(
        text.lines()
            .any(|line| line.starts_with(&format!("{other}\t")) && line.ends_with("\tcurrent")),
        "{text}"
    );
    assert_eq!(
        machine.run("iqm me --json").ok().json()["email"],
        user.email
    );
}

#[test]
fn iqm_changes_and_resets_passwords() {
    let machine = Machine::new().logged_in("iqm");
    let iqm = machine.sandbox.iqm();
    let user = iqm.user();
    let change = "iqm password change --password-stdin --new-password-stdin";
    machine.pipe(change, "wrong\nNew-Pass-1!\n").failed(4);
    machine
        .pipe(change, &format!("{}\nNew-Pass-1!\n", user.password))
        .ok();
    machine.pipe("login --password-stdin", "New-Pass-1!").ok();

    // Of a machine on which nobody has logged in.
    let other = Machine::with(machine.sandbox);
    let base = other.base_url("iqm");
    let whose = format!("--email {} --base-url {base}", user.email);
    other
        .run(&format!("iqm password request-reset {whose}"))
        .ok();
    let hash = other.sandbox.iqm().reset_hash(user.email).unwrap();
    let check = format!("iqm password check-reset --code-stdin --json {whose}");
    assert_eq!(other.pipe(&check, &hash).ok().json()["valid"], true);
    let set = format!("iqm password set --code-stdin --new-password-stdin {whose}");
    other.pipe(&set, &format!("{hash}\nNew-Pass-2!\n")).ok();
    assert_eq!(other.pipe(&check, &hash).code, 4);
    other.pipe(&other.login("iqm"), "New-Pass-2!").ok();
    other.run("iqm password request-reset").ok();
    other
        .run(&format!(
            "iqm password request-reset --email no@iqm.com --base-url {base}"
        ))
        .failed(6);
}

#[test]
fn an_invited_user_of_iqm_signs_up() {
    let machine = Machine::new();
    let user = machine.sandbox.iqm().invited_user();
    let words = machine
        .login("iqm")
        .replace(machine.sandbox.iqm().user().email, user.email);
    let words = words.replace("--password-stdin", "--sign-up --new-password-stdin");
    machine.pipe(&words, user.password).ok();
    assert_eq!(
        machine.run("iqm me --json").ok().json()["workspace"],
        user.ow_id
    );
}

#[test]
fn edgeiq_resets_passwords_and_permanent_tokens() {
    let machine = Machine::new().logged_in("edgeiq");
    let user = machine.sandbox.edgeiq().user();
    assert_eq!(
        machine.run("edgeiq me --json").ok().json()["email"],
        user.email
    );
    machine
        .run("edgeiq password request-reset --subject New --greeting Hello")
        .ok();
    let mail = machine.sandbox.inbox(user.email).latest().unwrap();
    assert_eq!(
        (mail.subject(), mail.greeting()),
        (Some("New"), Some("Hello"))
    );
    let set = "edgeiq password set --code-stdin --new-password-stdin";
    machine
        .pipe(set, "https://app.edgeiq.io/reset_password\nnew\n")
        .failed(4);
    machine
        .pipe(
            set,
            &format!("{}\nnew-password\n", mail.link_text().unwrap()),
        )
        .ok();

    // Printed, since the profile has another token.
    let reset = "edgeiq reset-api-token --password-stdin";
    let printed = machine.pipe(reset, "new-password").ok().out;
    let token = || machine.sandbox.edgeiq().api_token(user.email).unwrap();
    assert_eq!(printed.trim_end(), token());
    // Kept.
    let words = machine
        .login("edgeiq")
        .replace("--password-stdin", "--api-token --token-stdin");
    machine.pipe(&words, &token()).ok();
    assert_eq!(machine.pipe(reset, "new-password").ok().out, "");
    assert_ne!(printed.trim_end(), token());
    assert_eq!(machine.run("token").ok().out.trim_end(), token());
}

#[test]
fn eqworks_confirms_a_token_and_revokes_the_older_ones() {
    let machine = Machine::new().logged_in("eqworks");
    let user = machine.sandbox.eqworks().user().email;
    let old = machine.run("token").ok().out;
    for words in ["eqworks confirm --json", "eqworks confirm --light --json"] {
        let confirmed = machine.run(words).ok().json();
        assert_eq!(
            (&confirmed["user"], &confirmed["product"]),
            (&user.into(), &"locus".into())
        );
    }
    let revoked = machine.run("eqworks revoke-older --json").ok().json();
    assert_eq!(revoked["revocation"], "done");
    assert!(!machine.sandbox.eqworks().accepts(old.trim_end()));
    let new = machine.run("token").ok().out;
    assert!(machine.sandbox.eqworks().accepts(new.trim_end()));
}

#[test]
fn identityx_lists_what_an_administrator_has_and_makes_a_permanent_token() {
    let machine = Machine::new();
    let identityx = machine.sandbox.identityx();
    let email = identityx.org_user().email;
    let base = machine.base_url("identityx");
    let words = format!(
        "login identityx --store file --as org-user --base-url {base} --email {email} --link-stdin"
    );
    let mut talk = machine.start(&words);
    talk.until("valid for");
    let mail = machine.sandbox.inbox(email).latest().unwrap();
    talk.say(mail.link_text().unwrap()).ok();

    let organizations = machine.run("identityx organizations --json").ok().json();
    let id = identityx.organization_id();
    let mut rows = organizations.as_array().unwrap().iter();
    assert!(rows.any(|row| row["id"] == id), "{organizations}");
    machine.run("identityx applications").failed(2);
    let words = format!("identityx applications --json --organization {id}");
    let applications = machine.run(&words).ok().json();
    let mut rows = applications.as_array().unwrap().iter();
    assert!(
        rows.any(|row| row["id"] == identityx.application_id()),
        "{applications}"
    );

    let printed = machine.run("identityx api-token").ok().out;
    assert!(identityx.accepts(printed.trim_end()));
    machine.run("identityx api-token --save-as bot").ok();
    assert_eq!(machine.run("token --profile bot").ok().out, printed);
    machine
        .run("identityx api-token --save-as identityx --profile bot")
        .failed(2);
    assert_eq!(
        machine.run("identityx me --profile bot --json").ok().json()["email"],
        email
    );
}

#[test]
fn identityx_creates_users_of_an_application() {
    let machine = Machine::new().logged_in("identityx");
    let words = "identityx create-app-user --email new@example.com --given-name New --json";
    let user = machine.run(words).ok().json();
    assert_eq!(
        (&user["email"], &user["given_name"]),
        (&"new@example.com".into(), &"New".into())
    );
    let me = machine.run("identityx me --json").ok().json();
    assert_eq!(me["email"], machine.sandbox.identityx().app_user().email);
}

#[test]
fn a_call_of_a_vendor_takes_that_vendors_profile() {
    let machine = Machine::new().logged_in("iqm").logged_in("edgeiq");
    machine.run("iqm me").ok();
    machine.run("edgeiq me").ok();
    machine.run("edgeiq me --profile iqm").failed(2);
    machine.run("eqworks confirm").failed(4);
    let mut command = machine.command("iqm me");
    piped(command.env("AUTHCTL_PROFILE", "iqm"), "").ok();
}
