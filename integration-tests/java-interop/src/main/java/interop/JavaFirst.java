package interop;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** A worker of the Java KCL reads a stream through a split, and one of ours goes on from its rows. */
final class JavaFirst implements Check.Scenario {
    private static final String PARENT = "shardId-000000000000";
    private static final String COPIES = "copies";

    @Override
    public void run(World world, Check.Checks checks) throws Exception {
        Orders orders = world.orders(2);
        orders.put(160);
        long started = System.nanoTime();
        Worker java = world.java("java-1");
        checks.check("a Java worker starts on empty tables and reads", () -> {
            java.await("record", Duration.ofSeconds(150), records -> !records.isEmpty());
            return "first record after " + Expect.seconds(started);
        });
        orders.split(PARENT);
        orders.put(160);
        checks.check("it reads every record once and in order, through a split", () -> {
            java.await("record", Duration.ofSeconds(120), records -> records.size() >= orders.size());
            orders.expect(java.records(), 0);
            return orders.size() + " records";
        });
        checks.check("it ends the parent before it begins the children", () -> parentFirst(java));
        checks.check("it stops in good order", () -> {
            long stopped = System.nanoTime();
            java.stop();
            return "told " + java.events("shutdown").size() + " shards, ended after " + Expect.seconds(stopped);
        });
        checks.check("its rows say how far it got", () -> Expect.checkpoints(world.rows(), java.records()));
        checks.check("it logs no error", () -> Expect.silence(java));
        checks.check("kcl-local understood every request", () -> Expect.understood(world));

        checks.check("a worker of ours reads rows that Java's serializer wrote", () -> {
            copy(world);
            return Expect.reads(world.rust("rust-1", COPIES), orders, 0);
        });
        checks.check("a worker of ours goes on where the Java worker stopped", () -> {
            orders.put(160);
            return Expect.reads(world.rust("rust-2", World.APP), orders, 320);
        });
    }

    private static String parentFirst(Worker java) throws Failed {
        List<String> order = java.events().stream()
                .filter(event -> Set.of("initialized", "shard_ended").contains(event.path("event").asText()))
                .map(event -> event.path("event").asText() + " " + event.path("shard").asText())
                .toList();
        int ended = order.indexOf("shard_ended " + PARENT);
        for (String child : List.of("shardId-000000000002", "shardId-000000000003")) {
            int began = order.indexOf("initialized " + child);
            if (ended < 0 || began < ended) {
                throw new Failed("found " + order);
            }
        }
        return "";
    }

    /** Writes the leases into another table by Java's serializer, as if nothing had been read yet. */
    private static void copy(World world) throws IOException, Failed {
        Rows copies = new Rows(world.dynamoDb(), COPIES);
        copies.create();
        for (ObjectNode lease : world.rows().leases()) {
            lease.remove("leaseOwner");
            copies.write(lease.put("checkpoint", "TRIM_HORIZON").put("checkpointSubSequenceNumber", 0));
        }
    }
}
