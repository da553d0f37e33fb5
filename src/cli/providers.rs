//! `onhook providers`: what can be connected, and what each can do. `docs/providers/README.md` is what this prints.

use std::fmt::Write as _;

use crate::{
    providers::{
        Providers,
        profile::{Callbacks, CredentialField, LookUpKind, Profile, Slot},
    },
    rooms::Rooms,
};

const HEAD: &str = "\
# Providers

What can be connected, and what each can do. This page is what `onhook providers` prints.

";

const LEGEND: &str = "
- **Look up**: what onhook can ask about a call. *kept*: also how an ended call ended; *live only*: the provider forgets a call as soon as it is over; a call whose end was never reported is then closed by what onhook knows.
- **Maximum duration**: who ends a call that has lasted too long. onhook always does; the provider does so too for calls that were placed with `max_duration`, also while onhook is down.
- **Retries**: what stands at the end of the status callback URL, so that the provider sends again what met a service on its way back.

[Adding a provider](../adding-a-provider.md)
";

/// The whole page.
pub(super) fn page() -> String {
    let mut page = HEAD.to_owned();
    telephony(&mut page);
    rooms(&mut page);
    page.push_str(LEGEND);
    page
}

fn telephony(page: &mut String) {
    page.push_str(
        "## Telephony\n\n\
         | provider | name | hang up | look up | place | hears by | proven by | maximum duration | retries |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let mut providers: Vec<_> = Providers::default().all().collect();
    providers.sort_by_key(|provider| provider.profile().title);
    for provider in &providers {
        let (name, profile) = (provider.name(), provider.profile());
        let look_up = match profile.look_up {
            LookUpKind::Kept => "kept",
            LookUpKind::LiveOnly => "live only",
            LookUpKind::None => "no",
        };
        let (hears, proven) = heard(profile);
        let place = if profile.places { "yes" } else { "no" };
        let maximum = if profile.max_duration {
            "provider and onhook"
        } else {
            "onhook"
        };
        let retries = match profile.callback_overrides {
            "" => "–".to_owned(),
            overrides => format!("`{overrides}`"),
        };
        let title = profile.title;
        row(
            page,
            &format!(
                "[{title}]({name}.md) | `{name}` | yes | {look_up} | {place} | {hears} | {proven} | {maximum} | {retries}"
            ),
        );
    }
    page.push_str("\n### What a connection needs\n\n");
    for provider in providers {
        needs(page, provider.name(), provider.profile());
    }
}

fn rooms(page: &mut String) {
    page.push_str(
        "\n## Rooms\n\n| server | name | delete a room | hears by | proven by |\n|---|---|---|---|---|\n",
    );
    let mut rooms: Vec<_> = Rooms::default().all().collect();
    rooms.sort_by_key(|room| room.profile().title);
    for room in &rooms {
        let (name, profile) = (room.name(), room.profile());
        let (hears, proven) = heard(profile);
        let title = profile.title;
        row(
            page,
            &format!("[{title}]({name}.md) | `{name}` | yes | {hears} | {proven}"),
        );
    }
    page.push_str("\n### What a connection needs\n\n");
    for room in rooms {
        needs(page, room.name(), room.profile());
    }
}

fn row(page: &mut String, cells: &str) {
    writeln!(page, "| {cells} |").expect("a String takes everything");
}

fn heard(profile: &Profile) -> (&'static str, &'static str) {
    match profile.callbacks {
        Callbacks::Posted { proof } => ("callbacks", proof),
        Callbacks::Stream { what } => (what, "the connection itself"),
        Callbacks::None => ("–", "–"),
    }
}

fn needs(page: &mut String, name: &str, profile: &Profile) {
    let base_url = match profile.base_url {
        Some(base_url) => format!("`{base_url}` unless given"),
        None => "your own".to_owned(),
    };
    writeln!(
        page,
        "**{}** (`{name}`), API at {base_url}:\n",
        profile.title
    )
    .expect("a String takes everything");
    for field in profile.credentials {
        let CredentialField { name, help, .. } = field;
        let secret = match field.slot {
            Slot::Account | Slot::KeyId => "",
            Slot::Secret | Slot::SigningSecret => ", secret",
        };
        let required = if field.required { "" } else { ", optional" };
        writeln!(page, "- `{name}`{secret}{required}: {help}").expect("a String takes everything");
    }
    page.push('\n');
}
