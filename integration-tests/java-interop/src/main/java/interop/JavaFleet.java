package interop;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Workers of the Java KCL by themselves, with its default settings: one joins, a shard is split, one stops, one joins,
 * the leader is killed. What they ask is the transcript that a model of them is compared with.
 */
final class JavaFleet implements Check.Scenario {
    private static final Duration LONG = Duration.ofMinutes(5);

    @Override
    public void run(World world, Check.Checks checks) throws Exception {
        Orders orders = world.orders(2);
        orders.put(16);
        Worker first = world.javaAsItIs("java-1");
        checks.check("a worker starts on empty tables", () -> after(() -> reads(orders, first)));

        Worker second = world.javaAsItIs("java-2");
        checks.check("a second one gets a shard", () -> after(() -> reads(orders, second)));
        orders.split(shard(first));
        checks.check("the children of a split shard are read", () -> after(() -> orders.putUntil(
                "a shard ended and both of its children were read", LONG, () -> shards(first, second) == 4)));

        checks.check("the second one stops", () -> after(second::stop));
        int before = first.records().size();
        checks.check("the first one reads all shards", () -> after(() -> readsAll(orders, first, before)));

        Worker third = world.javaAsItIs("java-3");
        checks.check("a third one gets a shard", () -> after(() -> reads(orders, third)));
        first.kill();
        int known = third.records().size();
        checks.check("when the leader was killed the third one reads all shards", () ->
                after(() -> readsAll(orders, third, known)));
        checks.check("it reads to the end and stops", () -> after(() -> {
            third.await("record", LONG, records -> orders.endsWith(records));
            third.stop();
        }));
        checks.check("every record was delivered, in the order of its key", () -> {
            List<JsonNode> records = inOrder(first, second, third);
            orders.expectInOrder(records, 0);
            return orders.size() + " records, " + (records.size() - orders.size()) + " came again";
        });
        checks.check("kcl-local understood every request", () -> Expect.understood(world));
    }

    /** Something that takes its time. */
    private interface Step {
        void take() throws Exception;
    }

    private static String after(Step step) throws Exception {
        long started = System.nanoTime();
        step.take();
        return "after " + Expect.seconds(started);
    }

    private static void reads(Orders orders, Worker worker) throws Failed {
        orders.putUntil("it reads a shard", LONG, () -> !worker.records().isEmpty());
    }

    /** Puts records until the worker has read some of all three shards, past those that it had read before. */
    private static void readsAll(Orders orders, Worker worker, int before) throws Failed {
        orders.putUntil("it reads all shards", LONG, () -> shards(worker.records().stream().skip(before)) == 3);
    }

    /** The shard that it read last. */
    private static String shard(Worker worker) {
        List<JsonNode> records = worker.records();
        return records.get(records.size() - 1).path("shard").asText();
    }

    private static long shards(Worker... workers) {
        return shards(Stream.of(workers).flatMap(worker -> worker.records().stream()));
    }

    private static long shards(Stream<JsonNode> records) {
        return records.map(record -> record.path("shard").asText()).distinct().count();
    }

    /** The records of all workers as they were received. */
    private static List<JsonNode> inOrder(Worker... workers) {
        return Stream.of(workers)
                .flatMap(worker -> worker.records().stream())
                .sorted(Comparator.comparingLong(record -> record.path("received_ms").asLong()))
                .toList();
    }
}
