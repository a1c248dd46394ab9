package interop;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.JsonNode;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.HashKeyRange;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.Shard;
import software.amazon.awssdk.services.kinesis.model.StreamStatus;

/** A stream whose records are numbered by key, {@code k3/17}: what is lost, repeated or out of order shows. */
final class Orders {
    private final KinesisClient kinesis;
    private final String stream;
    /** How many records there are of each key. */
    private final int[] put;

    Orders(KinesisClient kinesis, String stream, int shards, int keys) throws Failed {
        this.kinesis = kinesis;
        this.stream = stream;
        put = new int[keys];
        kinesis.createStream(r -> r.streamName(stream).shardCount(shards));
        awaitActive();
    }

    /** How many records there are. */
    synchronized int size() {
        return IntStream.of(put).sum();
    }

    /** Puts as many records, a multiple of the number of keys. */
    void put(int records) throws Failed {
        for (int i = 0; i < records; i += put.length) {
            putEach(keys());
        }
    }

    /** All keys. */
    List<Integer> keys() {
        return IntStream.range(0, put.length).boxed().toList();
    }

    /** Puts the next record of each of these keys. */
    synchronized void putEach(List<Integer> keys) throws Failed {
        List<PutRecordsRequestEntry> entries = keys.stream()
                .map(key -> PutRecordsRequestEntry.builder()
                        .partitionKey("k" + key)
                        .data(SdkBytes.fromUtf8String("k" + key + "/" + put[key]))
                        .build())
                .toList();
        var answer = kinesis.putRecords(r -> r.streamName(stream).records(entries));
        if (answer.failedRecordCount() > 0) {
            throw new Failed("kcl-local refused " + answer.failedRecordCount() + " records");
        }
        keys.forEach(key -> put[key]++);
    }

    /** Puts a record for every key now and then until something is so. */
    void putUntil(String what, Duration limit, BooleanSupplier so) throws Failed {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!so.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new Failed("waited " + limit.toSeconds() + " s until " + what);
            }
            put(put.length);
            pause(2_000);
        }
    }

    List<Shard> shards() {
        return kinesis.listShards(r -> r.streamName(stream)).shards();
    }

    /** The shards that can be written to, in the order of their hash keys. */
    List<Shard> open() {
        return shards().stream()
                .filter(shard -> shard.sequenceNumberRange().endingSequenceNumber() == null)
                .sorted(Comparator.comparing(shard -> new BigInteger(shard.hashKeyRange().startingHashKey())))
                .toList();
    }

    /** The keys whose records go into these shards. */
    List<Integer> keysOf(Set<String> shardIds) {
        List<HashKeyRange> ranges = open().stream()
                .filter(shard -> shardIds.contains(shard.shardId()))
                .map(Shard::hashKeyRange)
                .toList();
        return keys().stream().filter(key -> ranges.stream().anyMatch(range -> within(hash("k" + key), range))).toList();
    }

    private static boolean within(BigInteger hash, HashKeyRange range) {
        return hash.compareTo(new BigInteger(range.startingHashKey())) >= 0
                && hash.compareTo(new BigInteger(range.endingHashKey())) <= 0;
    }

    /** The hash key of a partition key. */
    private static BigInteger hash(String key) {
        try {
            byte[] digest = MessageDigest.getInstance("MD5").digest(key.getBytes(StandardCharsets.UTF_8));
            return new BigInteger(1, digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
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

    /** Merges two shards that are neighbours. */
    void merge(String shardId, String neighbour) throws Failed {
        kinesis.mergeShards(r ->
                r.streamName(stream).shardToMerge(shardId).adjacentShardToMerge(neighbour));
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

    static void pause(long milliseconds) throws Failed {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            throw new Failed("interrupted", e);
        }
    }

    /** Whether the last record of every key is among these. */
    synchronized boolean endsWith(List<JsonNode> records) {
        Set<String> read = records.stream().map(record -> record.path("data").asText()).collect(Collectors.toSet());
        return keys().stream().allMatch(key -> read.contains("k" + key + "/" + (put[key] - 1)));
    }

    /** That these are the records from the one with this number on, each once and in the order of its key. */
    void expect(List<JsonNode> records, int from) throws Failed {
        expectInOrder(records, from);
        if (records.size() != size() - from) {
            throw new Failed("expected " + (size() - from) + " records, found " + records.size());
        }
    }

    /** That all records are there in the order of their keys, from one that is the first of a round on; some may come again. */
    synchronized void expectInOrder(List<JsonNode> records, int from) throws Failed {
        int[] next = new int[put.length];
        Arrays.fill(next, from / put.length);
        for (JsonNode record : records) {
            String[] data = record.path("data").asText().split("/");
            int key = Integer.parseInt(data[0].substring(1));
            int number = Integer.parseInt(data[1]);
            if (number > next[key]) {
                throw new Failed("expected k" + key + "/" + next[key] + ", found " + record);
            }
            next[key] = Math.max(next[key], number + 1);
        }
        for (int key : keys()) {
            if (next[key] != put[key]) {
                throw new Failed("the last record of k" + key + " is " + (put[key] - 1) + ", found " + (next[key] - 1));
            }
        }
    }
}
