//! Leases of [`kcl_core`] in an Amazon DynamoDB table, in the format of the Java KCL 3.5: workers of both can take
//! turns on it. (Working on it at the same time needs membership and the leader lock, which are not here yet.)
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
//! An item with the `entityType` `LEASE`, or none, is a lease. Others belong to the Java KCL and are left alone.
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
//!
//! The Java KCL keeps attributes that it does not know, and so does this crate: every write but the first changes only
//! what it is about.
//!
//! # Cost
//! A lease is well under a kilobyte: each write is one write unit, and two more on the index when the owner changes.
//! A refused write costs as much. Listing costs half a read unit for about nine leases.
//!
//! # Permissions
//! On the table `dynamodb:DescribeTable`, `GetItem`, `PutItem`, `UpdateItem`, `DeleteItem` and `Scan`; on
//! `table/NAME/index/*` `Query`. To create it also `CreateTable` and `UpdateTable`, with tags `TagResource`, with
//! backups `UpdateContinuousBackups`.
//!
//! ```json
//! {
//!   "Version": "2012-10-17",
//!   "Statement": [{
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
pub use self::store::DynamoLeases;
pub use self::table::Billing;
