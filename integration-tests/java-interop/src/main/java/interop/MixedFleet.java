package interop;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import software.amazon.awssdk.services.kinesis.model.Shard;

/**
 * Workers of Java and of ours on one table: they join, leave in good order, are killed, give each other shards, lead one
 * after the other, and read through a split and a merge. All the while records are put.
 *
 * <p>With Java workers as guests it shows what Java does by itself.
 */
final class MixedFleet implements Check.Scenario {
    private static final int SHARDS = 6;
    private static final int KEYS = 48;

    private final Pace pace;
    private final Pace.Guests guests;

    MixedFleet(Pace pace, Pace.Guests guests) {
        this.pace = pace;
        this.guests = guests;
    }

    @Override
    public void run(World world, Check.Checks checks) throws Exception {
        Orders orders = world.orders(SHARDS, KEYS);
        if (!pace.patient()) {
            Tables.prepare(world, orders.open());
        }
        try (Feeder feeder = new Feeder(orders, pace.feed())) {
            new Fleet(world, checks, orders, feeder).live();
        }
    }

    /** One life of a fleet. */
    private final class Fleet {
        private final World world;
        private final Check.Checks checks;
        private final Orders orders;
        private final Feeder feeder;
        private final Tables tables;
        private final List<Worker> workers = new ArrayList<>();

        Fleet(World world, Check.Checks checks, Orders orders, Feeder feeder) {
            this.world = world;
            this.checks = checks;
            this.orders = orders;
            this.feeder = feeder;
            tables = new Tables(world);
        }

        void live() throws Exception {
            Worker java1 = java(1);
            step("a Java worker starts the fleet", () -> readAll(java1));

            Worker guest1 = guest(1);
            step("a worker of ours joins, and gets shards by the Java leader's plan", () -> {
                until("its row is there", () -> tables.hasRow(guest1.id()));
                until("it holds two", () -> {
                    if (guests == Pace.Guests.RUST) {
                        tables.decorate(guest1.id());
                    }
                    return tables.held(guest1.id()).size() >= 2;
                });
                reads(guest1);
            });
            step("the Java leader takes a shard back from it when only its shards have records", () -> {
                Set<String> busy = tables.held(guest1.id());
                feeder.only(orders.keysOf(busy));
                readsOneOf(java1, busy);
                feeder.all();
                readAll(java1, guest1);
            });

            java1.kill();
            Worker java2 = java(2);
            step("the Java leader is killed, and ours reads all shards", () -> {
                readAll(guest1, java2);
                until("it leads", () -> tables.leader().equals(guest1.id()));
            });
            step("a Java worker joins, and gets shards by our plan", () -> reads(java2));
            step("shards are split and merged while both read", () -> reshard(guest1, java2));

            Worker guest2 = guest(2);
            step("another one of ours joins", () -> reads(guest2));
            Worker java3 = java(3);
            guest1.kill();
            step("ours, which leads, is killed, and the others read all shards", () -> {
                readAll(guest2, java2, java3);
                until("another one leads", () -> !tables.leader().equals(guest1.id()));
            });
            step("another Java worker joins", () -> reads(java3));
            step("a Java worker stops, and the others read all shards", () -> {
                java2.stop();
                readAll(guest2, java3);
            });
            Set<String> passed = tables.held(guest2.id());
            step("ours stops, and a Java worker reads its shards, and leads", () -> {
                guest2.stop();
                readsOneOf(java3, passed);
                until("it leads", () -> tables.leader().equals(java3.id()));
            });
            Worker guest3 = guest(3);
            if (pace.patient()) {
                // By its 60 s in which a report counts, a Java leader gives shards to those that have just gone.
                step("a Java worker reads all shards", () -> readAll(java3));
                step("another one of ours joins", () -> reads(guest3));
                guest3.kill();
                step("it is killed, and a Java worker reads all shards", () -> readAll(java3));
            }
            feeder.stop();
            step("the workers read to the end, and stop", () -> {
                until("every last record was read", () -> orders.endsWith(records()));
                java3.stop();
                if (!guest3.ended()) {
                    guest3.stop();
                }
            });
            checkAll();
        }

        private Worker java(int number) throws Exception {
            return add(pace.java(world, number));
        }

        private Worker guest(int number) throws Exception {
            return add(pace.guest(world, guests, number));
        }

        private Worker add(Worker worker) {
            workers.add(worker);
            return worker;
        }

        private void step(String what, Waiting.Step step) {
            checks.check(what, () -> Waiting.after(step));
        }

        private void until(String what, Waiting.Condition condition) throws Exception {
            Waiting.until(what, pace.limit(), condition);
        }

