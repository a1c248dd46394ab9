//! The requests: to register a consumer, to find it, to subscribe to a shard.

use std::time::Duration;

use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::primitives::event_stream::EventReceiver;
use aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError;
use aws_sdk_kinesis::types::{
    ConsumerStatus, ShardIteratorType, StartingPosition, SubscribeToShardEventStream as Message,
};
use kcl_core::error::SourceError;
use kcl_core::ids::ShardId;
use kcl_core::kinesis::{DateHeader, Dated, KinesisStream, Terms, convert, read_leanly};
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
        let subscribe = Terms::once(READ_TIMEOUT, SUBSCRIBE_WITHIN);
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
        let request = request.config_override(read_leanly(self.stream.client(), self.subscribe.overrides()));
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
        let request = self.stream.client().describe_stream_consumer();
        let request = match which {
            Which::Arn(arn) => request.consumer_arn(arn),
            Which::Name(name) => request.stream_arn(self.stream.arn().await?).consumer_name(name),
        };
        let request = request.customize().config_override(self.stream.control().overrides()).send();
        let found = async {
            match request.await {
                Err(error) if error.as_service_error().is_some_and(|error| is(error, "ResourceNotFoundException")) => {
                    Ok(None)
                }
                answered => answered.map(|answer| answer.consumer_description),
            }
        };
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
            in_use = refused.is_some_and(|error| is(error, "ResourceInUseException"));
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
        let request = self.stream.client().deregister_stream_consumer();
        let request = match which {
            Which::Arn(arn) => request.consumer_arn(arn),
            Which::Name(name) => request.stream_arn(self.stream.arn().await?).consumer_name(name),
        };
        let request = request.customize().config_override(self.stream.control().overrides()).send();
        let gone = async {
            match request.await {
                Err(error) if error.as_service_error().is_some_and(|error| is(error, "ResourceNotFoundException")) => {
                    Ok(())
                }
                answered => answered.map(drop),
            }
        };
        self.stream.control().answer(self.stream.attempt("DeregisterStreamConsumer", None), gone).await
    }
}

fn is(error: &impl ProvideErrorMetadata, code: &str) -> bool {
    error.code() == Some(code)
}

fn position(from: &StartAt) -> Result<StartingPosition, aws_sdk_kinesis::error::BuildError> {
    let position = StartingPosition::builder();
    match from {
        StartAt::TrimHorizon => position.r#type(ShardIteratorType::TrimHorizon),
        StartAt::Latest => position.r#type(ShardIteratorType::Latest),
        StartAt::Timestamp(time) => {
            position.r#type(ShardIteratorType::AtTimestamp).timestamp(convert::date_time(*time))
        }
        StartAt::At(number) => position.r#type(ShardIteratorType::AtSequenceNumber).sequence_number(number.as_str()),
        StartAt::After(number) => {
            position.r#type(ShardIteratorType::AfterSequenceNumber).sequence_number(number.as_str())
        }
    }
    .build()
}
