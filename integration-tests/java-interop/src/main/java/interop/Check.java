package interop;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

/**
 * Runs scenarios side by side and prints a verdict for every check: {@code --kcl-local PROGRAM --consumer PROGRAM
 * --folder FOLDER --scenarios NAME,NAME [--transcripts FOLDER]}. Exits with 1 if one failed.
 */
public final class Check {
    private static final Map<String, Scenario> SCENARIOS = Map.of(
            "java-first", new JavaFirst(),
            "rust-first", new RustFirst(),
            "java-fleet", new JavaFleet(),
            "mixed-short", new MixedFleet(Pace.SHORT, Pace.Guests.RUST),
            "mixed-fleet", new MixedFleet(Pace.AS_IT_IS, Pace.Guests.RUST),
            "java-alone", new MixedFleet(Pace.SHORT, Pace.Guests.JAVA));

    private Check() {}

    /** The programs that are tested. */
    record Programs(String kclLocal, String consumer) {}

    /** What happens in a world of its own, and what is checked about it. */
    interface Scenario {
        void run(World world, Checks checks) throws Exception;
    }

    /** The checks of one scenario. */
    record Checks(String scenario, Verdicts verdicts) {
        void check(String what, Callable<String> check) {
            verdicts.check(scenario + ": " + what, check);
        }
    }

    public static void main(String[] arguments) throws InterruptedException {
        Options options = new Options(arguments);
        Verdicts verdicts = new Verdicts();
        var threads = Stream.of(options.text("scenarios").split(","))
                .map(name -> new Checks(name, verdicts))
                .map(checks -> new Thread(() -> checks.check("ran to its end", () -> run(checks, options))))
                .toList();
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        System.exit(verdicts.allPassed() ? 0 : 1);
    }

    private static String run(Checks checks, Options options) throws Exception {
        String name = checks.scenario();
        Scenario scenario = SCENARIOS.get(name);
        if (scenario == null) {
            throw new Failed("there is no such scenario");
        }
        Programs programs = new Programs(options.text("kcl-local"), options.text("consumer"));
        try (World world = new World(programs, Path.of(options.text("folder"), name))) {
            scenario.run(world, checks);
            record(world, options, name);
            return "kcl-local: " + String.join(", ", world.changed());
        }
    }

    private static void record(World world, Options options, String name) throws IOException {
        if (options.has("transcripts")) {
            Path file = Path.of(options.text("transcripts"), name + ".jsonl");
            if (SCENARIOS.get(name) instanceof MixedFleet) {
                Transcript.writeForms(world.recording(), file);
            } else {
                Transcript.write(world.recording(), file);
            }
        }
    }
}