        /** The records of all workers as they were received. */
        private List<JsonNode> records() {
            return workers.stream()
                    .flatMap(worker -> worker.records().stream())
                    .sorted(Comparator.comparingLong(record -> record.path("received_ms").asLong()))
                    .toList();
        }

        private void reads(Worker worker) throws Exception {
            readsOneOf(worker, null);
        }

        /** Waits until a worker reads another record, of one of these shards. */
        private void readsOneOf(Worker worker, Set<String> shards) throws Exception {
            int before = worker.records().size();
            until(worker.id() + " reads", () -> shards(worker, before).anyMatch(
                    shard -> shards == null || shards.contains(shard)));
        }

        /** Waits until these workers have read another record of every open shard. */
        private void readAll(Worker... readers) throws Exception {
            int[] before = Stream.of(readers).mapToInt(reader -> reader.records().size()).toArray();
            until("all shards are read", () -> {
                Set<String> read = new TreeSet<>();
                for (int i = 0; i < readers.length; i++) {
                    read.addAll(shards(readers[i], before[i]).toList());
                }
                return orders.open().stream().map(Shard::shardId).allMatch(read::contains);
            });
        }

        private static Stream<String> shards(Worker worker, int before) {
            return worker.records().stream().skip(before).map(record -> record.path("shard").asText());
        }

        /** Splits a shard of the one, and merges one of the one with one of the other. */
        private void reshard(Worker one, Worker other) throws Exception {
            orders.split(tables.held(other.id()).iterator().next());
            readAll(one, other);
            List<Shard> open = orders.open();
            Set<String> held = tables.held(one.id());
            Predicate<Integer> mixed = i ->
                    held.contains(open.get(i).shardId()) != held.contains(open.get(i + 1).shardId());
            int first = Stream.iterate(0, i -> i < open.size() - 1, i -> i + 1).filter(mixed).findFirst().orElse(0);
            orders.merge(open.get(first).shardId(), open.get(first + 1).shardId());
            readAll(one, other);
        }

        private void checkAll() throws Exception {
            List<JsonNode> records = records();
            checks.check("every record was delivered, in the order of its key, through all shards", () -> {
                orders.expectInOrder(records, 0);
                return orders.size() + " records, " + (records.size() - orders.size()) + " came again";
            });
            checks.check("each holder reads a shard in order", () -> Safety.ordered(workers));
            History history = new History(world.requests(), World.APP);
            checks.check("the recording explains the leases as they are", () -> history.explains(world.rows()));
            checks.check("checkpoints go forward, and are the holder's", () -> Safety.commits(history));
            checks.check("a shard is begun when those that it was made of are finished", () ->
                    Safety.parentsFirst(history));
            List<Handover> handovers = Handover.all(history);
            checks.check("leases went both ways", () -> bothWays(handovers));
            checks.check("no shard was without a reader for long", () -> {
                Handover.expectNoLongSilence(handovers, records, pace.limit());
                return Handover.silences(handovers, records);
            });
            if (guests == Pace.Guests.RUST) {
                checks.check("a Java leader gave leases to a worker whose row has all that is our own", () ->
                        tables.assignedDespiteOurs());
                checks.check("ours reads every row", () -> oursReadsAll());
                checks.check("ours logs no error", () -> Tables.oursIsContent(workers));
            }
            checks.check("Java reads every row of leases, and our rows of workers", () -> tables.javaReadsAll());
            checks.check("there is one table", () -> tables.onlyOne());
            checks.check("kcl-local understood every request", () -> Expect.understood(world));
            checks.check("Java warns of nothing that it does not warn of alone", () -> JavaLog.check(workers.stream()
                    .filter(worker -> worker.id().startsWith("java-"))
                    .map(Worker::log)
                    .toList()));
        }

        private String bothWays(List<Handover> handovers) throws Failed {
            Set<String> kinds = handovers.stream().map(Handover::kinds).collect(Collectors.toSet());
            List<String> expected = guests == Pace.Guests.JAVA
                    ? List.of("java to java, asked", "java to java, taken")
                    : List.of("java to rust, asked", "rust to java, asked", "rust to java, passed", "java to rust, taken");
            if (!kinds.containsAll(expected)) {
                throw new Failed("expected " + expected + ", found " + kinds);
            }
            return handovers.size() + " in all";
        }

        /** One of ours that starts at the end holds every lease that is to be read. */
        private String oursReadsAll() throws Exception {
            Worker last = guest(9);
            Set<String> open = orders.open().stream().map(Shard::shardId).collect(Collectors.toSet());
            until("it holds every open shard", () -> tables.held(last.id()).containsAll(open));
            last.stop();
            return open.size() + " shards";
        }
    }
}
