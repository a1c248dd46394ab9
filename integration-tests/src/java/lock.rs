//! Who leads: the lock in the table, as version 1.4.0 of the lock client that the KCL uses plays it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use tokio::time::Instant;

use super::lease::{Item, text};
use super::process::Process;
use super::table::{Answer, Trouble, answer, applied, s};
use crate::history::What;

const KEY: &str = "Leader";

/// What a worker knows of the lock.
#[derive(Debug, Default)]
pub(super) struct Lock {
    state: Mutex<State>,
    /// One asks at a time; the others wait for as long as it takes.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// The version under which this worker holds it, and when it last moved.
    held: Option<(String, Instant)>,
    /// Another's version, and when it was first seen.
    seen: Option<(String, Instant)>,
    /// When this worker last learnt that it does not lead.
    follows: Option<Instant>,
    /// The lock was given back, and is not wanted any more.
    over: bool,
}

impl Lock {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self, at_most: Duration) -> Option<String> {
        let state = self.state();
        let (version, moved) = state.held.as_ref()?;
        (moved.elapsed() <= at_most).then(|| version.clone())
    }
}

impl Process {
    /// Whether this worker leads. It tries to, if nobody else does; a follower asks no more than once in a beat.
    pub(super) async fn is_leader(&self) -> bool {
        let _asking = self.lock.asking.lock().await;
        {
            let state = self.lock.state();
            if state.over || state.follows.is_some_and(|since| since.elapsed() < self.pace.lock_beat) {
                return false;
            }
        }
        if self.lock.held(self.pace.lock).is_some() {
            return true;
        }
        let leads = self.try_to_lead().await.unwrap_or(false);
        self.lock.state().follows = (!leads).then(Instant::now);
        leads
    }

    /// Reads the lock twice: once to see who leads, and once more to take it, since what was read first always passes for
    /// expired.
    async fn try_to_lead(&self) -> Result<bool, Trouble> {
        self.table.read(KEY, true).await?;
        let there = self.table.read(KEY, true).await?;
        let version = uuid(&mut self.luck());
        let new = HashMap::from([
            ("leaseKey".to_owned(), s(KEY)),
            ("entityType".to_owned(), s("LEADER")),
            ("ownerName".to_owned(), s(&self.id)),
            ("leaseDuration".to_owned(), s(&self.pace.lock.as_millis().to_string())),
            ("recordVersionNumber".to_owned(), s(&version)),
        ]);
        let put = self.put(new);
        let request = match &there {
            None => put.condition_expression("attribute_not_exists(#pk)"),
            Some(lock) if text(lock, "isReleased").is_some_and(|released| released == "1") => put
                .condition_expression("attribute_exists(#pk) AND #ir = :ir")
                .expression_attribute_names("#ir", "isReleased")
                .expression_attribute_values(":ir", s("1")),
            Some(lock) => {
                let theirs = text(lock, "recordVersionNumber").unwrap_or_default();
                if !self.has_run_out(lock, &theirs) {
                    return Ok(false);
                }
                put.condition_expression("attribute_exists(#pk) AND #rvn = :rvn")
                    .expression_attribute_names("#rvn", "recordVersionNumber")
                    .expression_attribute_values(":rvn", s(&theirs))
            }
        };
        let asked = Instant::now();
        if applied(request.send().await)? {
            self.lock.state().held = Some((version, asked));
            self.note(What::Leads { run: self.run });
            return Ok(true);
        }
        // Whoever loses the race sleeps over it, and everybody who asks meanwhile waits.
        tokio::time::sleep(self.pace.lock_beat).await;
        Ok(false)
    }

    fn put(&self, item: Item) -> PutItemFluentBuilder {
        let table = &self.table;
        let put = table.client.put_item().table_name(&table.name).set_item(Some(item));
        put.expression_attribute_names("#pk", "leaseKey")
    }

    /// Whether a lock was seen for as long as it says that it lasts.
    fn has_run_out(&self, lock: &Item, version: &str) -> bool {
        let lasts = text(lock, "leaseDuration").and_then(|millis| millis.parse().ok()).unwrap_or(0);
        let mut state = self.lock.state();
        match &state.seen {
            Some((seen, since)) if seen == version => since.elapsed() > Duration::from_millis(lasts),
            _ => {
                state.seen = Some((version.to_owned(), Instant::now()));
                false
            }
        }
    }

    /// Beats for ever, whenever the lock is held.
    pub(super) async fn beat(&self) {
        loop {
            tokio::time::sleep(self.pace.lock_beat).await;
            let Some(version) = self.lock.held(self.pace.lock) else { continue };
            let next = uuid(&mut self.luck());
            let asked = Instant::now();
            let request = self
                .table
                .client
                .update_item()
                .table_name(&self.table.name)
                .key("leaseKey", s(KEY))
                .update_expression("SET #ld = :ld, #rvn = :newRvn")
                .condition_expression(MINE)
                .expression_attribute_names("#pk", "leaseKey")
                .expression_attribute_names("#rvn", "recordVersionNumber")
                .expression_attribute_names("#on", "ownerName")
                .expression_attribute_names("#ld", "leaseDuration")
                .expression_attribute_values(":ld", s(&self.pace.lock.as_millis().to_string()))
                .expression_attribute_values(":rvn", s(&version))
                .expression_attribute_values(":newRvn", s(&next))
                .expression_attribute_values(":on", s(&self.id));
            match answer(request).await {
                Ok(Answer::Applied(_)) => self.lock.state().held = Some((next, asked)),
                Ok(Answer::Refused(_)) => self.lock.state().held = None,
                Err(trouble) => self.say(&format!("cannot keep the lock: {}", trouble.0)),
            }
        }
    }

    /// Gives the lock back, if it is held.
    pub(super) async fn resign(&self) {
        let held = self.lock.state().held.take();
        let Some((version, _)) = held else { return };
        let request = self
            .table
            .client
            .delete_item()
            .table_name(&self.table.name)
            .key("leaseKey", s(KEY))
            .condition_expression(MINE)
            .expression_attribute_names("#pk", "leaseKey")
            .expression_attribute_names("#rvn", "recordVersionNumber")
            .expression_attribute_names("#on", "ownerName")
            .expression_attribute_values(":rvn", s(&version))
            .expression_attribute_values(":on", s(&self.id));
        if let Err(trouble) = applied(request.send().await) {
            self.say(&format!("cannot give the lock back: {}", trouble.0));
        }
    }

    /// Gives the lock back for good.
    pub(super) async fn resign_for_good(&self) {
        self.lock.state().over = true;
        self.resign().await;
    }
}

const MINE: &str = "attribute_exists(#pk) AND #rvn = :rvn AND #on = :on";

fn uuid(luck: &mut fastrand::Rng) -> String {
    let digits = format!("{:032x}", luck.u128(..));
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}
