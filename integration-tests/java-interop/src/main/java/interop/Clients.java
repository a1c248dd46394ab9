package interop;

import java.net.URI;

import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.kinesis.common.KinesisClientUtil;

/** Clients with the region, the credentials and the endpoints of the environment. */
final class Clients {
    private Clients() {}

    /** The client that the KCL recommends: HTTP/2 and CBOR. */
    static KinesisAsyncClient kinesisOfTheKcl() {
        return KinesisClientUtil.createKinesisAsyncClient(KinesisAsyncClient.builder());
    }

    static DynamoDbAsyncClient dynamoDbOfTheKcl() {
        return DynamoDbAsyncClient.create();
    }

    /** The KCL wants one, and without metrics never calls it: there is nobody at its endpoint. */
    static CloudWatchAsyncClient cloudWatchOfTheKcl() {
        return CloudWatchAsyncClient.builder().endpointOverride(URI.create("http://127.0.0.1:9")).build();
    }

    static KinesisClient kinesis(String endpoint) {
        return KinesisClient.builder().endpointOverride(URI.create(endpoint)).build();
    }

    static DynamoDbClient dynamoDb(String endpoint) {
        return DynamoDbClient.builder().endpointOverride(URI.create(endpoint)).build();
    }
}
