//! Leases of [`kcl_core`] in an Amazon DynamoDB table, in the format of the Java KCL 3.5: workers of both can share one
//! table, at the same time.
//!
//! ```
//! use kcl_core::store::LeaseStore;
//! use kcl_dynamo_leases::DynamoLeases;
//!
//! async fn leases(client: aws_sdk_dynamodb::Client) -> Result<DynamoLeases, Box<dyn std::error::Error>> {
//!     let leases = DynamoLeases::single_stream(client, "orders-app", "orders").build()?;
//!     leases.prepare().await?; // a worker does this when it starts
//!     Ok(leases)
//! }
//! ```
//!
//! # The table
//! One table for each application; its key is `leaseKey` (S). It is created at the first start unless
//! [`Builder::create_table`] says otherwise: on-demand, without an index. The index `LeaseOwnerToLeaseKeyIndex`
//! (`leaseOwner`, `leaseKey`, keys only) is asked for once the table is active, and used once it is.
//!
//! What an item is its `entityType` (S) says; items of other types belong to the Java KCL and are left alone.
//!
//! | `entityType` | key | what it is |
//! |---|---|---|
//! | `LEASE`, or none | see below | a lease |
//! | `WORKER_METRIC_STATS` | the worker's id | a worker's row |
//! | `LEADER` | `Leader` | the lock of the worker that balances, as the DynamoDB lock client 1.4.0 keeps it |
//! | `CLIENT_VERSION_MIGRATION` | `Migration3.0` | a marker: leases are handed out as of the KCL 3 (`cv` is `CLIENT_VERSION_3X`) |
//!
//! A lease:
//!
//! | attribute | type | meaning |
//! |---|---|---|
//! | `leaseKey` | S | the shard's id; with several streams `account:stream:epoch:shard` |
//! | `streamName`, `shardId` | S | with several streams only: the two parts of the key |
//! | `leaseCounter` | N | moves with every write: the fence, and the sign of life |
//! | `leaseOwner` | S | who holds the lease; during a hand-off who will |
//! | `checkpointOwner` | S | during a hand-off who still holds it |
//! | `ownerSwitchesSinceCheckpoint` | N | how often the owner changed since the last checkpoint |
//! | `checkpoint`, `checkpointSubSequenceNumber` | S, N | how far the shard is done |
//! | `pendingCheckpoint`, `pendingCheckpointSubSequenceNumber`, `pendingCheckpointState` | S, N, B | a prepared checkpoint |
//! | `parentShardId`, `childShardIds` | SS | the shards before and after it |
//! | `startingHashKey`, `endingHashKey` | S | its hash keys |
//! | `throughputKBps` | N | what its owner processed lately |
//! | `rs_stamp` | S | ours: the last write of a worker of this library |
//! | `rs_start` | N | ours: the time at which an application without a position starts, in milliseconds |
//! | `rs_born` | N | ours: when this library first took the lease, in milliseconds |
//! | `rs_stream` | N | ours: when the stream was created, in milliseconds |
//! | `rs_busy` | N | ours: for which part of the time its processor was busy lately, 0 to 1 |
//!
//! A worker's row, which it writes every half minute:
//!
//! | attribute | type | meaning |
//! |---|---|---|
//! | `lut` | N | when the worker reported, in seconds by its wall clock |
//! | `sts` | M | its last ten means, oldest first, by what is measured: `C` is its CPU in percent; empty if it does not measure |
//! | `opr` | M | the most that each of them should be; ours is 100 |
//! | `sup`, `slu` | N | 1: it knows that other things than leases live in the table; when it said so, in seconds |
//! | `rs_inst` | S | ours: the worker's process |
//! | `rs_lut` | N | ours: a copy of `lut`; a Java worker of the same id moves `lut` alone, and the row is that one's then |
//! | `rs_wake` | SS | ours: `leaseKey#leaseCounter` of leases that became the worker's business, or `*` to look at the table |
//! | `rs_leaving` | BOOL | ours: the worker stops |
//! | `rs_cap` | N | ours: the most leases that it may be given |
//! | `rs_proto` | N | ours: 1 |
//!
//! The lock: `ownerName` (S), `leaseDuration` (S, milliseconds), `recordVersionNumber` (S), `isReleased` (S, `1` or absent).
//!
//! The Java KCL keeps attributes that it does not know, and so does this crate: every write but the first changes only
//! what it is about.
//!
//! # What is refused
//! Before anything is written, [`prepare`](kcl_core::store::LeaseStore::prepare) looks for what other versions of the Java
//! KCL left: the table `APPLICATION-CoordinatorState` of an application that is spread over the three tables of 3.0 to 3.4,
//! unless its item `TableMigration3.5` says that it moved to one; and the item `Migration3.0` of one that is not past the
//! upgrade from 2.x. Both are refused with what was found and what to do. Neither further table is ever made.
//!
//! # Cost
//! A lease is well under a kilobyte: each write is one write unit, and two more on the index when the owner changes.
//! A refused write costs as much. Listing costs half a read unit for about nine leases. Rows, hints and the lock are one
//! write unit each. [`costs`] adds up what a fleet costs in a minute.
//!
//! # Permissions
//! On the table `dynamodb:DescribeTable`, `GetItem`, `PutItem`, `UpdateItem`, `DeleteItem` and `Scan`; on
//! `table/NAME/index/*` `Query`. To create it also `CreateTable` and `UpdateTable`, with tags `TagResource`, with
//! backups `UpdateContinuousBackups`. On `table/APPLICATION-CoordinatorState`, which need not be there, `DescribeTable` and
//! `GetItem`: see above. The application is named like the table unless [`Builder::application`] says otherwise.
//!
//! ```json
//! {
//!   "Version": "2012-10-17",
//!   "Statement": [{
//!     "Effect": "Allow",
//!     "Action": ["dynamodb:DescribeTable", "dynamodb:GetItem"],
//!     "Resource": "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME-CoordinatorState"
//!   }, {
//!     "Effect": "Allow",
//!     "Action": [
//!       "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem",
//!       "dynamodb:DeleteItem", "dynamodb:Scan", "dynamodb:Query", "dynamodb:CreateTable", "dynamodb:UpdateTable"
//!     ],
//!     "Resource": [
//!       "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME",
//!       "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/index/LeaseOwnerToLeaseKeyIndex"
//!     ]
//!   }]
//! }
//! ```
//!
//! # What not to do
//! A table of global tables must be written in one Region only: conditions are evaluated there, and with eventual
//! consistency two Regions can give one lease to two workers. A table that was restored from a backup holds positions of
//! the past: stop all workers before, start them after.

mod builder;
pub mod costs;
mod error;
mod expressions;
mod fleet;
#[cfg(any(test, fuzzing))]
mod fuzzing;
mod index;
mod item;
mod keys;
mod layout;
mod lock;
mod members;
mod prepare;
mod requests;
mod schema;
mod store;
mod table;
mod values;
mod write;

pub use self::builder::Builder;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use self::fuzzing::fuzz_lease_items;
pub use self::store::DynamoLeases;
pub use self::table::Billing;
