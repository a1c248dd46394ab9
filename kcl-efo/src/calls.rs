//! The requests: to register a consumer, to find it, to subscribe to a shard.

use std::time::Duration;

use aws_sdk_kinesis::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::primitives::event_stream::EventReceiver;
use aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError;
use aws_sdk_kinesis::types::{ConsumerStatus, StartingPosition, SubscribeToShardEventStream as Message};
use kcl_core::error::SourceError;
use kcl_core::ids::ShardId;
use kcl_core::kinesis::{DateHeader, Dated, KinesisStream, Terms, convert};
use kcl_core::retrieval::StartAt;

/// How long the head of an answer to `SubscribeToShard` may take. The events after it have the watchdog.
pub(crate) const SUBSCRIBE_WITHIN: Duration = Duration::from_secs(10);

/// The read time-out of all requests, so that they share connectors. It is longer than any may take: who gives up a request
/// is then whoever waits for it, and the HTTP client's own time-out does not come first at random.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// The event stream of a subscription, as the SDK reads it.
pub(crate) type Receiver = EventReceiver<Message, SubscribeToShardEventStreamError>;

/// A stream, and how to subscribe to its shards.
#[derive(Debug)]
pub(crate) struct Calls {
    pub(crate) stream: KinesisStream,
    subscribe: Terms,
    register: Terms,
}

/// A consumer as the service describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) arn: String,
    pub(crate) status: ConsumerStatus,
}

/// Which consumer is asked about. For one of another account only the ARN will do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which<'a> {
    Arn(&'a str),
    Name(&'a str),
}

/// Why a subscription was not begun.
#[derive(Debug)]
pub(crate) enum NotBegun {
    /// Somebody called for the shard and this consumer just before.
    InTheWay(SourceError),
    /// The service knows no such consumer, or no such shard.
    NotFound(SourceError),
    /// It was refused.
    Refused(SourceError),
    /// Whether the service began it is not known.
    NotKnown(SourceError),
}

/// Why a consumer was not registered.
#[derive(Debug)]
pub(crate) enum NotRegistered {
    /// There is one of this name, or the stream is being changed.
    InUse(SourceError),
    Failed(SourceError),
}

impl Calls {
    pub(crate) fn new(stream: KinesisStream) -> Self {
        let subscribe = Terms::once(READ_TIMEOUT, SUBSCRIBE_WITHIN).reading_leanly(stream.client());
        Self { stream, subscribe, register: Terms::once(READ_TIMEOUT, Terms::SHORT) }
    }

    /// Begins a subscription.
    pub(crate) async fn subscribe(
        &self,
        consumer_arn: &str,
        shard: &ShardId,
        from: &StartAt,
    ) -> Result<Dated<Receiver>, NotBegun> {
        let attempt = self.stream.attempt("SubscribeToShard", Some(shard));
        let position = position(from).map_err(|error| {
            NotBegun::Refused(attempt.malformed("nothing: it could not be made", Some(error.into())))
        })?;
        let (date, before) = (DateHeader::default(), self.stream.clock().now());
        let request = self.stream.client().subscribe_to_shard().consumer_arn(consumer_arn).shard_id(shard.as_str());
        let request = request.starting_position(position).customize();
        let request = request.config_override(self.subscribe.overrides());
        let mut refused = None;
        let request = async {
            let answered = request.interceptor(date.clone()).send().await;
            if let Err(error) = &answered
                && error.raw_response().is_some_and(|response| response.status().as_u16() >= 400)
            {
                let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
                refused = Some(code.unwrap_or_default().to_owned());
            }
            answered
        };
        match self.subscribe.answer(attempt, request).await {
            Ok(answer) => Ok(Dated { answer: answer.event_stream, service_time: date.service_time(before) }),
            Err(error) => Err(match refused.as_deref() {
                None => NotBegun::NotKnown(error),
                Some("ResourceInUseException" | "LimitExceededException") => NotBegun::InTheWay(error),
                Some("ResourceNotFoundException") => NotBegun::NotFound(error),
                Some(_) => NotBegun::Refused(error),
            }),
        }
    }

    /// The consumer; `None` if there is none.
    pub(crate) async fn describe(&self, which: Which<'_>) -> Result<Option<Described>, SourceError> {
        let (arn, stream, name) = self.named(which).await?;
        let request = self.stream.client().describe_stream_consumer();
        let request = request.set_consumer_arn(arn).set_stream_arn(stream).set_consumer_name(name).customize();
        let request = request.config_override(self.stream.control().overrides()).send();
        let found = async { Ok(known(request).await?.and_then(|answer| answer.consumer_description)) };
        let found = self.stream.control().answer(self.stream.attempt("DescribeStreamConsumer", None), found).await?;
        Ok(found.map(|found| Described { arn: found.consumer_arn, status: found.consumer_status }))
    }

    /// Registers the consumer.
    pub(crate) async fn register(&self, name: &str) -> Result<Described, NotRegistered> {
        let attempt = self.stream.attempt("RegisterStreamConsumer", None);
        let arn = self.stream.arn().await.map_err(NotRegistered::Failed)?;
        let request = self.stream.client().register_stream_consumer().stream_arn(arn).consumer_name(name).customize();
        let request = request.config_override(self.register.overrides()).send();
        let mut in_use = false;
        let request = async {
            let answered = request.await;
            let refused = answered.as_ref().err().and_then(|error| error.as_service_error());
            in_use = refused.and_then(|error| error.code()) == Some("ResourceInUseException");
            answered
        };
        match self.register.answer(attempt, request).await {
            Ok(answer) => {
                let consumer =
                    answer.consumer.ok_or_else(|| NotRegistered::Failed(attempt.malformed("no consumer", None)))?;
                Ok(Described { arn: consumer.consumer_arn, status: consumer.consumer_status })
            }
            Err(error) if in_use => Err(NotRegistered::InUse(error)),
            Err(error) => Err(NotRegistered::Failed(error)),
        }
    }

    /// Deregisters the consumer. One that is not there is deregistered.
    pub(crate) async fn deregister(&self, which: Which<'_>) -> Result<(), SourceError> {
        let (arn, stream, name) = self.named(which).await?;
        let request = self.stream.client().deregister_stream_consumer();
        let request = request.set_consumer_arn(arn).set_stream_arn(stream).set_consumer_name(name).customize();
        let request = request.config_override(self.stream.control().overrides()).send();
        let attempt = self.stream.attempt("DeregisterStreamConsumer", None);
        self.stream.control().answer(attempt, known(request)).await.map(drop)
    }

    /// What a request calls the consumer by: its ARN, or its stream's and its name.
    async fn named(&self, which: Which<'_>) -> Result<(Option<String>, Option<String>, Option<String>), SourceError> {
        Ok(match which {
            Which::Arn(arn) => (Some(arn.to_owned()), None, None),
            Which::Name(name) => (None, Some(self.stream.arn().await?.to_owned()), Some(name.to_owned())),
        })
    }
}

/// `None` in place of what the service does not know.
async fn known<T, E: ProvideErrorMetadata>(
    request: impl Future<Output = Result<T, SdkError<E>>>,
) -> Result<Option<T>, SdkError<E>> {
    match request.await {
        Err(error) if error.as_service_error().and_then(|error| error.code()) == Some("ResourceNotFoundException") => {
            Ok(None)
        }
        answered => answered.map(Some),
    }
}

fn position(from: &StartAt) -> Result<StartingPosition, BuildError> {
    let (kind, number, time) = convert::position(from);
    let position = StartingPosition::builder().r#type(kind).set_timestamp(time);
    position.set_sequence_number(number.map(str::to_owned)).build()
}
