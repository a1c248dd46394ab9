package interop;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import com.fasterxml.jackson.databind.JsonNode;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.HashKeyRange;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.Shard;
import software.amazon.awssdk.services.kinesis.model.StreamStatus;

/** A stream whose records are numbered by key, {@code k3/17}: what is lost, repeated or out of order shows. */
final class Orders {
    private static final int KEYS = 16;

    private final KinesisClient kinesis;
    private final String stream;
    private int put;

    Orders(KinesisClient kinesis, String stream, int shards) throws Failed {
        this.kinesis = kinesis;
        this.stream = stream;
        kinesis.createStream(r -> r.streamName(stream).shardCount(shards));
        awaitActive();
    }

    /** How many records there are. */
    int size() {
        return put;
    }

    void put(int records) throws Failed {
        List<PutRecordsRequestEntry> entries = new ArrayList<>();
        for (int i = put; i < put + records; i++) {
            String key = "k" + i % KEYS;
            entries.add(PutRecordsRequestEntry.builder()
                    .partitionKey(key)
                    .data(SdkBytes.fromUtf8String(key + "/" + i / KEYS))
                    .build());
        }
        var answer = kinesis.putRecords(r -> r.streamName(stream).records(entries));
        if (answer.failedRecordCount() > 0) {
            throw new Failed("kcl-local refused " + answer.failedRecordCount() + " records");
        }
        put += records;
    }

    List<Shard> shards() {
        return kinesis.listShards(r -> r.streamName(stream)).shards();
    }

    /** Splits a shard in the middle of its hash keys. */
    void split(String shardId) throws Failed {
        HashKeyRange range = shards().stream()
                .filter(shard -> shard.shardId().equals(shardId))
                .findFirst()
                .orElseThrow(() -> new Failed("there is no shard " + shardId))
                .hashKeyRange();
        BigInteger sum = new BigInteger(range.startingHashKey()).add(new BigInteger(range.endingHashKey()));
        kinesis.splitShard(r ->
                r.streamName(stream).shardToSplit(shardId).newStartingHashKey(sum.shiftRight(1).toString()));
        awaitActive();
    }

    private void awaitActive() throws Failed {
        for (int i = 0; i < 100; i++) {
            var summary = kinesis.describeStreamSummary(r -> r.streamName(stream)).streamDescriptionSummary();
            if (summary.streamStatus() == StreamStatus.ACTIVE) {
                return;
            }
            pause();
        }
        throw new Failed("the stream " + stream + " did not become ACTIVE");
    }

    private static void pause() throws Failed {
        try {
            Thread.sleep(100);
        } catch (InterruptedException e) {
            throw new Failed("interrupted", e);
        }
    }

    /**
     * Whether these are the records from the one with this number on, all of them, each once and in the order of its
     * key.
     */
    void expect(List<JsonNode> records, int from) throws Failed {
        Map<String, Integer> next = new TreeMap<>();
        for (int i = from; i < from + KEYS; i++) {
            next.put("k" + i % KEYS, i / KEYS);
        }
        for (JsonNode record : records) {
            String key = record.path("key").asText();
            String expected = key + "/" + next.get(key);
            next.merge(key, 1, Integer::sum);
            if (!record.path("data").asText().equals(expected)) {
                throw new Failed("expected " + expected + ", found " + record);
            }
        }
        if (records.size() != put - from) {
            throw new Failed("expected " + (put - from) + " records, found " + records.size());
        }
    }
}
