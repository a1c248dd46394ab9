//! What a worker does before it works: the table, the index, the state of the fleet, the first leases.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate,
    KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use tokio::time::Instant;

use super::lease::text;
use super::pace::READY_POLL;
use super::process::Process;
use super::table::{INDEX, Trouble, n, s};

/// `maxInitializationAttempts`.
const ATTEMPTS: u32 = 20;
/// `schedulerInitializationBackoffTimeMillis`.
const AGAIN: Duration = Duration::from_secs(1);
/// How often a worker that found no leases looks again.
const EMPTY_AGAIN: Duration = Duration::from_secs(3);
const STATE_KEY: &str = "Migration3.0";
const STATE: &str = "CLIENT_VERSION_3X";

fn trouble<E: std::error::Error>(error: E) -> Trouble {
    Trouble::from(error)
}

impl Process {
    /// Tries for as long as the KCL does.
    pub(super) async fn get_ready(&self) -> Result<(), Trouble> {
        // Once the state of the fleet was lost to another who made it at the same moment, the worker never finds out what
        // it is, and fails with every attempt.
        let mut lost = false;
        let mut last = Trouble(String::new());
        for _ in 0..ATTEMPTS {
            match self.try_to_get_ready(&mut lost).await {
                Ok(()) => return Ok(()),
                Err(trouble) => last = trouble,
            }
            self.say(&format!("cannot start: {}", last.0));
            tokio::time::sleep(AGAIN).await;
        }
        Err(last)
    }

    async fn try_to_get_ready(&self, lost: &mut bool) -> Result<(), Trouble> {
        self.make_table().await?;
        self.look_for("CoordinatorState").await?;
        if *lost {
            return Err(Trouble("nobody knows who leads: the state of the fleet was made by another".to_owned()));
        }
        self.make_state(lost).await?;
        self.make_index().await?;
        self.look_for("WorkerMetricStats").await
    }

    async fn make_table(&self) -> Result<(), Trouble> {
        if self.table.describe().await?.0.is_none() {
            let request = self
                .table
                .client
                .create_table()
                .table_name(&self.table.name)
                .billing_mode(BillingMode::PayPerRequest)
                .deletion_protection_enabled(false)
                .key_schema(key("leaseKey", KeyType::Hash)?)
                .attribute_definitions(attribute("leaseKey")?);
            match request.send().await {
                Ok(_) => {}
                Err(error) if error.code() == Some("ResourceInUseException") => {}
                Err(error) => return Err(Trouble::from(error)),
            }
        }
        while self.table.describe().await?.0.is_none_or(|status| status != "ACTIVE" && status != "UPDATING") {
            tokio::time::sleep(READY_POLL).await;
        }
        Ok(())
    }

    /// Looks for a table of KCL 3.0 to 3.4, which no world here has.
    async fn look_for(&self, name: &str) -> Result<(), Trouble> {
        let name = format!("{}-{name}", self.table.name);
        match self.table.client.describe_table().table_name(&name).send().await {
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(()),
            Ok(_) => Err(Trouble(format!("there is a table {name}"))),
            Err(error) => Err(Trouble::from(error)),
        }
    }

    /// Says that the fleet is one of the KCL 3, if nothing is said yet.
    async fn make_state(&self, lost: &mut bool) -> Result<(), Trouble> {
        if let Some(item) = self.table.read(STATE_KEY, true).await? {
            return match text(&item, "cv") {
                Some(state) if state == STATE => Ok(()),
                other => Err(Trouble(format!("the fleet is {other:?}"))),
            };
        }
        let now = self.wall_ms();
        let before = HashMap::from([
            ("cv".to_owned(), s("CLIENT_VERSION_INIT")),
            ("mb".to_owned(), s(&self.id)),
            ("mts".to_owned(), n(now)),
        ]);
        let item = HashMap::from([
            ("leaseKey".to_owned(), s(STATE_KEY)),
            ("entityType".to_owned(), s("CLIENT_VERSION_MIGRATION")),
            ("cv".to_owned(), s(STATE)),
            ("mb".to_owned(), s(&self.id)),
            ("mts".to_owned(), n(now)),
            ("h".to_owned(), AttributeValue::L(vec![AttributeValue::M(before)])),
        ]);
        *lost = !self.table.put_new(item).await?;
        if *lost { Err(Trouble("another made the state of the fleet".to_owned())) } else { Ok(()) }
    }

    async fn make_index(&self) -> Result<(), Trouble> {
        if self.table.describe().await?.1.is_none() {
            let index = CreateGlobalSecondaryIndexAction::builder()
                .index_name(INDEX)
                .key_schema(key("leaseOwner", KeyType::Hash)?)
                .key_schema(key("leaseKey", KeyType::Range)?)
                .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
                .build()
                .map_err(trouble)?;
            let request = self
                .table
                .client
                .update_table()
                .table_name(&self.table.name)
                .attribute_definitions(attribute("leaseOwner")?)
                .attribute_definitions(attribute("leaseKey")?)
                .global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(index).build());
            request.send().await.map_err(trouble)?;
        }
        while self.table.describe().await?.1.is_none_or(|status| status != "ACTIVE") {
            tokio::time::sleep(READY_POLL).await;
        }
        Ok(())
    }

    /// Waits for the first leases, or makes them; again if that fails, as with everything before.
    pub(super) async fn first_leases(self: &Arc<Self>) -> Result<(), Trouble> {
        let mut last = Ok(());
        for _ in 0..ATTEMPTS {
            last = self.wait_for_leases().await;
            match &last {
                Ok(()) => break,
                Err(trouble) => self.say(&format!("cannot find the first leases: {}", trouble.0)),
            }
            tokio::time::sleep(AGAIN).await;
        }
        last
    }

    /// A worker that made some does nothing for a while then.
    async fn wait_for_leases(self: &Arc<Self>) -> Result<(), Trouble> {
        let wait = self.luck().u64(self.pace.empty_wait.clone());
        let until = Instant::now() + Duration::from_millis(wait);
        while self.is_table_empty().await? {
            if Instant::now() >= until && self.is_leader().await {
                self.sync_shards().await?;
                tokio::time::sleep(self.pace.shard_sync).await;
                return Ok(());
            }
            tokio::time::sleep(EMPTY_AGAIN.min(until.saturating_duration_since(Instant::now()).max(AGAIN))).await;
        }
        Ok(())
    }
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, Trouble> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().map_err(trouble)
}

fn attribute(name: &str) -> Result<AttributeDefinition, Trouble> {
    AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build().map_err(trouble)
}
