//! The options of `onhook connection add`, a subcommand for each vendor: made of the vendor's profile, so that a new adapter needs
//! none of its own. What is secret is no option.

use std::{collections::BTreeMap, fmt::Write as _};

use clap::{
    Arg, ArgAction, ArgMatches, Args as _, Command, FromArgMatches, Subcommand, error::ErrorKind,
};
use secrecy::SecretString;

use super::SettingsArgs;
use crate::{
    calls::connect::Vendor,
    providers::profile::{CredentialField, Slot},
};

/// A connection as the arguments describe it.
#[derive(Debug)]
pub(in crate::cli) struct Given {
    /// To whom.
    pub(super) vendor: Vendor,
    /// What the account brings and is no secret, by the vendor's own names.
    pub(super) values: BTreeMap<String, SecretString>,
    /// Where the API is.
    pub(super) base_url: Option<String>,
    /// What is set of it.
    pub(super) settings: SettingsArgs,
    /// It is tried first.
    pub(super) test: bool,
}

impl Subcommand for Given {
    fn augment_subcommands(command: Command) -> Command {
        command.subcommands(Vendor::all().map(subcommand))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        Vendor::named(name).is_some()
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let named = matches.subcommand();
        let known = named.and_then(|(name, matches)| Some((Vendor::named(name)?, matches)));
        let (vendor, matches) =
            known.ok_or_else(|| clap::Error::new(ErrorKind::MissingSubcommand))?;
        let values = plain(vendor).filter_map(|field| {
            let value = matches.get_one::<String>(field.name)?;
            Some((field.name.to_owned(), value.as_str().into()))
        });
        Ok(Self {
            vendor,
            values: values.collect(),
            base_url: matches.get_one::<String>(BASE_URL).cloned(),
            settings: SettingsArgs::from_arg_matches(matches)?,
            test: matches.get_flag(TEST),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

const BASE_URL: &str = "base_url";
const TEST: &str = "test";

fn subcommand(vendor: Vendor) -> Command {
    let profile = vendor.profile();
    let mut command = Command::new(vendor.name());
    for field in plain(vendor) {
        let in_capitals: &'static str = field.name.to_uppercase().leak();
        let mut arg = Arg::new(field.name)
            .long(dashed(field.name))
            .value_name(in_capitals)
            .required(field.required)
            .help(field.help);
        if field.name == "api_key" {
            arg = arg.alias("key");
        }
        command = command.arg(arg);
    }
    let base_url = Arg::new(BASE_URL).long("base-url").value_name("URL");
    let base_url = base_url.required(profile.base_url.is_none());
    let where_else = match profile.base_url {
        Some(url) => format!("Where the API is, if not at {url}"),
        None => "Where the server is".to_owned(),
    };
    let test = Arg::new(TEST).long("test").action(ArgAction::SetTrue);
    let command = command
        .arg(base_url.help(where_else))
        .arg(test.help("Tries it first, and adds it only if the vendor accepts it"));
    let command = SettingsArgs::augment_args(command)
        .about(about(vendor))
        .after_help(format!("Example:\n  {}", example(vendor)));
    // They mean nothing here: what cannot be is not offered.
    command
        .mut_arg("numbers", |arg| arg.hide(!vendor.has_numbers()))
        .mut_arg("url", |arg| arg.hide(!profile.places))
        .mut_arg("application", |arg| arg.hide(!profile.places))
}

/// What is no secret: the options.
fn plain(vendor: Vendor) -> impl Iterator<Item = &'static CredentialField> {
    let fields = vendor.profile().credentials.iter();
    fields.filter(|field| matches!(field.slot, Slot::Account | Slot::KeyId))
}

fn field(vendor: Vendor, slot: Slot) -> Option<&'static CredentialField> {
    let mut fields = vendor.profile().credentials.iter();
    fields.find(|field| field.slot == slot)
}

/// An option's name. clap wants names that live as long as the program, which is what these do.
fn dashed(name: &str) -> &'static str {
    name.replace('_', "-").leak()
}

fn about(vendor: Vendor) -> String {
    let mut about = vendor.profile().title.to_owned();
    if let Some(secret) = field(vendor, Slot::Secret) {
        write!(about, "; the secret is `{}`: {}", secret.name, secret.help)
            .expect("a String takes all");
    }
    if let Some(signing) = field(vendor, Slot::SigningSecret) {
        let (name, help) = (signing.name, signing.help);
        write!(
            about,
            ". ONHOOK_CONNECTION_SIGNING_SECRET is `{name}`: {help}"
        )
        .expect("a String takes all");
    }
    about
}

/// A command that can be copied, with the vendor's own names as variables.
fn example(vendor: Vendor) -> String {
    let name = vendor.name();
    let variable = |field: &str| format!("\"${}_{}\"", name.to_uppercase(), field.to_uppercase());
    let mut line = String::new();
    if let Some(secret) = field(vendor, Slot::Secret) {
        line = format!("printf %s {} | ", variable(secret.name));
    }
    if let Some(signing) = field(vendor, Slot::SigningSecret).filter(|field| field.required) {
        let variable = variable(signing.name);
        write!(line, "ONHOOK_CONNECTION_SIGNING_SECRET={variable} ").expect("a String takes all");
    }
    write!(line, "onhook connection add --account acme {name}").expect("a String takes all");
    for field in plain(vendor).filter(|field| field.required) {
        let (option, variable) = (dashed(field.name), variable(field.name));
        write!(line, " --{option} {variable}").expect("a String takes all");
    }
    if vendor.profile().base_url.is_none() {
        write!(line, " --base-url {}", variable("url")).expect("a String takes all");
    }
    if vendor.has_numbers() {
        line.push_str(" --number +14155550100");
    }
    line
}
