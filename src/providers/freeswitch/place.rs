//! Placing a call: the channel's id is our call's. `bgapi` takes the order and dials in the background; what becomes of that is
//! waited for only until the channel is there.

use std::{fmt::Write as _, time::Duration};

use crate::{
    domain::report::ProviderCallId,
    providers::{Access, CallOrder, ProviderError},
};

use super::{
    RING_MAX, dial,
    socket::{Session, within},
    wire,
};

/// How often it is asked whether the channel is there.
const LOOKS_MAX: u32 = 20;

/// How long between two times.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Places a call.
pub(super) async fn create(
    access: &Access<'_>,
    order: &CallOrder<'_>,
) -> Result<ProviderCallId, ProviderError> {
    let command = originate(order)?;
    let id = order.call_id.to_string();
    within(access.deadline, async {
        let mut session = Session::open(access).await?;
        // Nothing is asked for yet: whatever goes wrong with this hides no call.
        let listening = session.command("event plain BACKGROUND_JOB").await;
        match listening {
            Ok(reply) if reply.starts_with("+OK") => {}
            Ok(reply) => return Err(ProviderError::refused(&reply)),
            Err(error) => return Err(ProviderError::refused(&error.to_string())),
        }
        let reply = session.command(&format!("bgapi {command}")).await?;
        let job = reply
            .strip_prefix("+OK Job-UUID: ")
            .ok_or_else(|| wire::refusal(&reply))?
            .trim()
            .to_owned();
        placed(&mut session, &id, &job).await
    })
    .await?;
    ProviderCallId::parse(id).map_err(|_not| ProviderError::refused("the call's id is no name"))
}

/// Waits until the channel is there, or the job says that it will not be.
async fn placed(session: &mut Session, id: &str, job: &str) -> Result<(), ProviderError> {
    for _ in 0..LOOKS_MAX {
        let said = session.api(&format!("uuid_exists {id}")).await?;
        match wire::truth(&said) {
            Some(true) => return Ok(()),
            Some(false) => {}
            None => return Err(ProviderError::garbled("neither true nor false")),
        }
        let Some(event) = session.event(LOOK_EVERY).await? else {
            continue;
        };
        let Some(outcome) = outcome(&event, job) else {
            continue;
        };
        return match outcome.trim().strip_prefix("-ERR ") {
            Some(cause) => Err(ProviderError::refused(cause)),
            None => Ok(()),
        };
    }
    Err(ProviderError::garbled(
        "it took the order, and there is no channel",
    ))
}

/// What a background job came to, if the event is that job's.
fn outcome<'a>(event: &'a str, job: &str) -> Option<&'a str> {
    let (head, body) = event.split_once("\n\n")?;
    head.lines()
        .any(|line| line.strip_prefix("Job-UUID: ") == Some(job))
        .then_some(body)
}

/// The order. Everything in it is of an alphabet that cannot end a variable, the braces or the line: numbers are E.164,
/// ids UUIDs, the template was checked; whatever else we tell is checked here.
fn originate(order: &CallOrder<'_>) -> Result<String, ProviderError> {
    let (dial, extension, context) = dial(order.answered_by).map_err(ProviderError::refused)?;
    let id = order.call_id;
    let mut variables = format!(
        "origination_uuid={id},origination_caller_id_number={},originate_timeout={},ignore_early_media=true",
        order.from.as_str(),
        RING_MAX.as_secs(),
    );
    for (name, value) in order.told {
        let plain = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        if !(plain(name) && plain(value)) {
            return Err(ProviderError::refused("it cannot be told of this call"));
        }
        add(&mut variables, &format!("onhook_{name}={value}"));
    }
    if let Some(limit) = order.max_duration {
        let seconds = limit.as_secs();
        add(
            &mut variables,
            &format!("execute_on_answer_1='sched_hangup +{seconds} ALLOTTED_TIMEOUT'"),
        );
    }
    if let Some(digits) = order.extension {
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ProviderError::refused("an extension has digits only"));
        }
        add(
            &mut variables,
            &format!("execute_on_answer_2='send_dtmf {digits}'"),
        );
    }
    let endpoint = dial.endpoint(order.to);
    Ok(format!(
        "originate {{{variables}}}{endpoint} {extension} XML {context}"
    ))
}

fn add(variables: &mut String, variable: &str) {
    write!(variables, ",{variable}").expect("writing to a String cannot fail");
}
