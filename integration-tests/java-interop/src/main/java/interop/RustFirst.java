package interop;

import java.time.Duration;

/** A worker of ours reads a stream, Java's serializer reads its rows, and a Java worker goes on from them. */
final class RustFirst implements Check.Scenario {
    @Override
    public void run(World world, Check.Checks checks) throws Exception {
        Orders orders = world.orders(2);
        orders.put(160);
        Worker rust = world.rust("rust-1", World.APP);
        checks.check("a worker of ours reads and stops", () -> Expect.reads(rust, orders, 0));
        checks.check("Java's serializer reads its rows", () -> {
            Expect.checkpoints(world.rows(), rust.records());
            return Expect.ours(world.rows());
        });
        orders.put(160);
        long started = System.nanoTime();
        Worker java = world.java("java-1");
        checks.check("a Java worker goes on where ours stopped", () -> {
            java.await("record", Duration.ofSeconds(150), records -> records.size() >= 160);
            String after = Expect.seconds(started);
            java.stop();
            orders.expect(java.records(), 160);
            return "160 records after " + after;
        });
        checks.check("it logs no error", () -> Expect.silence(java));
        checks.check("kcl-local understood every request", () -> Expect.understood(world));
    }
}
