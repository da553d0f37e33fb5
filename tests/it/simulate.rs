//! `onhook simulate`, and the page of what can be simulated and connected.

use std::process::{Command, Output};

use onhook::{
    providers::{Provider, Providers},
    simulate::{double::Double, doubles},
};

use crate::cluster;

fn onhook(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
    command.args(arguments).env_clear();
    command.envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn every_provider_can_be_simulated() {
    let mut providers: Vec<_> = Providers::default().all().map(Provider::name).collect();
    let doubles = doubles::ALL.iter().map(|double| Double::provider(*double));
    let mut doubles: Vec<_> = doubles.collect();
    providers.sort_unstable();
    doubles.sort_unstable();
    assert_eq!(doubles, providers);
}

/// A few calls of each; CI plays thousands with the release binary.
#[tokio::test]
async fn every_record_is_the_truth_of_every_provider() {
    let database = cluster::fresh_database().await;
    let key = "00".repeat(32);
    let variables = [
        ("DATABASE_URL", database.url()),
        ("ONHOOK_SECRET_KEY", key.as_str()),
        ("ONHOOK_ALLOW_WEAK_DURABILITY", "1"),
    ];
    for double in doubles::ALL {
        let provider = double.provider();
        let arguments = ["simulate", "--provider", provider, "--calls", "40"];
        // Its PBX's names for calls may not be its own: what nobody ends is closed after two minutes, which CI waits for.
        let lost = if provider == "freeswitch" { "0" } else { "20" };
        let more = ["--lost-ends", lost, "--doubled", "20", "--at-once", "40"];
        let arguments = [arguments.as_slice(), &more].concat();
        let played = onhook(&arguments, &variables);
        let verdict = String::from_utf8(played.stdout).unwrap();
        let said = String::from_utf8_lossy(&played.stderr);
        assert!(played.status.success(), "{verdict}\n{said}");
        let last = verdict.lines().last().unwrap();
        assert_eq!(
            last,
            "no call is live, and every record is the provider's truth"
        );
    }
}

#[test]
fn the_page_of_providers_is_what_the_command_prints() {
    let printed = onhook(&["providers"], &[]);
    assert!(printed.status.success());
    let page = include_str!("../../docs/providers/README.md");
    assert_eq!(
        String::from_utf8(printed.stdout).unwrap(),
        page,
        "run `onhook providers > docs/providers/README.md`"
    );
}
