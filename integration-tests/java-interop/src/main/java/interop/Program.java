package interop;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** A process, with the lines that it prints. What it logs goes to a file. */
final class Program implements AutoCloseable {
    private final String name;
    private final Path log;
    private final Process process;
    private final List<String> lines = new ArrayList<>();
    private boolean ended;

    Program(String name, Path folder, List<String> command, Map<String, String> environment) throws IOException {
        this.name = name;
        this.log = folder.resolve(name + ".log");
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
        builder.environment().putAll(environment);
        process = builder.start();
        // Whoever ends the checks in the middle wants no process left.
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        Thread reader = new Thread(this::read, name);
        reader.setDaemon(true);
        reader.start();
    }

    private void read() {
        try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                add(line);
            }
        } catch (IOException e) {
            // A pipe that breaks is the end of the output as well.
        }
        end();
    }

    private synchronized void add(String line) {
        lines.add(line);
        notifyAll();
    }

    private synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** What it has printed by now. */
    synchronized List<String> lines() {
        return List.copyOf(lines);
    }

    /** Waits until the lines that were printed are enough. */
    synchronized void await(String what, Duration limit, Predicate<List<String>> enough) throws Failed {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!enough.test(lines)) {
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (ended || left <= 0) {
                String why = ended ? "ended" : "had " + limit.toSeconds() + " s";
                throw new Failed(name + " " + why + " without " + what + "; its log is " + log);
            }
            try {
                wait(left);
            } catch (InterruptedException e) {
                throw new Failed("interrupted", e);
            }
        }
    }

    /** Sends SIGTERM, and gives the exit code. */
    int stop(Duration limit) throws Failed {
        // `Process.destroy` would close the pipe of its output as well.
        process.toHandle().destroy();
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new Failed(name + " lived " + limit.toSeconds() + " s past SIGTERM; its log is " + log);
            }
        } catch (InterruptedException e) {
            throw new Failed("interrupted", e);
        }
        await("the end of its output", limit, all -> ended);
        return process.exitValue();
    }

    /** Sends SIGKILL. */
    void kill() {
        process.destroyForcibly();
    }

    String name() {
        return name;
    }

    synchronized boolean ended() {
        return ended;
    }

    Path log() {
        return log;
    }

    @Override
    public void close() {
        kill();
    }
}
