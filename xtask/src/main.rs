//! All automation of this repository: `cargo xtask --help` lists it.

#![allow(clippy::disallowed_methods, reason = "a program reads its environment")]

mod cargo;
#[cfg(feature = "graphql")]
mod graphql;
mod oldest;
mod release;
mod test;
mod tidy;
mod tools;

mod flags {
    #![allow(unreachable_pub, reason = "the macro writes `pub`")]

    use std::path::PathBuf;

    xflags::xflags! {
        /// All automation of this repository.
        cmd xtask {
            /// Everything that must hold before a commit lands.
            cmd test {
                /// Name the steps and stop.
                optional --list
                /// Run this step alone; may be repeated.
                repeated --only step: String
            }
            /// The rules on layout, dependencies, documents and weight that no tool has.
            cmd tidy {}
            /// Write the Rust of identityx-auth's GraphQL operations.
            cmd codegen {
                /// Only say whether what is there is current.
                optional --check
            }
            /// What a GraphQL service says of its schema.
            cmd schema {
                /// Store it.
                cmd fetch {
                    required url: String
                    /// Where (default schemas/identityx.introspection.json).
                    optional --out file: PathBuf
                }
                /// What has changed of the things that identityx-auth uses.
                cmd diff {
                    /// In this introspection result, SDL file or service (a URL).
                    required --against what: String
                }
            }
            /// Publish crates, each on its own.
            cmd release {
                /// What has changed in each crate since its last tag, and what that asks for.
                cmd plan {
                    /// The same for programs; nothing else is printed to stdout.
                    optional --json
                    /// Ask this registry of cargo's configuration what is published.
                    optional --registry name: String
                }
                /// New versions and changelogs, as planned, in one commit; `<crate>@<version>` chooses a version.
                cmd prepare {
                    repeated crates: String
                    /// Every crate that has something to release.
                    optional --all
                }
                /// Everything that must hold before these crates are published.
                cmd check {
                    repeated crates: String
                    /// Every crate that is published.
                    optional --all
                    /// With what this registry of cargo's configuration has.
                    optional --registry name: String
                }
                /// Publish and tag them, dependencies first; resumes where it was cut off.
                cmd publish {
                    repeated crates: String
                    /// Every crate that has something to publish.
                    optional --all
                    /// To this registry of cargo's configuration, not to crates.io.
                    optional --registry name: String
                    /// Everything but the upload.
                    optional --dry-run
                    /// Without cargo's trial builds, after a `check` of the same commit.
                    optional --no-verify
                    /// Do not ask before the first upload.
                    optional --yes
                }
            }
            /// Every fault on every call of every vendor, as a table.
            cmd faults {}
            /// The tests of fleets and of very many tokens at full size, with figures.
            cmd soak {}
        }
    }
}

fn main() {
    let root = &cargo::root();
    let outcome = match flags::Xtask::from_env_or_exit().subcommand {
        flags::XtaskCmd::Test(it) => test::run(root, it.list, &it.only),
        flags::XtaskCmd::Tidy(_) => tidy::run(root),
        #[cfg(feature = "graphql")]
        flags::XtaskCmd::Codegen(it) => graphql::codegen(root, it.check),
        #[cfg(feature = "graphql")]
        flags::XtaskCmd::Schema(it) => graphql::schema(root, it.subcommand),
        #[cfg(not(feature = "graphql"))]
        flags::XtaskCmd::Codegen(_) | flags::XtaskCmd::Schema(_) => {
            let mut again = cargo::cargo(root, "run --quiet --package xtask --features graphql --");
            cargo::run(again.args(std::env::args_os().skip(1)))
        }
        flags::XtaskCmd::Release(it) => release::run(root, it.subcommand),
        flags::XtaskCmd::Faults(_) => test::faults(root),
        flags::XtaskCmd::Soak(_) => test::soak(root),
    };
    outcome.unwrap_or_else(|error| {
        cargo::note(format_args!("xtask: {error:#}"));
        std::process::exit(1)
    });
}
