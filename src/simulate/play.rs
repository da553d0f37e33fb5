//! Lives the calls at the provider, and ends those that are to be ended here.

use std::sync::{Arc, atomic::Ordering};

use anyhow::Context as _;
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    OURS, Plan,
    ledger::{LedgerCall, Step},
    script::{Ending, Script},
    world::World,
};
use crate::domain::state::Direction;

/// Plays every call to its end at the provider.
pub(super) async fn play(plan: &Plan, world: Arc<World>) -> anyhow::Result<()> {
    let places = Arc::new(Semaphore::new(plan.at_once));
    let mut calls = JoinSet::new();
    for number in 0..plan.calls {
        let place = Arc::clone(&places).acquire_owned().await?;
        let script = world.draw(|rng| Script::draw(rng, world.chances()));
        let world = Arc::clone(&world);
        calls.spawn(async move {
            let lived = live(number, &script, &world).await;
            drop(place);
            lived
        });
        while let Some(over) = calls.try_join_next() {
            over??;
        }
    }
    while let Some(over) = calls.join_next().await {
        over??;
    }
    Ok(())
}

/// Whether the call's name is drawn to end badly is the script's; what is told of it is told beside it.
async fn live(number: u32, script: &Script, world: &Arc<World>) -> anyhow::Result<()> {
    let id = world.double().call_id(number);
    let (from, to) = match script.direction {
        Direction::Inbound => (script.other.as_str(), OURS),
        Direction::Outbound => (OURS, script.other.as_str()),
    };
    let call = {
        let mut ledger = world.ledger();
        let call = LedgerCall::new(id.clone(), (from, to), script.direction, ledger.now());
        ledger.begin(call.clone());
        call
    };
    let mut told = JoinSet::new();
    tell(&mut told, world, call, Step::Queued);
    tokio::time::sleep(script.queued).await;
    if let Some(ringing) = script.ringing {
        step(&mut told, world, &id, Step::Ringing);
        tokio::time::sleep(ringing).await;
    }
    if let Some(talking) = script.talking {
        step(&mut told, world, &id, Step::Answered);
        tokio::time::sleep(talking).await;
    }
    if script.ending != Ending::Natural {
        // What is ended here is known here.
        while let Some(known) = told.join_next().await {
            known??;
        }
    }
    if script.ending == Ending::Here {
        let call = world.ledger().get(&id).cloned();
        end_here(world, &call.context("the ledger has lost a call")?).await?;
        return watch(&id, script, world).await;
    }
    let end = world.double().end(script.direction, script.end);
    let ended = world.ledger().step(&id, Step::Ended(end));
    let ended = ended.context("the call was over already")?;
    if script.ending == Ending::HereTooLate {
        end_here(world, &ended).await?;
    }
    if script.end_is_lost && world.double().told_before_its_end(&ended) {
        world.counts.lost_ends.fetch_add(1, Ordering::Relaxed);
    } else {
        tell(&mut told, world, ended, Step::Ended(end));
    }
    while let Some(known) = told.join_next().await {
        known??;
    }
    Ok(())
}

/// Ends a call at the service.
async fn end_here(world: &World, call: &LedgerCall) -> anyhow::Result<()> {
    let service = world.service();
    let call_id = service.known(call).await?;
    service.end(&call_id).await?;
    if !call.is_live() {
        // It is over here as of now, unless a report says otherwise.
        world.ledger().told(&call.id);
    }
    world.counts.ended_here.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Waits until the provider has hung up, which may be after a retry, and tells that, unless that end is to be lost.
async fn watch(id: &str, script: &Script, world: &World) -> anyhow::Result<()> {
    const LOOKS: u32 = 1200;
    for _ in 0..LOOKS {
        let call = world.ledger().get(id).cloned();
        let call = call.context("the ledger has lost a call")?;
        if let Some((state, _)) = call.end {
            if script.end_is_lost {
                world.counts.lost_ends.fetch_add(1, Ordering::Relaxed);
            } else {
                world.tell(&call, Step::Ended(state)).await;
            }
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("{id} was ended here and is still live at the provider after two minutes")
}

/// A step in the ledger, and word of it.
fn step(told: &mut JoinSet<anyhow::Result<()>>, world: &Arc<World>, id: &str, step: Step) {
    let call = world.ledger().step(id, step);
    if let Some(call) = call {
        tell(told, world, call, step);
    }
}

fn tell(told: &mut JoinSet<anyhow::Result<()>>, world: &Arc<World>, call: LedgerCall, step: Step) {
    let world = Arc::clone(world);
    told.spawn(async move {
        if world.tell(&call, step).await {
            return Ok(());
        }
        // A provider that tells of ends alone: the PBX behind it reports the rest.
        let post = match step {
            Step::Ended(_) => return Ok(()),
            Step::Queued => "call-in-queue",
            Step::Ringing => "call-ringing",
            Step::Answered => "call-answered",
        };
        world.counts.by_pbx.fetch_add(1, Ordering::Relaxed);
        world.service().report(&call, post).await
    });
}
