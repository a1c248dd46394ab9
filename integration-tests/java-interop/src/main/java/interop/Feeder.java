package interop;

import java.time.Duration;
import java.util.List;

/** Puts records all the time, for every key or for some. */
final class Feeder implements AutoCloseable {
    private final Orders orders;
    private final Duration pause;
    private final Thread thread = new Thread(this::feed, "feeder");
    private volatile List<Integer> keys;
    private volatile boolean ended;
    private volatile Failed failed;

    Feeder(Orders orders, Duration pause) {
        this.orders = orders;
        this.pause = pause;
        keys = orders.keys();
        thread.setDaemon(true);
        thread.start();
    }

    private void feed() {
        try {
            while (!ended) {
                orders.putEach(keys);
                Orders.pause(pause.toMillis());
            }
        } catch (Failed | RuntimeException e) {
            failed = new Failed("records could not be put", e);
        }
    }

    /** From now on records for these keys only. */
    void only(List<Integer> some) {
        keys = some;
    }

    /** From now on records for all keys. */
    void all() {
        keys = orders.keys();
    }

    /** Puts no more. */
    void stop() throws Failed {
        close();
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new Failed("interrupted", e);
        }
        if (failed != null) {
            throw failed;
        }
    }

    @Override
    public void close() {
        ended = true;
    }
}
