package interop;

import java.math.BigInteger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;

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

    /** Puts a record for every key now and then until something is so. */
    void putUntil(String what, Duration limit, BooleanSupplier so) throws Failed {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!so.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new Failed("waited " + limit.toSeconds() + " s until " + what);
            }
            put(KEYS);
            pause(2_000);
        }
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
            pause(100);
        }
        throw new Failed("the stream " + stream + " did not become ACTIVE");
    }

    private static void pause(long milliseconds) throws Failed {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            throw new Failed("interrupted", e);
        }
    }

    /** Whether the last record of every key is among these. */
    boolean endsWith(List<JsonNode> records) {
        String round = "/" + (put / KEYS - 1);
        return records.stream()
                .map(record -> record.path("data").asText())
                .filter(data -> data.endsWith(round))
                .distinct()
                .count() == KEYS;
    }

    /** That these are the records from the one with this number on, each once and in the order of its key. */
    void expect(List<JsonNode> records, int from) throws Failed {
        expectInOrder(records, from);
        if (records.size() != put - from) {
            throw new Failed("expected " + (put - from) + " records, found " + records.size());
        }
    }

    /** That all records are there in the order of their keys; some may come again. */
    void expectInOrder(List<JsonNode> records, int from) throws Failed {
        Map<String, Integer> next = new TreeMap<>();
        for (int i = from; i < from + KEYS; i++) {
            next.put("k" + i % KEYS, i / KEYS);
        }
        for (JsonNode record : records) {
            String[] data = record.path("data").asText().split("/");
            int number = Integer.parseInt(data[1]);
            if (number > next.get(data[0])) {
                throw new Failed("expected " + data[0] + "/" + next.get(data[0]) + ", found " + record);
            }
            next.merge(data[0], 1, (known, one) -> Math.max(known, number + one));
        }
        int all = next.values().stream().mapToInt(Integer::intValue).sum();
        if (all != put) {
            throw new Failed("expected " + put + " records, found " + all + " different ones");
        }
    }
}
