package interop;

import java.time.Duration;
import java.util.List;

/** How fast a fleet goes: its settings, and what is waited for. */
record Pace(long failover, List<String> javaOptions, boolean patient, Duration feed, Duration limit) {
    /** Whose workers join those of Java. */
    enum Guests { RUST, JAVA }

    /**
     * The defaults of the Java KCL, but that it does not measure the CPU, which it could on some machines only: workers that
     * share a machine would all seem alike to a leader, and it would move nothing.
     */
    static final Pace AS_IT_IS = new Pace(10_000, List.of("--measure", "no"), true, Duration.ofSeconds(1), Duration.ofMinutes(6));

    /**
     * Short times. The lease table is made beforehand, by Java's serializer: on an empty one a Java worker waits up to a
     * minute before it reads. The reports of workers have no such setting: Java counts ours by its own period of 30 s.
     */
    static final Pace SHORT = new Pace(
            3_000,
            List.of("--failover-ms", "3000", "--shard-sync-ms", "1000", "--balance-every", "1", "--lock-ms", "6000",
                    "--lock-beat-ms", "2000", "--parent-poll-ms", "1000", "--measure", "no"),
            false,
            Duration.ofMillis(500),
            Duration.ofSeconds(90));

    Worker java(World world, int number) throws Exception {
        return world.java("java-" + number, javaOptions);
    }

    /** A worker of the other kind; by themselves, one more of Java's. */
    Worker guest(World world, Guests guests, int number) throws Exception {
        return guests == Guests.RUST
                ? world.rust("rust-" + number, World.APP, failover)
                : java(world, 10 + number);
    }
}
