package interop;

import java.time.Duration;

/** Steps that take their time. */
final class Waiting {
    private Waiting() {}

    interface Step {
        void take() throws Exception;
    }

    interface Condition {
        boolean holds() throws Exception;
    }

    /** Takes a step, and says how long it took. */
    static String after(Step step) throws Exception {
        long started = System.nanoTime();
        step.take();
        return "after " + Expect.seconds(started);
    }

    /** Waits until something is so. */
    static void until(String what, Duration limit, Condition condition) throws Exception {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) {
                throw new Failed("waited " + limit.toSeconds() + " s until " + what);
            }
            Orders.pause(200);
        }
    }
}
